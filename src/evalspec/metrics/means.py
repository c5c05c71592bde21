"""Means with an interval: of independent examples, of clusters of them, and by bootstrap."""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    TOLERANCE,
    Floats,
    Ints,
    cluster_codes,
    is_binary,
    is_constant,
    numbers,
    tail_probability,
    weights_for,
)
from evalspec.metrics.intervals import TOO_UNEVEN, too_uneven, wilson
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined
from evalspec.metrics.resample import resampled_means
from evalspec.metrics.student import t_beyond
from evalspec.text.values import dataclass

FEW_CLUSTERS = 20
CONSTANT = "all values are equal, which leaves no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """A weighted mean, its standard error (None where the data do not vary) and Kish's effective n."""

    mean: float
    se: float | None
    n: int
    n_eff: float


def moments(values: Floats, weights: Floats) -> Moments:
    """The weighted mean of at least one value, with se = sqrt(n/(n-1)·Σw²(y-m)²)/Σw."""
    n, total = values.size, float(weights.sum())
    mean = float(weights @ values) / total
    n_eff = total * total / float(weights @ weights)
    if n < 2 or is_constant(values):
        return Moments(mean=mean, se=None, n=n, n_eff=n_eff)
    spread = float(np.sum((weights * (values - mean)) ** 2))
    return Moments(mean=mean, se=sqrt(n / (n - 1) * spread) / total, n=n, n_eff=n_eff)


def t_quantile(level: float, degrees: float) -> float:
    """The t of a two-sided interval of that level."""
    return t_beyond(tail_probability(level), degrees)


def t_interval(values: Floats, weights: Floats, level: float = 0.95) -> Estimate:
    """The weighted mean with m ± t·se at n_eff - 1 degrees; no interval for constant data of any kind."""
    tail_probability(level)
    if values.size == 0:
        return undefined(NO_DATA)
    m = moments(values, weights)
    if m.se is None:
        why = "one value gives no interval" if m.n == 1 else CONSTANT
        return bare(m.mean, m.n, why)
    if too_uneven(m.n_eff):
        return Estimate(value=m.mean, low=None, high=None, se=m.se, n=m.n, why=TOO_UNEVEN)
    half = t_quantile(level, m.n_eff - 1) * m.se
    return Estimate(value=m.mean, low=m.mean - half, high=m.mean + half, se=m.se, n=m.n)


def mean_estimate(y: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95) -> Estimate:
    """The mean of `y` with its t interval; for data all 0 or all 1 Wilson's, since t would have no width.

    `y` finite numbers, one each example. se = sd(ddof 1)/√n; weighted as in `weighted_proportion`, with
    n_eff - 1 degrees of freedom. Other constant data have a value but no interval. Raises ValueError on
    NaN.
    """
    values, w = _weighted(y, weights)
    estimate = t_interval(values, w, level)
    if estimate.value is None or not (is_constant(values) and is_binary(values)):
        return estimate
    return _wilson_of_constant(estimate.value, moments(values, w).n_eff, estimate.n, level)


def clustered_mean(
    y: ArrayLike, cluster: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The mean of `y` with an interval that allows for examples of one cluster going together.

    `cluster` holds a label for each example (a document, an example asked several times). se =
    sqrt(Σ_g(Σ_{i∈g} w(y-m))²·G/(G-1))/Σw; interval m ± t(G-1)·se. Fewer than two clusters leave a value but
    no interval; below 20, `why` cautions. 0/1 data that do not vary get Wilson's at G examples, the fewest
    they can be worth. Raises ValueError on NaN, and on clusters without a label
    (None or NaN) or of kinds that have no order.
    """
    values, w = numbers(y, "y"), weights_for(weights, np.size(y))
    codes = cluster_codes(cluster, values.size)[w > 0]
    values, w = values[w > 0], w[w > 0]
    tail_probability(level)
    if values.size == 0:
        return undefined(NO_DATA)
    mean, groups = moments(values, w).mean, np.unique(codes).size
    if groups < 2:
        return bare(mean, values.size, "one cluster gives no interval")
    why = f"only {groups} clusters: read the interval with care" if groups < FEW_CLUSTERS else None
    if is_constant(values):
        if is_binary(values):
            return _wilson_of_constant(mean, float(groups), values.size, level)
        return bare(mean, values.size, CONSTANT)
    se = cluster_se(values, w, codes)
    if se is None:
        return bare(mean, values.size, "all clusters have the same mean, which leaves no interval")
    half = t_quantile(level, groups - 1) * se
    return Estimate(value=mean, low=mean - half, high=mean + half, se=se, n=values.size, why=why)


def design_effect(y: ArrayLike, cluster: ArrayLike) -> float | None:
    """How many times fewer examples the clusters are worth: (clustered se / plain se)², or None.

    Near 0 or 1, where the t interval leaves the range, show `wilson(p·n/deff, n/deff)`. Raises ValueError as
    `clustered_mean` does.
    """
    values = numbers(y, "y")
    codes = cluster_codes(cluster, values.size)
    if np.unique(codes).size < 2 or is_constant(values):
        return None
    plain = moments(values, np.ones(values.size)).se
    clustered = cluster_se(values, np.ones(values.size), codes)
    return None if plain is None or clustered is None else (clustered / plain) ** 2


def bootstrap(values: ArrayLike, repeats: int = 10_000, seed: int = 0, level: float = 0.95) -> Estimate:
    """The mean of `values` with its percentile bootstrap interval; `se` is the sd of the resampled means.

    Quantiles are order statistics (inverted_cdf), the stream is PCG64 of `seed`: same input, same bytes.
    Constant data would give an interval without width: 0/1 data get Wilson's instead, others none. Raises
    ValueError on NaN, and on `repeats` that is no whole number of at least 2. Where a closed form exists
    (proportions, means, AUROC) prefer it.
    """
    data = numbers(values, "values")
    tail = tail_probability(level)
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 2:
        raise ValueError(f"repeats must be a whole number of at least 2, not {repeats!r}")
    if data.size == 0 or is_constant(data):
        return mean_estimate(data, level=level)
    means = np.concatenate([chunk[:, 0] for chunk in resampled_means(data[:, None], repeats, seed)])
    low, high = np.quantile(means, [tail, 1 - tail], method="inverted_cdf")
    se = float(means.std(ddof=1)) if not is_constant(means) else None
    return Estimate(value=float(data.mean()), low=float(low), high=float(high), se=se, n=data.size)


def _weighted(y: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    values = numbers(y, "y")
    w = weights_for(weights, values.size)
    return values[w > 0], w[w > 0]


def _wilson_of_constant(value: float, n_eff: float, n: int, level: float) -> Estimate:
    bounds = wilson(n_eff if value > 0.5 else 0.0, n_eff, level)
    return Estimate(value=bounds.value, low=bounds.low, high=bounds.high, n=n)


def cluster_se(values: Floats, weights: Floats, codes: Ints) -> float | None:
    """The standard error of a weighted mean of clusters; None where all clusters have the same mean."""
    total = float(weights.sum())
    mean = float(weights @ values) / total
    groups, inverse = np.unique(codes, return_inverse=True)
    sums = np.bincount(inverse, weights=weights * (values - mean))
    size = float(np.abs(weights * values).sum())
    if float(np.abs(sums).max()) <= TOLERANCE * size:
        return None
    return sqrt(float(sums @ sums) * groups.size / (groups.size - 1)) / total
