"""Who is fitted on whom: fold numbers for everything that is cross-fitted (recalibration, thresholds)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalspec.metrics.arrays import Ints, cluster_codes, outcomes, same_length
from evalspec.metrics.resample import generator


def fold_numbers(
    correct: ArrayLike, folds: int | ArrayLike = 5, seed: int = 0, cluster: ArrayLike | None = None
) -> Ints:
    """The fold of each example, from 0, so that right and wrong answers are spread evenly over the folds.

    With `cluster` (a name for each example, such as its document) all examples of a cluster are in one
    fold, or what was fitted would already know the document it is tried on. Never more folds than examples
    or clusters, so that none is empty. The same seed gives the same folds. An array of fold numbers is
    checked and returned. Raises ValueError below 2 folds.
    """
    y = outcomes(correct)
    if not isinstance(folds, int):
        return _given(folds, y.size)
    if folds < 2:
        raise ValueError("folds must be at least 2")
    rng = generator(seed)
    if cluster is not None:
        return _of_clusters(y == 0, cluster_codes(cluster, y.size), folds, rng)
    shuffled = rng.permutation(y.size)
    dealt = shuffled[np.argsort(y[shuffled], kind="stable")]
    found = np.empty(y.size, dtype=np.int64)
    found[dealt] = np.arange(y.size) % folds
    return found


def _given(folds: ArrayLike, n: int) -> Ints:
    array = np.asarray(folds)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError("folds must be a number of folds, or one whole number for each example")
    same_length(n, array.size, "folds")
    return array.astype(np.int64)


def _of_clusters(wrong: NDArray[np.bool_], codes: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Clusters with most wrong answers first, each to the fold that has fewest; the others by size."""
    sizes = np.bincount(codes)
    errors = np.bincount(codes, weights=wrong, minlength=sizes.size)
    shuffled = rng.permutation(sizes.size)
    order = shuffled[np.lexsort((-sizes[shuffled], -errors[shuffled]))]
    size, error = np.zeros(folds), np.zeros(folds)
    home = np.zeros(sizes.size, dtype=np.int64)
    for g in order:
        first, second = (error, size) if errors[g] else (size, error)
        home[g] = np.lexsort((second, first))[0]
        size[home[g]] += sizes[g]
        error[home[g]] += errors[g]
    return home[codes]
