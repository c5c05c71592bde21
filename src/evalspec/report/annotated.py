"""A diagnostic as people read it: the sentence, the lines it is about with the places marked, the way out.

The layout is that of rustc, which readers know. Ends in a string; prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from evalspec.report.excerpt import Canvas, Row, Style, line_rows
from evalspec.report.glyphs import visible
from evalspec.report.marks import Line, Mark, line_of, marks_of
from evalspec.report.wrapping import wrapped
from evalspec.text.diagnostics import Diagnostic, Severity
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.source import Place

STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.NOTE: Style.FRAME}
NARROWEST = 20  # cells for a line, however narrow the terminal
UNTOLD = 100  # the width of excerpts where no terminal tells one
BAR: Row = (("|", Style.FRAME),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What diagnostics are written on: the width of the terminal in cells (None: a pipe or a file, where
    sentences stay on one line), with colour or not, and the places whose text is masked."""

    secrets: Sequence[Place] = ()
    width: int | None = None
    colour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The marks that are shown together under one file name; the first names the place."""

    marks: tuple[Mark, ...]

    @property
    def excerpted(self) -> bool:
        return self.marks[0].line is not None


def annotated(diagnostic: Diagnostic, paper: Paper, alike: int = 0) -> str:
    """The diagnostic over several lines, without a line break at its end.

    `alike` counts others of its kind that are not shown.
    """
    parts = _parts(diagnostic)
    margin = len(str(max((m.line.number for part in parts for m in part.marks if m.line), default=1)))
    style = STYLES[diagnostic.severity]
    room = max(NARROWEST, (paper.width or UNTOLD) - margin - 3)
    wrapping = paper.width is not None
    canvas = Canvas(room=room, primary=style, secrets=paper.secrets, wrapping=wrapping)
    rows = [*_header(diagnostic, style, paper.width)]
    for index, part in enumerate(parts):
        if index and parts[index - 1].excerpted:
            rows.append(_framed(None, BAR, margin))
        rows += _part_rows(part, canvas, margin, arrow="-->" if index == 0 else ":::")
    remarks = [("help", line) for line in diagnostic.help]
    if alike:
        remarks.append(("note", f"and {alike:,} more like it in this file"))
    if remarks and parts[-1].excerpted:
        rows.append(_framed(None, BAR, margin))
    for kind, line in remarks:
        rows += _remark(kind, line, margin, paper.width)
    return "\n".join(painted(row, colour=paper.colour) for row in rows)


def painted(row: Row, *, colour: bool) -> str:
    """A row as text, with ANSI colours if they are asked for."""
    return "".join(
        f"\x1b[{style.value}m{text}\x1b[0m" if colour and style is not Style.PLAIN else text
        for text, style in row
    ).rstrip(" ")


def _parts(diagnostic: Diagnostic) -> list[Part]:
    """The primary mark's file first, then the others; a mark without an excerpt stands alone."""
    groups: dict[object, list[Mark]] = {}
    for index, mark in enumerate(marks_of(diagnostic)):
        groups.setdefault(mark.at.file if mark.line else index, []).append(mark)
    return [Part(marks=tuple(marks)) for marks in groups.values()]


def _header(diagnostic: Diagnostic, style: Style, width: int | None) -> Iterator[Row]:
    kind = f"{diagnostic.severity.value}[{diagnostic.code}]: "
    first, *rest = _fitted(visible(diagnostic.message), len(kind), width)
    yield (kind.removesuffix(": "), style), (f": {first}", Style.STRONG)
    yield from (((" " * len(kind), Style.PLAIN), (line, Style.STRONG)) for line in rest)


def _fitted(text: str, before: int, width: int | None) -> list[str]:
    """The text in lines that fit beside what stands before them."""
    return [text] if width is None else wrapped(text, max(NARROWEST, width - before))


def _part_rows(part: Part, canvas: Canvas, margin: int, *, arrow: str) -> Iterator[Row]:
    first = part.marks[0]
    line, column = first.at.begin
    yield (
        (" " * margin, Style.PLAIN),
        (arrow, Style.FRAME),
        (f" {visible(first.at.file)}:{line}:{column}", Style.PLAIN),
    )
    if not part.excerpted:
        if first.words:
            width = canvas.room + margin + 3 if canvas.wrapping else None
            yield from _remark("note", first.words, margin, width)
        return
    yield _framed(None, BAR, margin)
    yield from _excerpt(part.marks, canvas, margin)


def _excerpt(marks: Sequence[Mark], canvas: Canvas, margin: int) -> Iterator[Row]:
    """The rows of all marked lines in order, and of what stands between them."""
    by_line: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda m: m.at.begin[0]):
        by_line.setdefault(mark.at.begin[0], []).append(mark)
    lines = {number: found[0].line for number, found in by_line.items()}
    for number, following in pairwise([*by_line, 0]):
        line = lines[number]
        if line is None:
            continue
        yield from _numbered(line, by_line[number], canvas, margin)
        if following == number + 2 and line.source is not None:
            yield from _numbered(line_of(line.source, number + 1), (), canvas, margin)
        elif following > number + 1:
            yield (("...", Style.FRAME),)


def _numbered(line: Line, marks: Sequence[Mark], canvas: Canvas, margin: int) -> Iterator[Row]:
    for number, row in line_rows(line, marks, canvas):
        yield _framed(number, (*BAR, (" ", Style.PLAIN), *row), margin)


def _framed(number: int | None, row: Row, margin: int) -> Row:
    shown = "" if number is None else str(number)
    return ((f"{shown:>{margin}} ", Style.FRAME if shown else Style.PLAIN), *row)


def _remark(kind: str, text: str, margin: int, width: int | None) -> Iterator[Row]:
    indent = margin + len(f" = {kind}: ")
    first, *rest = [part for line in text.split("\n") for part in _fitted(visible(line), indent, width)]
    equals: Row = ((" " * (margin + 1), Style.PLAIN), ("=", Style.FRAME))
    yield (*equals, (f" {kind}", Style.STRONG), (f": {first}", Style.PLAIN))
    yield from (((" " * indent + line, Style.PLAIN),) for line in rest)
