"""Which bin a confidence falls into.

Stated confidences are round numbers and sit exactly on bin edges, where libraries disagree by a factor of
two. Here bins are closed on the right, (a, b], the first also on the left, and the edges are the correctly
rounded i/M: 0.3 is in the third of ten bins, because 3/10 is the same float.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Floats, Ints, fractions, repetitions, weights_for

Binning = Literal["width", "mass", "values", "auto"]
FEW_VALUES = 20


def chosen_binning(
    confidence: ArrayLike, binning: Binning = "auto", weights: ArrayLike | None = None
) -> Binning:
    """The binning that will be used: "auto" becomes "values" for few distinct confidences, else "width".

    Few is at most max(20, n/10). Reports state this beside the figure. Raises ValueError on an unknown name.
    """
    c = fractions(confidence, "confidence")
    w = weights_for(weights, c.size)
    return resolved(c[w > 0], binning, w[w > 0])


def resolved(confidence: Floats, binning: Binning, weights: Floats) -> Binning:
    """As `chosen_binning`, for arrays already checked."""
    if binning not in get_args(Binning):
        raise ValueError(f"unknown binning {binning!r}: one of {', '.join(get_args(Binning))}")
    if binning != "auto":
        return binning
    if confidence.size == 0:
        return "values"
    n = float(repetitions(weights).sum())
    return "values" if np.unique(confidence).size <= max(FEW_VALUES, n / 10) else "width"


def width_edges(bins: int) -> Floats:
    """The `bins` + 1 edges of bins of equal width; i/M correctly rounded, which linspace is not."""
    if bins < 1:
        raise ValueError("bins must be at least 1")
    return np.arange(bins + 1) / bins


def assigned(confidence: Floats, bins: int, binning: Binning, weights: Floats) -> Ints:
    """The bin number of each confidence; numbers may be skipped where bins are empty."""
    edges = width_edges(bins)
    match resolved(confidence, binning, weights):
        case "width":
            return np.searchsorted(edges[1:-1], confidence, side="left").astype(np.int64)
        case "mass":
            return _equal_mass(confidence, bins, weights)
        case _:
            return np.unique(confidence, return_inverse=True)[1].astype(np.int64)


def _equal_mass(confidence: Floats, bins: int, weights: Floats) -> Ints:
    """Bins of array_split's sizes over the sorted confidences; a tie goes whole to the bin it begins in."""
    if confidence.size == 0:
        return np.zeros(0, dtype=np.int64)
    mass = repetitions(weights)
    _, inverse = np.unique(confidence, return_inverse=True)
    tied = np.bincount(inverse, weights=mass)
    begins = np.concatenate([[0.0], np.cumsum(tied)[:-1]])
    share, rest = divmod(round(float(mass.sum()), 9), bins)
    number = np.arange(1, bins)
    ends = number * share + np.minimum(number, rest)
    return np.searchsorted(ends, begins + 1e-9, side="right")[inverse].astype(np.int64)
