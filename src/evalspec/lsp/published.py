"""What is said of a spec, sorted by the file that it is said in: the spec, those it imports, its templates.

A fault in data stands where the spec names the data file, with the line of the data as related information.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Diagnostic, Severity
from evalspec.text.source import DataLine, Place, Source, Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import DataFile
    from evalspec.pipeline import Front

UNUSED = ("W0207",)


@dataclass(frozen=True, slots=True)
class Related:
    """A second place, in words: a stretch of a source, or a line (from 0) of a data file."""

    path: Path
    source: Source | None
    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class Said:
    """A diagnostic at a stretch of one file."""

    path: Path
    source: Source
    start: int
    end: int
    code: str
    severity: Severity
    message: str
    related: tuple[Related, ...]
    unused: bool
    diagnostic: Diagnostic


def said_of(front: Front) -> tuple[Said, ...]:
    """Everything that is said of a spec, with the place where an editor shows it."""
    files = _data_files(front)
    return tuple(_said(d, front.source, files) for d in front.diagnostics)


def _data_files(front: Front) -> dict[str, DataFile]:
    datasets = front.checked.program.datasets.values() if front.checked is not None else ()
    return {file.written: file for dataset in datasets for file in dataset.files}


def _said(diagnostic: Diagnostic, main: Source, files: dict[str, DataFile]) -> Said:
    at = _in_spec(diagnostic.at, main, files)
    related = [_related(label.at, label.message, files) for label in diagnostic.labels]
    message = diagnostic.message + (f" ({diagnostic.here})" if diagnostic.here else "")
    if isinstance(diagnostic.at, DataLine):
        message = f"{diagnostic.at.file}:{diagnostic.at.line}: {message}"
        related.insert(0, _related(diagnostic.at, "here in the data", files))
    return Said(
        path=at.source.path or main.path or Path(main.name),
        source=at.source,
        start=at.start,
        end=max(at.end, at.start),
        code=diagnostic.code,
        severity=diagnostic.severity,
        message="\n".join((message, *(f"help: {line}" for line in diagnostic.help))),
        related=tuple(r for r in related if r is not None),
        unused=diagnostic.code in UNUSED,
        diagnostic=diagnostic,
    )


def _in_spec(place: Place, main: Source, files: dict[str, DataFile]) -> Span:
    if isinstance(place, Span):
        return place if place.source.path is not None else Span(main, 0, 0)
    file = files.get(place.file)
    return file.at if file is not None else Span(main, 0, 0)


def _related(place: Place, message: str, files: dict[str, DataFile]) -> Related | None:
    if isinstance(place, Span):
        path = place.source.path
        return Related(path, place.source, place.start, place.end, message) if path is not None else None
    file = files.get(place.file)
    return Related(file.path, None, place.line - 1, place.column - 1, message) if file is not None else None
