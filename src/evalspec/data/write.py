"""Rows to the bytes of a file: JSON lines, CSV, Parquet. The counterpart of reading, for exports.

CSV is for spreadsheets: a text that one would take for a formula gets an apostrophe before it, and control
characters are escaped. Lists and objects are written as JSON in CSV and Parquet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalspec.text.values import Json

Rows = Sequence[Mapping[str, "Json"]]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_jsonl(lines: Sequence[str]) -> bytes:
    """Lines of JSON as a file."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def as_csv(rows: Rows) -> bytes:
    """The rows under all their columns, in the order in which these first occur."""
    columns = columns_of(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def as_parquet(rows: Rows) -> bytes:
    """The rows as one table; a column of numbers of both kinds holds fractions. Raises ImportError."""
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table(
        {name: pyarrow.array(_column([row.get(name) for row in rows])) for name in columns_of(rows)}
    )
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def columns_of(rows: Rows) -> list[str]:
    """Every column of some rows."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _column(values: Sequence[Json]) -> list[Json]:
    """Values of one kind: as they are, whole numbers beside fractions as fractions, else as texts."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int, float} and float in kinds:
        return [None if v is None else float(str(v)) for v in values]
    if kinds <= {bool} or (kinds <= {int} and all(v is None or abs(int(str(v))) < 2**63 for v in values)):
        return list(values)
    return [None if v is None else _text(v) for v in values]


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: Json) -> str:
    """A cell that a spreadsheet takes for what it is: a number, or a text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    safe = "".join(c if c in "\n\t" or ord(c) >= 0x20 else f"\\x{ord(c):02x}" for c in value)
    safe = safe.replace("\x7f", "\\x7f")
    return f"'{safe}" if value.lstrip(" ").startswith(FORMULA) else safe
