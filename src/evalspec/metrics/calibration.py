"""Whether stated confidences mean what they say: calibration error, its noise floor, reliability, tests.

The expected calibration error is never compared with 0 and never given a bootstrap interval: a perfectly
calibrated model shows about .05 on 200 examples. `ece_null` gives that floor.
"""

from math import erfc, sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    TOLERANCE,
    Bools,
    Claims,
    Floats,
    Ints,
    claims,
    cluster_codes,
    fractions,
    repetitions,
    tail_probability,
    weights_for,
)
from evalspec.metrics.binning import Binning, assigned, resolved, width_edges
from evalspec.metrics.intervals import proportion
from evalspec.metrics.means import t_interval
from evalspec.metrics.records import (
    NO_DATA,
    CalibrationParts,
    EceNull,
    Estimate,
    ReliabilityBin,
    ZTest,
    bare,
    undefined,
)
from evalspec.metrics.resample import chunks, generator


def ece(
    confidence: ArrayLike,
    correct: ArrayLike,
    bins: int = 10,
    binning: Binning = "width",
    weights: ArrayLike | None = None,
) -> Estimate:
    """The expected calibration error Σ_b |Σ_{i∈b} w(c-y)| / Σw, from 0 to 1, without an interval.

    `confidence` from 0 to 1 and `correct` 0 or 1, one each example. `binning` "width" (right-closed, edges
    i/M), "mass" (equal numbers, ties kept whole), "values" (one bin for each distinct confidence) or "auto"
    ("values" if there are at most max(20, n/10), else "width"; `chosen_binning` says which). Empty bins
    count 0. All of one confidence c: |c - accuracy|. No data: no value.
    """
    sample = claims(confidence, correct, weights)
    numbers_of = assigned(sample.confidence, bins, binning, sample.weight)
    if sample.n == 0:
        return undefined(NO_DATA)
    return bare(_calibration_error(sample, numbers_of), sample.n)


def debiased_ce(
    confidence: ArrayLike,
    correct: ArrayLike,
    bins: int = 10,
    binning: Binning = "width",
    weights: ArrayLike | None = None,
) -> Estimate:
    """The squared calibration error less what chance adds to it; a square, below 0 as often as not.

    Σ_b w_b·((c̄_b - ȳ_b)² - ȳ_b(1-ȳ_b)/(n_b - 1)) (Kumar, Liang & Ma 2019); bins as in `ece`, those of fewer
    than 2 examples count 0. A calibrated model is at 0 on average, so the sign is kept and no root taken.
    """
    sample = claims(confidence, correct, weights)
    numbers_of = assigned(sample.confidence, bins, binning, sample.weight)
    if sample.n == 0:
        return undefined(NO_DATA)
    mass = repetitions(sample.weight)
    size, gap, right = (
        np.bincount(numbers_of, weights=mass * part).astype(np.float64)
        for part in (np.ones(sample.n), sample.confidence - sample.correct, sample.correct)
    )
    some = size >= 2 * (1 - TOLERANCE)
    held, gap, rate = size[some], gap[some] / size[some], right[some] / size[some]
    chance = rate * (1 - rate) / (held - 1)
    return bare(float(held @ (gap**2 - chance)) / float(mass.sum()), sample.n)


def calibration_parts(
    confidence: ArrayLike,
    correct: ArrayLike,
    bins: int = 10,
    binning: Binning = "width",
    weights: ArrayLike | None = None,
) -> CalibrationParts:
    """The expected calibration error in two: what bins claim too much, and what bins claim too little.

    over = Σ_b w_b·max(c̄_b - ȳ_b, 0), under = Σ_b w_b·max(ȳ_b - c̄_b, 0); over + under is `ece`, over - under
    the mean confidence minus the accuracy.
    """
    sample = claims(confidence, correct, weights)
    numbers_of = assigned(sample.confidence, bins, binning, sample.weight)
    if sample.n == 0:
        return CalibrationParts(over=None, under=None, n=0, why=NO_DATA)
    signed = _signed_gaps(sample, numbers_of)
    over, under = (float(np.maximum(part, 0).sum()) / sample.total for part in (signed, -signed))
    return CalibrationParts(over=over, under=under, n=sample.n)


def ece_null(
    confidence: ArrayLike,
    bins: int = 10,
    repeats: int = 2000,
    seed: int = 0,
    binning: Binning = "width",
    weights: ArrayLike | None = None,
    *,
    correct: ArrayLike | None = None,
    observed: float | None = None,
    cluster: ArrayLike | None = None,
) -> EceNull:
    """The calibration error of a perfectly calibrated model on these confidences: mean, 95 % point, p-value.

    Outcomes are drawn as y ~ Bernoulli(c), `repeats` times (consistency resampling, Bröcker & Smith 2007).
    Given `correct` or the `observed` error, p = (1 + #{simulated >= observed})/(repeats + 1); without
    either it is None. All confidences 0 or 1: the floor is 0. The same seed gives the same numbers. What
    `cluster` says goes together (samples of one example) is drawn together, as dependent as it can be.
    """
    if correct is not None and observed is not None:
        raise ValueError("give either correct or observed, not both")
    if repeats < 1:
        raise ValueError("repeats must be at least 1")
    if correct is not None:
        observed = ece(confidence, correct, bins, binning, weights).value
    c = fractions(confidence, "confidence")
    w = weights_for(weights, c.size)
    together = None if cluster is None else cluster_codes(cluster, c.size)[w > 0]
    c, w = c[w > 0], w[w > 0]
    numbers_of = assigned(c, bins, binning, w)
    if c.size == 0:
        return EceNull(mean=None, p95=None, p_value=None, n=0, why=NO_DATA)
    simulated = _simulated_errors(c, w, numbers_of, together, generator(seed), repeats)
    p = None
    if observed is not None:
        p = (1 + int(np.count_nonzero(simulated >= observed - TOLERANCE))) / (repeats + 1)
    p95 = float(np.quantile(simulated, 0.95, method="inverted_cdf"))
    return EceNull(mean=float(simulated.mean()), p95=p95, p_value=p, n=c.size)


def reliability_bins(
    confidence: ArrayLike,
    correct: ArrayLike,
    bins: int = 10,
    binning: Binning = "width",
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> tuple[ReliabilityBin, ...]:
    """The bins of a reliability diagram that hold examples, in rising order, accuracy with Wilson's interval.

    `low` and `high` are the bin's edges for "width", the least and greatest confidence in it otherwise.
    """
    tail_probability(level)
    sample = claims(confidence, correct, weights)
    numbers_of = assigned(sample.confidence, bins, binning, sample.weight)
    edges = None
    if sample.n and resolved(sample.confidence, binning, sample.weight) == "width":
        edges = width_edges(bins)
    found = []
    for b in np.unique(numbers_of):
        inside = numbers_of == b
        c = sample.confidence[inside]
        low, high = (edges[b], edges[b + 1]) if edges is not None else (c.min(), c.max())
        found.append(_bin(sample, inside, float(low), float(high), weights is not None, level))
    return tuple(found)


def overconfidence(
    confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Mean confidence minus accuracy, with a t interval: above 0 is over-confident.

    se = sd(c - y, ddof 1)/√n, weighted as in `weighted_proportion`. No interval where c - y does not vary.
    """
    sample = claims(confidence, correct, weights)
    return t_interval(sample.confidence - sample.correct, sample.weight, level)


def spiegelhalter_z(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> ZTest:
    """Spiegelhalter's z, standard normal if the confidences are calibrated, and its p-value.

    z = Σw(y-c)(1-2c) / sqrt(Σw²(1-2c)²c(1-c)) (Spiegelhalter 1986). Undefined where no confidence
    contributes variance: all of them 0, ½ or 1.
    """
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return ZTest(z=None, p_value=None, n=0, why=NO_DATA)
    c, slope = sample.confidence, sample.weight * (1 - 2 * sample.confidence)
    variance = float(np.sum(slope**2 * c * (1 - c)))
    if variance == 0:
        return ZTest(z=None, p_value=None, n=sample.n, why="every confidence is 0, 1/2 or 1")
    z = float(np.sum(slope * (sample.correct - c))) / sqrt(variance)
    return ZTest(z=z, p_value=erfc(abs(z) / sqrt(2)), n=sample.n)


def _calibration_error(sample: Claims, numbers_of: Ints) -> float:
    return float(np.abs(_signed_gaps(sample, numbers_of)).sum()) / sample.total


def _signed_gaps(sample: Claims, numbers_of: Ints) -> Floats:
    gaps = np.bincount(numbers_of, weights=sample.weight * (sample.confidence - sample.correct))
    return gaps.astype(np.float64)


def _simulated_errors(
    c: Floats, w: Floats, numbers_of: Ints, together: Ints | None, rng: np.random.Generator, repeats: int
) -> Floats:
    # In the order of bins, each bin is a run of columns, and its sum one step of reduceat.
    order = np.argsort(numbers_of, kind="stable")
    c, w = c[order], w[order]
    starts = np.flatnonzero(np.diff(numbers_of[order], prepend=-1))
    drawn = c.size if together is None else int(together.max()) + 1
    of = slice(None) if together is None else together[order]
    found = []
    for rows in chunks(repeats, c.size):
        gaps = (c - (rng.random((rows, drawn))[:, of] < c)) * w
        found.append(np.abs(np.add.reduceat(gaps, starts, axis=1)).sum(axis=1) / w.sum())
    return np.concatenate(found)


def _bin(
    sample: Claims, inside: Bools, low: float, high: float, weighted: bool, level: float
) -> ReliabilityBin:
    w = sample.weight[inside]
    accuracy = proportion(sample.correct[inside], w if weighted else None, level)
    return ReliabilityBin(
        low=low,
        high=high,
        n=w.size,
        confidence=float(np.average(sample.confidence[inside], weights=w)),
        accuracy=float(np.average(sample.correct[inside], weights=w)),
        accuracy_low=accuracy.low,
        accuracy_high=accuracy.high,
    )
