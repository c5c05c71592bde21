"""Where something stands: source texts, spans in them, and lines of data files.

The first values of the flow. Offsets count code points from 0; lines and columns, which people and
editors see, count from 1.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from evalspec.text.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One spec file: the name it is reported under, where it lies, and its text."""

    name: str
    text: str
    path: Path | None = None
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]
        object.__setattr__(self, "line_starts", tuple(starts))

    @property
    def folder(self) -> Path:
        """The folder that relative paths in this file start from."""
        return self.path.parent if self.path is not None else Path()

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of a code point offset, both from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line break."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] - 1 if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source: code points `start` up to, not including, `end`."""

    source: Source = field(repr=False)
    start: int
    end: int

    @property
    def file(self) -> str:
        return self.source.name

    @property
    def begin(self) -> tuple[int, int]:
        """Line and column of the first code point."""
        return self.source.position(self.start)

    @property
    def finish(self) -> tuple[int, int]:
        """Line and column just behind the last code point."""
        return self.source.position(max(self.end, self.start))

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of the other."""
        return Span(self.source, self.start, other.end)

    def part(self, start: int, end: int) -> Span:
        """A stretch inside this one, by offsets from its start; never reaches beyond it."""
        return Span(self.source, min(self.start + start, self.end), min(self.start + end, self.end))


@dataclass(frozen=True, slots=True)
class DataLine:
    """A line of a data file, which is not held in memory: its name, number (from 1) and column."""

    file: str
    line: int
    column: int = 1
    excerpt: str | None = None

    @property
    def begin(self) -> tuple[int, int]:
        return self.line, self.column

    @property
    def finish(self) -> tuple[int, int]:
        return self.line, self.column


Place = Span | DataLine
