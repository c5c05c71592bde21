"""What the number of examples can and cannot decide, told before anything is asked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evalspec.check.scoring import default_metric
from evalspec.language.candidates import by_variant
from evalspec.language.expressions import holds
from evalspec.language.metric_names import figure_in
from evalspec.metrics.power import GUESSES, minimum_detectable_difference
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Bound, Budgets, Program, Task
    from evalspec.text.source import Span

LEAST = 30
ALPHA = 0.05
DISCORDANT = GUESSES[-1]
MOST_SUBSETS = 4


def what_can_be_told_apart(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A note with the smallest difference in accuracy that each task's set can tell apart, if it has one.

    The same figures as `evalspec power` gives, where all examples count alike.
    """
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        candidates = candidates_of(task, program)
        if loaded is None or candidates < 2 or default_metric(task.final) is not None:
            continue
        n, contrasts = len(loaded.rows), math.comb(candidates, 2)
        smallest = _smallest(n, contrasts)
        apart = f"apart from a difference of {smallest or 0:.1%} in accuracy upwards"
        told = f"{n:,} examples tell two candidates {apart}"
        hardly = "1 example tells" if n == 1 else f"{n:,} examples tell"
        at_once = f", with {contrasts:,} comparisons at once" if contrasts > 1 else ""
        yield problem(
            "N0701",
            task.at,
            f"{hardly} hardly any two candidates apart" if smallest is None else told,
            f"at 80 % power, if they disagree on {DISCORDANT:.0%} of the examples{at_once}",
            *_by_subset(task, program, loaded, contrasts),
        )


def candidates_of(task: Task, program: Program) -> int:
    """How many candidates a task compares."""
    if task.assign:
        return math.prod(len(task.assign.get(step.name) or task.models) for step in task.steps)
    return sum(len(by_variant(program.models[m], task.variants)) for m in task.models)


def _smallest(n: int, contrasts: int) -> float | None:
    return minimum_detectable_difference(n, DISCORDANT, alpha=ALPHA / contrasts).value


def _by_subset(task: Task, program: Program, loaded: Loaded, contrasts: int) -> Iterable[str]:
    """The same for the subsets, the smallest first."""
    sizes = sorted(
        (sum(holds(s.where, row.values) for row in loaded.rows), s.name)
        for s in program.subsets
        if s.dataset == task.dataset
    )
    told = []
    for n, name in sizes[:MOST_SUBSETS]:
        smallest = _smallest(n, contrasts)
        told.append(f"`{name}` {f'{smallest:.1%}' if smallest is not None else 'none'} (n = {n:,})")
    if told:
        more = ", …: `evalspec power` tells all" if len(sizes) > MOST_SUBSETS else ""
        yield f"by subset: {', '.join(told)}{more}"


def bounds_can_be_decided(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each bound that is measured on fewer than 30 examples, where it stays undecided."""
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        written: dict[Span, list[Bound]] = {}  # a bound on a family of subsets is written once
        for bound in task.requirements:
            written.setdefault(bound.at, []).append(bound)
        for at, bounds in written.items() if loaded is not None else ():
            sizes = [
                (_examples(bound, task, program, loaded), bound) for bound in bounds if loaded is not None
            ]
            few = sorted(((n, bound.clause) for n, bound in sizes if n < LEAST))
            if few:
                yield problem("W0702", at, _undecided(few, len(bounds)), f"it takes at least {LEAST}")


def budgets_can_be_decided(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each latency budget that so few calls can never show to be kept."""
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        for bound in task.budgets.bounds if task.budgets is not None else ():
            calls = _calls(task.budgets, loaded)
            needed = _calls_needed(bound)
            if calls is not None and needed is not None and calls < needed:
                counted = "1 call" if calls == 1 else f"{calls:,} calls"
                said, way_out = f"can never be shown by {counted}", ""
                if (rate := task.budgets.rate_per_s if task.budgets is not None else None) is not None:
                    said = f"is not shown by the {counted} or so of this load"
                    way_out = f": `for = {math.ceil(_surely(needed) / rate)}s` brings them"
                said, way_out = (
                    f"`{bound.clause}` {said}",
                    f"it takes at least {needed:,}, all of them within{way_out}",
                )
                yield problem("W0702", bound.at, said, way_out)


def _calls(budgets: Budgets | None, loaded: Loaded | None) -> int | None:
    """How many calls a budget is held against: those of the load, else one for each example."""
    if budgets is not None and budgets.rate_per_s is not None:
        return None if budgets.duration_ns is None else int(budgets.rate_per_s * budgets.duration_ns / 1e9)
    if budgets is not None and budgets.in_flight is not None:
        return None
    return None if loaded is None else len(loaded.rows)


def _surely(needed: int) -> float:
    """How many calls a load must bring on average, so that by chance it hardly ever brings too few."""
    return needed + 2 * math.sqrt(needed)


def _calls_needed(bound: Bound) -> int | None:
    """The fewest calls, all within, that the exact binomial takes for a proof at 95 %."""
    percentile = figure_in(bound.metric, "percentile")
    share = 1 - bound.value if bound.metric == "errors" else (percentile or 0.0) / 100
    if not 0 < share < 1:
        return None
    return math.ceil(math.log(ALPHA) / math.log(share))


def _undecided(few: Sequence[tuple[int, str]], total: int) -> str:
    n, clause = few[0]
    examples = counted(n, "example")
    if total == 1:
        return f"`{clause}` is measured on {examples} and will stay undecided"
    return f"{len(few)} of these {total} bounds will stay undecided: `{clause}` is measured on {examples}"


def _examples(bound: Bound, task: Task, program: Program, loaded: Loaded) -> int:
    if bound.subset is None:
        return len(loaded.rows)
    subset = next(s for s in program.subsets if s.name == bound.subset and s.dataset == task.dataset)
    return sum(holds(subset.where, row.values) for row in loaded.rows)
