"""A table that stands in the spec itself, as the rows of a dataset."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from evalspec.data.columns import column_type, settled
from evalspec.data.table import RawRow, RawTable

if TYPE_CHECKING:
    from evalspec.language.program import InlineTable


def table_of(inline: InlineTable) -> RawTable:
    """The rows as a table; the file of a row is the spec, its line the one where it stands."""
    kinds: dict[str, set[type]] = {name: set() for name in inline.header}
    rows = []
    for cells, at in zip(inline.rows, inline.places, strict=True):
        values = dict(zip(inline.header, cells, strict=True))
        for name, value in values.items():
            kinds[name].add(type(value))
        rows.append(RawRow(values, at.file, at.begin[0]))
    columns = {name: column_type(found) for name, found in kinds.items()}
    settled_rows = settled(kinds, rows)
    said = json.dumps(
        [inline.header, [list(row.values.values()) for row in settled_rows]], ensure_ascii=False
    )
    return RawTable(columns=columns, rows=settled_rows, sha256=hashlib.sha256(said.encode()).hexdigest())
