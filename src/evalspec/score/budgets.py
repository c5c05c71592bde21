"""Latency budgets and their three verdicts: from a latency pass where the spec names a load, else from the
latencies that the run's own requests had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.candidates import in_batches
from evalspec.language.metric_names import figure_in
from evalspec.metrics import BudgetVerdict, Estimate
from evalspec.metrics.means import t_interval
from evalspec.score.durations import durations, part_s, spaced
from evalspec.score.loaded import NONE_FIRST, held_under_load, under_load
from evalspec.score.measures import Example, percentile, share, undefined
from evalspec.score.weighing import Figure, by_example
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import Bound, Task
    from evalspec.score.judged import Judged

BEYOND = "it lies beyond the timeout"
NONE_MEASURED = "no latency was measured"
IN_BATCHES = f"{NONE_MEASURED} (asked in batches)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A budget with the figure that it was held against, in seconds; `errors` is a share."""

    clause: str
    metric: str
    verdict: BudgetVerdict
    estimate: Estimate


def budgets(task: Task, judged: Judged, examples: Sequence[Example]) -> tuple[Budget, ...]:
    """Every budget of a task for one candidate, held against its latency pass where there is a load."""
    if task.budgets is None:
        return ()
    loaded = under_load(task, judged.candidate, judged.passed)
    if loaded is not None:
        held = held_under_load(task, loaded)
    else:
        why = IN_BATCHES if in_batches(judged.candidate) else NONE_MEASURED
        held = _held_in_run(task.budgets.bounds, examples, why)
    return tuple(
        Budget(clause=b.clause, metric=b.metric, verdict=verdict, estimate=estimate)
        for b, verdict, estimate in held
    )


def _held_in_run(
    bounds: Sequence[Bound], examples: Sequence[Example], why: str
) -> list[tuple[Bound, BudgetVerdict, Estimate]]:
    """Each budget with its verdict by the run's own requests; `why` none of them was measured, if so."""
    heard = [e for e in examples if e.judgement.heard]
    return [
        (b, *(_errors(b, examples) if b.metric == "errors" else _of_times(b, heard, why))) for b in bounds
    ]


def _of_times(bound: Bound, heard: Sequence[Example], why: str) -> tuple[BudgetVerdict, Estimate]:
    timed = durations(heard, part_s(bound))
    if not timed.n:
        whole = durations(heard).n if bound.label or bound.step else 0
        return BudgetVerdict.NOT_ENOUGH_DATA, undefined(_lacking(bound) if whole else why)
    match bound.metric:
        case "mean":
            return _mean(bound, heard)
        case "max":
            longest = float(timed.seconds.max())
            return (
                BudgetVerdict.OVER if longest > _longest(bound) else BudgetVerdict.WITHIN,
                _bare(longest, timed.n),
            )
        case name:
            q = figure_in(name, "percentile") or 0.0
            return timed.within(q, _longest(bound)).verdict, percentile(timed, q)


def _lacking(bound: Bound) -> str:
    """Why there is no figure for a part, where there is one for the whole."""
    return NONE_FIRST if bound.step is None else f"`{bound.step}` was never timed"


def _mean(bound: Bound, heard: Sequence[Example]) -> tuple[BudgetVerdict, Estimate]:
    """By the t interval of the mean over examples."""
    timed = [(e.judgement.row, durations([e], part_s(bound)).seconds) for e in heard]
    figures = by_example([Figure(row, float(s[0])) for row, s in timed if s.size])
    seconds = np.array([f.value for f in figures])
    if not np.isfinite(seconds).all():
        return BudgetVerdict.NOT_ENOUGH_DATA, undefined(BEYOND, seconds.size)
    found = t_interval(seconds, np.ones(seconds.size))
    verdict = BudgetVerdict.NOT_ENOUGH_DATA
    if found.high is not None and found.high <= _longest(bound):
        verdict = BudgetVerdict.WITHIN
    elif found.low is not None and found.low > _longest(bound):
        verdict = BudgetVerdict.OVER
    return verdict, found


def _errors(bound: Bound, examples: Sequence[Example]) -> tuple[BudgetVerdict, Estimate]:
    """By the exact binomial: how many of the examples that were asked ended in an error."""
    asked = [e.judgement for e in examples if e.judgement.outcome is not Outcome.NOT_ASKED]
    failed = np.array([j.outcome is Outcome.ERROR for j in asked], dtype=np.float64)
    n = len({j.row.id for j in asked})
    found = metrics.wilson(float(failed.mean()) * n, n) if n else share([])
    allowed = bound.value if bound.operator == "<=" else math.nextafter(bound.value, -1.0)
    if not n or allowed >= 1:
        return (BudgetVerdict.WITHIN if n else BudgetVerdict.NOT_ENOUGH_DATA), found
    if allowed < 0:
        return BudgetVerdict.OVER, found
    check = metrics.budget_verdict(spaced(failed, n), 100 * (1 - allowed), 0.5)
    return check.verdict, found


def _longest(bound: Bound) -> float:
    """The longest duration that keeps the bound."""
    return bound.value if bound.operator == "<=" else math.nextafter(bound.value, -math.inf)


def _bare(value: float, n: int) -> Estimate:
    return Estimate(value=value, low=None, high=None, n=n, why="the largest has no interval")
