"""Text in lines that fit, measured in the cells of a terminal: wide characters take two, marks none.

Expects text that is already visible (`glyphs.visible`), so that nothing in it is a control character.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalspec.report.glyphs import cells, glyphs

ELLIPSIS = "…"


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """The text in lines of at most `width` cells, the first beginning with `first`, others with `rest`.

    Lines break at spaces; a word that is longer than a line is broken where it must be. At least one line
    comes back, and every line takes at least one character, however little room there is.
    """
    lines, line, empty = [], first, True
    for word in text.split(" "):
        joined = line + ("" if empty else " ") + word
        if cells(joined) <= width or (empty and not word):
            line, empty = joined, False
            continue
        if not empty:
            lines.append(line)
            line = rest
        *whole, last = _pieces(word, width - cells(line), width - cells(rest))
        for piece in whole:
            lines.append(line + piece)
            line = rest
        line, empty = line + last, False
    return [part.rstrip(" ") for part in (*lines, line)]


def _pieces(word: str, room: int, later: int) -> Iterator[str]:
    """The word in pieces of at most `room` cells, the later ones of at most `later`; never an empty one."""
    piece, used = "", 0
    for shown, size in glyphs(word):
        if piece and size and used + size > room:
            yield piece
            piece, used, room = "", 0, later
        piece, used = piece + shown, used + size
    yield piece


def shortened(names: Sequence[str], width: int) -> list[str]:
    """Each name in at most `width` cells, no two alike: cut at the end, in the middle, or numbered."""
    for tail in (0, (width - 1) // 3, (width - 1) // 2):
        short = [_cut(name, width, tail) for name in names]
        if len(set(short)) == len(short):
            return short
    return [_cut(f"{i}_{name}", width, 0) for i, name in enumerate(names, 1)]


def _cut(name: str, width: int, tail: int) -> str:
    if cells(name) <= width:
        return name
    end = name[len(name) - tail :] if tail else ""
    while end and cells(end) > tail:
        end = end[1:]
    begin = next(_pieces(name, width - 1 - cells(end), width))
    return begin + ELLIPSIS + end
