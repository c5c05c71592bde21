"""A diagnostic as people read it: the sentence, the lines it is about with the places marked, the way out.

The layout is that of rustc, which readers know. Ends in a string; prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from evalspec.report.excerpt import Canvas, Row, Style, line_rows
from evalspec.report.glyphs import visible
from evalspec.report.marks import Line, Mark, line_of, marks_of
from evalspec.text.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from evalspec.text.source import Place

STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.NOTE: Style.FRAME}
NARROWEST = 20  # cells for a line, however narrow the terminal
BAR: Row = (("|", Style.FRAME),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The marks that are shown together under one file name; the first names the place."""

    marks: tuple[Mark, ...]

    @property
    def excerpted(self) -> bool:
        return self.marks[0].line is not None


def annotated(diagnostic: Diagnostic, *, secrets: Sequence[Place], width: int, colour: bool) -> str:
    """The diagnostic over several lines, without a line break at its end.

    `secrets` are places whose text is masked; `width` is that of the terminal in cells, and clips excerpts,
    never sentences.
    """
    parts = _parts(diagnostic)
    margin = len(str(max((m.line.number for part in parts for m in part.marks if m.line), default=1)))
    style = STYLES[diagnostic.severity]
    canvas = Canvas(room=max(NARROWEST, width - margin - 3), primary=style, secrets=secrets)
    rows = [_header(diagnostic, style)]
    for index, part in enumerate(parts):
        if index and parts[index - 1].excerpted:
            rows.append(_framed(None, BAR, margin))
        rows += _part_rows(part, canvas, margin, arrow="-->" if index == 0 else ":::")
    rows += _help_rows(diagnostic.help, margin, after_excerpt=parts[-1].excerpted)
    return "\n".join(painted(row, colour=colour) for row in rows)


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


def _header(diagnostic: Diagnostic, style: Style) -> Row:
    kind = f"{diagnostic.severity.value}[{diagnostic.code}]"
    return ((kind, style), (f": {visible(diagnostic.message)}", Style.STRONG))


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
            yield _remark("note", visible(first.words), margin)
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


def _help_rows(lines: Sequence[str], margin: int, *, after_excerpt: bool) -> Iterator[Row]:
    if lines and after_excerpt:
        yield _framed(None, BAR, margin)
    for text in lines:
        first, *rest = text.split("\n")
        yield _remark("help", visible(first), margin)
        yield from (((" " * (margin + 9) + visible(more), Style.PLAIN),) for more in rest)


def _remark(kind: str, text: str, margin: int) -> Row:
    return (
        (" " * (margin + 1), Style.PLAIN),
        ("=", Style.FRAME),
        (f" {kind}", Style.STRONG),
        (f": {text}", Style.PLAIN),
    )
