"""Ranks: the order of the candidates, the differences between them, and who cannot be told apart.

Pairs are compared on the examples that both finished. Where the data do not separate two candidates
they share a range of ranks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.language.metric_names import Direction, metric_named
from evalspec.score.contributions import FLAGS, Column, contributions
from evalspec.score.differences import clusters_of, compared_by, difference, redrawn, weights_where
from evalspec.score.weighing import PLAIN, Design
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.metrics import Estimate
    from evalspec.score.measures import Example

ALPHA = 0.05
POWER = 0.8
ENDLESS = 1e9  # more examples than this are the same as none: the difference is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A candidate's place: the best and worst rank that the data allow, and how often it comes first."""

    low: int | None
    high: int | None
    in_the_running: bool
    p_best: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two candidates on one metric: a minus b on the examples both finished.

    `n_needed` is how many examples in all would tell a difference like this one apart, four times in five;
    None where it is told apart already, or no number would do.
    """

    a: str
    b: str
    metric: str
    difference: Estimate
    p_value: float
    p_adjusted: float
    distinguished: bool
    n_needed: int | None


def badness(metric: str, estimate: Estimate | None) -> float:
    """What a metric is sorted by: smaller is better, undefined last."""
    if estimate is None or estimate.value is None:
        return float("inf")
    match metric_named(metric).direction:
        case Direction.MAX:
            return -estimate.value
        case Direction.MIN:
            return estimate.value
        case Direction.ZERO:
            return abs(estimate.value)


SINGLE = Standing(low=1, high=1, in_the_running=True, p_best=1.0)


def standings(
    metric: str, by_candidate: Mapping[str, Sequence[Example]], seed: int, design: Design = PLAIN
) -> Mapping[str, Standing]:
    """Everyone's place by a metric. Metrics that are no means have an order but no evidence."""
    columns = {name: contributions(metric, examples) for name, examples in by_candidate.items()}
    known = {name: column for name, column in columns.items() if column is not None}
    if len(columns) == 1:
        return dict.fromkeys(columns, SINGLE)
    if not known or len(known) < len(columns):
        return {name: Standing(low=None, high=None, in_the_running=True, p_best=None) for name in columns}
    matrix, rows = np.column_stack(list(known.values())), _rows(by_candidate)
    finished = np.logical_not(np.isnan(matrix).any(axis=1, keepdims=True))[:, 0]
    if not finished.any():  # nothing was finished by all
        return {name: Standing(low=1, high=len(known), in_the_running=True, p_best=None) for name in known}
    own = compared_by(metric, design)
    ranks = metrics.rank_intervals(
        matrix,
        higher_is_better=metric_named(metric).direction is Direction.MAX,
        weights=weights_where(own, rows, finished),
        cluster=clusters_of(own, rows),
        seed=seed,
    )
    return {
        name: Standing(low=r.rank_low, high=r.rank_high, in_the_running=r.in_the_running, p_best=r.p_best)
        for name, r in zip(known, ranks, strict=True)
    }


def _rows(by_candidate: Mapping[str, Sequence[Example]]) -> list[Row]:
    return [e.judgement.row for e in next(iter(by_candidate.values()), ())]


def pairs(
    metric: str, by_candidate: Mapping[str, Sequence[Example]], seed: int, design: Design = PLAIN
) -> tuple[Pair, ...]:
    """Every pair's difference in a metric, p-values adjusted by Holm over these pairs."""
    columns = {name: contributions(metric, examples) for name, examples in by_candidate.items()}
    own, rows = compared_by(metric, design), _rows(by_candidate)
    found = [
        c
        for a, b in itertools.combinations(by_candidate, 2)
        if (c := _compared(metric, Side(a, columns[a]), Side(b, columns[b]), own, rows)) is not None
    ]
    if not found:
        return ()
    p_values = _p_values(metric, found, redrawn(own, rows, np.column_stack([c.d for c in found])), own, seed)
    return tuple(
        Pair(
            a=c.a,
            b=c.b,
            metric=metric,
            difference=c.difference,
            p_value=p,
            p_adjusted=float(q),
            distinguished=bool(q <= ALPHA),
            n_needed=None if q <= ALPHA else n_needed(c.difference, len(found), _discordant(metric, own, c)),
        )
        for c, p, q in zip(found, p_values, metrics.holm(p_values), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Side:
    """A candidate with what each example contributes to the metric; None for metrics that are no means."""

    name: str
    column: Column | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two candidates: each example's difference, NaN where one of them did not finish, and the mean's."""

    a: str
    b: str
    d: Column
    flags: bool  # each example is right or wrong, nothing between
    difference: Estimate


def _compared(metric: str, a: Side, b: Side, design: Design, rows: Sequence[Row]) -> Compared | None:
    if a.column is None or b.column is None:
        return None
    d = a.column - b.column
    known = d[~np.isnan(d)]
    if not known.size:
        return None
    both = np.concatenate([a.column[~np.isnan(d)], b.column[~np.isnan(d)]])
    return Compared(
        a=a.name,
        b=b.name,
        d=d,
        flags=bool(np.all((both == 0) | (both == 1))),
        difference=difference(design, rows, a.column, b.column, metric=metric),
    )


def _p_values(
    metric: str, found: Sequence[Compared], units: Column, design: Design, seed: int
) -> list[float]:
    """McNemar's mid-p where examples count alike and are right or wrong; else by flipping signs."""
    exact = [metric in FLAGS and design.plain and c.flags for c in found]
    flipped = iter(metrics.sign_flips(units[:, ~np.array(exact)], seed).tolist())
    return [
        metrics.mcnemar_midp(int((c.d > 0).sum()), int((c.d < 0).sum())) if e else next(flipped)
        for c, e in zip(found, exact, strict=True)
    ]


def _discordant(metric: str, design: Design, found: Compared) -> float | None:
    """The share of examples that only one gets right; None where that says nothing about the noise."""
    if metric not in FLAGS or not design.plain or not found.flags:
        return None
    return float((np.abs(found.d) > 0).sum()) / found.difference.n


def n_needed(difference: Estimate, contrasts: int, discordant: float | None = None) -> int | None:
    """How many examples would tell such a difference apart, four times in five, among so many contrasts.

    Connor (1987) for flags, of which `discordant` is the share that differ; else (z + z)²·sd²/δ² (Miller
    2024); where every example differs alike, as many as a sign test takes. Never so many as were not
    enough already. None where there is no difference, or none beyond rounding.
    """
    size, alpha = difference.value, ALPHA / contrasts
    if not size:
        return None
    if discordant is not None:
        found = metrics.sample_size(size, discordant, power=POWER, alpha=alpha).value
    elif difference.se is None:
        found = math.ceil(1 - math.log2(alpha)) if difference.n > 1 else None
    else:
        z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(POWER)
        needed = (z * difference.se / size) ** 2 * difference.n
        found = math.ceil(needed) if needed < ENDLESS else None
    return None if found is None else max(found, difference.n + 1)
