"""Answering only where confident: how well confidence orders answers, and what that buys.

Ties are averaged over everywhere, as if broken at random: by the order of ties alone, the area under one
risk-coverage curve can run from .138 to .212.
"""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import TOLERANCE, Bools, Claims, Floats, claims, is_constant, repetitions
from evalspec.metrics.intervals import z_quantile
from evalspec.metrics.records import NO_DATA, Coverage, Estimate, bare, undefined
from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TieGroups:
    """Groups of equal confidence, most confident first: their size and errors, and both before each group."""

    confidence: Floats
    size: Floats
    errors: Floats
    size_before: Floats
    errors_before: Floats


def auroc(
    confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The chance that a right answer is stated with more confidence than a wrong one, ties counting half.

    Interval and se by DeLong, DeLong & Clarke-Pearson (1988), cut to [0, 1]. All right or all wrong:
    undefined, never ½. No interval with a single right or wrong answer, or where the two do not overlap at
    all.
    """
    sample = claims(confidence, correct, weights)
    z = z_quantile(level)
    if sample.n == 0:
        return undefined(NO_DATA)
    if sample.one_sided:
        return undefined("all right" if sample.correct[0] == 1 else "all wrong", sample.n)
    right, wrong = sample.correct == 1, sample.correct == 0
    above = _share_below(sample, wrong)[right]
    below = 1 - _share_below(sample, right)[wrong]
    w, v = sample.weight[right], sample.weight[wrong]
    area = float(w @ above) / float(w.sum())
    if above.size < 2 or below.size < 2:
        return bare(area, sample.n, "a single right or wrong answer gives no interval")
    se = sqrt(_variance_of_mean(above, w) + _variance_of_mean(below, v))
    if se == 0:
        return bare(area, sample.n, "the confidences do not overlap or do not vary: no interval")
    low, high = max(0.0, area - z * se), min(1.0, area + z * se)
    return Estimate(value=area, low=low, high=high, se=se, n=sample.n)


def aurc(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> Estimate:
    """The area under the risk-coverage curve: the mean over k of the error among the k most confident.

    The error at k is its expectation under a random order of ties. All right 0, all wrong 1. No interval.
    Weights count as repetitions; those that are not whole are scaled to add up to n.
    """
    sample = claims(confidence, correct, weights)
    return undefined(NO_DATA) if sample.n == 0 else bare(_area(_tie_groups(sample)), sample.n)


def excess_aurc(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> Estimate:
    """How far `aurc` lies above that of the best order, all right answers first; 0 is best.

    The best is exact, mean over k of max(0, k - n_right)/k; the usual approximation e + (1-e)ln(1-e) is off
    on small data.
    """
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return undefined(NO_DATA)
    best = Claims(confidence=sample.correct, correct=sample.correct, weight=sample.weight)
    # Rounding can leave a perfect order a hair below the best one.
    return bare(max(0.0, _area(_tie_groups(sample)) - _area(_tie_groups(best))), sample.n)


def augrc(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> Estimate:
    """The area under the generalised risk-coverage curve: trapezoids over (errors among the top k)/n, from 0.

    The mean chance of a silent failure over all coverages (Traub et al. 2024), from 0 to ½; equals
    (1 - AUROC)·e(1-e) + e²/2 at error rate e. All right 0, all wrong ½. No interval.
    """
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return undefined(NO_DATA)
    groups = _tie_groups(sample)
    n = float(groups.size.sum())
    heights = 2 * groups.errors_before + groups.errors
    return bare(float(groups.size @ heights) / (2 * n * n), sample.n)


def coverage_at_risk(
    confidence: ArrayLike, correct: ArrayLike, risk: float, weights: ArrayLike | None = None
) -> Coverage:
    """The largest share of examples whose error stays within `risk`, and the confidence from which to answer.

    Ties are taken whole, since a threshold cannot split them. `risk` from 0 to 1. If no coverage will do:
    0, without a threshold. This describes the data at hand; it is no guarantee for the next ones.
    """
    if not 0 <= risk <= 1:
        raise ValueError(f"risk must lie between 0 and 1, not {risk}")
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return Coverage(value=None, threshold=None, n=0, why=NO_DATA)
    groups = _tie_groups(sample)
    size, errors = groups.size_before + groups.size, groups.errors_before + groups.errors
    within = np.flatnonzero(errors <= risk * size * (1 + TOLERANCE))
    if within.size == 0:
        return Coverage(
            value=0.0, threshold=None, n=sample.n, why="the error exceeds the risk at every coverage"
        )
    last = within[-1]
    threshold = float(groups.confidence[last])
    return Coverage(value=float(size[last] / size[-1]), threshold=threshold, n=sample.n)


def _tie_groups(sample: Claims) -> TieGroups:
    mass = repetitions(sample.weight)
    distinct, inverse = np.unique(-sample.confidence, return_inverse=True)
    size: Floats = np.bincount(inverse, weights=mass).astype(np.float64)
    errors: Floats = np.bincount(inverse, weights=mass * (1 - sample.correct)).astype(np.float64)
    return TieGroups(
        confidence=-distinct,
        size=size,
        errors=errors,
        size_before=size.cumsum() - size,
        errors_before=errors.cumsum() - errors,
    )


def _area(groups: TieGroups) -> float:
    """Σ_k r_k / n. Within a group r_k = (E + e·j/s)/(K + j) for j = 1…s, which sums to e + (E - eK/s)·Σ
    1/(K+j); the harmonic sum is a difference of digammas, which also holds for sizes that are not whole.
    """
    from scipy.special import digamma

    harmonic = digamma(groups.size_before + groups.size + 1) - digamma(groups.size_before + 1)
    start = groups.errors_before - groups.errors * groups.size_before / groups.size
    return float(np.sum(groups.errors + start * harmonic) / groups.size.sum())


def _share_below(sample: Claims, among: Bools) -> Floats:
    """For each claim, the weighted share of those `among` with less confidence, plus half of the ties."""
    _, inverse = np.unique(sample.confidence, return_inverse=True)
    mass = np.bincount(inverse, weights=sample.weight * among)
    shares: Floats = (np.cumsum(mass) - mass / 2) / mass.sum()
    return shares[inverse]


def _variance_of_mean(values: Floats, weights: Floats) -> float:
    if is_constant(values):
        return 0.0
    n, total = values.size, float(weights.sum())
    mean = float(weights @ values) / total
    return n / (n - 1) * float(np.sum((weights * (values - mean)) ** 2)) / total**2
