"""Text to tree, with recovery: every mistake of a file in one go, and none of them a consequence of another.

The machine is fed token by token. Where a token does not fit, what is on its stack is dropped until an
entry may stand there, a broken entry takes its place, and the rest of that entry is passed over.
"""

from __future__ import annotations

from evalspec.syntax.braces import MOST_FAULTS, balanced
from evalspec.syntax.build import Builder
from evalspec.syntax.lexer import Token
from evalspec.syntax.machine import Machine
from evalspec.syntax.messages import Situation, explain
from evalspec.syntax.tokens import MOST_TOKENS, Tokens, tokens_of
from evalspec.syntax.tree import Broken, Entry, File
from evalspec.text.diagnostics import Diagnostic, in_order, problem
from evalspec.text.source import Source, Span

ENDS_ENTRY = frozenset(("SEP", "LBRACE", "RBRACE"))


def parse(source: Source) -> tuple[File, tuple[Diagnostic, ...]]:
    """The tree of a spec and what is wrong with its shape. Never raises, whatever the text."""
    tokens = tokens_of(source.text)
    comments = tuple(_span(source, t) for t in tokens.comments)
    if tokens.too_many is not None:
        return File(source, (), ()), (_too_long(_span(source, tokens.too_many)),)
    if tokens.too_deep is not None:
        return File(source, (), comments), (_too_deep(_span(source, tokens.too_deep)),)
    driver = _Driver(source, tokens)
    entries = driver.run()
    faults = (*_lone_returns(source), *driver.faults, *driver.builder.faults)
    return File(source, entries, comments), in_order(faults)


def _span(source: Source, token: Token) -> Span:
    return Span(source, token.start_pos, token.end_pos)


def _lone_returns(source: Source) -> tuple[Diagnostic, ...]:
    """An error for line ends of old: a comment would reach to the end of the file, and hide all of it."""
    at = source.text.find("\r")
    while at >= 0 and source.text[at + 1 : at + 2] == "\n":
        at = source.text.find("\r", at + 1)
    if at < 0:
        return ()
    place = Span(source, at, at + 1)
    return (problem("E0103", place, "a carriage return ends no line", "save the file with line feeds"),)


def _too_long(at: Span) -> Diagnostic:
    return problem(
        "E0110", at, f"this spec is longer than {MOST_TOKENS:,} words", "is this a spec, or its data?"
    )


def _too_deep(at: Span) -> Diagnostic:
    return problem("E0107", at, "this nests more than 200 levels deep", "split it up")


class _Driver:
    """Feeds one file's tokens to the machine and mends what does not fit."""

    def __init__(self, source: Source, tokens: Tokens) -> None:
        self.source = source
        self.tokens, self.faults = balanced(source, tokens.stream)
        self.builder = Builder(source)
        self.machine = Machine(self.builder.makers)
        self.at = 0
        self.entry_start = 0

    def run(self) -> tuple[Entry, ...]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if self.machine.feed(token.type, token):
                self.at += 1
                if token.type in ENDS_ENTRY:
                    self.entry_start = self.at
            else:
                self._recover(token)
        entries: tuple[Entry, ...] = self.machine.finish()  # every brace was closed beforehand
        return entries

    def _recover(self, token: Token) -> None:
        if token.type == "SEP" and self.entry_start == self.at:
            self.at += 1  # what is left of a brace that was dropped
            self.entry_start = self.at
            return
        here = Situation(
            source=self.source,
            token=token,
            accepts=self.machine.accepts(),
            before=self.tokens[self.at - 1] if self.at else None,
            entry=tuple(self.tokens[self.entry_start : self.at]),
            after=self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None,
        )
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(explain(here))
        if "SEP" in here.accepts and self._begins_entry():
            self.machine.feed("SEP", token)
            self.entry_start = self.at
        elif not self._skip_to_body(here):
            if here.before is not None and here.before.type == "RBRACE" and "SEP" in here.accepts:
                self.machine.feed("SEP", token)  # the block before is whole; dropped, it would be open again
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
            token = here.token
            self.machine.feed("NAME", Token("NAME", token.value, token.start_pos, token.end_pos))
        self.at = ahead
        return True

    def _break_entry(self, here: Situation) -> None:
        """Puts a broken entry in the place of the one that stands open, and passes over its rest."""
        self.machine.drop_until("ERROR")
        words = []
        for token in here.entry:
            if token.type not in ("NAME", "STRING"):
                break
            words.append(self.builder.word(token))
        self.builder.forget_open()
        self._skip_entry()
        start = here.entry[0].start_pos if here.entry else here.token.start_pos
        end = self.tokens[self.at - 1].end_pos if self.at else here.token.end_pos
        self.machine.feed("ERROR", Broken(tuple(words), Span(self.source, start, end)))

    def _skip_entry(self) -> None:
        """Moves to the SEP that ends the entry, over whole blocks."""
        depth = 0
        while not (depth == 0 and self.tokens[self.at].type == "SEP"):
            depth += {"LBRACE": 1, "RBRACE": -1}.get(self.tokens[self.at].type, 0)
            self.at += 1
