"""Scores of single confidences: Brier, its parts without bins, and the log loss."""

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Claims, Floats, claims
from evalspec.metrics.means import mean_estimate, t_interval
from evalspec.metrics.records import NO_DATA, BrierDecomposition, Estimate


def brier(
    confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The Brier score mean (c - y)², from 0 (best) to 1, with a t interval.

    Of the binary event "the answer is right". Where it is 0 or 1 on every example (all confidences 0 or 1),
    the interval is Wilson's; where it is otherwise constant there is none.
    """
    sample = claims(confidence, correct, weights)
    return mean_estimate((sample.confidence - sample.correct) ** 2, sample.weight, level)


def log_loss(
    confidence: ArrayLike,
    correct: ArrayLike,
    eps: float = 1e-3,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """The mean of -ln(probability given to what happened), in nats, confidences clipped to [eps, 1-eps].

    Print `eps` beside it: one stated 100 % that was wrong costs -ln(eps), 6.9 nats at the default. Raises
    ValueError unless 0 < eps < ½.
    """
    sample = claims(confidence, correct, weights)
    c = clipped(sample.confidence, eps)
    losses = -np.where(sample.correct == 1, np.log(c), np.log1p(-c))
    return t_interval(losses, sample.weight, level)


def certain_and_wrong(confidence: ArrayLike, correct: ArrayLike, eps: float = 1e-3) -> int:
    """The number of claims clipped by `log_loss` on the wrong side, at a cost of -ln(eps) each."""
    sample = claims(confidence, correct)
    c = clipped(sample.confidence, eps)
    sure, denied = c >= 1 - eps, c <= eps
    return int(np.count_nonzero((sure & (sample.correct == 0)) | (denied & (sample.correct == 1))))


def pav(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """The non-decreasing step function of confidence that fits `correct` best in squares, at each example.

    Pool adjacent violators (Ayer et al. 1955) after pooling ties, so that equal confidences get equal values.
    Examples of weight 0 get the value of the nearest one below (above, if none). Empty in, empty out.
    """
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return np.zeros(0)
    steps, fitted = isotonic_steps(sample)
    asked = np.asarray(confidence, dtype=np.float64)
    position = np.searchsorted(steps, asked, side="right") - 1
    return fitted[np.maximum(position, 0)]


def brier_decomposition(
    confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None
) -> BrierDecomposition:
    """The Brier score as miscalibration - discrimination + uncertainty, without bins (CORP).

    With r = PAV(c) and S the Brier score: MCB = S(c) - S(r), DSC = S(ȳ) - S(r), UNC = S(ȳ) (Dimitriadis,
    Gneiting & Jordan 2021). All three are at least 0 and the identity is exact. All right or all wrong: UNC
    = DSC = 0.
    """
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return BrierDecomposition(
            brier=None, miscalibration=None, discrimination=None, uncertainty=None, n=0, why=NO_DATA
        )
    steps, fitted = isotonic_steps(sample)
    recalibrated = fitted[np.searchsorted(steps, sample.confidence)]
    constant = np.full(sample.n, sample.weight @ sample.correct / sample.total)
    score, best, base = (_score(sample, c) for c in (sample.confidence, recalibrated, constant))
    return BrierDecomposition(
        brier=score,
        miscalibration=max(0.0, score - best),
        discrimination=max(0.0, base - best),
        uncertainty=base,
        n=sample.n,
    )


def clipped(confidence: Floats, eps: float) -> Floats:
    """The confidences held within [eps, 1-eps]; for logarithms only, never for what is reported."""
    if not 0 < eps < 0.5 or 1 - eps == 1:
        raise ValueError(f"eps must lie between 0 and 1/2, and not be lost in 1 - eps: {eps}")
    return np.clip(confidence, eps, 1 - eps)


def isotonic_steps(sample: Claims) -> tuple[Floats, Floats]:
    """The distinct confidences in rising order, and the fitted value of each; for claims already checked."""
    from scipy.optimize import isotonic_regression

    distinct, inverse = np.unique(sample.confidence, return_inverse=True)
    mass = np.bincount(inverse, weights=sample.weight)
    rates = np.bincount(inverse, weights=sample.weight * sample.correct) / mass
    return distinct, cast(Floats, isotonic_regression(rates, weights=mass).x)


def _score(sample: Claims, confidence: Floats) -> float:
    return float(sample.weight @ (confidence - sample.correct) ** 2) / sample.total
