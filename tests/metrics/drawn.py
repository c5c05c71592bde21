"""Data for the properties, drawn so that awkward cases come up: edges of bins, 0 and 1, ties everywhere."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float64]

stated = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9, 0.95, 0.99, 1.0])
# Six digits: peers take confidences that differ by less for ties.
confidence = st.one_of(stated, st.floats(0, 1).map(lambda c: round(c, 6)))
claim = st.tuples(confidence, st.booleans())
claims = st.lists(claim, min_size=1, max_size=40)
weighted_claims = st.lists(
    st.tuples(confidence, st.booleans(), st.integers(0, 4)), min_size=1, max_size=20
).filter(lambda drawn: any(w for _, _, w in drawn))


def split(drawn: Sequence[tuple[float, bool]]) -> tuple[Floats, Floats]:
    """Confidences and correctness as two arrays."""
    return np.array([c for c, _ in drawn], dtype=float), np.array([y for _, y in drawn], dtype=float)


def with_weights(drawn: Sequence[tuple[float, bool, int]]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Confidences, correctness and whole weights as three arrays."""
    c, y = split([(c, y) for c, y, _ in drawn])
    return c, y, np.array([w for _, _, w in drawn], dtype=np.int64)


def simulated(n: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Over-confident claims with ties: confidences rounded to a tenth, right less often than stated."""
    rng = np.random.default_rng(seed)
    c = np.round(rng.beta(4, 1.5, n), 1)
    y = (rng.random(n) < 0.2 + 0.6 * c).astype(float)
    return c, y
