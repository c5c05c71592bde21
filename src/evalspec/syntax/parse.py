"""Text to tree, with recovery: every mistake of a file in one go, and none of them a consequence of another.

The parser is fed token by token. Where a token does not fit, what is on its stack is popped until an
entry may stand there, a broken entry takes its place, and the rest of that entry is passed over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lark import Token, Tree
from lark.exceptions import UnexpectedToken

from evalspec.syntax.build import Builder, TooDeep
from evalspec.syntax.grammar import parser
from evalspec.syntax.messages import Situation, explain
from evalspec.syntax.tokens import MOST_TOKENS, Tokens, tokens_of
from evalspec.syntax.tree import File
from evalspec.text.diagnostics import Diagnostic, Label, in_order, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from lark.parsers.lalr_interactive_parser import InteractiveParser


MOST_FAULTS = 1_000  # whoever has more will not read them
SWALLOWS = ("UNTERMINATED", "UNTERMINATED_LONG")


def parse(source: Source) -> tuple[File, tuple[Diagnostic, ...]]:
    """The tree of a spec and what is wrong with its shape. Never raises, whatever the text."""
    tokens = tokens_of(source.text)
    comments = tuple(Span(source, t.start_pos or 0, t.end_pos or 0) for t in tokens.comments)
    if tokens.too_many is not None:
        at = Span(source, tokens.too_many.start_pos or 0, tokens.too_many.end_pos or 0)
        return File(source, (), ()), (_too_long(at),)
    if tokens.too_deep is not None:
        at = Span(source, tokens.too_deep.start_pos or 0, tokens.too_deep.end_pos or 0)
        return File(source, (), comments), (_too_deep(at),)
    builder = Builder(source)
    driver = _Driver(source, tokens)
    try:
        entries = builder.entries(driver.run())
    except TooDeep as fault:
        return File(source, (), comments), (_too_deep(fault.at),)
    faults = (*_lone_returns(source), *driver.faults, *builder.faults)
    return File(source, entries, comments), in_order(faults)


def _lone_returns(source: Source) -> tuple[Diagnostic, ...]:
    """An error for line ends of old: a comment would reach to the end of the file, and hide all of it."""
    found = re.search(r"\r(?!\n)", source.text)
    if found is None:
        return ()
    at = Span(source, found.start(), found.end())
    return (problem("E0103", at, "a carriage return ends no line", "save the file with line feeds"),)


def _too_long(at: Span) -> Diagnostic:
    return problem(
        "E0110", at, f"this spec is longer than {MOST_TOKENS:,} words", "is this a spec, or its data?"
    )


def _too_deep(at: Span) -> Diagnostic:
    return problem("E0107", at, "this nests more than 200 levels deep", "split it up")


class _Driver:
    """Feeds one file's tokens to the parser and mends what does not fit."""

    def __init__(self, source: Source, tokens: Tokens) -> None:
        self.source = source
        self.faults: list[Diagnostic] = []
        self.searched = 0  # how many tokens are known to hold no head without its brace
        self.tokens = self._braces_closed(list(tokens.stream))
        self.parser: InteractiveParser = parser().parse_interactive()
        self.at = 0
        self.entry_start = 0

    def run(self) -> Tree[Token]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            try:
                self._feed(token)
            except UnexpectedToken:
                self._recover(token)
        tree = self.parser.feed_eof()  # type: ignore[no-untyped-call]
        assert isinstance(tree, Tree)  # noqa: S101 - every brace was closed beforehand
        return tree

    def _feed(self, token: Token) -> None:
        self.parser.feed_token(token)
        self.at += 1
        if token.type in ("SEP", "LBRACE", "RBRACE"):
            self.entry_start = self.at

    # ── braces ────────────────────────────────────────────────────────────────────────────────────

    def _braces_closed(self, tokens: list[Token]) -> list[Token]:
        """The tokens with every brace in a pair: one is added where a new block begins at the left margin."""
        opened = sum(t.type == "LBRACE" for t in tokens)
        closed = sum(t.type == "RBRACE" for t in tokens)
        result: list[Token] = []
        stack: list[int] = []
        for i, token in enumerate(tokens):
            if opened > closed and stack and self._begins_block(tokens, i):
                while stack:
                    self._close(result, tokens, stack, i)
            if token.type == "LBRACE":
                stack.append(i)
            elif token.type == "RBRACE":
                if not stack:
                    self._unmatched(result, token)
                    continue
                stack.pop()
            result.append(token)
        while stack:
            self._close(result, tokens, stack, len(tokens))
        return result

    def _begins_block(self, tokens: list[Token], i: int) -> bool:
        if tokens[i].type != "NAME" or (i and tokens[i - 1].type not in ("SEP", "LBRACE")):
            return False
        words = i
        while words < len(tokens) and tokens[words].type in ("NAME", "OF"):
            words += 1
        at_margin = self.source.position(tokens[i].start_pos or 0)[1] == 1
        return at_margin and words - i >= 2 and words < len(tokens) and tokens[words].type == "LBRACE"

    def _close(self, result: list[Token], tokens: list[Token], stack: list[int], until: int) -> None:
        """Closes the innermost open block before the token at `until`, and says that it is open."""
        opened = stack.pop()
        before = tokens[until] if until < len(tokens) else None
        end = (before.start_pos or 0) if before is not None else len(self.source.text)
        result.append(Token("RBRACE", "", start_pos=end, end_pos=end))
        result.append(Token("SEP", "", start_pos=end, end_pos=end))
        if any(t.type in SWALLOWS and "}" in t.value for t in tokens[opened:until]):
            return  # an open string took the closing brace in, which is told of the string
        at = Span(self.source, tokens[opened].start_pos or 0, tokens[opened].end_pos or 0)
        labels = []
        if before is not None:
            next_at = Span(self.source, before.start_pos or 0, before.end_pos or 0)
            labels.append(Label(at=next_at, message="the next block begins here"))
        self.faults.append(problem("E0104", at, "this block is never closed", "add `}`", labels=labels))

    def _unmatched(self, result: list[Token], token: Token) -> None:
        """A closing brace too many: either one that opens was forgotten behind a head, or it goes."""
        at = Span(self.source, token.start_pos or 0, token.end_pos or 0)
        head = _head_without_brace(result, self.searched)
        if head is None:
            self.searched = len(result)
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(problem("E0104", at, "this `}` closes nothing", "remove it"))
            return
        begin, end = head
        words = Span(self.source, result[begin].start_pos or 0, result[end - 1].end_pos or 0)
        shown = " ".join(t.value for t in result[begin:end])
        self.faults.append(problem("E0104", words, f"the block `{shown}` has no `{{`", f"write `{shown} {{`"))
        result[end] = Token("LBRACE", "", start_pos=words.end, end_pos=words.end)
        result.append(token)
        self.searched = len(result)

    # ── entries ───────────────────────────────────────────────────────────────────────────────────

    def _recover(self, token: Token) -> None:
        if token.type == "SEP" and self.entry_start == self.at:
            self.at += 1  # what is left of a brace that was dropped
            self.entry_start = self.at
            return
        here = Situation(
            source=self.source,
            token=token,
            accepts=frozenset(self.parser.accepts()),  # type: ignore[no-untyped-call]
            before=self.tokens[self.at - 1] if self.at else None,
            entry=tuple(self.tokens[self.entry_start : self.at]),
            after=self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None,
        )
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(explain(here))
        if "SEP" in here.accepts and self._begins_entry():
            self.parser.feed_token(Token("SEP", "", start_pos=token.start_pos, end_pos=token.start_pos))
            self.entry_start = self.at
        elif not self._skip_to_body(here):
            if here.before is not None and here.before.type == "RBRACE" and "SEP" in here.accepts:
                # The block before it is whole; popped, it would be open again.
                self.parser.feed_token(Token("SEP", "", start_pos=token.start_pos, end_pos=token.start_pos))
            self._break_entry(here)

    def _begins_entry(self) -> bool:
        """Whether a new entry plainly begins at the token: a name with `=` or a brace behind."""
        kinds = [t.type for t in self.tokens[self.at : self.at + 4]]
        if not kinds or kinds[0] not in ("NAME", "STAR", "METRIC"):
            return False
        while len(kinds) > 1 and kinds[0] == "NAME" and kinds[1] == "NAME":
            kinds.pop(0)
        return len(kinds) > 1 and kinds[1] in ("EQUAL", "LBRACE")

    def _skip_to_body(self, here: Situation) -> bool:
        """In the head of a block, passes over what does not belong there, so that its body is still read."""
        if "LBRACE" not in here.accepts or here.token.type == "SEP":
            return False
        ahead = self.at
        while self.tokens[ahead].type not in ("LBRACE", "SEP", "RBRACE", "EQUAL"):
            ahead += 1
        if self.tokens[ahead].type != "LBRACE":
            return False
        if "NAME" in here.accepts:  # what was meant as its name still counts as declared
            self.parser.feed_token(Token.new_borrow_pos("NAME", str(here.token.value), here.token))
        self.at = ahead
        return True

    def _break_entry(self, here: Situation) -> None:
        """Puts a broken entry in the place of the one that stands open, and passes over its rest."""
        state = self.parser.parser_state
        while "ERROR" not in state.parse_conf.parse_table.states[state.position]:
            state.state_stack.pop()
            state.value_stack.pop()
        words = []
        for token in here.entry:
            if token.type not in ("NAME", "STRING"):
                break
            words.append(token)
        self._skip_entry()
        start = here.entry[0].start_pos if here.entry else here.token.start_pos
        end = self.tokens[self.at - 1].end_pos if self.at else here.token.end_pos
        self.parser.feed_token(Token("ERROR", words, start_pos=start, end_pos=end))

    def _skip_entry(self) -> None:
        """Moves to the SEP that ends the entry, over whole blocks."""
        depth = 0
        while not (depth == 0 and self.tokens[self.at].type == "SEP"):
            depth += {"LBRACE": 1, "RBRACE": -1}.get(self.tokens[self.at].type, 0)
            self.at += 1


def _head_without_brace(tokens: list[Token], start: int) -> tuple[int, int] | None:
    """Where, outside all blocks, a line of two or more bare words stands: the head of a braceless block."""
    depth, begin = 0, start
    found = None
    for i, token in enumerate(tokens[start:], start):
        depth += {"LBRACE": 1, "RBRACE": -1}.get(token.type, 0)
        if token.type == "SEP":
            words = tokens[begin:i]
            if depth == 0 and len(words) >= 2 and all(t.type in ("NAME", "OF") for t in words):
                found = (begin, i)
            begin = i + 1
        elif token.type in ("LBRACE", "RBRACE"):
            begin = i + 1
    return found
