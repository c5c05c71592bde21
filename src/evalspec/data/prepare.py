"""The rows of a dataset as the spec wants them: derived, selected, each with its id and label.

Takes the table that `read.py` made and the dataset that `check` made; reads no file but for the lines
that diagnostics show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.data.drawing import drawn
from evalspec.data.excerpts import with_excerpts
from evalspec.data.faults import shown
from evalspec.data.identify import ids_of_column, ids_of_content
from evalspec.data.labels import label_faults, with_text_labels
from evalspec.data.rows import Loaded, Row
from evalspec.language.expressions import Type, holds
from evalspec.text.diagnostics import Diagnostic, did_you_mean, errors, problem
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.data.table import RawRow, RawTable
    from evalspec.language.program import Dataset


def prepare(dataset: Dataset, raw: RawTable) -> tuple[Loaded | None, tuple[Diagnostic, ...]]:
    """The dataset's rows, and what is wrong with them; nothing is loaded where anything is an error.

    In the order of the language: optional columns, `derive`, `where`, ids, labels. A label that is a
    number or condition becomes text, in the rows and in `types`, after `derive` and `where` read it.
    """
    absent = _absent_columns(dataset, raw)
    if absent:
        return None, absent
    types = _types(dataset, raw)
    computed = [(row, _computed(dataset, row)) for row in raw.rows]
    kept = [
        (row, made) for row, made in computed if dataset.where is None or holds(dataset.where, made.values)
    ]
    if not kept:
        return None, (_nothing_selected(dataset, len(raw.rows)),)
    rows = [made for _, made in kept]
    ids, faults = ids_of_column(rows, dataset.id) if dataset.id else ids_of_content([row for row, _ in kept])
    if dataset.label:
        rows = with_text_labels(rows, dataset.label)
        faults += label_faults(dataset, dataset.label, rows)
        types[dataset.label] = _label_type(types[dataset.label], dataset.label, rows)
    told = with_excerpts(faults, dataset.files)
    if errors(told):
        return None, told
    made = [Row(name, row.values, row.file, row.line) for name, row in zip(ids, rows, strict=True)]
    chosen = tuple(made) if dataset.draw is None else drawn(made, dataset.draw)
    return Loaded(dataset=dataset.name, types=types, rows=chosen, sha256=raw.sha256), told


def _types(dataset: Dataset, raw: RawTable) -> dict[str, Type]:
    optional = {name: Type.TEXT for name in dataset.optional if name not in raw.columns}
    return {**raw.columns, **optional, **{d.name: d.expression.type for d in dataset.derive}}


def _computed(dataset: Dataset, row: RawRow) -> RawRow:
    if not dataset.optional and not dataset.derive:
        return row
    absent = [name for name in dataset.optional if name not in row.values]
    if not absent and not dataset.derive:
        return row
    values: dict[str, object] = {**row.values, **dict.fromkeys(absent)}
    for derived in dataset.derive:
        values[derived.name] = derived.expression(values)
    return replace(row, values=values)


def _label_type(before: Type, column: str, rows: list[RawRow]) -> Type:
    return Type.TEXT if all(isinstance(row.values.get(column), str) for row in rows) else before


def _absent_columns(dataset: Dataset, raw: RawTable) -> tuple[Diagnostic, ...]:
    """The id or label column, where the data have none of that name; `check` tells the others."""
    known = _types(dataset, raw)
    wanted = {"id": dataset.id, "label": dataset.label}
    return tuple(
        _no_column(dataset, role, name, known) for role, name in wanted.items() if name and name not in known
    )


def _no_column(dataset: Dataset, role: str, name: str, known: Mapping[str, Type]) -> Diagnostic:
    help_line = did_you_mean(name, known)[0]
    return problem(
        "E0651", dataset.at, f"the {role} of `{dataset.name}` is {shown(name)}, and no column is", help_line
    )


def _nothing_selected(dataset: Dataset, rows: int) -> Diagnostic:
    place = dataset.where.at if dataset.where is not None else dataset.at
    counted = "the only row is not selected" if rows == 1 else f"this selects none of the {rows} rows"
    return problem("E0652", place, counted, "a missing value makes a condition not true")
