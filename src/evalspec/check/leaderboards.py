"""Leaderboards: published scores by model, or by model and prompt variant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import Faults, read_entries
from evalspec.check.values import quantity_of
from evalspec.language.program import Leaderboard
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.names import Declared
    from evalspec.language.program import Task
    from evalspec.syntax import tree


def read_leaderboards(
    declared: Declared, tasks: Mapping[str, Task], faults: Faults
) -> Mapping[str, Leaderboard]:
    """Every leaderboard, by name. A note tells models on it that no task asks."""
    found: dict[str, Leaderboard] = {}
    for name, block in declared.of("leaderboard").items():
        entries = read_entries(block, faults)
        scores: dict[str, float] = {}
        for key, entry in entries.attributes.items():
            score = quantity_of(entry.value, (Unit.NUMBER, Unit.RATIO), f"the score of `{key}`", faults)
            known = _is_known(entry.key, declared, tasks, faults)
            if score is not None and known:
                scores[key] = float(score.value) * (100 if score.unit is Unit.RATIO else 1)
        if not entries.attributes and not entries.broken:
            said = "this leaderboard has no score"
            faults.add("E0406", block.header, said, "write `MODEL = 82.0`, one for each model")
        at = block.name.at if block.name is not None else block.header
        found[name] = Leaderboard(name=name, at=at, scores=scores)
    return found


def _is_known(key: tree.Word, declared: Declared, tasks: Mapping[str, Task], faults: Faults) -> bool:
    model, slash, variant = key.text.partition("/")
    if model not in declared.names["model"]:
        help_line, fixes = did_you_mean(model, declared.names["model"], at=None if slash else key.at)
        faults.found.append(problem("E0201", key.at, f"there is no model `{model}`", help_line, fixes=fixes))
        return False
    asked = [t for t in tasks.values() if model in t.models]
    if tasks and not asked:
        faults.add("N0454", key.at, f"`{model}` is a candidate of no task, so its score says nothing here")
    variants = {v for t in asked for v in t.variants}
    if slash and asked and variant not in variants:
        help_line = did_you_mean(variant, variants)[0] if variants else "no task has prompt variants"
        faults.add("E0202", key.at, f"`{model}` is asked with no prompt variant `{variant}`", help_line)
        return False
    return True
