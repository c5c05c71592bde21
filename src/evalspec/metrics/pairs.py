"""Two candidates on the same examples: how far apart, and whether chance would explain it.

Differences are taken example by example, because the difficulty of an example is common to both and cancels.
"""

from math import inf, sqrt
from sys import float_info

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    TOLERANCE,
    Bools,
    Floats,
    Ints,
    cluster_codes,
    fractions,
    is_binary,
    is_constant,
    numbers,
    same_length,
    weights_for,
)
from evalspec.metrics.intervals import TOO_UNEVEN, binomial_tails, too_uneven, z_quantile
from evalspec.metrics.means import CONSTANT, Moments, cluster_se, clustered_mean, moments, t_interval
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined
from evalspec.metrics.resample import generator, grouped, on_one_thread, random_signs
from evalspec.text.values import replace

FEW_DISCORDANT = 25
EXACT_SIGNS = 13  # 2¹³ sign patterns are enumerated faster than 9,999 are drawn
FLIPS = 9_999


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    *,
    cluster: ArrayLike | None = None,
    amounts: bool = False,
) -> Estimate:
    """The mean of a - b over the examples both finished, with a t interval.

    `a` and `b` hold one number an example; NaN marks an example not finished, which drops the pair. `n`
    counts the pairs left. se = sd(d, ddof 1)/√n. For 0/1 data with fewer than 25 discordant pairs the
    interval is Bonett-Price's (2012): one is added to both kinds of discordant pair and 2 to n, so that it
    keeps a width where all pairs agree, and where all differ alike. Other constant differences have no
    interval. `amounts` says that 0 and 1 are no flags but costs or the like, which might have been anything:
    then t always. `cluster` labels examples that go together: se and degrees of freedom are then those of
    `clustered_mean`, and Bonett-Price's n is what the examples are worth with that se. Raises ValueError on
    lengths that differ.
    """
    left, right, w, both = _finished(a, b, weights)
    if left.size == 0:
        return undefined(NO_DATA)
    d = left - right
    flags = not amounts and is_binary(left) and is_binary(right)
    few = flags and (np.count_nonzero(d) < FEW_DISCORDANT or is_constant(d))
    if cluster is None:
        return _bonett_price(moments(d, w), d, w, level) if few else t_interval(d, w, level)
    codes = np.unique(cluster_codes(cluster, both.size)[both], return_inverse=True)[1].astype(np.int64)
    if few and codes.max() > 0:
        return _bonett_price(_moments_by_cluster(d, w, codes), d, w, level)
    if is_constant(d):
        return bare(float(d[0]), d.size, CONSTANT)
    return clustered_mean(d, codes, w, level)


def mcnemar_midp(b: int, c: int) -> float:
    """The two-sided mid-p value of McNemar's test for `b` and `c` discordant pairs of either kind.

    2·P(Bin(b+c, ½) < min) + P(= min) (Fagerland, Lydersen & Laake 2013). No discordant pair gives 1; never
    0. Raises ValueError on negative counts.
    """
    if not (0 <= b < inf and 0 <= c < inf):
        raise ValueError(f"discordant pairs cannot be negative or without end: {b} and {c}")
    if b + c == 0:
        return 1.0
    # Twice the tail without half of the observed point is this tail and the next one.
    at_most, _ = binomial_tails([min(b, c), max(0, min(b, c) - 1)], b + c, 0.5)
    p = float(at_most[0]) + (float(at_most[1]) if min(b, c) else 0.0)
    return min(1.0, max(p, float_info.min))  # a thousand pairs all one way underflow


def sign_flip(d: ArrayLike, seed: int = 0) -> float:
    """The two-sided p-value of mean(d) = 0 when each difference could as well have had the other sign.

    Exact over all 2^m sign patterns of the m differences that are not 0, up to m = 13; above, 9,999 random
    patterns and (b+1)/(B+1), which is never 0. No difference at all gives 1. Ties within rounding count as
    ties.
    """
    return float(sign_flips(numbers(d, "d")[:, None], seed)[0])


def sign_flips(differences: ArrayLike, seed: int = 0) -> Floats:
    """`sign_flip` of each column, all by the same random signs: many pairs for little more than one.

    `differences` is examples × pairs; 0 where a pair has nothing to compare. Above 5,000 examples that
    differ, 2,000 random groups of them change signs together, which leaves the test exact. Raises
    ValueError on anything but two dimensions of finite numbers.
    """
    table = np.asarray(differences, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError("differences must be examples × pairs, and finite")
    differing = np.count_nonzero(table, axis=0)
    p = np.ones(table.shape[1])
    for j in np.flatnonzero((differing > 0) & (differing <= EXACT_SIGNS)):
        column = table[:, j]
        p[j] = _exactly(column[column != 0])
    many = differing > EXACT_SIGNS
    if many.any():
        p[many] = (_flips_as_far(table[:, many], seed) + 1) / (FLIPS + 1)
    return p


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


def _finished(a: ArrayLike, b: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats, Bools]:
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.ndim != 1 or right.ndim != 1:
        raise ValueError("a and b must be one-dimensional")
    same_length(left.size, right.size, "b")
    w = weights_for(weights, left.size)
    both = ~(np.isnan(left) | np.isnan(right)) & (w > 0)
    return numbers(left[both], "a"), numbers(right[both], "b"), w[both], both


def _moments_by_cluster(d: Floats, w: Floats, codes: Ints) -> Moments:
    """Moments with the clustered se; worth as many examples as have that se, but no fewer than clusters."""
    plain, clusters = moments(d, w), float(codes.max()) + 1
    se = cluster_se(d, w, codes)
    if se is None or plain.se is None:
        return replace(plain, se=se, n_eff=min(clusters, plain.n_eff))
    worth = plain.n_eff * min(1.0, (plain.se / se) ** 2)
    return replace(plain, se=se, n_eff=max(worth, min(clusters, plain.n_eff)))


def _bonett_price(m: Moments, d: Floats, w: Floats, level: float) -> Estimate:
    z = z_quantile(level)
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


def _exactly(values: Floats) -> float:
    patterns = np.arange(2**values.size)[:, None] >> np.arange(values.size) & 1
    return float(np.mean(np.abs((1 - 2 * patterns) @ values) >= _observed(values[:, None])[0]))


def _observed(table: Floats) -> Floats:
    """How far each column's sum is from 0; rounding is relative to the sizes added up, not to the sum."""
    distance: Floats = np.abs(table.sum(axis=0)) - TOLERANCE * np.abs(table).sum(axis=0)
    return distance


def _flips_as_far(table: Floats, seed: int) -> Ints:
    """How many of the random sign patterns carry each column's sum as far from 0."""
    table = grouped(table[np.any(table != 0, axis=1)], generator(seed))
    total, observed = table.sum(axis=0), _observed(table)
    count = np.zeros(table.shape[1], dtype=np.int64)
    for other_sign in random_signs(FLIPS, table.shape[0], seed):
        with on_one_thread():
            sums = total - 2 * (other_sign.astype(np.float64) @ table)
        count += np.count_nonzero(np.abs(sums) >= observed, axis=0)
    return count
