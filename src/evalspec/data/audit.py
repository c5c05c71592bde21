"""Faults of a labelled set that no single row shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalspec.data.columns import as_text
from evalspec.data.faults import shown
from evalspec.data.told import place_of, where
from evalspec.text.diagnostics import Diagnostic, Label, problem

if TYPE_CHECKING:
    from evalspec.data.rows import Loaded, Row


def same_input_other_label(loaded: Loaded, columns: Sequence[str], label: str) -> Diagnostic | None:
    """A warning where rows that are equal in `columns`, which prompts read, have different labels.

    No candidate can be right on all of them. None where there are no such rows, or no columns.
    """
    if not columns:
        return None
    first: dict[tuple[object, ...], Row] = {}
    conflicts: dict[tuple[object, ...], Row] = {}
    for row in loaded.rows:
        key = tuple(_comparable(row.values.get(column)) for column in columns)
        if _label(first.setdefault(key, row), label) != _label(row, label):
            conflicts.setdefault(key, row)
    if not conflicts:
        return None
    key, other = next(iter(conflicts.items()))
    return _conflict(len(conflicts), first[key], other, label)


def _conflict(count: int, row: Row, other: Row, label: str) -> Diagnostic:
    inputs = "1 input has" if count == 1 else f"{count} inputs have"
    here, there = shown(_label(row, label)), shown(_label(other, label))
    return problem(
        "W0605",
        place_of(row),
        f"{inputs} different labels: first {here} at {where(row, row)}, {there} at {where(other, row)}",
        "no candidate can be right on both: settle the label, or show the prompt what tells them apart",
        labels=[Label(at=place_of(other), message=f"the same input, labelled {there}")],
    )


def _label(row: Row, column: str) -> str:
    return as_text(row.values.get(column)) or ""


def _comparable(value: object) -> object:
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
