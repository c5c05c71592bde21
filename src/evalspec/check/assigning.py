"""`assign { … }` of a chain: which models run which step, and how many combinations that makes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from evalspec.check.entries import read_entries
from evalspec.check.fitting import declared_model
from evalspec.check.values import flag_of, words_of
from evalspec.text.diagnostics import did_you_mean, problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.check.entries import Entries, Faults
    from evalspec.check.known import Known
    from evalspec.syntax import tree

MOST_COMBINATIONS = 1_000


def read_assign(
    entries: Entries, steps: Sequence[str], models: Sequence[str], known: Known, faults: Faults
) -> Mapping[str, tuple[str, ...]]:
    """The models of each step that is assigned some; `models` are those of the other steps."""
    block = entries.nested("assign")
    if block is None:
        return {}
    faults.not_run(block.header, "`assign`", "leave it out for now: one model then runs all steps")
    assigned: dict[str, tuple[str, ...]] = {}
    for name, entry in read_entries(block, faults).attributes.items():
        if name not in steps:
            help_line, fixes = did_you_mean(name, steps, at=entry.key.at)
            message = f"there is no step `{name}`"
            faults.found.append(problem("E0202", entry.key.at, message, help_line, fixes=fixes))
            continue
        found = _models(entry, known, faults)
        if found:
            assigned[name] = found
    _not_too_many(block, steps, assigned, models, faults)
    return assigned


def _models(entry: tree.Attribute, known: Known, faults: Faults) -> tuple[str, ...]:
    words = words_of(entry.value, "a model", faults)
    if words == ():
        faults.add("E0307", entry.value.at, "this list of models is empty", "name one")
    named: list[str] = []
    for word in words or ():
        if not declared_model(word, known, faults):
            continue
        if word.text in named:
            faults.add("E0404", word.at, f"`{word.text}` is named twice", "remove one")
        elif word.text in known.models:
            named.append(word.text)
    return tuple(named)


def _not_too_many(
    block: tree.Block,
    steps: Sequence[str],
    assigned: Mapping[str, tuple[str, ...]],
    models: Sequence[str],
    faults: Faults,
) -> None:
    count = prod(len(assigned.get(step, models)) or 1 for step in steps)
    if count > MOST_COMBINATIONS:
        faults.add("E0473", block.header, f"this makes {count:,} combinations of models",
                   f"at most {MOST_COMBINATIONS:,} are candidates; name fewer")  # fmt: skip


def read_oracle(entries: Entries, faults: Faults) -> bool:
    """Whether the chain is also run with one step made perfect at a time."""
    value = entries.value("oracle")
    found = flag_of(value, "`oracle`", faults) if value is not None else None
    if found and value is not None:
        faults.not_run(value.at, "`oracle = true`", "leave it out for now")
    return bool(found)
