"""Means of resampled examples, as matrix products: the engine under every bootstrap of this room.

A resample is a row of counts, how often each example was drawn, so that all candidates share one matrix
(paired) and the means of all of them are one product. Chunks keep the memory small; their size depends on n
alone, so the same seed gives the same numbers.
"""

from collections.abc import Iterator

import numpy as np

from evalspec.metrics.arrays import Floats

CHUNK = 500
CHUNK_CELLS = 2_000_000
GROUP_ABOVE = 20_000  # examples; above this, resampling single ones costs minutes and changes nothing
GROUPS = 2_000


def generator(seed: int) -> np.random.Generator:
    """The random stream of a seed: PCG64, named because numpy's default may change."""
    return np.random.Generator(np.random.PCG64(seed))


def chunks(repeats: int, n: int) -> Iterator[int]:
    """Numbers of resamples of `n` examples to make at once, adding up to `repeats`."""
    size = max(1, min(CHUNK, CHUNK_CELLS // max(n, 1)))
    for start in range(0, repeats, size):
        yield min(size, repeats - start)


def resampled_means(columns: Floats, repeats: int, seed: int) -> Iterator[Floats]:
    """Chunks of column means (resamples × columns) of `columns` (examples × columns) drawn with replacement.

    Above 20,000 examples, 2,000 random groups of them are redrawn instead of single ones: the sums of
    groups are as independent as the examples were, and the variance of the mean is the same to within
    1/2000.
    """
    if repeats < 1:
        raise ValueError("repeats must be at least 1")
    rng = generator(seed)
    sums, sizes = _grouped(columns, rng)
    n = sizes.size
    for rows in chunks(repeats, n):
        drawn = rng.integers(0, n, (rows, n), dtype=np.int32)
        drawn += np.arange(rows, dtype=np.int32)[:, None] * np.int32(n)
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
        yield (counts @ sums) / (counts @ sizes)[:, None]


def _grouped(columns: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    n = columns.shape[0]
    if n <= GROUP_ABOVE:
        return columns, np.ones(n)
    starts = np.linspace(0, n, GROUPS, endpoint=False).astype(np.int64)
    sums = np.add.reduceat(columns[rng.permutation(n)], starts, axis=0)
    return sums, np.diff(np.append(starts, n)).astype(np.float64)
