"""Ranks: the order of the candidates, the differences between them, and who cannot be told apart.

Pairs are compared on the examples that both finished. Where the data do not separate two candidates
they share a range of ranks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.language.metric_names import Direction, metric_named
from evalspec.score.contributions import FLAGS, Column, contributions
from evalspec.score.weighing import PLAIN, Design, units_of

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

    `n_needed` is how many examples would tell a difference like this one apart, four times in five; None
    where it is told apart already, or no number would do.
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
    matrix = np.column_stack(list(known.values()))
    if not (~np.isnan(matrix).any(axis=1)).any():  # nothing was finished by all
        return {name: Standing(low=1, high=len(known), in_the_running=True, p_best=None) for name in known}
    matrix = units_of(design, _rows(by_candidate), matrix)
    higher = metric_named(metric).direction is Direction.MAX
    ranks = metrics.rank_intervals(matrix, higher_is_better=higher, seed=seed)
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
    raw = [
        (a, b, _compared(metric, columns[a], columns[b], Drawn(design, _rows(by_candidate), seed)))
        for a, b in itertools.combinations(by_candidate, 2)
    ]
    found = [(a, b, compared) for a, b, compared in raw if compared is not None]
    adjusted = metrics.holm([c.p_value for _, _, c in found]) if found else ()
    return tuple(
        Pair(
            a=a,
            b=b,
            metric=metric,
            difference=c.difference,
            p_value=c.p_value,
            p_adjusted=float(q),
            distinguished=bool(q <= ALPHA),
            n_needed=None if q <= ALPHA else _n_needed(c, len(found)),
        )
        for (a, b, c), q in zip(found, adjusted, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    difference: Estimate
    p_value: float
    discordant: float | None  # the share of examples that differ, of metrics that are right or wrong


@dataclass(frozen=True, slots=True)
class Drawn:
    """The examples that are compared, how they were drawn, and the seed of chance."""

    design: Design
    rows: Sequence[Row]
    seed: int


def _compared(metric: str, a: Column | None, b: Column | None, drawn: Drawn) -> _Compared | None:
    if a is None or b is None:
        return None
    both = ~(np.isnan(a) | np.isnan(b))
    n = int(both.sum())
    if not n:
        return None
    units = units_of(drawn.design, drawn.rows, np.column_stack([a, b]))
    a, b = (a[both], b[both]) if drawn.design.plain else (units[:, 0], units[:, 1])
    difference = paired(a, b, n)
    if metric not in FLAGS or not drawn.design.plain:
        return _Compared(difference, float(metrics.sign_flip(a - b, seed=drawn.seed)), None)
    ahead, behind = int((a > b).sum()), int((a < b).sum())
    return _Compared(difference, float(metrics.mcnemar_midp(ahead, behind)), (ahead + behind) / a.size)


def paired(a: Column, b: Column, n: int) -> Estimate:
    """The mean of a - b; `n` counts examples, which are not always units."""
    return replace(metrics.paired_difference(a, b), n=n)


def _n_needed(compared: _Compared, contrasts: int) -> int | None:
    """Connor (1987) for flags; else (z + z)²·sd²/δ² (Miller 2024). Alpha is shared among the contrasts."""
    size, se = compared.difference.value, compared.difference.se
    if not size or se is None:
        return None
    alpha = ALPHA / contrasts
    if compared.discordant is not None:
        return metrics.sample_size(size, compared.discordant, power=POWER, alpha=alpha).value
    z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(POWER)
    needed = (z * se / size) ** 2 * compared.difference.n
    return math.ceil(needed) if needed < ENDLESS else None
