"""Parquet: rows in batches, so that a small file that unpacks to gigabytes is refused and not held.

pyarrow is imported when the first such file is read. Its values become what JSON Lines would give: texts,
numbers, conditions, lists, objects; dates and times are texts as ISO 8601 writes them.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from evalspec.data.json_line import LARGEST
from evalspec.data.jsonl_file import note_kinds
from evalspec.data.limits import in_words
from evalspec.data.table import Part, RawRow

if TYPE_CHECKING:
    from evalspec.data.lines import Tape

BATCH = 256  # rows


def read_parquet(tape: Tape, raw: BinaryIO, *, room: int) -> Part:
    """The rows of a file, at most `room` of them; a row's line is its number, from 1."""
    part = Part({}, [])
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        tape.stop("E0623", "reading Parquet needs the package pyarrow", "`pip install 'evalspec[parquet]'`")
        return part
    try:
        unpacked = _unpacked(tape, raw)
        if unpacked is not None:
            _read(tape, parquet.ParquetFile(unpacked, read_dictionary=_texts(parquet, unpacked)), part, room)
    except (pyarrow.ArrowException, OSError, EOFError, zlib.error, ValueError, OverflowError) as fault:
        tape.stop("E0623", f"this is no Parquet file that can be read: {_first_line(fault)}")
    return part


def _unpacked(tape: Tape, raw: BinaryIO) -> BinaryIO | None:
    """The file itself, or what it unpacks to, in memory: Parquet is read from its end."""
    if not tape.faults.file.gzipped:
        return raw
    most = tape.limits.record
    text = gzip.GzipFile(fileobj=raw).read(most + 1)
    if len(text) > most:
        tape.stop("E0643", f"the file unpacks to more than {in_words(most)}", "Parquet packs its own columns")
        return None
    return io.BytesIO(text)


def _texts(parquet: Any, raw: BinaryIO) -> list[str]:
    """The columns of texts, read without repeating what repeats, or a kilobyte makes gigabytes."""
    schema = parquet.read_schema(raw)
    raw.seek(0)
    texts = ("string", "binary", "large_string", "large_binary")
    return [field.name for field in schema if str(field.type) in texts]


def _read(tape: Tape, file: Any, part: Part, room: int) -> None:
    if file.metadata.num_rows > room:
        tape.too_many_rows()
        return
    groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
    if sum(group.total_byte_size for group in groups) > tape.limits.text:
        _too_large(tape)
        return
    for name in file.schema_arrow.names:
        part.kinds.setdefault(name, set())
    _add_rows(tape, file.iter_batches(batch_size=BATCH), part)


def _too_large(tape: Tape) -> None:
    message = f"the file unpacks to more than {in_words(tape.limits.text)}"
    tape.stop("E0643", message, "draw a sample, or drop columns")


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0][:200]


def _add_rows(tape: Tape, batches: Iterator[Any], part: Part) -> None:
    file, size = tape.faults.file.written, 0
    for batch in batches:
        size += batch.nbytes
        if size > tape.limits.text:
            _too_large(tape)
            return
        names = batch.schema.names
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            tape.stop("E0632", f"two columns are named `{sorted(twice)[0]}`")
            return
        long = [name for name in names if _longest(batch.column(name)) > 4 * tape.limits.cell]
        if long:
            tape.stop("E0634", f"`{long[0]}` holds a text over {in_words(tape.limits.cell)}")
            return
        for cells in batch.to_pylist():
            tape.number += 1
            tape.begin()
            values = {name: _plain(cell, tape, name) for name, cell in cells.items()}
            if tape.stopped:
                return
            note_kinds(tape, part.kinds, values)
            part.rows.append(RawRow(values, file, tape.number))


def _longest(column: Any) -> int:
    """The bytes of a column's longest text; 0 where it holds none."""
    import pyarrow
    from pyarrow import compute

    values = column.dictionary if pyarrow.types.is_dictionary(column.type) else column
    kind = values.type
    if not (pyarrow.types.is_large_string(kind) or pyarrow.types.is_string(kind)
            or pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)):  # fmt: skip
        return 0
    return compute.max(compute.binary_length(values)).as_py() or 0


def _plain(cell: object, tape: Tape, column: str) -> object:
    """A cell as JSON would hold it. Faults are told at the row."""
    match cell:
        case None | bool():
            return cell
        case str():
            if len(cell) > tape.limits.cell:
                tape.stop(
                    "E0634", f"`{column}` holds a text over {in_words(tape.limits.cell)} in row {tape.number}"
                )
            return cell
        case int():
            if abs(cell) > LARGEST:
                tape.stop("E0640", f"`{column}` holds a number that does not fit in row {tape.number}")
            return cell
        case float():
            return cell if math.isfinite(cell) else None
        case Decimal():
            return float(cell) if cell.is_finite() else None
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return cell.total_seconds()
        case bytes():
            return _text(cell, tape, column)
        case list() | tuple():
            return [_plain(item, tape, column) for item in cell]
        case Mapping():
            return {str(name): _plain(item, tape, column) for name, item in cell.items()}
        case _:
            return str(cell)


def _text(cell: bytes, tape: Tape, column: str) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        tape.stop(
            "E0626", f"`{column}` holds bytes that are no text in row {tape.number}", "leave the column out"
        )
        return ""
