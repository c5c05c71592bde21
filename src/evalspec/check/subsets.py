"""Subset blocks: which examples of a dataset belong to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, condition, known_column, named_dataset
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import whole_number, word_of
from evalspec.language.expressions import Expression, Type, holds
from evalspec.language.program import Subset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.syntax import tree
    from evalspec.text.source import Span


def read_subsets(declared: Declared, data: Mapping[str, Data], faults: Faults) -> tuple[Subset, ...]:
    """Every subset, those of a `by` family one by one."""
    found: list[Subset] = []
    for name, block in declared.of("subset").items():
        entries = read_entries(block, faults)
        dataset = _dataset_of(block, declared, data, faults)
        minimum = entries.value("min")
        least = whole_number(minimum, "`min`", faults) if minimum is not None else None
        if dataset is not None:
            found += _subset(name, entries, dataset, least, faults)
    return tuple(found)


def _dataset_of(
    block: tree.Block, declared: Declared, data: Mapping[str, Data], faults: Faults
) -> Data | None:
    if block.target is None:
        faults.add(
            "E0407",
            block.header,
            "a subset is of a dataset",
            f"write `{shown_header(block)} of DATASET {{ … }}`",
        )
        return None
    return named_dataset(block.target, declared, data, faults)


def shown_header(block: tree.Block) -> str:
    return " ".join(w.text for w in (block.kind, block.name) if w is not None)


def _subset(name: str, entries: Entries, data: Data, least: int | None, faults: Faults) -> list[Subset]:
    where, by = entries.value("where"), entries.value("by")
    at = entries.block.name.at if entries.block.name is not None else entries.block.header
    if where is not None and by is not None:
        faults.add("E0408", by.at, "a subset has `where` or `by`, not both", "make two subsets of it")
        return []
    if by is not None:
        return _family(name, by, data, least, at, faults)
    if where is None:
        if not entries.spoiled:
            faults.add(
                "E0406",
                entries.block.header,
                "`subset` needs `where` or `by`",
                'write `where = lang == "es"`',
            )
        return []
    expression = condition(where, data.scope, faults)
    if expression is None:
        return []
    subset = Subset(name=name, dataset=data.dataset.name, where=expression, at=at, minimum=least)
    _selects_something(subset, where.at, data.loaded, faults)
    return [subset]


def _selects_something(subset: Subset, where_at: Span, loaded: Loaded | None, faults: Faults) -> None:
    if loaded is None:
        return
    n = sum(holds(subset.where, row.values) for row in loaded.rows)
    if n == 0:
        faults.add("E0612", where_at, f"this selects none of the {len(loaded.rows):,} examples",
                   "compare it with the values that the data really have")  # fmt: skip
    elif subset.minimum is not None and n < subset.minimum:
        faults.add(
            "W0613",
            subset.at,
            f"subset `{subset.name}` has {n} examples, fewer than its `min` of {subset.minimum}",
            "label more of them, or lower `min`",
        )


def _family(
    name: str, by: tree.Expr, data: Data, least: int | None, at: Span, faults: Faults
) -> list[Subset]:
    """One subset for each value of a column, in the order of the values."""
    word = word_of(by, "`by`", faults)
    column = known_column(word, data.scope, faults) if word is not None else None
    if column is None or data.loaded is None:
        return []
    values = {
        row.values.get(column)
        for row in data.loaded.rows
        if isinstance(row.values.get(column), str | int | float)
    }
    numeric = all(isinstance(v, int | float) for v in values)
    ordered = sorted(values, key=lambda v: (v, "") if numeric else (0, str(v)))
    if len(ordered) > 1000:
        faults.add("E0614", by.at, f"`{column}` has {len(ordered):,} values", "at most 1,000 make subsets")
        return []
    family = [_member(name, column, value, data, least, at) for value in ordered]
    for subset in family:
        _selects_something(subset, by.at, data.loaded, faults)
    return family


def _member(name: str, column: str, value: object, data: Data, least: int | None, at: Span) -> Subset:
    where = Expression(at, Type.BOOL, frozenset((column,)), lambda row: row.get(column) == value)
    return Subset(
        name=f"{name}={value}", dataset=data.dataset.name, where=where, at=at, minimum=least, family=name
    )
