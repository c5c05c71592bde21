"""The smooth calibration error: calibration error without bins, at the one width that the data allow.

Bins make the figure jump where a confidence crosses an edge. Here the gaps between stated confidence and
outcome are smoothed by a Gaussian instead, and its width is not chosen by anyone.
"""

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Claims, Floats, claims
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined

CELLS = 2048  # of the grid on which confidences are laid, two to the least width
HALVINGS = 10
LEAST_MESH = 200
POINTS_A_WIDTH = 10


def sm_ece(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> Estimate:
    """The smooth calibration error of Błasiok & Nakkiran (2023), from 0 to 1, without an interval.

    The signed gaps c - y are smoothed over the confidences by a Gaussian of width σ, reflected at 0 and 1;
    their mean absolute value falls as σ grows, and the figure is the σ it equals, found by 10 halvings. As
    in the authors' relplot, the Gaussian ends at distance ½ and the mean is over at least 200 points. All
    of one confidence c: |c - accuracy|. No edge decides it, but it has a noise floor, like `ece`.
    """
    sample = claims(confidence, correct, weights)
    if sample.n == 0:
        return undefined(NO_DATA)
    waves = _waves(sample)
    least, widest = 0.0, 1.0
    if _smoothed(waves, widest) > widest:
        return bare(_smoothed(waves, widest), sample.n)
    for _ in range(HALVINGS):
        width = (least + widest) / 2
        if _smoothed(waves, width) > width:
            least = width
        else:
            widest = width
    return bare(_smoothed(waves, widest), sample.n)


def _waves(sample: Claims) -> Floats:
    """Gaps and weights over the confidences, each as a sum of cosines, which reflect at 0 and 1.

    Each example is shared by the two points of the grid beside it, which keeps its place on average.
    """
    at = sample.confidence * CELLS
    cell = np.minimum(at.astype(np.int64), CELLS - 1)
    part = at - cell
    laid = np.zeros((2, CELLS + 1))
    for row, value in zip(laid, (sample.confidence - sample.correct, np.ones(sample.n)), strict=True):
        mass = sample.weight * value / sample.total
        row += np.bincount(cell, mass * (1 - part), CELLS + 1)
        row += np.bincount(cell + 1, mass * part, CELLS + 1)
    # The transform counts what lies between the ends twice.
    laid[:, 1:-1] /= 2
    return _cosines(laid)


def _smoothed(waves: Floats, width: float) -> float:
    """The mean absolute gap after smoothing: a product of waves, summed on a mesh of some points a width."""
    grid = np.arange(CELLS + 1) / CELLS
    kernel = np.where(grid <= 0.5, np.exp(-0.5 * (grid / width) ** 2), 0.0)
    gaps, mass = _cosines(waves * _cosines(kernel))
    mesh = np.linspace(0, 1, max(LEAST_MESH, round(POINTS_A_WIDTH / width)))
    return float(np.abs(np.interp(mesh, grid, gaps)).sum() / np.interp(mesh, grid, mass).sum())


def _cosines(values: Floats) -> Floats:
    """The discrete cosine transform of type 1 along the last axis.

    It is that of `scipy.fft`, whose loading takes longer than scoring a small run.
    """
    mirrored = np.concatenate([values, values[..., -2:0:-1]], axis=-1)
    return np.fft.rfft(mirrored).real
