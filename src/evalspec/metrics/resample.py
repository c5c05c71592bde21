"""Means of resampled examples, as matrix products: the engine under every bootstrap of this room.

A resample is a row of counts, how often each example was drawn, so that all candidates share one matrix
(paired) and the means of all of them are one product. Chunks keep the memory small; their size depends on n
alone, so the same seed gives the same numbers.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from evalspec.metrics.arrays import Bools, Floats

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped, unused-ignore]

CHUNK = 500
CHUNK_CELLS = 2_000_000
GROUP_ABOVE = 5_000  # above, resampling single examples costs seconds to minutes, and changes nothing
GROUPS = 2_000


def generator(seed: int) -> np.random.Generator:
    """The random stream of a seed: PCG64, named because numpy's default may change."""
    return np.random.Generator(np.random.PCG64(seed))


def chunks(repeats: int, n: int) -> Iterator[int]:
    """Numbers of resamples of `n` examples to make at once, adding up to `repeats`."""
    size = max(1, min(CHUNK, CHUNK_CELLS // max(n, 1)))
    for start in range(0, repeats, size):
        yield min(size, repeats - start)


def on_one_thread() -> AbstractContextManager[object]:
    """Matrix products on one thread while it is entered: the same bytes however many cores there are.

    How a product is split among threads changes its last digit, and at these sizes threads cost more than
    they save.
    """
    limited: AbstractContextManager[object] = _products().limit(limits=1, user_api="blas")
    return limited


def resampled_means(sums: Floats, repeats: int, seed: int, sizes: Floats | None = None) -> Iterator[Floats]:
    """Chunks of means (resamples × columns) of units (rows of `sums`) drawn with replacement.

    A unit is whatever was drawn by itself: an example, or a cluster of them with what its examples add up
    to. `sizes` is how much each counts, 1 where None; a mean is the drawn sums over the drawn sizes. Above
    5,000 units, 2,000 random groups of them are redrawn instead of single ones: the groups are as
    independent as the units were, and the variance of the mean is the same to within 1/2000.
    """
    if repeats < 1:
        raise ValueError("repeats must be at least 1")
    rng = generator(seed)
    weight = np.ones(sums.shape[0]) if sizes is None else sizes
    units = grouped(np.column_stack([sums, weight]), rng)
    n = units.shape[0]
    for rows in chunks(repeats, n):
        drawn = rng.integers(0, n, (rows, n), dtype=np.int32)
        drawn += np.arange(rows, dtype=np.int32)[:, None] * np.int32(n)
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
        with on_one_thread():
            totals = counts @ units
        yield totals[:, :-1] / totals[:, -1:]


def random_signs(repeats: int, n: int, seed: int) -> Iterator[Bools]:
    """Chunks of fair coins (repeats × n): which of n differences have the other sign."""
    rng = generator(seed)
    for rows in chunks(repeats, n):
        drawn = rng.integers(0, 256, (rows, -(-n // 8)), dtype=np.uint8)
        yield np.unpackbits(drawn, axis=1, count=n).view(np.bool_)


def grouped(table: Floats, rng: np.random.Generator) -> Floats:
    """The rows of a table, added up in 2,000 random groups where there are more than 5,000."""
    n = table.shape[0]
    if n <= GROUP_ABOVE:
        return table
    starts = np.linspace(0, n, GROUPS, endpoint=False).astype(np.int64)
    added: Floats = np.add.reduceat(table[rng.permutation(n)], starts, axis=0)
    return added


@cache
def _products() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
