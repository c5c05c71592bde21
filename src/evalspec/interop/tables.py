"""Data files that a command names, as tables: read by the same room that reads them for a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.sources import FORMATS
from evalspec.data.read import read_files
from evalspec.language.program import DataFile
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from evalspec.data.table import RawTable


def place_of(path: Path) -> Span:
    """The place by which a file that a command names is reported."""
    return Span(Source(name=str(path), text="", path=path), 0, 0)


def form_of(path: Path) -> str | None:
    """The format that a file's ending tells, `.gz` put aside; None where it tells none."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    return FORMATS.get(plain.suffix)


def read_table(path: Path) -> tuple[RawTable | None, tuple[Diagnostic, ...]]:
    """The table in a file, and what is wrong with it; no table where anything is an error."""
    form = form_of(path)
    if form is None:
        known = ", ".join(FORMATS)
        message = f"the ending of `{path.name}` does not tell its format"
        return None, (problem("E0601", place_of(path), message, f"these are read: {known}, each also .gz"),)
    file = DataFile(
        written=str(path), path=path, format=form, gzipped=path.suffix == ".gz", at=place_of(path)
    )
    return read_files((file,), None)
