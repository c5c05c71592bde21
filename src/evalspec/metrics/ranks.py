"""Which ranks the data allow, and how far two orders agree.

Differences the data cannot tell from chance are shown as ties: each candidate gets an interval of ranks from
simultaneous intervals of all pairwise differences, not the percentiles of resampled ranks, which under-cover
exactly where candidates are close.
"""

from itertools import permutations
from math import comb, factorial

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    TOLERANCE,
    Bools,
    Floats,
    Ints,
    cluster_codes,
    numbers,
    same_length,
    tail_probability,
    weights_for,
)
from evalspec.metrics.means import t_quantile
from evalspec.metrics.records import NO_DATA, Correlation, Rank
from evalspec.metrics.resample import CHUNK_CELLS, generator, resampled_means
from evalspec.text.values import dataclass

ENUMERATE_UP_TO = 8
PERMUTATIONS = 100_000
PERMUTE_UP_TO = 50
FEW_ITEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What was drawn by itself: each unit's sum of every candidate's figures, and how much it counts.

    Sums over sizes are the means. Figures are turned so that higher is better. `slack` is how far two sums
    or means may lie apart by rounding alone.
    """

    sums: Floats
    sizes: Floats
    slack: float

    @property
    def means(self) -> Floats:
        """Each candidate's mean."""
        found: Floats = self.sums.sum(axis=0) / self.sizes.sum()
        return found


def rank_intervals(
    matrix: ArrayLike,
    *,
    higher_is_better: bool,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    repeats: int = 10_000,
    seed: int = 0,
) -> tuple[Rank, ...]:
    """For each candidate (column) the ranks it may hold, and how often it comes first.

    `matrix` n examples × M candidates; a row with a NaN was not finished by all and is dropped for all, as
    are rows of weight 0. `weights` is how much each example stands for, `cluster` labels those that go
    together and are redrawn together. From resampled examples, the `level` quantile of the largest
    |d* - d|/se over all pairs makes intervals that hold together; rank_low = 1 + the number of candidates
    certainly better, rank_high = M - those certainly worse (Mogstad, Romano, Shaikh & Wilhelm 2024). Small
    samples deceive the bootstrap, so the quantile is never taken below Student's t, and a pair differs
    certainly only if so many examples tell it apart that a sign test could. One candidate: rank 1. No data:
    every rank is possible. Raises ValueError on infinities or anything but two dimensions.
    """
    tail_probability(level)
    if repeats < 1:
        raise ValueError("repeats must be at least 1")
    units = _units(matrix, weights, cluster, higher_is_better=higher_is_better)
    n, count = units.sums.shape
    if count == 0:
        return ()
    if n == 0:
        return tuple(
            Rank(rank_low=1, rank_high=count, in_the_running=True, p_best=None, n=0, why=NO_DATA)
            for _ in range(count)
        )
    signs, p_best = _certain_signs(units, level, repeats, seed)
    return _ranks(count, n, signs, p_best)


def _certain_signs(units: Units, level: float, repeats: int, seed: int) -> tuple[Floats, Floats]:
    """For each pair who is certainly better (1, -1, or 0 for neither); and how often each comes first."""
    n, count = units.sums.shape
    first, second = np.triu_indices(count, k=1)
    se, differing = _pair_errors(units)
    difference = units.means[first] - units.means[second]
    critical, p_best = _resampled(units, se, level, repeats, seed)
    if n > 1:
        critical = max(critical, t_quantile(level, n - 1))
    apart = np.abs(difference) > np.maximum(critical * se, units.slack)
    certain = apart & _tellable(differing, level)
    return np.where(certain, np.sign(difference), 0.0), p_best


def kendall_tau_b(x: ArrayLike, y: ArrayLike, seed: int = 0) -> Correlation:
    """Kendall's tau-b of two orders, with the two-sided permutation p-value.

    `x` and `y` hold one number an item, ties allowed. All permutations up to 8 items, 100,000 random ones
    ((b+1)/(B+1)) up to 50, the normal approximation above. The smallest p possible is .333 with 3 items,
    .083 with 4, .017 with 5, so below 5 `why` says there are too few. Undefined where one side is constant
    or there are fewer than 2 items.
    """
    a, b = numbers(x, "x"), numbers(y, "y")
    same_length(a.size, b.size, "y")
    if a.size < 2:
        return Correlation(value=None, p_value=None, n=a.size, why="fewer than 2 items")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return Correlation(value=None, p_value=None, n=a.size, why="all items of one side are tied")
    tau, p = _by_normal(a, b) if a.size > PERMUTE_UP_TO else _by_permuting(a, b, seed)
    why = "too few items to tell agreement from chance" if a.size < FEW_ITEMS else None
    return Correlation(value=tau, p_value=p, n=a.size, why=why)


def _units(
    matrix: ArrayLike, weights: ArrayLike | None, cluster: ArrayLike | None, *, higher_is_better: bool
) -> Units:
    table = np.asarray(matrix, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"matrix must be examples × candidates, not of shape {table.shape}")
    if np.isinf(table).any():
        raise ValueError("matrix holds infinities")
    w = weights_for(weights, table.shape[0])
    kept = ~np.isnan(table).any(axis=1) & (w > 0)
    scores, sizes = (table if higher_is_better else -table)[kept], w[kept]
    sizes = sizes / sizes.mean() if sizes.size else sizes
    sums = scores * sizes[:, None]
    if cluster is not None:
        found, codes = np.unique(cluster_codes(cluster, table.shape[0])[kept], return_inverse=True)
        added = np.zeros((found.size, table.shape[1]))
        np.add.at(added, codes, sums)
        sums = added
        sizes = np.bincount(codes, weights=sizes, minlength=found.size).astype(np.float64)
    return Units(sums=sums, sizes=sizes, slack=TOLERANCE * float(np.abs(sums).max(initial=0.0)))


def _pair_errors(units: Units) -> tuple[Floats, Floats]:
    """The standard error of each pair's difference (0 where it does not vary), and how many units differ.

    Pairs are in the order of triu_indices. se² = n/(n-1)·Σ(sum of d - mean·size)² / (Σ size)².
    """
    n, count = units.sums.shape
    if n < 2 or count < 2:
        return np.zeros(comb(count, 2)), np.zeros(comb(count, 2))
    errors, differing, sizes = [], [], units.sizes[:, None]
    for j in range(count - 1):
        # By column, not from a covariance matrix, whose cancellation leaves equal columns a tiny spread.
        d = units.sums[:, [j]] - units.sums[:, j + 1 :]
        around = d - d.sum(axis=0) / sizes.sum() * sizes
        se = np.sqrt(n / (n - 1) * np.sum(around**2, axis=0)) / sizes.sum()
        errors.append(np.where(np.abs(around).max(axis=0) <= units.slack, 0.0, se))
        differing.append(np.count_nonzero(np.abs(d) > units.slack, axis=0).astype(np.float64))
    return np.concatenate(errors), np.concatenate(differing)


def _resampled(units: Units, se: Floats, level: float, repeats: int, seed: int) -> tuple[float, Floats]:
    """The critical value of the largest |t| over pairs, and how often each candidate comes first."""
    first, second = np.triu_indices(units.sums.shape[1], k=1)
    first, second, se = first[se > 0], second[se > 0], se[se > 0]
    centre = units.means
    wins, largest = np.zeros(centre.size), []
    for means in resampled_means(units.sums, repeats, seed, units.sizes):
        best = means >= means.max(axis=1, keepdims=True) - units.slack
        wins += (best / best.sum(axis=1, keepdims=True)).sum(axis=0)
        if se.size:
            largest.append(_largest_t(np.ascontiguousarray((means - centre).T), first, second, se))
    critical = np.quantile(np.concatenate(largest), level, method="inverted_cdf") if largest else 0.0
    return float(critical), wins / repeats


def _largest_t(moved: Floats, first: Ints, second: Ints, se: Floats) -> Floats:
    """Of each resample the largest |t| over pairs; `moved` is how far each candidate's mean moved."""
    peak = np.zeros(moved.shape[1])
    # Pair by pair, so that a hundred candidates do not fill the memory.
    for a, b, error in zip(first.tolist(), second.tolist(), se.tolist(), strict=True):
        np.maximum(peak, np.abs(moved[a] - moved[b]) / error, out=peak)
    return peak


def _tellable(differing: Floats, level: float) -> Bools:
    """Whether so many differences, were they all of one sign, would be beyond chance for all pairs."""
    enough: Bools = np.exp2(1 - differing) <= (1 - level) / max(1, differing.size)
    return enough


def _ranks(count: int, n: int, signs: Floats, p_best: Floats) -> tuple[Rank, ...]:
    """Ranks from the certain signs of the pairs' differences: +1 where the first of a pair is better."""
    first, second = np.triu_indices(count, k=1)
    better: Bools = np.zeros((count, count), dtype=np.bool_)
    better[first, second] = signs > 0
    better[second, first] = signs < 0
    beaten_by, beats = better.sum(axis=0), better.sum(axis=1)
    return tuple(
        Rank(
            rank_low=1 + int(beaten_by[j]),
            rank_high=count - int(beats[j]),
            in_the_running=bool(beaten_by[j] == 0),
            p_best=float(p_best[j]) if n > 1 else None,
            n=n,
            why=None if n > 1 else "one example cannot be redrawn",
        )
        for j in range(count)
    )


def _by_normal(a: Floats, b: Floats) -> tuple[float, float]:
    from scipy.stats import kendalltau

    peer = kendalltau(a, b, variant="b", method="asymptotic")
    return float(peer.statistic), float(peer.pvalue)


def _by_permuting(a: Floats, b: Floats, seed: int) -> tuple[float, float]:
    """tau-b = Σ sign·sign / sqrt(pairs not tied in a · pairs not tied in b), and the share as far from 0."""
    x = np.sign(a[:, None] - a).astype(np.float64)
    y = np.sign(b[:, None] - b).astype(np.float64)
    agreeing = float((x * y).sum())
    tau = agreeing / float(np.sqrt(np.abs(x).sum() * np.abs(y).sum()))
    # The denominator is the same for every permutation, so the sum decides.
    observed = abs(agreeing)
    if a.size <= ENUMERATE_UP_TO:
        orders = np.array(list(permutations(range(a.size))), dtype=np.int64)
        return tau, _as_concordant(x, y, orders, observed) / factorial(a.size)
    rng, rows, count = generator(seed), CHUNK_CELLS // a.size**2, 0
    for start in range(0, PERMUTATIONS, rows):
        orders = np.tile(np.arange(a.size), (min(rows, PERMUTATIONS - start), 1))
        count += _as_concordant(x, y, rng.permuted(orders, axis=1), observed)
    return tau, (count + 1) / (PERMUTATIONS + 1)


def _as_concordant(x: Floats, y: Floats, orders: Ints, observed: float) -> int:
    shuffled = y[orders[:, :, None], orders[:, None, :]]
    return int(np.count_nonzero(np.abs(np.einsum("ij,kij->k", x, shuffled)) >= observed))
