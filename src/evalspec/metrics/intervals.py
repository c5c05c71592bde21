"""Intervals for proportions: one, weighted, exact, and the difference of two independent ones.

Intervals that shrink to nothing at 0 or 1 (Wald, bootstrap) are not here: at n = 50 and p = .99 they cover
the truth four times in ten. scipy is loaded inside functions, and only
its special functions: its statistics take half a second more.
"""

from math import inf, log, log1p, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    Floats,
    fractions,
    outcomes,
    same_length,
    tail_probability,
    weights_for,
)
from evalspec.metrics.records import NO_DATA, Estimate

TOO_UNEVEN = "the weights leave fewer than 2 effective examples"


def z_quantile(level: float) -> float:
    """The z of a two-sided normal interval of that level: 1.96 at .95."""
    return NormalDist().inv_cdf(1 - tail_probability(level))


def wilson(k: float, n: float, level: float = 0.95) -> Estimate:
    """The proportion k/n with its Wilson score interval.

    `k` successes of `n` trials, fractional where they are effective numbers. Raises ValueError unless 0 <=
    k <= n. centre (p + z²/2n)/(1 + z²/n), half width z·sqrt(p(1-p)/n + z²/4n²)/(1 + z²/n) (Wilson 1927). k
    = 0 gives a low end of exactly 0, k = n a high end of exactly 1; n = 0 gives no value and [0, 1]. `se`
    is sd/√n with ddof 1, None where it would be 0 or n is not above 1.
    """
    _check_counts(k, n)
    z = z_quantile(level)
    if n == 0:
        return Estimate(value=None, low=0.0, high=1.0, n=0, why=NO_DATA)
    p = k / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    se = sqrt(p * (1 - p) / (n - 1)) if n > 1 and 0 < k < n else None
    return Estimate(value=p, low=low, high=high, se=se, n=int(n))


def weighted_proportion(y: ArrayLike, w: ArrayLike, level: float = 0.95) -> Estimate:
    """The weighted mean of `y` with a Wilson interval at the effective number of examples.

    `y` from 0 to 1, one each example; `w` weights not below 0. m = Σwy/Σw,
    se = sqrt(n/(n-1)·Σw²(y-m)²)/Σw, n_eff = (Σw)²/Σw² (Kish 1965). No interval where n_eff < 2; weights of 0
    leave an example out; no weight at all gives no value.
    """
    values = fractions(y, "y")
    weights = weights_for(w, values.size)
    values, weights = values[weights > 0], weights[weights > 0]
    n = values.size
    if n == 0:
        return Estimate(value=None, low=0.0, high=1.0, n=0, why=NO_DATA)
    total = float(weights.sum())
    # Rounding may carry a mean of ones a hair above 1, which Wilson would refuse.
    m = min(1.0, float(weights @ values) / total) if values.min() < 1 else 1.0
    n_eff = total * total / float(weights @ weights)
    spread = float(np.sum((weights * (values - m)) ** 2))
    se = sqrt(n / (n - 1) * spread) / total if n > 1 and spread > 0 else None
    if too_uneven(n_eff):
        return Estimate(value=m, low=None, high=None, se=se, n=n, why=TOO_UNEVEN)
    bounds = wilson(m * n_eff if m < 1 else n_eff, n_eff, level)
    return Estimate(value=m, low=bounds.low, high=bounds.high, se=se, n=n)


def too_uneven(n_eff: float) -> bool:
    """Whether so few effective examples are left that an interval would mean nothing (rounding forgiven)."""
    return n_eff < 2 - 1e-9


def proportion(y: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95) -> Estimate:
    """The share of ones in `y` with its Wilson interval, weighted where weights are given."""
    if weights is not None:
        return weighted_proportion(outcomes(y, "y"), weights, level)
    values = outcomes(y, "y")
    return wilson(int(values.sum()), values.size, level)


def clopper_pearson(k: int, n: int, level: float = 0.95) -> Estimate:
    """The proportion k/n with its exact (conservative) interval.

    Raises ValueError unless 0 <= k <= n. Beta quantiles (Clopper & Pearson 1934): low at k = 0 is 0, high at
    k = n is 1. The one-sided upper limit at 1-α is `high` at level 1-2α. n = 0 gives no value and [0, 1].
    """
    from scipy.special import betaincinv

    _check_counts(k, n)
    tail = tail_probability(level)
    if n == 0:
        return Estimate(value=None, low=0.0, high=1.0, n=0, why=NO_DATA)
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    se = wilson(k, n, level).se
    return Estimate(value=k / n, low=low, high=high, se=se, n=n)


def binomial_tails(k: ArrayLike, n: int, p: float) -> tuple[Floats, Floats]:
    """P(X <= k) and P(X >= k) for each k of 0…n, where X is binomial: n trials with probability p.

    Summed from either end, each probability by its ratio to the next nearer to the likeliest, to some 1e-12
    at a million trials. Raises ValueError on k outside 0…n and p outside 0…1.
    """
    counts = np.asarray(k, dtype=np.int64)
    if counts.size and (counts.min() < 0 or counts.max() > n):
        raise ValueError(f"counts must lie between 0 and {n}")
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie between 0 and 1, not {p}")
    each = _binomial(n, p)
    return np.minimum(np.cumsum(each), 1.0)[counts], np.minimum(np.cumsum(each[::-1])[::-1], 1.0)[counts]


def _binomial(n: int, p: float) -> Floats:
    """P(X = k) for k = 0…n."""
    likeliest = min(n, int((n + 1) * p))
    logs = np.zeros(n + 1)
    if 0 < p < 1:
        steps = np.arange(n)  # from k to k + 1
        ratios = np.log(n - steps) - np.log(steps + 1) + (log(p) - log1p(-p))
        logs[likeliest + 1 :] = np.cumsum(ratios[likeliest:])
        logs[:likeliest] = -np.cumsum(ratios[:likeliest][::-1])[::-1]
    else:
        logs[np.arange(n + 1) != likeliest] = -np.inf
    each = np.exp(logs)
    return np.asarray(each / each.sum(), dtype=np.float64)


def newcombe(k1: int, n1: int, k2: int, n2: int, level: float = 0.95) -> Estimate:
    """The difference k1/n1 - k2/n2 of two independent proportions with Newcombe's interval.

    Built from the two Wilson intervals (Newcombe 1998, method 10): d - sqrt((p1-l1)² + (u2-p2)²) to d +
    sqrt((u1-p1)² + (p2-l2)²). For examples both candidates answered use `paired_difference`. A side without
    data leaves no value and [-1, 1].
    """
    a, b = wilson(k1, n1, level), wilson(k2, n2, level)
    if a.value is None or b.value is None:
        return Estimate(value=None, low=-1.0, high=1.0, n=n1 + n2, why=NO_DATA)
    d = a.value - b.value
    low = d - sqrt(_gap(a.value, a.low) ** 2 + _gap(b.value, b.high) ** 2)
    high = d + sqrt(_gap(a.value, a.high) ** 2 + _gap(b.value, b.low) ** 2)
    se = sqrt(a.se**2 + b.se**2) if a.se is not None and b.se is not None else None
    return Estimate(value=d, low=low, high=high, se=se, n=n1 + n2)


def mover(parts: tuple[Estimate, ...], shares: ArrayLike, *, least: float = 0.0) -> Estimate:
    """The sum of shares times independent proportions, its interval recovered from theirs.

    θ = Σ W·ȳ, θ ± sqrt(Σ W²(ȳ - bound)²) (MOVER; Zou & Donner 2008) on Wilson bounds, which holds where a
    part is all right and a Wald interval would ignore it. No interval if a part has none. The parts must
    have values. `least` is what the sum cannot fall below: 0, or -1 for differences of proportions.
    """
    w = fractions(shares, "shares")
    same_length(len(parts), w.size, "shares")
    values = np.array([part.value for part in parts], dtype=np.float64)
    theta, n = float(w @ values), sum(part.n for part in parts)
    if any(part.low is None for part in parts):
        return Estimate(value=theta, low=None, high=None, n=n, why="a class is too small for an interval")
    down = float(np.sqrt(np.sum((w * (values - np.array([p.low for p in parts], dtype=np.float64))) ** 2)))
    up = float(np.sqrt(np.sum((w * (values - np.array([p.high for p in parts], dtype=np.float64))) ** 2)))
    ses = [part.se for part in parts]
    se = None
    if not any(s is None for s in ses):
        se = float(np.sqrt(np.sum((w * np.array(ses, dtype=np.float64)) ** 2)))
    return Estimate(value=theta, low=max(least, theta - down), high=min(1.0, theta + up), se=se, n=n)


def _gap(value: float, bound: float | None) -> float:
    return 0.0 if bound is None else value - bound


def _check_counts(k: float, n: float) -> None:
    if not 0 <= k <= n < inf:
        raise ValueError(f"{k} successes of {n} trials")
