"""Means from a few labels of people and many of a judge, who is put right by where both spoke."""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import numbers, same_length
from evalspec.metrics.intervals import z_quantile
from evalspec.metrics.means import CONSTANT
from evalspec.metrics.records import Estimate, bare, undefined

TOO_FEW = "fewer than 2 labelled or 2 unlabelled examples"


def prediction_powered_mean(
    labels: ArrayLike, judged: ArrayLike, judged_alone: ArrayLike, level: float = 0.95
) -> Estimate:
    """The mean of the labels, θ = λ·mean(judged_alone) + mean(labels - λ·judged) (Angelopoulos et al. 2023).

    `labels` and `judged` are about the same n examples, `judged_alone` about N others that nobody labelled.
    λ = cov(labels, judged) / ((1 + n/N)·var(judged of all)), held within 0 and 1, makes the interval never
    wider by much than that of the labels alone; a judge that says nothing gets λ = 0. SE² =
    λ²·var(judged_alone)/N + var(labels - λ·judged)/n; the interval is normal, so n should not be small. `n`
    counts the labelled. Raises ValueError on lengths that differ and figures that are not finite.
    """
    y, f, alone = numbers(labels, "labels"), numbers(judged, "judged"), numbers(judged_alone, "judged_alone")
    same_length(y.size, f.size, "judged")
    if y.size < 2 or alone.size < 2:
        return undefined(TOO_FEW, y.size)
    spread = float(np.var(np.concatenate([f, alone]), ddof=1))
    shared = float(np.cov(y, f, ddof=1)[0, 1])
    power = min(1.0, max(0.0, shared / ((1 + y.size / alone.size) * spread))) if spread > 0 else 0.0
    rest = y - power * f
    value = power * float(alone.mean()) + float(rest.mean())
    se = sqrt(power**2 * float(np.var(alone, ddof=1)) / alone.size + float(np.var(rest, ddof=1)) / y.size)
    if se == 0:
        return bare(value, y.size, CONSTANT)
    half = z_quantile(level) * se
    return Estimate(value=value, low=value - half, high=value + half, se=se, n=y.size)
