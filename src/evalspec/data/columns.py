"""What type each column has, over all files, and the values made to fit it.

A column holds one type; nulls and missing keys decide nothing. Where types mix, everything becomes
text: numbers as they were written (`1.50`, `2`), conditions as `true` and `false`, lists and objects
as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from evalspec.data.table import RawRow, WrittenNumber
from evalspec.language.expressions import Type
from evalspec.text.values import replace

OF_PYTHON: Mapping[type, Type] = {
    str: Type.TEXT,
    int: Type.NUMBER,
    float: Type.NUMBER,
    WrittenNumber: Type.NUMBER,
    bool: Type.BOOL,
    list: Type.LIST,
    dict: Type.OBJECT,
}


def column_type(kinds: set[type]) -> Type:
    """The type of a column that holds values of these Python types; UNKNOWN where all are null."""
    types = {OF_PYTHON[kind] for kind in kinds if kind in OF_PYTHON}
    if not types:
        return Type.UNKNOWN
    return types.pop() if len(types) == 1 else Type.TEXT


def as_text(value: object) -> str | None:
    """A value as text, numbers as they were written; None stays None."""
    match value:
        case None | str():
            return value
        case WrittenNumber():
            return value.text
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def settled(kinds: Mapping[str, set[type]], rows: Sequence[RawRow]) -> tuple[RawRow, ...]:
    """The rows with every column in each, and every value of its column's type."""
    types = {name: column_type(found) for name, found in kinds.items()}
    mixed = {name for name, found in kinds.items() if types[name] is Type.TEXT and found - {str, type(None)}}
    written = {name for name, found in kinds.items() if WrittenNumber in found} - mixed
    if not mixed and not written:
        return tuple(row if len(row.values) == len(types) else _completed(row, types) for row in rows)
    return tuple(replace(row, values=_fitted(row, types, mixed, written)) for row in rows)


def _completed(row: RawRow, types: Mapping[str, Type]) -> RawRow:
    return replace(row, values=_full(row, types))


def _full(row: RawRow, types: Mapping[str, Type]) -> dict[str, object]:
    get = row.values.get
    return {name: get(name) for name in types}


def _fitted(row: RawRow, types: Mapping[str, Type], mixed: set[str], written: set[str]) -> dict[str, object]:
    values = _full(row, types)
    for name in mixed:
        values[name] = as_text(values[name])
    for name in written:
        value = values[name]
        values[name] = value.value if isinstance(value, WrittenNumber) else value
    return values
