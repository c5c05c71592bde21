"""Data files in, one table out; every fault at the data file's own line.

The front of the room: csv, tsv, JSON and JSON Lines, read line by line, and Parquet. It knows the
files and their header, and nothing of what the spec makes of the columns: that is `prepare.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from evalspec.data.columns import column_type, settled
from evalspec.data.csv_file import read_delimited
from evalspec.data.faults import Faults, shown
from evalspec.data.json_file import read_json
from evalspec.data.jsonl_file import read_jsonl
from evalspec.data.limits import LIMITS, Limits
from evalspec.data.lines import Tape
from evalspec.data.opening import BUFFER, opened, unpacked
from evalspec.data.table import Part, RawRow, RawTable
from evalspec.text.diagnostics import Diagnostic, errors, problem
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.language.program import DataFile

__all__ = ["RawRow", "RawTable", "read_files"]

DELIMITERS = {"csv": ",", "tsv": "\t"}


def read_files(
    files: Sequence[DataFile], header: tuple[str, ...] | None, *, limits: Limits = LIMITS
) -> tuple[RawTable | None, tuple[Diagnostic, ...]]:
    """The files as one table, and what is wrong with them; no table where anything is an error.

    With a `header`, csv and tsv files have no header row of their own. Never raises for what a file
    holds or where it lies; raises ValueError for a format that there is no reader for.
    """
    digest = hashlib.sha256()
    parts: list[Part] = []
    told: list[Diagnostic] = [*_header_faults(files, header)]
    if told:
        return None, tuple(told)
    for file in files:
        room = limits.rows - sum(len(part.rows) for part in parts)
        part, faults = _read_file(file, header, limits, room, digest)
        parts.append(part)
        told += faults
    if not errors(told):
        told += _differing_columns(files, parts)
    kinds = _merged(parts)
    rows = [row for part in parts for row in part.rows]
    if not errors(told) and len(kinds) * len(rows) > limits.cells:
        told.append(_too_many_cells(files[0], len(kinds), len(rows), limits))
    if errors(told) or not files:
        return None, tuple(told)
    columns = {name: column_type(found) for name, found in kinds.items()}
    return RawTable(columns=columns, rows=settled(kinds, rows), sha256=digest.hexdigest()), tuple(told)


def _read_file(
    file: DataFile, header: tuple[str, ...] | None, limits: Limits, room: int, digest: hashlib._Hash
) -> tuple[Part, tuple[Diagnostic, ...]]:
    faults = Faults(file, limits.faults)
    part = Part({}, [])
    raw = opened(faults)
    if raw is not None:
        with raw:
            part = _read_stream(Tape(faults=faults, limits=limits), raw, header, room)
            if not faults.forbid:
                _add_bytes(faults, raw, digest)
        if not faults.forbid and not part.rows:
            _nothing(faults, part, header)
        if not faults.forbid and file.captures:
            part = _with_captures(faults, part)
    return part, faults.told()


def _read_stream(tape: Tape, raw: BinaryIO, header: tuple[str, ...] | None, room: int) -> Part:
    file = tape.faults.file
    if file.format == "parquet":
        from evalspec.data.parquet_file import read_parquet  # which loads `datetime`

        return read_parquet(tape, raw, room=room)
    lines = tape.lines(unpacked(raw, file))
    if file.format == "json":
        return read_json(tape, lines, room=room)
    if file.format == "jsonl":
        return read_jsonl(tape, lines, room=room)
    if file.format in DELIMITERS:
        return read_delimited(tape, lines, DELIMITERS[file.format], header, room=room)
    raise ValueError(f"no reader for the format {file.format!r}")


def _with_captures(faults: Faults, part: Part) -> Part:
    """The part with the columns that the file's own path tells."""
    captures = faults.file.captures
    for name in captures:
        if name in part.kinds:
            message = f"the files have a column `{name}`, which their paths tell too"
            faults.in_spec("E0609", message, "give the capture another name")
    kinds: dict[str, set[type]] = {**{name: {str} for name in captures}, **part.kinds}
    rows = [replace(row, values={**captures, **row.values}) for row in part.rows]
    return Part(kinds, rows)


def _add_bytes(faults: Faults, raw: BinaryIO, digest: hashlib._Hash) -> None:
    """The bytes as they lie on disk, read once more: cheaper than counting them line by line."""
    try:
        raw.seek(0)
        while block := raw.read(BUFFER):
            digest.update(block)
    except OSError as fault:
        faults.in_spec("E0623", f"`{faults.file.written}` cannot be read: {fault.strerror}")


def _nothing(faults: Faults, part: Part, header: tuple[str, ...] | None) -> None:
    file = faults.file
    if part.kinds and header is None:
        faults.in_spec("E0625", f"`{file.written}` has no rows, only a header")
    else:
        faults.in_spec("E0624", f"`{file.written}` is empty")


def _header_faults(files: Sequence[DataFile], header: tuple[str, ...] | None) -> list[Diagnostic]:
    names = header or ()
    twice = sorted({name for name in names if names.count(name) > 1})
    if not files or not (twice or any(not name.strip() for name in names)):
        return []
    message = f"`header` names `{twice[0]}` twice" if twice else "`header` has a column without a name"
    return [problem("E0632", files[0].at, message)]


def _merged(parts: Sequence[Part]) -> dict[str, set[type]]:
    merged: dict[str, set[type]] = {}
    for part in parts:
        for name, kinds in part.kinds.items():
            merged.setdefault(name, set()).update(kinds)
    return merged


def _differing_columns(files: Sequence[DataFile], parts: Sequence[Part]) -> list[Diagnostic]:
    told = []
    for file, part in zip(files[1:], parts[1:], strict=True):
        lacking = [name for name in parts[0].kinds if name not in part.kinds]
        besides = [name for name in part.kinds if name not in parts[0].kinds]
        if lacking or besides:
            told.append(_differs(file, files[0], lacking, besides))
    return told


def _differs(file: DataFile, first: DataFile, lacking: list[str], besides: list[str]) -> Diagnostic:
    said = [f"lacks {_listed(lacking)}"] if lacking else []
    said += [f"has {_listed(besides)} besides"] if besides else []
    message = f"`{file.written}` has other columns than `{first.written}`: it {' and '.join(said)}"
    one_table = "the files of a dataset are one table"
    in_one_row = "a key must stand in one row at least, with `null` where there is nothing"
    return problem("E0633", file.at, message, one_table, in_one_row if file.format == "jsonl" else "")


def _listed(names: list[str]) -> str:
    listed = ", ".join(shown(name) for name in names[:8])
    return f"{listed} and {len(names) - 8} more" if len(names) > 8 else listed


def _too_many_cells(file: DataFile, columns: int, rows: int, limits: Limits) -> Diagnostic:
    message = f"{rows} rows of {columns} columns are more than {limits.cells} cells"
    return problem("E0643", file.at, message, "draw a sample, or drop columns")
