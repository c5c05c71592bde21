"""Every brace in a pair before the parser runs, so that a brace forgotten spoils nothing but its block.

Where braces do not add up, how far the lines are indented tells which block was meant: a line of bare
words above deeper lines and a `}` under it is a head without `{`; a line that stands no deeper than the
head of the open block is outside it. Files without indentation are judged by blocks at the left margin.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from evalspec.syntax.lexer import Token
from evalspec.text.diagnostics import Diagnostic, Edit, Fix, Label, problem
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

SWALLOWS = ("UNTERMINATED", "UNTERMINATED_LONG")
MOST_FAULTS = 1_000  # whoever has more will not read them


@dataclass(slots=True)
class _Open:
    """An open block: its brace, the column of the line it begins on, whether its entries stand deeper."""

    brace: Token
    column: int
    deeper: bool | None = None


def balanced(source: Source, tokens: Sequence[Token]) -> tuple[list[Token], list[Diagnostic]]:
    """The tokens with every brace in a pair, and what was wrong with the braces."""
    lines = _Lines(source, tokens)
    opened, faults = _heads_opened(lines)
    closing = _Closing(_Lines(source, opened), faults)
    return closing.run(), faults[:MOST_FAULTS]


class _Lines:
    """The tokens of a file, and for each that comes first on its line the column where it stands."""

    def __init__(self, source: Source, tokens: Sequence[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.columns: dict[int, int] = {}
        reached = -1  # the start of the last line on which a token stands
        for i, token in enumerate(tokens):
            if token.type == "SEP":
                continue
            before = tokens[i - 1].type if i else "SEP"
            if before in ("SEP", "LBRACE", "RBRACE"):  # only there an entry begins, or a block ends
                line, column = source.position(token.start_pos)
                if source.line_starts[line - 1] > reached:
                    self.columns[i] = column
            reached = token.end_pos - 1

    def words_from(self, i: int) -> int:
        """Where the bare words end that begin at a token."""
        end = i
        while end < len(self.tokens) and self.tokens[end].type in ("NAME", "OF"):
            end += 1
        return end

    def begins_block(self, i: int) -> bool:
        """Whether a block with a name begins here at the left margin."""
        if self.columns.get(i) != 1:
            return False
        end = self.words_from(i)
        return end - i >= 2 and end < len(self.tokens) and self.tokens[end].type == "LBRACE"


# ── heads ─────────────────────────────────────────────────────────────────────────────────────────


def _heads_opened(lines: _Lines) -> tuple[list[Token], list[Diagnostic]]:
    """The tokens with a brace behind each head that lacks it or has it on the next line."""
    begins = list(lines.columns)
    instead: dict[int, Token | None] = {}  # what stands in the place of a SEP
    faults: list[Diagnostic] = []
    surplus = 0  # of closing braces, in what begins at the left margin and reaches to the next that does
    for n, begin in enumerate(begins):
        if n == 0 or (lines.columns[begin] == 1 and lines.tokens[begin].type != "RBRACE"):
            surplus = _surplus(lines, begins, n)
        end = lines.words_from(begin)
        if end == begin or end >= len(lines.tokens) or lines.tokens[end].type != "SEP":
            continue
        if end + 1 < len(lines.tokens) and lines.tokens[end + 1].type == "LBRACE":
            instead[end] = None
            faults.append(_brace_below(lines, begin, end))
        elif end + 1 in lines.columns and (surplus > 0 or end - begin > 1) and _is_head(lines, begins, n):
            surplus -= 1
            at = lines.tokens[end - 1].end_pos
            instead[end] = Token("LBRACE", "", at, at)
            faults.append(_no_brace(lines.source, lines.tokens[begin:end]))
    kept = (instead.get(i, token) for i, token in enumerate(lines.tokens))
    return [token for token in kept if token is not None], faults


def _surplus(lines: _Lines, begins: list[int], n: int) -> int:
    """How many more braces close than open up to the next entry at the left margin."""
    balance = 0
    for i in range(begins[n], len(lines.tokens)):
        kind = lines.tokens[i].type
        if i > begins[n] and lines.columns.get(i) == 1 and kind != "RBRACE":
            break
        balance += {"RBRACE": 1, "LBRACE": -1}.get(kind, 0)
    return balance


def _is_head(lines: _Lines, begins: list[int], n: int) -> bool:
    """Whether deeper lines follow, and then a closing brace under the first word."""
    column = lines.columns[begins[n]]
    for m in range(n + 1, len(begins)):
        if lines.columns[begins[m]] <= column:
            closes = lines.tokens[begins[m]].type == "RBRACE"
            return m > n + 1 and closes and lines.columns[begins[m]] == column
    return False


def _no_brace(source: Source, head: Sequence[Token]) -> Diagnostic:
    at = Span(source, head[0].start_pos, head[-1].end_pos)
    shown = " ".join(t.value for t in head)
    return problem("E0104", at, f"the block `{shown}` has no `{{`", f"write `{shown} {{`")


def _brace_below(lines: _Lines, begin: int, end: int) -> Diagnostic:
    brace = lines.tokens[end + 1]
    at = Span(lines.source, brace.start_pos, brace.end_pos)
    shown = " ".join(t.value for t in lines.tokens[begin:end])
    between = Span(lines.source, lines.tokens[end - 1].end_pos, brace.start_pos)
    fix = (Fix(message="join the lines", edits=(Edit(at=between, text=" "),)),)
    remark = "#" in lines.source.text[between.start : between.end]
    return problem(
        "E0116",
        at,
        "the `{` of a block stands on the line of its head",
        f"write `{shown} {{`",
        fixes=() if remark else fix,
    )


# ── pairs ─────────────────────────────────────────────────────────────────────────────────────────


class _Closing:
    """Pairs the braces of one file: adds those that are missing, drops those that are too many."""

    def __init__(self, lines: _Lines, faults: list[Diagnostic]) -> None:
        self.lines = lines
        self.tokens = lines.tokens
        self.faults = faults
        self.stack: list[_Open] = []
        self.result: list[Token] = []
        self.searched = 0  # how many tokens of the result are known to hold no head without its brace
        kinds = [t.type for t in self.tokens]
        self.lacking = kinds.count("LBRACE") - kinds.count("RBRACE")
        self.swallowed = [t.start_pos for t in self.tokens if t.type in SWALLOWS and "}" in t.value]

    def run(self) -> list[Token]:
        for i, token in enumerate(self.tokens):
            column = self.lines.columns.get(i)
            if column is not None:
                self._close_left_behind(i, token, column)
            if token.type == "LBRACE":
                self.stack.append(_Open(token, self._column_of_line(i)))
            elif token.type == "RBRACE":
                if not self.stack:
                    self._unmatched(token)
                    continue
                if self._is_too_much(column):
                    self._drop(token)
                    continue
                self.stack.pop()
            self.result.append(token)
        while self.stack:
            self._close(None)
        return self.result

    def _column_of_line(self, i: int) -> int:
        """The column of the entry whose brace this is; that of the brace itself where others stand before."""
        while i and self.tokens[i - 1].type in ("NAME", "OF"):
            i -= 1
        return self.lines.columns.get(i, 0)

    def _close_left_behind(self, i: int, token: Token, column: int) -> None:
        """Closes the blocks in which an entry cannot stand that begins a line in this column."""
        closing = token.type == "RBRACE"
        if self.lacking > 0 and self.lines.begins_block(i):
            while self.stack:
                self._close(token)
        while self.lacking > 0 and len(self.stack) > closing and self.stack[-1].deeper:
            inner = self.stack[-1]
            if column > inner.column or (closing and column == inner.column):
                break
            self._close(token)
        if self.stack and self.stack[-1].deeper is None and not closing:
            self.stack[-1].deeper = 0 < self.stack[-1].column < column

    def _close(self, before: Token | None) -> None:
        """Closes the innermost open block before a token, or at the end, and says that it is open."""
        opened = self.stack.pop().brace
        self.lacking -= 1
        source = self.lines.source
        end = before.start_pos if before is not None else len(source.text)
        self.result += (Token("RBRACE", "", end, end), Token("SEP", "", end, end))
        if bisect_left(self.swallowed, opened.start_pos) < bisect_left(self.swallowed, end):
            return  # an open string took the closing brace in, which is told of the string
        at = Span(source, opened.start_pos, opened.end_pos)
        labels = []
        if before is not None:
            next_at = Span(source, before.start_pos, before.end_pos)
            what = "the block around it ends here" if before.type == "RBRACE" else "what follows begins here"
            begins = before.type == "NAME" and source.position(end)[1] == 1
            labels.append(Label(at=next_at, message="the next block begins here" if begins else what))
        self.faults.append(problem("E0104", at, "this block is never closed", "add `}`", labels=labels))

    def _is_too_much(self, column: int | None) -> bool:
        """Whether a closing brace begins a line deeper than its block does, where there are too many."""
        inner = self.stack[-1]
        return self.lacking < 0 and column is not None and bool(inner.deeper) and column > inner.column

    def _drop(self, token: Token) -> None:
        self.lacking += 1
        if len(self.faults) < MOST_FAULTS:
            at = Span(self.lines.source, token.start_pos, token.end_pos)
            self.faults.append(problem("E0104", at, "this `}` closes nothing", "remove it"))

    def _unmatched(self, token: Token) -> None:
        """A closing brace too many: either one that opens was forgotten behind a head, or it goes."""
        head = _head_without_brace(self.result, self.searched)
        if head is None:
            self._drop(token)
        else:
            begin, end = head
            self.faults.append(_no_brace(self.lines.source, self.result[begin:end]))
            at = self.result[end - 1].end_pos
            self.result[end] = Token("LBRACE", "", at, at)
            self.result.append(token)
            self.lacking += 1
        self.searched = len(self.result)


def _head_without_brace(tokens: list[Token], start: int) -> tuple[int, int] | None:
    """Where, outside all blocks, a line of two or more bare words stands: the head of a braceless block."""
    depth, begin = 0, start
    found = None
    for i, token in enumerate(tokens[start:], start):
        if token.type in ("LBRACE", "RBRACE"):
            depth += 1 if token.type == "LBRACE" else -1
            begin = i + 1
        elif token.type == "SEP":
            words = tokens[begin:i]
            if depth == 0 and len(words) >= 2 and all(t.type in ("NAME", "OF") for t in words):
                found = (begin, i)
            begin = i + 1
    return found
