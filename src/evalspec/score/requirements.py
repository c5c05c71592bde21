"""Requirements and their three verdicts. A figure without enough data is undecided, never met."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from evalspec import metrics
from evalspec.language.metric_names import Measure, metric_named
from evalspec.score.durations import durations
from evalspec.score.measures import Example, Part, each_sample, of_label, undefined
from evalspec.score.weighed import NO_WEIGHTS, figures_of
from evalspec.score.weighing import Design, Figure, mean_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import Bound, Task
    from evalspec.metrics import Estimate

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
    task: Task, subsets: Mapping[str, Part], whole: Part, design: Design
) -> tuple[Requirement, ...]:
    """Every requirement of a task with its verdict for one candidate, overall or on a subset."""
    return tuple(
        _requirement(task, bound, whole if bound.subset is None else subsets[bound.subset], design)
        for bound in task.requirements
    )


def _requirement(task: Task, bound: Bound, part: Part, design: Design) -> Requirement:
    estimate = _estimate(task, bound, part, design)
    verdict = _verdict(bound, estimate, part.examples)
    return Requirement(clause=bound.clause, metric=bound.metric, verdict=verdict, estimate=estimate)


def _estimate(task: Task, bound: Bound, part: Part, design: Design) -> Estimate:
    heard = [e for e in each_sample(part.examples) if e.judgement.heard]
    if bound.step is not None:
        return _of_step(bound, bound.step, heard, design)
    if bound.label is not None:
        return _of_label(task, bound.metric, bound.label, heard, design)
    return part.metrics[bound.metric]


def _of_label(task: Task, metric: str, label: str, heard: Sequence[Example], design: Design) -> Estimate:
    figures = None if design.plain else figures_of(task, metric, heard, label)
    if figures:
        return mean_of(design, figures, flags=True, whole=False)
    if design.weighted:
        return undefined(NO_WEIGHTS)
    return of_label(task, label, heard)[metric]


def _of_step(bound: Bound, step: str, heard: Sequence[Example], design: Design) -> Estimate:
    if bound.metric != "accuracy":
        return undefined(f"`{bound.metric}` is not measured for single steps")
    flags = [(e.judgement.row, e.judgement.steps_right[step]) for e in heard]
    known = [Figure(row, float(f)) for row, f in flags if f is not None]
    return mean_of(design, known, flags=True, whole=bound.subset is None)


def _verdict(bound: Bound, estimate: Estimate, examples: Sequence[Example]) -> Verdict:
    if estimate.n < LEAST:
        return Verdict.UNDECIDED
    if metric_named(bound.metric).measure is Measure.TIME and bound.operator in ("<=", "<"):
        return _of_time(bound, examples)
    low, high = estimate.low, estimate.high
    if low is None or high is None:
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
    timed = durations([e for e in each_sample(examples) if e.judgement.heard])
    longest = bound.value if bound.operator == "<=" else math.nextafter(bound.value, -math.inf)
    check = timed.within(float(bound.metric[1:]), longest)
    return {
        metrics.BudgetVerdict.WITHIN: Verdict.MET,
        metrics.BudgetVerdict.OVER: Verdict.NOT_MET,
        metrics.BudgetVerdict.NOT_ENOUGH_DATA: Verdict.UNDECIDED,
    }[check.verdict]
