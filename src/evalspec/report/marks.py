"""What a diagnostic points at: lines, the stretches marked in them, and the secrets to leave out.

Takes places of the text room to code points of single lines. Knows nothing of cells or colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from evalspec.text.patterns import Pattern
from evalspec.text.source import DataLine, Place, Source, Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.diagnostics import Diagnostic

SECRET = "E0440"  # noqa: S105  (the code for a secret that is written out)
# What looks like a key is hidden even where the checker never came to say so: behind a syntax error, say.
# Every repeat before the key is bounded, so that a line of 1 MB is searched in linear time.
KEY_LIKE = Pattern(
    r"(?P<token>(?<![A-Za-z0-9])(?:sk-|(?i:bearer)\s{1,4})[A-Za-z0-9_\-./+=~]{16,})"
    r"|://(?P<login>[^\s/:@\"']{1,200}:[^\s/@\"']{1,200})@"
    r'|(?i:key)\w{0,20}"?\s{0,4}[=:]\s{0,4}"(?P<value>[A-Za-z0-9_\-./+=~]{20,})'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to show: its file, number (from 1), text, and, of a spec, its source."""

    file: str
    number: int
    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A stretch of one line, in code points from 0, with its words; `line` is None where no text is known."""

    at: Place
    line: Line | None
    start: int = 0
    end: int = 0
    words: str = ""
    primary: bool = False


def marks_of(diagnostic: Diagnostic) -> Iterator[Mark]:
    """The marks of a diagnostic: its own place first, then its labels in their order.

    A place that spans lines is two marks, on its first line and on its last, which has the words.
    """
    yield from _marks(diagnostic.at, diagnostic.here, primary=True)
    for label in diagnostic.labels:
        yield from _marks(label.at, label.message, primary=False)


def line_of(source: Source, number: int) -> Line:
    """Line `number` of a spec."""
    return Line(file=source.name, number=number, text=source.line(number), source=source)


def secrets_of(diagnostics: Iterable[Diagnostic]) -> tuple[Place, ...]:
    """The places that hold a secret: no excerpt of any diagnostic may show them."""
    return tuple(d.at for d in diagnostics if d.code == SECRET)


def hidden(line: Line, secrets: Sequence[Place]) -> tuple[tuple[int, int], ...]:
    """The stretches of a line that must not be shown, in code points, in order and apart."""
    found = [match.span(match.lastgroup or 0) for match in KEY_LIKE.finditer(line.text)]
    found += [stretch for place in secrets if (stretch := _stretch_in(line, place)) is not None]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return tuple(apart)


def _stretch_in(line: Line, place: Place) -> tuple[int, int] | None:
    if place.file != line.file:
        return None
    match place:
        case DataLine():
            return (0, len(line.text)) if place.line == line.number else None
        case Span():
            if line.number > len(place.source.line_starts):
                return None
            offset = place.source.line_starts[line.number - 1]
            start, end = max(0, place.start - offset), min(len(line.text), place.end - offset)
            return (start, end) if start < end else None


def _marks(place: Place, words: str, *, primary: bool) -> Iterator[Mark]:
    match place:
        case Span():
            yield from _marks_in_spec(place, words, primary=primary)
        case DataLine(excerpt=None):
            yield Mark(at=place, line=None, words=words, primary=primary)
        case DataLine():
            text = place.excerpt or ""
            line = Line(file=place.file, number=place.line, text=text)
            start = min(max(place.column - 1, 0), len(text))
            yield Mark(at=place, line=line, start=start, end=start, words=words, primary=primary)


def _marks_in_spec(span: Span, words: str, *, primary: bool) -> Iterator[Mark]:
    number, column = span.begin
    line = line_of(span.source, number)
    last, behind = span.finish
    start = min(column - 1, len(line.text))
    if behind == 1 and last > number:  # it ends with a line break, not on the next line
        last -= 1
        behind = len(line_of(span.source, last).text) + 1
    if last == number:
        end = min(behind - 1, len(line.text))
        yield Mark(at=span, line=line, start=start, end=max(start, end), words=words, primary=primary)
        return
    yield Mark(at=span, line=line, start=start, end=max(start, len(line.text)), primary=primary)
    ending = line_of(span.source, last)
    indent = len(ending.text) - len(ending.text.lstrip())
    end = min(behind - 1, len(ending.text))
    at_end = Span(span.source, span.source.line_starts[last - 1], span.end)
    start = min(indent, end)
    yield Mark(at=at_end, line=ending, start=start, end=end, words=words, primary=primary)
