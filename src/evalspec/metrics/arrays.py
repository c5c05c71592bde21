"""Arrays as the metrics want them: one place where what a caller passes is checked and turned into float64.

Everything here raises ValueError rather than repair: a confidence of 85 clipped to 1 would be a wrong number
nobody sees.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalspec.text.values import dataclass

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TOLERANCE = 1e-12  # relative; below it a difference is rounding, not data
EXTREME = 1e100  # of weights: their squares, and the sums of these, are still well within a float


def vector(values: ArrayLike, name: str) -> Floats:
    """A one-dimensional float array of `values`, which may hold infinities but no NaN."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    if np.isnan(array).any():
        raise ValueError(f"{name} holds NaN")
    return array


def numbers(values: ArrayLike, name: str) -> Floats:
    """A one-dimensional float array of finite numbers."""
    array = vector(values, name)
    if np.isinf(array).any():
        raise ValueError(f"{name} holds infinities")
    return array


def fractions(values: ArrayLike, name: str) -> Floats:
    """A one-dimensional float array of numbers from 0 to 1."""
    array = vector(values, name)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise ValueError(f"{name} must lie between 0 and 1")
    return array


def outcomes(values: ArrayLike, name: str = "correct") -> Floats:
    """A float array of zeros and ones, from booleans or numbers."""
    array = vector(values, name)
    if not is_binary(array):
        raise ValueError(f"{name} must hold only 0 and 1, or booleans")
    return array


def is_binary(array: Floats) -> bool:
    """Whether the array holds nothing but 0 and 1."""
    return bool(np.all((array == 0) | (array == 1)))


def weights_for(weights: ArrayLike | None, n: int) -> Floats:
    """The weights of `n` examples, 1 each where None; finite and not negative.

    Those whose squares a float could not hold are measured in the largest of them; those that vanish
    beside it are 0.
    """
    if weights is None:
        return np.ones(n)
    array = numbers(weights, "weights")
    same_length(n, array.size, "weights")
    if array.size and array.min() < 0:
        raise ValueError("weights must not be negative")
    largest = float(array.max(initial=0.0))
    if largest == 0:
        return array
    in_range = array if 1 / EXTREME < largest < EXTREME else array / largest
    return np.where(in_range < float(in_range.max()) / EXTREME, 0.0, in_range)


def same_length(expected: int, found: int, name: str) -> None:
    """Nothing; raises where `found` is not `expected`."""
    if expected != found:
        raise ValueError(f"{name} has {found} entries where {expected} were expected")


def cluster_codes(cluster: ArrayLike, n: int) -> Ints:
    """A whole number for each of `n` examples, the same for those with the same label.

    Labels are texts, whole numbers or the like. Raises ValueError where there is not one for each example,
    where one is missing (None or NaN), and where they are of kinds that cannot be put in order.
    """
    labels = np.asarray(cluster)
    if labels.shape != (n,):
        raise ValueError(f"cluster has shape {labels.shape} where ({n},) was expected")
    if labels.dtype.kind in "fO" and any(map(_is_missing, labels.tolist())):
        raise ValueError("cluster holds examples without a label (None or NaN): each belongs to a cluster")
    try:
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)
    except TypeError as error:
        raise ValueError("cluster holds labels of several kinds, which cannot be put in order") from error


def _is_missing(label: object) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def is_constant(array: Floats) -> bool:
    """Whether all entries are equal but for rounding; true of an empty array."""
    return array.size == 0 or float(np.ptp(array)) <= TOLERANCE * float(np.abs(array).max())


def repetitions(weights: Floats) -> Floats:
    """Weights as numbers of repetitions: whole ones as they are, others scaled to add up to their count.

    Order statistics (equal-mass bins, risk at the k-th example) need a number of examples. For whole
    weights that is the sum, so that weighting equals writing an example out; for shares that add up to 1 it
    would be absurd.
    """
    if bool(np.all(weights == np.floor(weights))):
        return weights
    return weights * (weights.size / float(weights.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Stated confidences, whether each was right, and positive weights; all of one length."""

    confidence: Floats
    correct: Floats
    weight: Floats

    @property
    def n(self) -> int:
        """The number of claims that count (with a weight above 0)."""
        return self.confidence.size

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(self.weight.sum())

    @property
    def error_rate(self) -> float:
        """The weighted share of wrong claims."""
        return float(self.weight @ (1 - self.correct)) / self.total

    @property
    def one_sided(self) -> bool:
        """Whether all claims are right, or all wrong."""
        return is_constant(self.correct)


def claims(confidence: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> Claims:
    """The claims in checked form; those of weight 0 are left out, as if never made."""
    c = fractions(confidence, "confidence")
    y = outcomes(correct)
    same_length(c.size, y.size, "correct")
    w = weights_for(weights, c.size)
    kept = w > 0
    return Claims(confidence=c[kept], correct=y[kept], weight=w[kept])


def tail_probability(level: float) -> float:
    """The probability left outside on one side of a central interval of that level."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return (1 - level) / 2
