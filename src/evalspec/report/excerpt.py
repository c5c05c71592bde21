"""One line of an excerpt and what is drawn under it.

Takes the marks of a line from code points to cells, clips a line that is too long around them, and sets
the words of each: the rightmost beside its stroke, the others below, from right to left. Gives rows of
pieces; whoever prints them paints the pieces.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import accumulate
from typing import TYPE_CHECKING

from evalspec.report.glyphs import ELLIPSIS, cells, glyphs, visible
from evalspec.report.marks import Line, Mark, hidden
from evalspec.report.wrapping import wrapped
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.source import Place

WORDS_AT_LEAST = 40  # cells for the words of a mark before they are wrapped


class Style(Enum):
    """What a piece of text is; its value is the ANSI colour that says so."""

    PLAIN = ""
    STRONG = "1"
    ERROR = "1;31"
    WARNING = "1;33"
    FRAME = "1;34"  # line numbers, bars and arrows, labels; notes, which are no more than that


Piece = tuple[str, Style]
Row = tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """How many cells a line may take, how the primary mark is coloured, and what must not be shown.

    With `wrapping`, the words of marks keep to the room too.
    """

    room: int
    primary: Style
    secrets: Sequence[Place]
    wrapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a line that is shown, and the cell at which each of its code points begins."""

    text: str
    first: int  # the code point of the line that offsets[0] belongs to
    offsets: tuple[int, ...]

    def cell(self, point: int) -> int:
        """The cell of a code point of the line, or the nearest that is shown."""
        return self.offsets[min(max(point - self.first, 0), len(self.offsets) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A mark in cells."""

    start: int
    end: int
    words: str
    primary: bool
    style: Style


def line_rows(line: Line, marks: Sequence[Mark], canvas: Canvas) -> Iterator[tuple[int | None, Row]]:
    """The rows of a line: its text under its number, and what is drawn under it, under none.

    Marks too far apart for the width are drawn under copies of the line, each clipped around its own.
    """
    for group in _together(line, marks, canvas.room):
        window = _window(line, group, canvas)
        text = window.text.rstrip(" ")
        yield line.number, (((text, Style.PLAIN),) if text else ())
        strokes = [_stroke(mark, window, canvas) for mark in group]
        yield from ((None, row) for row in _drawn(strokes, canvas.room if canvas.wrapping else None))


def _together(line: Line, marks: Sequence[Mark], room: int) -> list[list[Mark]]:
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: (m.start, m.end)):
        if groups and _fits(line.text, [*groups[-1], mark], room):
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups or [[]]


def _fits(text: str, marks: Sequence[Mark], room: int) -> bool:
    if len(text) <= 4 * room and sum(width for _, width in glyphs(text)) <= room:
        return True
    start, end = min(m.start for m in marks), max(m.end for m in marks)
    return end - start <= 4 * room and sum(width for _, width in glyphs(text[start:end])) <= room - 2


def _window(line: Line, marks: Sequence[Mark], canvas: Canvas) -> Window:
    """What is shown of a line: all of it, or as much around the marks as there is room for."""
    start = min((m.start for m in marks), default=0)
    end = max((m.end for m in marks), default=0)
    reach = 4 * canvas.room  # enough for any clipping; the rest of a huge line is never looked at
    first = max(0, start - reach)
    last = min(len(line.text), min(end, start + reach) + reach)
    shown = _shown(line, first, last, canvas.secrets)
    offsets = (0, *accumulate(width for _, width in shown))
    left, right = offsets[start - first], offsets[min(end, last) - first]
    needed = max(offsets[-1], left + 1)  # a mark at the end of the line stands behind its last cell
    if first == 0 and last == len(line.text) and needed <= canvas.room:
        return Window(text="".join(glyph for glyph, _ in shown), first=0, offsets=offsets)
    wanted = (left, max(right, left + 1) + _beside(marks))
    low, high = _clip(offsets, wanted, canvas.room, begins=first == 0, ends=last == len(line.text))
    before = ELLIPSIS if first + low > 0 else ""
    after = ELLIPSIS if first + high < len(line.text) else ""
    text = before + "".join(glyph for glyph, _ in shown[low:high]) + after
    kept = tuple(offset - offsets[low] + len(before) for offset in offsets[low : high + 1])
    return Window(text=text, first=first + low, offsets=kept)


def _shown(line: Line, first: int, last: int, secrets: Sequence[Place]) -> list[tuple[str, int]]:
    """Each code point's glyph and width; a secret is one glyph in the place of its first code point."""
    found = list(glyphs(line.text[first:last]))
    for start, end in hidden(line, secrets):
        begin, stop = max(start - first, 0), min(end, last) - first
        if begin < stop:
            within = line.text[start - 1 : start] in ("'", '"')
            mask = ELLIPSIS if within else f'"{ELLIPSIS}"'
            found[begin:stop] = [(mask, len(mask)), *[("", 0)] * (stop - begin - 1)]
    return found


def _beside(marks: Sequence[Mark]) -> int:
    """The cells taken by words beside the last stroke."""
    words = max(marks, key=lambda m: (m.end, m.start)).words if marks else ""
    return 1 + cells(words) if words else 0


def _clip(
    offsets: Sequence[int], wanted: tuple[int, int], room: int, *, begins: bool, ends: bool
) -> tuple[int, int]:
    """Which code points to keep so that the wanted cells are in view and ellipses fit beside them."""
    left, right = wanted[0], min(wanted[1], wanted[0] + room - 2)
    if begins and right < room:
        return 0, bisect_right(offsets, room - 1) - 1
    behind = max(offsets[-1], right)
    if ends and behind - left < room:
        low = bisect_left(offsets, behind - room + 1)
    else:
        low = bisect_left(offsets, left - (room - 2 - (right - left)) // 2)
    while low < bisect_left(offsets, left) and offsets[low + 1] == offsets[low]:
        low += 1  # a combining character belongs to the one before it, which is not shown
    budget = room - 1 if ends and offsets[-1] - offsets[low] < room else room - 2
    return low, bisect_right(offsets, offsets[low] + budget) - 1


def _stroke(mark: Mark, window: Window, canvas: Canvas) -> Stroke:
    start, end = window.cell(mark.start), window.cell(mark.end)
    if start == end and mark.start < mark.end and start > 0:
        start -= 1  # a combining character stands in the cell of the one before it
    style = canvas.primary if mark.primary else Style.FRAME
    words = visible(mark.words)
    return Stroke(start=start, end=max(end, start + 1), words=words, primary=mark.primary, style=style)


def _drawn(strokes: Sequence[Stroke], room: int | None) -> Iterator[Row]:
    if not strokes:
        return
    last = max(strokes, key=lambda s: (s.end, s.start, s.words != ""))
    fits = room is None or last.end + 1 + cells(last.words) <= room
    beside = [(last.end + 1, last.words, last.style)] if last.words and fits else []
    yield _row([*_underline(strokes), *beside])
    named = (s for s in strokes if s.words and not (s is last and fits))
    below = sorted(named, key=lambda s: s.start, reverse=True)
    if below:
        yield _row(_bars(below))
    for index, stroke in enumerate(below):
        start, lines = _placed(stroke, room)
        bars = _bars(s for s in below[index + 1 :] if s.start < start)
        yield from (_row([*bars, (start, line, stroke.style)]) for line in lines)


def _placed(stroke: Stroke, room: int | None) -> tuple[int, list[str]]:
    """Where words below their stroke begin, and their lines; near the right edge they move to the left."""
    if room is None or stroke.start + cells(stroke.words) <= room:
        return stroke.start, [stroke.words]
    start = max(0, min(stroke.start, room - min(WORDS_AT_LEAST, cells(stroke.words))))
    return start, wrapped(stroke.words, room - start)


def _underline(strokes: Sequence[Stroke]) -> list[tuple[int, str, Style]]:
    """One character for each cell that is marked; the primary mark lies on top."""
    drawn: dict[int, tuple[str, Style]] = {}
    for stroke in sorted(strokes, key=lambda s: s.primary):
        drawn |= dict.fromkeys(
            range(stroke.start, stroke.end), ("^" if stroke.primary else "-", stroke.style)
        )
    return [(column, char, style) for column, (char, style) in drawn.items()]


def _bars(strokes: Iterable[Stroke]) -> list[tuple[int, str, Style]]:
    return list({s.start: (s.start, "|", s.style) for s in strokes}.values())


def _row(placed: Iterable[tuple[int, str, Style]]) -> Row:
    """The pieces at their cells, blanks between them, neighbours of one style joined."""
    pieces: list[Piece] = []
    reached = 0
    for column, text, style in sorted(placed, key=lambda p: p[0]):
        if pieces and column == reached and pieces[-1][1] is style:
            pieces[-1] = (pieces[-1][0] + text, style)
        else:
            pieces += [(" " * (column - reached), Style.PLAIN)] * (column > reached) + [(text, style)]
        reached = column + len(text)  # exact for all but words, and nothing stands behind words
    return tuple(pieces)
