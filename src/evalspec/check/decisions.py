"""Decisions: several tasks, how much each counts, who is compared, and by what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import items_of, several_of, words_of
from evalspec.check.weighting import adds_up, read_shares
from evalspec.language.expressions import Scope, Type, compile_expression, holds
from evalspec.language.metric_names import METRICS
from evalspec.language.program import Decision
from evalspec.text.diagnostics import did_you_mean, errors, problem
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evalspec.check.names import Declared
    from evalspec.language.program import Leaderboard, Task
    from evalspec.syntax import tree

WIN_RATE = "mean_win_rate"
COSTS = ("expected_cost", "total_cost")
WHOLE = "the weights of a decision are 100 % together"


@dataclass(frozen=True, slots=True)
class Deciding:
    """What a decision may refer to."""

    declared: Declared
    tasks: Mapping[str, Task]
    boards: Mapping[str, Leaderboard]
    faults: Faults


def read_decisions(of: Deciding) -> Mapping[str, Decision]:
    """Every decision that could be understood, by name."""
    found = {name: _read(name, block, of) for name, block in of.declared.of("decision").items()}
    return {name: decision for name, decision in found.items() if decision is not None}


def _read(name: str, block: tree.Block, of: Deciding) -> Decision | None:
    entries = read_entries(block, of.faults)
    before = len(errors(of.faults.found))
    weights = _weights(entries, of)
    tasks = [of.tasks[t] for t in weights or () if t in of.tasks]
    models = _models(entries, tasks, of)
    rank = _metrics(entries, "rank", tasks, of)
    report = _metrics(entries, "report", tasks, of)
    where = entries.value("where")
    if where is not None:
        models = _narrowed(where, models, of)
    if not tasks or len(tasks) < len(weights or ()) or len(errors(of.faults.found)) > before:
        return None
    return Decision(
        name=name,
        at=block.name.at if block.name is not None else block.header,
        weights=weights or {},
        models=models,
        rank=rank or (_default_rank(tasks),),
        report=report,
        narrows=where is not None,
    )


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────────


def _weights(entries: Entries, of: Deciding) -> Mapping[str, float] | None:
    """How much each task counts; all tasks of the file alike where nothing is said."""
    block = entries.nested("weights")
    if block is None:
        return _all_alike(entries, of)
    inner = read_entries(block, of.faults)
    known = [_is_task(attribute.key, of) for attribute in inner.attributes.values()]
    shares = read_shares(inner, of.faults)
    if shares is None or not all(known) or not adds_up(shares, inner, WHOLE, of.faults):
        return None
    return {task: float(share) for task, share in shares.items()}


def _all_alike(entries: Entries, of: Deciding) -> Mapping[str, float] | None:
    declared = of.declared.names["task"] | of.declared.names["chain"]
    if "weights" in entries.spoiled or len(of.tasks) < len(declared):
        return None  # told where it stands
    if not of.tasks:
        way_out = "declare one: `task NAME { … }`"
        of.faults.add("E0201", entries.block.header, "there is no task to decide over", way_out)
        return None
    return dict.fromkeys(of.tasks, 1 / len(of.tasks))


def _is_task(word: tree.Word, of: Deciding) -> bool:
    declared = of.declared.names["task"] | of.declared.names["chain"]
    if word.text in declared:
        return True
    help_line, fixes = did_you_mean(word.text, declared, at=word.at)
    of.faults.found.append(
        problem("E0201", word.at, f"there is no task `{word.text}`", help_line, fixes=fixes)
    )
    return False


# ── candidates ────────────────────────────────────────────────────────────────────────────────────


def _models(entries: Entries, tasks: Sequence[Task], of: Deciding) -> tuple[str, ...]:
    """The candidates: those named, else those that all tasks have."""
    common = [m for m in (tasks[0].models if tasks else ()) if all(m in t.models for t in tasks)]
    value = entries.value("models")
    if value is None:
        if tasks and not common and all(t.models for t in tasks):
            said = "no model is a candidate of all the tasks of this decision"
            of.faults.add("E0455", entries.block.header, said, "give the tasks a model in common")
        return tuple(common)
    words = words_of(value, "a model", of.faults) or ()
    return tuple(word.text for word in words if _is_candidate(word, common, tasks, of))


def _is_candidate(word: tree.Word, common: Sequence[str], tasks: Sequence[Task], of: Deciding) -> bool:
    if word.text not in of.declared.names["model"]:
        help_line, fixes = did_you_mean(word.text, of.declared.names["model"], at=word.at)
        of.faults.found.append(
            problem("E0201", word.at, f"there is no model `{word.text}`", help_line, fixes=fixes)
        )
        return False
    lacking = [t.name for t in tasks if word.text not in t.models]
    if tasks and word.text not in common:
        said = f"`{word.text}` is no candidate of `{lacking[0]}`"
        of.faults.add("E0455", word.at, said, "a decision compares candidates of all its tasks")
        return False
    return True


def _narrowed(where: tree.Expr, models: Sequence[str], of: Deciding) -> tuple[str, ...]:
    """The models of which a condition on leaderboards is true; one that a board lacks is left out."""
    scope = Scope(dict.fromkeys(of.boards, Type.NUMBER), "the file's leaderboards")
    condition, found = compile_expression(where, scope)
    of.faults.extend(found)
    if found:
        return tuple(models)
    if condition.type not in (Type.BOOL, Type.UNKNOWN):
        said = f"`where` takes a condition, and this is a {condition.type}"
        of.faults.add("E0302", where.at, said, "compare a leaderboard: `mmlu >= 70`")
        return tuple(models)
    kept = tuple(m for m in models if holds(condition, {n: b.of(m) for n, b in of.boards.items()}))
    if models and not kept:
        said = "this leaves no candidate"
        of.faults.add("E0456", where.at, said, "a model that the leaderboard does not list is left out too")
        return tuple(models)
    for model in models:
        if model not in kept:
            of.faults.add("N0457", where.at, f"`{model}` is not asked: the leaderboards leave it out")
    return kept


def narrowed_tasks(tasks: Mapping[str, Task], decisions: Iterable[Decision]) -> Mapping[str, Task]:
    """The tasks with the candidates that are still asked: those that some decision over a task keeps.

    A task that stands in no decision, or in one that does not narrow, asks all its candidates.
    """
    own: dict[str, list[Decision]] = {}
    for decision in decisions:
        for task in decision.weights:
            own.setdefault(task, []).append(decision)
    found = dict(tasks)
    for name, over in own.items():
        if all(d.narrows for d in over):
            kept = {m for d in over for m in d.models}
            found[name] = replace(tasks[name], models=tuple(m for m in tasks[name].models if m in kept))
    return found


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────


def _metrics(entries: Entries, name: str, tasks: Sequence[Task], of: Deciding) -> tuple[str, ...]:
    value = entries.value(name)
    if value is None:
        return ()
    items_of(value, f"write `{name} = {WIN_RATE}`", of.faults)
    words = several_of(value, "a metric", of.faults) if value is not None else None
    return tuple(word.text for word in words or () if _is_metric(word, tasks, of))


def _is_metric(word: tree.Word, tasks: Sequence[Task], of: Deciding) -> bool:
    if word.text not in METRICS:
        help_line, fixes = did_you_mean(word.text, METRICS, at=word.at)
        of.faults.found.append(
            problem("E0410", word.at, f"there is no metric `{word.text}`", help_line, fixes=fixes)
        )
        return False
    if word.text not in COSTS:
        return True
    free = [t.name for t in tasks if t.costs is None]
    units = sorted({t.costs.unit for t in tasks if t.costs is not None})
    if free or len(units) > 1:
        lacks = f"task `{free[0]}` has none" if free else f"they are in {' and '.join(units)}"
        said = f"`{word.text}` needs costs in one unit from all tasks, and {lacks}"
        of.faults.add("E0416", word.at, said, f"rank by `{WIN_RATE}`, or give each task costs")
        return False
    return True


def _default_rank(tasks: Sequence[Task]) -> str:
    """Costs where all tasks have them in one unit, else who wins more often."""
    units = {t.costs.unit if t.costs is not None else None for t in tasks}
    return "expected_cost" if len(units) == 1 and None not in units else WIN_RATE
