"""Requirements and their three verdicts. A figure without enough data is undecided, never met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalspec import metrics
from evalspec.language.expressions import holds
from evalspec.language.program import Bound, Subset, Task
from evalspec.language.schema import METRICS, Measure
from evalspec.metrics import Estimate
from evalspec.score.measures import Example, latencies, measure, of_label, percentile, share

LEAST = 30


class Verdict(StrEnum):
    """What became of a requirement."""

    MET = "met"
    NOT_MET = "not_met"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A bound with the figure that it was held against."""

    clause: str
    metric: str
    verdict: Verdict
    estimate: Estimate


def requirements(
    task: Task, subsets: Mapping[str, Subset], examples: Sequence[Example]
) -> tuple[Requirement, ...]:
    """Every requirement of a task with its verdict for one candidate."""
    return tuple(_requirement(task, bound, subsets, examples) for bound in task.requirements)


def _requirement(
    task: Task, bound: Bound, subsets: Mapping[str, Subset], examples: Sequence[Example]
) -> Requirement:
    chosen = examples
    if bound.subset is not None:
        where = subsets[bound.subset].where
        chosen = [e for e in examples if holds(where, e.judgement.row.values)]
    estimate = _estimate(task, bound, chosen)
    verdict = _verdict(bound, estimate, chosen)
    return Requirement(clause=bound.clause, metric=bound.metric, verdict=verdict, estimate=estimate)


def _estimate(task: Task, bound: Bound, examples: Sequence[Example]) -> Estimate:
    heard = [e for e in examples if e.judgement.heard]
    if bound.step is not None:
        flags = [e.judgement.steps_right.get(bound.step) for e in heard]
        return share([f for f in flags if f is not None])
    if bound.label is not None:
        return of_label(bound.label, heard)[bound.metric]
    if METRICS[bound.metric].measure is Measure.TIME:
        return percentile(latencies(heard), float(bound.metric[1:]))
    found = measure(task, examples).get(bound.metric)
    if found is None:
        return Estimate(value=None, low=None, high=None, n=0, why="it needs a positive label: `positive = LABEL`")
    return found


def _verdict(bound: Bound, estimate: Estimate, examples: Sequence[Example]) -> Verdict:
    if METRICS[bound.metric].measure is Measure.TIME and bound.operator in ("<=", "<"):
        return _of_time(bound, examples)
    low, high = estimate.low, estimate.high
    if estimate.n < LEAST or low is None or high is None:
        return Verdict.UNDECIDED
    match bound.operator:
        case ">=":
            met, missed = low >= bound.value, high < bound.value
        case ">":
            met, missed = low > bound.value, high <= bound.value
        case "<=":
            met, missed = high <= bound.value, low > bound.value
        case _:
            met, missed = high < bound.value, low >= bound.value
    return Verdict.MET if met else Verdict.NOT_MET if missed else Verdict.UNDECIDED


def _of_time(bound: Bound, examples: Sequence[Example]) -> Verdict:
    """By the exact binomial: how many examples lie within the bound."""
    seconds = latencies([e for e in examples if e.judgement.heard])
    if not seconds:
        return Verdict.UNDECIDED
    check = metrics.budget_verdict(np.array(seconds), float(bound.metric[1:]), bound.value)
    return {
        metrics.BudgetVerdict.WITHIN: Verdict.MET,
        metrics.BudgetVerdict.OVER: Verdict.NOT_MET,
        metrics.BudgetVerdict.NOT_ENOUGH_DATA: Verdict.UNDECIDED,
    }[check.verdict]
