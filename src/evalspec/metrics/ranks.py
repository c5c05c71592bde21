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
    numbers,
    same_length,
    tail_probability,
)
from evalspec.metrics.means import t_quantile
from evalspec.metrics.records import NO_DATA, Correlation, Rank
from evalspec.metrics.resample import CHUNK_CELLS, generator, resampled_means

ENUMERATE_UP_TO = 8
PERMUTATIONS = 100_000
PERMUTE_UP_TO = 50
FEW_ITEMS = 5


def rank_intervals(
    matrix: ArrayLike,
    *,
    higher_is_better: bool,
    level: float = 0.95,
    repeats: int = 10_000,
    seed: int = 0,
) -> tuple[Rank, ...]:
    """For each candidate (column) the ranks it may hold, and how often it comes first.

    `matrix` n examples × M candidates; a row with a NaN was not finished by all and is dropped for all.
    From resampled examples, the `level` quantile of the largest |d* - d|/se over all pairs makes intervals
    that hold together; rank_low = 1 + the number of candidates certainly better, rank_high = M - those
    certainly worse (Mogstad, Romano, Shaikh & Wilhelm 2024). Small samples deceive the bootstrap, so the
    quantile is never taken below Student's t, and a pair differs certainly only if so many examples tell it
    apart that a sign test could. One candidate: rank 1. No data: every rank is possible. Raises ValueError
    on infinities or anything but two dimensions.
    """
    tail_probability(level)
    table = _finished_by_all(matrix)
    n, count = table.shape
    if repeats < 1:
        raise ValueError("repeats must be at least 1")
    if count == 0:
        return ()
    if n == 0:
        return tuple(
            Rank(rank_low=1, rank_high=count, in_the_running=True, p_best=None, n=0, why=NO_DATA)
            for _ in range(count)
        )
    scores = table if higher_is_better else -table
    first, second = np.triu_indices(count, k=1)
    se, differing = _pair_errors(scores)
    difference = scores.mean(axis=0)[first] - scores.mean(axis=0)[second]
    critical, p_best = _resampled(scores, se, difference, level, repeats, seed)
    if n > 1:
        critical = max(critical, t_quantile(level, n - 1))
    apart = np.abs(difference) > np.maximum(critical * se, _slack(scores))
    certain = apart & _tellable(differing, level)
    return _ranks(count, n, np.where(certain, np.sign(difference), 0.0), p_best)


def kendall_tau_b(x: ArrayLike, y: ArrayLike, seed: int = 0) -> Correlation:
    """Kendall's tau-b of two orders, with the two-sided permutation p-value.

    `x` and `y` hold one number an item, ties allowed. All permutations up to 8 items, 100,000 random ones
    ((b+1)/(B+1)) up to 50, the normal approximation above. The smallest p possible is .333 with 3 items,
    .083 with 4, .017 with 5, so below 5 `why` says there are too few. Undefined where one side is constant
    or there are fewer than 2 items.
    """
    from scipy.stats import kendalltau

    a, b = numbers(x, "x"), numbers(y, "y")
    same_length(a.size, b.size, "y")
    if a.size < 2:
        return Correlation(value=None, p_value=None, n=a.size, why="fewer than 2 items")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return Correlation(value=None, p_value=None, n=a.size, why="all items of one side are tied")
    many = a.size > PERMUTE_UP_TO
    peer = kendalltau(a, b, variant="b", method="asymptotic" if many else "auto")
    p = float(peer.pvalue) if many else _permutation_p(a, b, seed)
    why = "too few items to tell agreement from chance" if a.size < FEW_ITEMS else None
    return Correlation(value=float(peer.statistic), p_value=p, n=a.size, why=why)


def _finished_by_all(matrix: ArrayLike) -> Floats:
    table = np.asarray(matrix, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"matrix must be examples × candidates, not of shape {table.shape}")
    if np.isinf(table).any():
        raise ValueError("matrix holds infinities")
    kept: Floats = table[~np.isnan(table).any(axis=1)]
    return kept


def _slack(scores: Floats) -> float:
    """How far two means may lie apart by rounding alone."""
    return TOLERANCE * float(np.abs(scores).max())


def _pair_errors(scores: Floats) -> tuple[Floats, Floats]:
    """The standard error of each pair's difference (0 where it does not vary), and how many examples differ.

    Pairs are in the order of triu_indices.
    """
    n, count = scores.shape
    if n < 2 or count < 2:
        return np.zeros(comb(count, 2)), np.zeros(comb(count, 2))
    errors, differing, slack = [], [], _slack(scores)
    for j in range(count - 1):
        # By column, not from a covariance matrix, whose cancellation leaves equal columns a tiny spread.
        d = scores[:, [j]] - scores[:, j + 1 :]
        se = d.std(axis=0, ddof=1) / np.sqrt(n)
        errors.append(np.where(np.ptp(d, axis=0) <= slack, 0.0, se))
        differing.append(np.count_nonzero(np.abs(d) > slack, axis=0).astype(np.float64))
    return np.concatenate(errors), np.concatenate(differing)


def _resampled(
    scores: Floats, se: Floats, difference: Floats, level: float, repeats: int, seed: int
) -> tuple[float, Floats]:
    """The critical value of the largest |t| over pairs, and how often each candidate comes first."""
    first, second = np.triu_indices(scores.shape[1], k=1)
    varies = se > 0
    first, second, se, centre = first[varies], second[varies], se[varies], difference[varies]
    slack = _slack(scores)
    wins, largest = np.zeros(scores.shape[1]), []
    for means in resampled_means(scores, repeats, seed):
        best = means >= means.max(axis=1, keepdims=True) - slack
        wins += (best / best.sum(axis=1, keepdims=True)).sum(axis=0)
        if se.size:
            # Many pairs are taken piecewise, so that a hundred candidates do not fill the memory.
            piece = max(1, CHUNK_CELLS // means.shape[0])
            peak = np.zeros(means.shape[0])
            for at in range(0, se.size, piece):
                part = slice(at, at + piece)
                t = np.abs(means[:, first[part]] - means[:, second[part]] - centre[part]) / se[part]
                peak = np.maximum(peak, t.max(axis=1))
            largest.append(peak)
    critical = np.quantile(np.concatenate(largest), level, method="inverted_cdf") if largest else 0.0
    return float(critical), wins / repeats


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


def _permutation_p(a: Floats, b: Floats, seed: int) -> float:
    # The denominator of tau-b is the same for every permutation, so the count of concordances decides.
    x = np.sign(a[:, None] - a).astype(np.float64)
    y = np.sign(b[:, None] - b).astype(np.float64)
    observed = abs(float((x * y).sum()))
    if a.size <= ENUMERATE_UP_TO:
        orders = np.array(list(permutations(range(a.size))), dtype=np.int64)
        return _as_concordant(x, y, orders, observed) / factorial(a.size)
    rng, rows, count = generator(seed), CHUNK_CELLS // a.size**2, 0
    for start in range(0, PERMUTATIONS, rows):
        orders = np.tile(np.arange(a.size), (min(rows, PERMUTATIONS - start), 1))
        count += _as_concordant(x, y, rng.permuted(orders, axis=1), observed)
    return (count + 1) / (PERMUTATIONS + 1)


def _as_concordant(x: Floats, y: Floats, orders: Ints, observed: float) -> int:
    shuffled = y[orders[:, :, None], orders[:, None, :]]
    return int(np.count_nonzero(np.abs(np.einsum("ij,kij->k", x, shuffled)) >= observed))
