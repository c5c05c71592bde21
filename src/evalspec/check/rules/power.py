"""What the number of examples can and cannot decide, told before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.expressions import holds
from evalspec.metrics.power import minimum_detectable_difference
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Bound, Program, Task

LEAST = 30
DISCORDANT = 0.2


def what_can_be_told_apart(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A note with the smallest difference in accuracy that each task's set can tell apart."""
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        if loaded is None or len(task.models) < 2:
            continue
        n = len(loaded.rows)
        smallest = minimum_detectable_difference(n, DISCORDANT).value
        if smallest is not None:
            yield problem(
                "N0701",
                task.at,
                f"{n:,} examples tell two candidates apart "
                f"from a difference of {smallest:.1%} in accuracy upwards",
                f"at 80 % power, if they disagree on {DISCORDANT:.0%} of the examples",
            )


def bounds_can_be_decided(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each bound that is measured on fewer than 30 examples, where it stays undecided."""
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        for bound in task.requirements if loaded is not None else ():
            n = _examples(bound, task, program, loaded) if loaded is not None else LEAST
            if n < LEAST:
                yield problem(
                    "W0702",
                    bound.at,
                    f"`{bound.clause}` is measured on {n} examples and will stay undecided",
                    f"it takes at least {LEAST}",
                )


def _examples(bound: Bound, task: Task, program: Program, loaded: Loaded) -> int:
    if bound.subset is None:
        return len(loaded.rows)
    subset = next(s for s in program.subsets if s.name == bound.subset and s.dataset == task.dataset)
    return sum(holds(subset.where, row.values) for row in loaded.rows)
