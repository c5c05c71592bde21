"""The calibration line: a logistic regression of being right on the logit of the stated confidence.

Fitted by damped Newton. Undamped steps diverge on saturated confidences and can end, without a word, at
"always confident"; and where no finite maximum exists nothing is fitted at all.
"""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Claims, Floats, claims, is_constant
from evalspec.metrics.intervals import z_quantile
from evalspec.metrics.records import NO_DATA, CalibrationLine, Estimate, undefined
from evalspec.metrics.scores import clipped

STEPS = 200
HALVINGS = 40
SINGULAR = 1e15  # condition; beyond it the digits of a step are noise
# The most by which the first step may move any log odds; doubled while that is too short. Without it a step
# from a flat place lands where probabilities round to 0 and 1, and with them the information to 0.
FIRST_REACH = 4.0


def calibration_line(
    confidence: ArrayLike,
    correct: ArrayLike,
    eps: float = 1e-3,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> CalibrationLine:
    """Slope and intercept of logit P(right) = a + b·logit(c), and calibration in the large (a with b = 1).

    Confidences are clipped to [eps, 1-eps]. Intervals are Wald's from the observed information, with
    weights scaled to Kish's effective n (Cox 1958; Miller, Hui & Tierney 1991). Perfectly calibrated: b =
    1, a = 0; b < 1 is over-confident. Without a finite maximum (all right, all wrong, one confidence, or
    confidences that separate right from wrong) the parts concerned have no value, and `why`.
    """
    sample = claims(confidence, correct, weights)
    x = logit(clipped(sample.confidence, eps))
    z_quantile(level)
    large = _no_line(sample, None) or _in_the_large(sample, x, level)
    why = _no_line(sample, x)
    if why is not None:
        return CalibrationLine(slope=why, intercept=why, in_the_large=large, n=sample.n, why=why.why)
    fit = _line(sample, x)
    if fit is None:
        failed = undefined("the fit did not settle", sample.n)
        return CalibrationLine(slope=failed, intercept=failed, in_the_large=large, n=sample.n, why=failed.why)
    intercept, slope = (_wald(fit, i, sample.n, level) for i in (0, 1))
    return CalibrationLine(slope=slope, intercept=intercept, in_the_large=large, n=sample.n)


def _no_line(sample: Claims, x: Floats | None) -> Estimate | None:
    """The reason why no finite maximum exists, if so; of the intercept alone where `x` is None."""
    if sample.n == 0:
        return undefined(NO_DATA)
    if sample.one_sided:
        return undefined("all right" if sample.correct[0] == 1 else "all wrong", sample.n)
    if x is None:
        return None
    if is_constant(x):
        return undefined("all confidences are equal", sample.n)
    right, wrong = x[sample.correct == 1], x[sample.correct == 0]
    # In one dimension the maximum is finite exactly if the two ranges overlap in more than a point.
    if wrong.max() <= right.min() or right.max() <= wrong.min():
        return undefined("the confidences separate right from wrong", sample.n)
    return None


def _in_the_large(sample: Claims, x: Floats, level: float) -> Estimate:
    fit = newton(np.ones((sample.n, 1)), sample.correct, _effective(sample), offset=x)
    return undefined("the fit did not settle", sample.n) if fit is None else _wald(fit, 0, sample.n, level)


def _line(sample: Claims, x: Floats) -> tuple[Floats, Floats] | None:
    """Intercept and slope with their covariance, in standard units, since confidences may lie close."""
    centre, spread = float(x.mean()), float(x.std())
    design = np.column_stack([np.ones(sample.n), (x - centre) / spread])
    fit = newton(design, sample.correct, _effective(sample))
    back = np.array([[1.0, -centre / spread], [0.0, 1 / spread]])
    return None if fit is None else (back @ fit[0], back @ fit[1] @ back.T)


def _effective(sample: Claims) -> Floats:
    return sample.weight * (sample.total / float(sample.weight @ sample.weight))


def newton(
    design: Floats, y: Floats, w: Floats, offset: Floats | float = 0.0, ridge: float = 0.0
) -> tuple[Floats, Floats] | None:
    """The coefficients and their covariance at the maximum of likelihood; None if it was not reached.

    Starts at 0 and halves each step until the likelihood does not fall. A `ridge` takes ridge/2·|β|² off the
    log-likelihood, which gives separated classes a finite maximum.
    """
    beta = np.zeros(design.shape[1])

    def height_at(beta: Floats) -> float:
        return _log_likelihood(design @ beta + offset, y, w) - ridge / 2 * float(beta @ beta)

    height, reach = height_at(beta), FIRST_REACH
    for _ in range(STEPS):
        p = 0.5 * (1 + np.tanh((design @ beta + offset) / 2))
        gradient = design.T @ (w * (y - p)) - ridge * beta
        information = (design.T * (w * p * (1 - p))) @ design + ridge * np.eye(beta.size)
        if not np.linalg.cond(information) < SINGULAR:
            return None
        step = np.linalg.solve(information, gradient)
        decrement = float(gradient @ step)
        if decrement < 1e-20 * float(w.sum()):
            return beta, np.linalg.inv(information).astype(np.float64)
        moved = float(np.abs(design @ step).max())
        if moved > reach:
            step, reach = step * (reach / moved), reach * 2
        for _ in range(HALVINGS):
            reached = height_at(beta + step)
            if reached >= height - 1e-14 * abs(height):
                break
            step = step / 2
        beta, height = beta + step, reached
    return None


def _log_likelihood(eta: Floats, y: Floats, w: Floats) -> float:
    # Written as y·η - log(1 + e^η) it would lose all digits where the fit is nearly perfect.
    return -float(w @ np.logaddexp(0, np.where(y == 1, -eta, eta)))


def _wald(fit: tuple[Floats, Floats], index: int, n: int, level: float) -> Estimate:
    value, se = float(fit[0][index]), sqrt(float(fit[1][index, index]))
    half = z_quantile(level) * se
    return Estimate(value=value, low=value - half, high=value + half, se=se, n=n)


def logit(c: Floats) -> Floats:
    """The log odds of confidences that were clipped, so that it is finite."""
    return np.log(c) - np.log1p(-c)
