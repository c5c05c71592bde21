"""Labels: there is one in every row, and it is among those declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalspec.data.columns import as_text
from evalspec.data.faults import shown
from evalspec.data.told import Told, place_of
from evalspec.language.functions import is_missing
from evalspec.text.diagnostics import Diagnostic, Label, did_you_mean, problem
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.data.table import RawRow
    from evalspec.language.program import Dataset

LONGEST_GUESS = 100


def label_text(value: object) -> object:
    """A label as text (`true`, `3`); lists and objects, which hold several, stay as they are."""
    return value if isinstance(value, list | dict) else as_text(value)


def with_text_labels(rows: Sequence[RawRow], column: str) -> list[RawRow]:
    """The rows with their label as text."""
    return [_with_text_label(row, column) for row in rows]


def _with_text_label(row: RawRow, column: str) -> RawRow:
    value = row.values.get(column)
    text = label_text(value)
    return row if text is value else replace(row, values={**row.values, column: text})


def label_faults(dataset: Dataset, column: str, rows: Sequence[RawRow]) -> tuple[Diagnostic, ...]:
    """What is wrong with the labels of rows that `with_text_labels` made."""
    empty = Told("E0655", "rows have no label")
    foreign = Told("E0656", "rows have a label that is not declared")
    declared = frozenset(dataset.labels or ())
    found: set[str] = set()
    for row in rows:
        value = row.values.get(column)
        if is_missing(value):
            message = f"this row has no label: `{column}` is empty"
            empty.add(problem("E0655", place_of(row), message, "label it, or leave it out with `where`"))
            continue
        texts = _texts(value)
        found.update(texts)
        if dataset.labels is not None:
            for text in texts:
                if text not in declared:
                    foreign.add(_not_declared(dataset, row, text))
    told = (*empty.all(), *foreign.all())
    return told or _never_found(dataset, found)


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [as_text(item) or "" for item in items]


def _not_declared(dataset: Dataset, row: RawRow, text: str) -> Diagnostic:
    help_line = did_you_mean(text, dataset.labels or ())[0] if len(text) <= LONGEST_GUESS else ""
    declared = [Label(at=dataset.labels_at, message="declared here")] if dataset.labels_at is not None else []
    return problem("E0656", place_of(row), f"label {shown(text)} is not declared", help_line, labels=declared)


def _never_found(dataset: Dataset, found: set[str]) -> tuple[Diagnostic, ...]:
    place = dataset.labels_at or dataset.at
    return tuple(
        problem(
            "W0604", place, f"no row of `{dataset.name}` has the label `{label}`", "take it out, or add rows"
        )
        for label in dataset.labels or ()
        if label not in found
    )
