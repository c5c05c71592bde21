"""What several samples of one question say: whether any or all of so many are right, and whether they agree.

Per question, from the counts of its samples; `clustered_mean` over questions gives the interval.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from math import comb, exp, expm1, fsum, inf, log1p

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Floats, Ints, is_binary
from evalspec.metrics.intervals import wilson
from evalspec.metrics.means import mean_estimate
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined

EXACT = 10_000  # up to so many samples whole numbers are reckoned with, correctly rounded at the end
Chance = Callable[[int, int, int], float]
ONE_SAMPLE = "one sample has no other to agree with"


def pass_at_k(n: ArrayLike, c: ArrayLike, k: int, level: float = 0.95) -> Estimate:
    """The chance that at least one of `k` samples of a question is right: 1 - C(n-c,k)/C(n,k).

    `n` samples of a question, `c` of them right: whole numbers for one question, arrays for several. Of one
    question there is a value without an interval. Of several it is the mean over questions, each counting
    alike, with t's interval, or Wilson's where that would leave 0 to 1 (Chen et al. 2021: unbiased for every
    n >= k). A question with n < k leaves no value, and `why` says so; so do no questions at all. Exact up to
    10,000 samples, within rounding of logarithms beyond.
    Raises ValueError where c is not between 0 and n, or k below 1.
    """
    return _over_questions(n, c, k, level, _any)


def pass_hat_k(n: ArrayLike, c: ArrayLike, k: int, level: float = 0.95) -> Estimate:
    """The chance that all of `k` samples of a question are right: C(c,k)/C(n,k).

    As `pass_at_k` in everything else (Yao et al. 2024, tau-bench).
    """
    return _over_questions(n, c, k, level, _all)


def consistency(answers: Iterable[Hashable]) -> Estimate:
    """The chance that two samples of one question agree: the share of its pairs that are equal.

    Σ_a m_a(m_a-1) / (m(m-1)), where m samples give the answer a m_a times. One sample has no pair, and no
    value. There is no interval: take `mean_estimate` over questions.
    """
    counts = Counter(answers)
    m = counts.total()
    if m < 2:
        return undefined(ONE_SAMPLE if m else NO_DATA, m)
    return bare(sum(own * (own - 1) for own in counts.values()) / (m * (m - 1)), m)


def _counts(values: ArrayLike, name: str) -> Ints:
    """The counts as integers; raises ValueError where they are no whole numbers, or of more dimensions."""
    found = np.asarray(values)
    if found.ndim > 1:
        raise ValueError(f"{name} has {found.ndim} dimensions where one at most was expected")
    whole = found.dtype.kind in "biuf" and bool(np.all(np.isfinite(found) & (found == np.floor(found))))
    if found.size and not whole:
        raise ValueError(f"{name} must hold whole numbers")
    return found.astype(np.int64)


def _over_questions(n: ArrayLike, c: ArrayLike, k: int, level: float, chance: Chance) -> Estimate:
    asked, right = _counts(n, "n"), _counts(c, "c")
    if asked.shape != right.shape:
        raise ValueError(f"c has shape {right.shape} where {asked.shape} was expected")
    if k < 1:
        raise ValueError("k must be at least 1")
    if (right < 0).any() or (right > asked).any():
        raise ValueError("c must lie between 0 and n")
    if not asked.size:
        return undefined(NO_DATA)
    if int(asked.min()) < k:
        return undefined(f"{int(asked.min())} samples are fewer than {k}", asked.size)
    pairs = list(zip(asked.ravel().tolist(), right.ravel().tolist(), strict=True))
    known = {pair: chance(*pair, k) for pair in set(pairs)}
    each = np.array([known[pair] for pair in pairs], dtype=np.float64)
    if asked.ndim == 0:
        return bare(float(each[0]), 1)
    return _mean_of_shares(each, level)


def _mean_of_shares(each: Floats, level: float) -> Estimate:
    """The mean with t's interval; where that would leave 0 to 1, Wilson's at the effective number."""
    if is_binary(each):
        return wilson(int(each.sum()), each.size, level)
    found = mean_estimate(each, level=level)
    value, low, high, se = found.value, found.low, found.high, found.se
    if value is None or low is None or high is None or se is None or (low >= 0 and high <= 1):
        return found
    effective = max(value * (1 - value) / (se * se), 1.0)
    around = wilson(value * effective, effective, level)
    return Estimate(value=value, low=around.low, high=around.high, se=se, n=found.n)


def _any(n: int, c: int, k: int) -> float:
    """That not all k are among the n - c wrong ones."""
    if n <= EXACT:
        whole = comb(n, k)
        return (whole - comb(n - c, k)) / whole
    return -expm1(_log_share(n, n - c, k))


def _all(n: int, c: int, k: int) -> float:
    """That all k are among the c right ones."""
    return comb(c, k) / comb(n, k) if n <= EXACT else exp(_log_share(n, c, k))


def _log_share(n: int, part: int, k: int) -> float:
    """ln C(part,k)/C(n,k), from the shorter of its two products."""
    rest = n - part
    if k > part:
        return -inf
    fewer, other = min(k, rest), max(k, rest)
    return fsum(log1p(-other / (n - i)) for i in range(fewer))
