"""How much worse than a model each candidate is, example by example, against the margins of the spec."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from evalspec import metrics
from evalspec.language.metric_names import Direction, figure_in, metric_named
from evalspec.metrics import Estimate
from evalspec.score.contributions import Column, contributions
from evalspec.score.differences import compared_by, difference
from evalspec.score.measures import Example, Part, undefined
from evalspec.score.requirements import LEAST
from evalspec.score.weighed import figures_of
from evalspec.score.weighing import Design, Figure, by_example, macro_mean
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.program import Bound, NoWorseThan, Subset, Task

ONE_BY_ONE = "examples of one cluster are redrawn one by one"


class MarginVerdict(StrEnum):
    """Whether a candidate is within a margin."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A margin with how much worse the candidate is than the model: above 0 is worse."""

    model: str
    clause: str
    metric: str
    verdict: MarginVerdict
    estimate: Estimate


class Held(Protocol):
    """A candidate as far as it is compared: its examples, overall and by subset."""

    @property
    def model(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def whole(self) -> Part: ...
    @property
    def subsets(self) -> Mapping[str, Part]: ...


@dataclass(frozen=True, slots=True)
class Comparing:
    """What all comparisons of a task share."""

    task: Task
    subsets: Mapping[str, Subset]
    design: Design
    seed: int


def margins(comparing: Comparing, candidate: Held, others: Sequence[Held]) -> tuple[Margin, ...]:
    """Every margin of a task for one candidate; none against itself."""
    found: list[Margin] = []
    for clause in comparing.task.no_worse_than:
        if clause.model == candidate.model:
            continue
        reference = _reference(clause, candidate, others)
        found += [_margin(comparing, clause.model, bound, candidate, reference) for bound in clause.margins]
    return tuple(found)


def _reference(clause: NoWorseThan, candidate: Held, others: Sequence[Held]) -> Held | None:
    """The model that a candidate is held against, asked with the same prompt variant where it was."""
    same = [o for o in others if o.model == clause.model]
    return next((o for o in same if o.variant == candidate.variant), same[0] if same else None)


def _margin(
    comparing: Comparing, model: str, bound: Bound, candidate: Held, reference: Held | None
) -> Margin:
    if reference is None:
        estimate = undefined(f"{model} is not among the candidates of this run")
    else:
        own, its = _part(bound, candidate), _part(bound, reference)
        estimate = _loss(comparing, bound, own.examples, its.examples)
    return Margin(
        model=model,
        clause=bound.clause,
        metric=bound.metric,
        verdict=_verdict(bound, estimate),
        estimate=estimate,
    )


def _part(bound: Bound, held: Held) -> Part:
    return held.whole if bound.subset is None else held.subsets[bound.subset]


def _verdict(bound: Bound, estimate: Estimate) -> MarginVerdict:
    """Kept where the whole interval is within the margin, broken where it is beyond."""
    low, high, margin = estimate.low, estimate.high, bound.value
    if low is None or high is None or estimate.n < LEAST:
        return MarginVerdict.NOT_ENOUGH_DATA
    if high < margin or (high == margin and bound.operator == "<="):
        return MarginVerdict.KEPT
    if low > margin or (low == margin and bound.operator == "<"):
        return MarginVerdict.BROKEN
    return MarginVerdict.NOT_ENOUGH_DATA


def _loss(comparing: Comparing, bound: Bound, own: Sequence[Example], its: Sequence[Example]) -> Estimate:
    """How much worse the first is than the second on the examples that both finished."""
    percentile = figure_in(bound.metric, "percentile")
    if percentile is not None:
        a, b = _seconds(own), _seconds(its)
        both = ~(np.isnan(a) | np.isnan(b))
        found = metrics.percentile_difference(a[both], b[both], percentile, seed=comparing.seed)
        return found if comparing.design.cluster is None else replace(found, why=found.why or ONE_BY_ONE)
    mine, theirs = _column(comparing, bound, own), _column(comparing, bound, its)
    if metric_named(bound.metric).direction is Direction.MAX:
        mine, theirs = theirs, mine
    group, design = comparing.subsets.get(bound.subset or ""), compared_by(bound.metric, comparing.design)
    rows = [e.judgement.row for e in own]
    if group is None or not group.macro:
        return difference(design, rows, mine, theirs, metric=bound.metric, whole=group is None)
    figures = [
        Figure(row, d) for row, d in zip(rows, (mine - theirs).tolist(), strict=True) if not math.isnan(d)
    ]
    return macro_mean(design, group, figures, flags=False) if figures else undefined("no data")


def _column(comparing: Comparing, bound: Bound, examples: Sequence[Example]) -> Column:
    """What each example adds to the metric; NaN where it adds nothing."""
    if bound.step is not None:
        return np.array([_step_right(e, bound.step) for e in examples])
    found = None if bound.metric == "recall" else contributions(bound.metric, examples)
    if found is not None:
        return found
    figures = figures_of(comparing.task, bound.metric, examples, bound.label) or ()
    known = {figure.row.id: figure.value for figure in by_example(figures)}
    return np.array([known.get(e.judgement.row.id, math.nan) for e in examples])


def _step_right(example: Example, step: str) -> float:
    """The share of its samples in which a step is right."""
    told = [s.judgement.steps_right[step] for s in example.samples if s.judgement.heard]
    known = [float(flag) for flag in told if flag is not None]
    return sum(known) / len(known) if known else math.nan


def _seconds(examples: Sequence[Example]) -> Column:
    return np.array([_latency(e) for e in examples], dtype=np.float64)


def _latency(example: Example) -> float:
    judgement = example.judgement
    if not judgement.heard:
        return math.nan
    if judgement.timed_out:
        return math.inf
    return math.nan if judgement.latency_ns is None else judgement.latency_ns / 1e9
