"""Percentiles of durations and whether they keep a budget.

The percentile is always a duration that was measured, the smallest with at least q percent at or below it,
so that "p95 within B" and "at least 95 % within B" are one statement. A duration that was cut off is
infinity: longer than everything measured. Units are the caller's.
"""

from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Floats, is_constant, same_length, tail_probability, vector
from evalspec.metrics.intervals import binomial_tails
from evalspec.metrics.records import NO_DATA, BudgetCheck, BudgetVerdict, Estimate, bare, undefined
from evalspec.metrics.resample import chunks, generator

REDRAW_UP_TO = 2_000  # examples; above, redrawing percentiles takes seconds, and order statistics are close


def percentile(x: ArrayLike, q: float, level: float = 0.95) -> Estimate:
    """The `q`-th percentile of `x` (0 < q <= 100) with a distribution-free interval.

    The k-th smallest of n with k = ceil(qn/100) (inverted_cdf), reckoned exactly. The interval runs between
    the order statistics l = max{l : P(Bin(n,q) <= l-1) <= α/2} and u = min{u : P(Bin(n,q) >= u) <= α/2};
    where the data do not reach that far its end is ∓infinity (p95 has a finite upper end from n = 72, p99
    from 368). Raises ValueError on NaN; infinities are durations cut off, or not yet over.
    """
    values = np.sort(vector(x, "x"))
    share, n, tail = _share(q), values.size, tail_probability(level)
    if n == 0:
        return undefined(NO_DATA)
    value = float(values[max(1, ceil(share * n)) - 1])
    # Of k = 0…n within: how probable k or fewer are, and k or more.
    at_most, at_least = binomial_tails(np.arange(n + 1), n, float(share))
    lower = int(np.count_nonzero(at_most <= tail))
    upper = n + 1 - int(np.count_nonzero(at_least <= tail))
    low = float(values[lower - 1]) if lower >= 1 else float("-inf")
    high = float(values[upper - 1]) if upper <= n else float("inf")
    return Estimate(value=value, low=low, high=high, n=n)


def percentile_difference(
    a: ArrayLike, b: ArrayLike, q: float, repeats: int = 2_000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """The `q`-th percentile of `a` minus that of `b`, durations of the same examples.

    Up to 2,000 examples the interval is the percentile bootstrap, both drawn together, since what is long
    for the one is long for the other. Above, it is recovered from the two percentiles' own intervals and
    how often both exceed them together (MOVER; Zou 2007), which needs no redrawing. Durations cut off are
    infinity; two infinite percentiles differ by 0. No data: no value. Constant data of both: no interval.
    """
    first, second = vector(a, "a"), vector(b, "b")
    same_length(first.size, second.size, "b")
    tail, n = tail_probability(level), first.size
    if n == 0:
        return undefined(NO_DATA)
    at = max(1, ceil(_share(q) * n)) - 1
    value = float(_apart(np.sort(first)[at : at + 1], np.sort(second)[at : at + 1])[0])
    if n == 1 or (is_constant(first) and is_constant(second)):
        return bare(value, n, "these durations do not vary, which leaves no interval")
    if n > REDRAW_UP_TO:
        return _recovered(first, second, q, level)
    rng, found = generator(seed), []
    for rows in chunks(repeats, n):
        drawn = rng.integers(0, n, (rows, n), dtype=np.int32)
        each = (np.partition(x[drawn], at, axis=1)[:, at] for x in (first, second))
        found.append(_apart(*each))
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail], method="inverted_cdf")
    return Estimate(value=value, low=float(low), high=float(high), n=n)


def _recovered(first: Floats, second: Floats, q: float, level: float) -> Estimate:
    """d - sqrt((a - l)² + (u - b)² - 2ρ(a - l)(u - b)) and its mirror, ρ that of being above a and b."""
    ends = []
    for x in (first, second):
        found = percentile(x, q, level)
        ends.append(np.array([found.low, found.value, found.high], dtype=np.float64))
    (low_a, a, high_a), (low_b, b, high_b) = ends
    value, n = float(_apart(ends[0][1:2], ends[1][1:2])[0]), first.size
    if np.isinf(a) or np.isinf(b):  # beyond what was measured: the widest that the ends allow
        low, high = _apart(np.array([low_a, high_a]), np.array([high_b, low_b])).tolist()
        return Estimate(value=value, low=low, high=high, n=n)
    above_a, above_b = first > a, second > b
    spread = float(np.sqrt(above_a.var() * above_b.var()))
    together = float(np.mean(above_a & above_b) - above_a.mean() * above_b.mean())
    rho = together / spread if spread > 0 else 0.0
    low, high = value - _reach(a - low_a, high_b - b, rho), value + _reach(high_a - a, b - low_b, rho)
    return Estimate(value=value, low=low, high=high, n=n)


def _reach(x: float, y: float, rho: float) -> float:
    if np.isinf(x) or np.isinf(y):
        return float("inf")
    return float(np.sqrt(max(0.0, x * x + y * y - 2 * rho * x * y)))


def _apart(a: Floats, b: Floats) -> Floats:
    same = np.isinf(a) & np.isinf(b)
    apart: Floats = np.where(same, 0.0, np.where(same, 0.0, a) - np.where(same, 0.0, b))
    return apart


def budget_verdict(x: ArrayLike, q: float, bound: float, alpha: float = 0.05) -> BudgetCheck:
    """Whether at least `q` percent of durations like `x` are within `bound` (x <= bound).

    With k of n within: within budget if P(Bin(n,q) >= k) <= α, over if P(Bin(n,q) <= k) <= α, else not
    enough data. At p95 and n = 200 that is at most 4 misses, at least 16. Durations cut off are infinity
    and count as misses. Both exact. Raises ValueError on NaN, and alpha not between 0 and 1.
    """
    values, share = vector(x, "x"), float(_share(q))
    if np.isnan(bound):
        raise ValueError("bound is NaN")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    n, within = values.size, int(np.count_nonzero(values <= bound))
    if n == 0:
        return BudgetCheck(n=0, within=0, verdict=BudgetVerdict.NOT_ENOUGH_DATA, why=NO_DATA)
    verdict = BudgetVerdict.NOT_ENOUGH_DATA
    at_most, at_least = binomial_tails(within, n, share)
    if float(at_least) <= alpha:
        verdict = BudgetVerdict.WITHIN
    elif float(at_most) <= alpha:
        verdict = BudgetVerdict.OVER
    return BudgetCheck(n=n, within=within, verdict=verdict)


def _share(q: float) -> Fraction:
    if not 0 < q <= 100:
        raise ValueError(f"q is a percentage above 0 and at most 100, not {q}")
    # By its decimal writing: 99.9 means 999/1000, which the float does not.
    return Fraction(str(q)) / 100
