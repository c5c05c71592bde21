"""Quantiles of Student's t, in closed form and without scipy, whose special functions take as long to load as
a small run takes in all."""

from __future__ import annotations

from functools import lru_cache
from math import exp, inf, lgamma, log, log1p, sqrt

_TINY = 1e-300
_MOST_TERMS = 100_000
_CLOSE = 1e-15


@lru_cache(maxsize=1024)
def t_beyond(tail: float, degrees: float) -> float:
    """The t that is exceeded with probability `tail` (0 < tail < 0.5) at so many degrees of freedom (> 0).

    y = t²/(ν + t²) is beta distributed with ½ and ν/2, and 1 - y with these the other way round: of the two
    the smaller is sought. To some 1e-11 of its value up to 100,000 degrees,
    1e-8 up to a million. Raises ValueError outside
    these ranges.
    """
    if not 0 < tail < 0.5 or not degrees > 0:
        raise ValueError(f"no quantile of t at a tail of {tail} with {degrees} degrees of freedom")
    if degrees < 10 and tail < 0.25:
        rest = _beta_quantile(degrees / 2, 0.5, 2 * tail)
        return sqrt(degrees * (1 - rest) / rest)
    share = _beta_quantile(0.5, degrees / 2, 1 - 2 * tail)
    return sqrt(degrees * share / (1 - share))


def _beta_quantile(a: float, b: float, share: float) -> float:
    """The x below which that share of a beta distribution lies: by Newton's steps, halving where they leave
    what is left."""
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(2000):
        found = _incomplete_beta(a, b, x) - share
        low, high = (x, high) if found < 0 else (low, x)
        density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - _log_beta(a, b))
        following = x - found / density if density > 0 else inf
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - x) <= _CLOSE * x:
            break
        x = following
    return x


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), the share of a beta distribution below x (DLMF 8.17.22)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(a * log(x) + b * log1p(-x) - _log_beta(a, b)) / a if x > 0 else 0.0
    return front / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction 1 + d1/(1 + d2/(1 + …)), from its front (Lentz 1976)."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, _MOST_TERMS):
        m = term // 2
        if term % 2:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (_away_from_0(1 + step * d))
        c = _away_from_0(1 + step / c)
        value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value


def _away_from_0(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
