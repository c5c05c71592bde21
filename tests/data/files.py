"""Data files on a real disk, and specs over them, for the tests of this room."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from evalspec.data.limits import LIMITS, Limits
from evalspec.data.read import RawTable, read_files
from evalspec.language.expressions import Expression, Scope, Type, compile_expression
from evalspec.language.program import DataFile
from evalspec.syntax import tree
from evalspec.syntax.parse import parse
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import DataLine, Source, Span

SPEC = Source(name="route.eval", text='source = file("data.csv")')
IN_SPEC = Span(SPEC, 14, 24)
REAL = Path(os.environ.get("EVALSPEC_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")

Read = tuple[RawTable | None, tuple[Diagnostic, ...]]


def real(name: str) -> Path:
    """A file or folder of the shared test data; skips where they are missing."""
    if not (REAL / name).exists():
        pytest.skip(f"no test data {name} (EVALSPEC_TEST_DATA names their folder)")
    return REAL / name


def data_file(path: Path, written: str | None = None) -> DataFile:
    """A file as `check` would name it, its format told by its ending."""
    gzipped = path.suffix == ".gz"
    ending = path.with_suffix("").suffix if gzipped else path.suffix
    return DataFile(
        written=written or path.name, path=path, format=ending.lstrip("."), gzipped=gzipped, at=IN_SPEC
    )


def read_bytes(
    folder: Path,
    name: str,
    content: bytes,
    header: tuple[str, ...] | None = None,
    limits: Limits = LIMITS,
) -> Read:
    """What reading a file of these bytes gives."""
    path = folder / name
    path.write_bytes(content)
    return read_files([data_file(path)], header, limits=limits)


def read_text(folder: Path, name: str, text: str, header: tuple[str, ...] | None = None) -> Read:
    """What reading a file of this text gives, packed where its name says so."""
    content = text.encode()
    return read_bytes(folder, name, gzip.compress(content) if name.endswith(".gz") else content, header)


def table(read: Read) -> RawTable:
    """The table of a reading without any fault."""
    made, told = read
    assert told == ()
    assert made is not None
    return made


def values(made: RawTable) -> list[dict[str, object]]:
    """Its rows as plain dictionaries."""
    return [dict(row.values) for row in made.rows]


def only(read: Read) -> Diagnostic:
    """The one fault of a reading that made no table."""
    made, told = read
    assert made is None
    assert len(told) == 1, [fault.message for fault in told]
    return told[0]


def code_and_place(fault: Diagnostic) -> tuple[str, int, int]:
    """Its code, and its line and column in the data file."""
    assert isinstance(fault.at, DataLine)
    return fault.code, *fault.at.begin


def expression(text: str, columns: Mapping[str, Type]) -> Expression:
    """An expression of the language over these columns."""
    source = Source(name="route.eval", text=f"dataset d {{\n  where = {text}\n}}\n")
    parsed, told = parse(source)
    assert told == ()
    (block,) = parsed.entries
    assert isinstance(block, tree.Block)
    (attribute,) = block.entries
    assert isinstance(attribute, tree.Attribute)
    made, faults = compile_expression(attribute.value, Scope(columns, "dataset `d`"))
    assert faults == ()
    return made


def messages(told: Sequence[Diagnostic]) -> list[str]:
    """What the faults say."""
    return [fault.message for fault in told]
