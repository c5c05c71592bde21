"""Two candidates on the same examples: how far apart, and whether chance would explain it.

Differences are taken example by example, because the difficulty of an example is common to both and cancels.
"""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    TOLERANCE,
    Floats,
    fractions,
    is_binary,
    is_constant,
    numbers,
    same_length,
    weights_for,
)
from evalspec.metrics.intervals import TOO_UNEVEN, too_uneven, z_quantile
from evalspec.metrics.means import moments, t_interval
from evalspec.metrics.records import NO_DATA, Estimate, undefined
from evalspec.metrics.resample import CHUNK_CELLS, generator

FEW_DISCORDANT = 25
EXACT_SIGNS = 13  # 2¹³ sign patterns are enumerated faster than 9,999 are drawn
FLIPS = 9_999


def paired_difference(
    a: ArrayLike, b: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The mean of a - b over the examples both finished, with a t interval.

    `a` and `b` hold one number an example; NaN marks an example not finished, which drops the pair. `n`
    counts the pairs left. se = sd(d, ddof 1)/√n. For 0/1 data with fewer than 25 discordant pairs the
    interval is Bonett-Price's (2012): one is added to both kinds of discordant pair and 2 to n, so that it
    keeps a width where all pairs agree, and where all differ alike. Other constant differences have no
    interval. Raises ValueError on lengths that differ.
    """
    left, right, w = _finished(a, b, weights)
    if left.size == 0:
        return undefined(NO_DATA)
    d = left - right
    binary = is_binary(left) and is_binary(right)
    if binary and (np.count_nonzero(d) < FEW_DISCORDANT or is_constant(d)):
        return _bonett_price(d, w, level)
    return t_interval(d, w, level)


def mcnemar_midp(b: int, c: int) -> float:
    """The two-sided mid-p value of McNemar's test for `b` and `c` discordant pairs of either kind.

    2·P(Bin(b+c, ½) < min) + P(= min) (Fagerland, Lydersen & Laake 2013). No discordant pair gives 1. Raises
    ValueError on negative counts.
    """
    from scipy.stats import binom

    if b < 0 or c < 0:
        raise ValueError("discordant pairs cannot be negative")
    if b + c == 0:
        return 1.0
    least = min(b, c)
    p = 2 * float(binom.cdf(least, b + c, 0.5)) - float(binom.pmf(least, b + c, 0.5))
    return min(1.0, p)


def sign_flip(d: ArrayLike, seed: int = 0) -> float:
    """The two-sided p-value of mean(d) = 0 when each difference could as well have had the other sign.

    Exact over all 2^m sign patterns of the m differences that are not 0, up to m = 13; above, 9,999 random
    patterns and (b+1)/(B+1), which is never 0. No difference at all gives 1. Ties within rounding count as
    ties.
    """
    values = numbers(d, "d")
    values = values[values != 0]
    if values.size == 0:
        return 1.0
    # Rounding is relative to the sizes added up, not to a sum that may have cancelled.
    observed = abs(float(values.sum())) - TOLERANCE * float(np.abs(values).sum())
    if values.size <= EXACT_SIGNS:
        patterns = np.arange(2**values.size)[:, None] >> np.arange(values.size) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ values) >= observed))
    return (_flips_as_far(values, observed, seed) + 1) / (FLIPS + 1)


def holm(p: ArrayLike) -> Floats:
    """The p-values adjusted by Holm (1979), in the order given: each may be compared with α itself.

    The i-th smallest of m is multiplied by m - i + 1, made non-decreasing, capped at 1. One hypothesis
    stays as it is. Raises ValueError on NaN or values outside 0…1.
    """
    values = fractions(p, "p")
    order = np.argsort(values, kind="stable")
    factors = np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return adjusted


def _finished(a: ArrayLike, b: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.ndim != 1 or right.ndim != 1:
        raise ValueError("a and b must be one-dimensional")
    same_length(left.size, right.size, "b")
    w = weights_for(weights, left.size)
    both = ~(np.isnan(left) | np.isnan(right)) & (w > 0)
    return numbers(left[both], "a"), numbers(right[both], "b"), w[both]


def _bonett_price(d: Floats, w: Floats, level: float) -> Estimate:
    m, z = moments(d, w), z_quantile(level)
    if too_uneven(m.n_eff) and m.n > 1:
        return Estimate(value=m.mean, low=None, high=None, se=m.se, n=m.n, why=TOO_UNEVEN)
    # With weights the counts are effective ones: shares of n_eff.
    ahead = m.n_eff * float(w[d > 0].sum()) / float(w.sum())
    behind = m.n_eff * float(w[d < 0].sum()) / float(w.sum())
    p, q = (ahead + 1) / (m.n_eff + 2), (behind + 1) / (m.n_eff + 2)
    half = z * sqrt((p + q - (p - q) ** 2) / (m.n_eff + 2))
    low, high = max(-1.0, p - q - half), min(1.0, p - q + half)
    se = None if is_constant(d) else m.se
    return Estimate(value=m.mean, low=low, high=high, se=se, n=m.n)


def _flips_as_far(values: Floats, observed: float, seed: int) -> int:
    rng = generator(seed)
    rows = max(1, CHUNK_CELLS // values.size)
    count = 0
    for start in range(0, FLIPS, rows):
        flips = rng.integers(0, 2, (min(rows, FLIPS - start), values.size), dtype=np.int8)
        sums = values.sum() - 2 * (flips.astype(np.float64) @ values)
        count += int(np.count_nonzero(np.abs(sums) >= observed))
    return count
