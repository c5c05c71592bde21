"""Positions of editors, which count UTF-16 units in lines, and offsets of texts, which count code points.

Lines end as the protocol says: with `\\n`, `\\r\\n` or a lone `\\r`, and with nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import StrEnum

from evalspec.text.values import dataclass, field

LINE_END = re.compile(r"\r\n|\n|\r")


class Encoding(StrEnum):
    """What an editor counts columns in; the protocol's own names."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


@dataclass(frozen=True, slots=True)
class Lines:
    """A text by lines, with the way to positions in it and back. Never raises, whatever the position."""

    text: str
    encoding: Encoding = Encoding.UTF16
    starts: tuple[int, ...] = field(init=False, repr=False)
    ends: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        breaks = [(m.start(), m.end()) for m in LINE_END.finditer(self.text)]
        object.__setattr__(self, "starts", (0, *(end for _, end in breaks)))
        object.__setattr__(self, "ends", (*(start for start, _ in breaks), len(self.text)))

    def offset(self, line: int, character: int) -> int:
        """The offset of a position; one beyond a line's or the text's end means that end."""
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start, end = self.starts[line], self.ends[line]
        if self.text.isascii() or self.encoding is Encoding.UTF32:
            return min(start + max(character, 0), end)
        units = 0
        for offset in range(start, end):
            units += self._width(self.text[offset])
            if units > character:
                return offset
        return end

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column, from 0, of an offset."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.starts, offset) - 1
        before = self.text[self.starts[line] : min(offset, self.ends[line])]
        return line, len(before) if before.isascii() else sum(map(self._width, before))

    def width(self, start: int, end: int) -> int:
        """How many units of the editor a stretch inside a line has."""
        return sum(map(self._width, self.text[start:end]))

    def _width(self, char: str) -> int:
        point = ord(char)
        match self.encoding:
            case Encoding.UTF8:
                return 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
            case Encoding.UTF16:
                return 2 if point >= 0x10000 else 1
            case Encoding.UTF32:
                return 1
