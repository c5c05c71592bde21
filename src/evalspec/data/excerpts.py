"""The lines of data files that diagnostics show, read once more after the whole file was."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.data.faults import clipped
from evalspec.data.opening import unpacked
from evalspec.text.source import DataLine, Place
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.language.program import DataFile
    from evalspec.text.diagnostics import Diagnostic

Excerpts = Mapping[tuple[str, int], str]


def with_excerpts(told: Sequence[Diagnostic], files: Sequence[DataFile]) -> tuple[Diagnostic, ...]:
    """The diagnostics with the text of each data line that they point at."""
    wanted: dict[str, set[int]] = defaultdict(set)
    lineless = {file.written for file in files if file.format == "parquet"}  # rows, and no text to show
    for place in (place for fault in told for place in (fault.at, *(label.at for label in fault.labels))):
        if isinstance(place, DataLine) and place.file not in lineless:
            wanted[place.file].add(place.line)
    texts = {
        (file.written, number): text
        for file in files
        if file.written in wanted
        for number, text in _lines(file, wanted[file.written]).items()
    }
    return tuple(_shown(fault, texts) for fault in told)


def _lines(file: DataFile, numbers: set[int]) -> dict[int, str]:
    """Those lines of a file; fewer where it changed since it was read, for a diagnostic can do without."""
    found: dict[int, str] = {}
    try:
        with file.path.open("rb") as raw:
            for number, line in enumerate(unpacked(raw, file), 1):
                if number in numbers:
                    found[number] = clipped(line.removeprefix(b"\xef\xbb\xbf").decode(errors="replace"))
                if len(found) == len(numbers):
                    break
    except (OSError, EOFError, zlib.error):
        return found
    return found


def _shown(fault: Diagnostic, texts: Excerpts) -> Diagnostic:
    labels = tuple(replace(label, at=_place(label.at, texts)) for label in fault.labels)
    return replace(fault, at=_place(fault.at, texts), labels=labels)


def _place(place: Place, texts: Excerpts) -> Place:
    if not isinstance(place, DataLine):
        return place
    return replace(place, excerpt=texts.get((place.file, place.line)))
