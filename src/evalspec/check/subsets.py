"""Subset blocks: which examples of a dataset belong to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, condition, known_column, named_dataset
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.groups import GROUPS, read_group
from evalspec.check.values import whole_number, word_of
from evalspec.language.expressions import Expression, Type, holds
from evalspec.language.program import Subset
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import counted
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.syntax import tree
    from evalspec.text.source import Span


@dataclass(frozen=True, slots=True)
class _Reading:
    """Subsets as they are read; `found` has those that were, under the name of their block."""

    declared: Declared
    data: Mapping[str, Data]
    faults: Faults
    found: dict[str, Sequence[Subset]]


def read_subsets(declared: Declared, data: Mapping[str, Data], faults: Faults) -> tuple[Subset, ...]:
    """Every subset, those of a `by` family one by one. A group may stand before what it is made of."""
    reading = _Reading(declared, data, faults, {})
    for name in declared.of("subset"):
        _read(name, reading, ())
    return tuple(subset for name in declared.of("subset") for subset in reading.found[name])


def _read(name: str, reading: _Reading, path: tuple[str, ...]) -> Sequence[Subset]:
    """The subsets of a block, read once. `path`: the groups that wait for it."""
    if name in reading.found:
        return reading.found[name]
    faults, block = reading.faults, reading.declared.of("subset")[name]
    entries = read_entries(block, faults)
    data = _dataset_of(block, reading.declared, reading.data, faults)
    minimum = entries.value("min")
    least = whole_number(minimum, "`min`", faults) if minimum is not None else None
    group = next((k for k in GROUPS if k in entries.attributes), None)
    if data is None or not _one_way(entries, faults):
        read: Sequence[Subset] = ()
    elif group is None:
        read = _subset(name, entries, data, least, faults)
    else:
        found = read_group(name, entries, data, lambda word: _find(word, reading, (*path, name)), faults)
        read = _group(found, least)
        for subset in read:
            _selects_something(subset, entries.attributes[group].value.at, data.loaded, faults)
    return reading.found.setdefault(name, read)


def _group(found: Subset | None, least: int | None) -> Sequence[Subset]:
    return () if found is None else (replace(found, minimum=least),)


def _find(word: tree.Word, reading: _Reading, path: tuple[str, ...]) -> Sequence[Subset]:
    """The subsets of a name; none after saying that there is no such one, or that it leads in a circle."""
    if word.text in path:
        circle = path[path.index(word.text) :]
        round_again = " → ".join((*circle, word.text))
        said = f"these groups are made of each other in a circle: {round_again}"
        reading.faults.add("E0321", word.at, said, "a group is made of subsets that stand without it")
        reading.found.update(dict.fromkeys(circle, ()))
        return ()
    if word.text in reading.declared.of("subset"):
        return _read(word.text, reading, path)
    if word.text not in reading.declared.names["subset"]:
        known = reading.declared.names["subset"]
        help_line, fixes = did_you_mean(word.text, known, at=word.at)
        reading.faults.found.append(
            problem("E0204", word.at, f"there is no subset `{word.text}`", help_line, fixes=fixes)
        )
    return ()


def _one_way(entries: Entries, faults: Faults) -> bool:
    """Whether the block says in one way which examples it means."""
    given = [entries.attributes[k] for k in ("where", "by", *GROUPS) if k in entries.attributes]
    if len(given) > 1:
        both = f"a subset has `{given[0].key.text}` or `{given[1].key.text}`, not both"
        faults.add("E0408", given[1].key.at, both, "make two subsets of it")
        return False
    average = entries.attributes.get("average")
    if average is not None and not any(k in entries.attributes for k in GROUPS):
        way_out = "a group is written `any_of = [SUBSET, …]`"
        faults.add("E0409", average.key.at, "`average` is for groups of subsets", way_out)
    return True


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
        faults.add("E0612", where_at, f"this selects none of the {counted(len(loaded.rows), 'example')}",
                   "compare it with the values that the data really have")  # fmt: skip
    elif subset.minimum is not None and n < subset.minimum:
        faults.add(
            "W0613",
            subset.at,
            f"subset `{subset.name}` has {counted(n, 'example')}, fewer than its `min` of {subset.minimum}",
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
