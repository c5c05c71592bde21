"""Ranks: the order of the candidates, the differences between them, and who cannot be told apart.

Pairs are compared on the examples that both finished. Where the data do not separate two candidates
they share a range of ranks.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.language.schema import METRICS, Direction
from evalspec.metrics import Estimate
from evalspec.score.measures import Example

ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A candidate's place: the best and worst rank that the data allow, and how often it comes first."""

    low: int | None
    high: int | None
    in_the_running: bool
    p_best: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two candidates on one metric: a minus b on the examples both finished."""

    a: str
    b: str
    metric: str
    difference: Estimate
    p_value: float
    p_adjusted: float
    distinguished: bool


def badness(metric: str, estimate: Estimate | None) -> float:
    """What a metric is sorted by: smaller is better, undefined last."""
    if estimate is None or estimate.value is None:
        return float("inf")
    match METRICS[metric].direction:
        case Direction.MAX:
            return -estimate.value
        case Direction.MIN:
            return estimate.value
        case Direction.ZERO:
            return abs(estimate.value)


def scores_by_example(metric: str, examples: Sequence[Example]) -> NDArray[np.float64] | None:
    """The metric's contribution of each example (NaN where not heard); None for metrics that are no means."""
    match metric:
        case "accuracy" | "end_to_end" | "exact" | "contains":
            values = [_flag(e.judgement.right) if e.judgement.heard else None for e in examples]
        case "expected_cost":
            values = [e.decision.cost if e.decision is not None else None for e in examples]
        case "brier":
            values = [
                (e.judgement.confidence - float(e.judgement.right)) ** 2
                if e.judgement.confidence is not None and e.judgement.right is not None
                else None
                for e in examples
            ]
        case _:
            return None
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _flag(right: bool | None) -> float | None:
    return None if right is None else float(right)


def standings(metric: str, by_candidate: Mapping[str, Sequence[Example]], seed: int) -> Mapping[str, Standing]:
    """Everyone's place by a metric. Metrics that are no means have an order but no evidence."""
    columns = {name: scores_by_example(metric, examples) for name, examples in by_candidate.items()}
    known = {name: column for name, column in columns.items() if column is not None}
    if not known or len(known) < len(columns):
        return {name: Standing(low=None, high=None, in_the_running=True, p_best=None) for name in columns}
    matrix = np.column_stack(list(known.values()))
    if not (~np.isnan(matrix).any(axis=1)).any():  # nothing was finished by all
        return {name: Standing(low=1, high=len(known), in_the_running=True, p_best=None) for name in known}
    higher = METRICS[metric].direction is Direction.MAX
    ranks = metrics.rank_intervals(matrix, higher_is_better=higher, seed=seed)
    return {
        name: Standing(low=r.rank_low, high=r.rank_high, in_the_running=r.in_the_running, p_best=r.p_best)
        for name, r in zip(known, ranks, strict=True)
    }


def pairs(metric: str, by_candidate: Mapping[str, Sequence[Example]], seed: int) -> tuple[Pair, ...]:
    """Every pair's difference in a metric, p-values adjusted by Holm over these pairs."""
    raw = [
        (a, b, _compared(metric, by_candidate[a], by_candidate[b], seed))
        for a, b in itertools.combinations(by_candidate, 2)
    ]
    found = [(a, b, *compared) for a, b, compared in raw if compared is not None]
    adjusted = metrics.holm([p for _, _, _, p in found]) if found else ()
    return tuple(
        Pair(a=a, b=b, metric=metric, difference=d, p_value=p, p_adjusted=float(q), distinguished=bool(q <= ALPHA))
        for (a, b, d, p), q in zip(found, adjusted, strict=True)
    )


def _compared(
    metric: str, first: Sequence[Example], second: Sequence[Example], seed: int
) -> tuple[Estimate, float] | None:
    a, b = scores_by_example(metric, first), scores_by_example(metric, second)
    if a is None or b is None:
        return None
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    if not a.size:
        return None
    if metric in ("expected_cost", "brier"):
        p = metrics.sign_flip(a - b, seed=seed)
    else:
        p = metrics.mcnemar_midp(int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum()))
    return metrics.paired_difference(a, b), float(p)
