"""How many examples tell two candidates apart: closed forms that need no data, and neither numpy nor scipy.

Kept apart so that checking a spec can warn about samples too small without loading either.
"""

from math import ceil, inf, sqrt
from statistics import NormalDist

from evalspec.metrics.records import NO_DATA, Estimate, SampleSize, bare, undefined

GUESSES = (0.10, 0.20)  # discordant shares, without data: of candidates of one family, and of others
ENDLESS = 1e12  # more examples than this are the same as none: the difference is rounding
TOO_MANY = "no sample of any size that could be had would do"


def minimum_detectable_difference(
    n: int, discordant: float, power: float = 0.8, alpha: float = 0.05
) -> Estimate:
    """The least difference in accuracy that `n` paired examples show with that power; without an interval.

    `discordant` is the share of examples exactly one candidate gets right. Solves
    √n·δ = z_{α/2}√ψ + z_β√(ψ - δ²) (Connor 1987). Undefined where δ would exceed ψ, which no difference can.
    Divide `alpha` by the number of comparisons if several are made. Raises ValueError on shares outside 0…1.
    """
    z_alpha, z_beta = _quantiles(discordant, power, alpha)
    if not 0 <= n < inf:
        raise ValueError(f"n must not be negative or without end: {n}")
    if n == 0:
        return undefined(NO_DATA)
    inner = n + z_beta**2 - z_alpha**2
    # Where the root is not real, n is below 4 and any δ would exceed ψ.
    delta = sqrt(discordant) * (z_alpha * sqrt(n) + z_beta * sqrt(max(0.0, inner))) / (n + z_beta**2)
    if inner <= 0 or delta > discordant:
        return undefined("no difference within the discordant share would be detected", n)
    return bare(delta, n)


def sample_size(difference: float, discordant: float, power: float = 0.8, alpha: float = 0.05) -> SampleSize:
    """The number of paired examples that shows `difference` in accuracy with that power.

    n = ((z_{α/2}√ψ + z_β√(ψ - δ²))/δ)², rounded up. The sign of the difference does not matter. None where
    it is 0, larger than the discordant share, which cannot be, or so small that no sample would do. Without
    data, .10 is a fair guess of `discordant` for candidates of one family and .20 otherwise.
    """
    z_alpha, z_beta = _quantiles(discordant, power, alpha)
    delta = abs(difference)
    if not delta <= 1:
        raise ValueError(f"difference must lie between -1 and 1, not {difference}")
    if delta == 0:
        return SampleSize(value=None, why="no sample shows a difference of 0")
    if delta > discordant:
        return SampleSize(value=None, why="the difference cannot exceed the discordant share")
    root = z_alpha * sqrt(discordant) + z_beta * sqrt(discordant - delta**2)
    if abs(root) > delta * sqrt(ENDLESS):
        return SampleSize(value=None, why=TOO_MANY)
    return SampleSize(value=max(1, ceil((root / delta) ** 2 - 1e-9)))


def minimum_detectable_cost(n: int, sd: float, power: float = 0.8, alpha: float = 0.05) -> Estimate:
    """The least difference in mean cost that `n` paired examples show with that power; without an interval.

    `sd` is the standard deviation of the differences example by example, in the unit of the costs:
    δ = (z_{α/2} + z_β)·sd/√n (Miller 2024). Where candidates are sampled several times an example, `sd` is
    that of the differences of the examples' means. Raises ValueError on a negative `n`, and on an `sd` that
    is negative or no number.
    """
    z = _z_of_cost(sd, power, alpha)
    if not 0 <= n < inf:
        raise ValueError(f"n must not be negative or without end: {n}")
    return undefined(NO_DATA) if n == 0 else bare(z * sd / sqrt(n), n)


def sample_size_for_cost(difference: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> SampleSize:
    """The number of paired examples that shows `difference` in mean cost with that power.

    n = ((z_{α/2} + z_β)·sd/δ)², rounded up, at least 2: the inverse of `minimum_detectable_cost`. None for a
    difference of 0, and where the number would go beyond all bounds.
    """
    z = _z_of_cost(sd, power, alpha)
    if not abs(difference) < inf:
        raise ValueError(f"difference must be a number, not {difference}")
    if difference == 0:
        return SampleSize(value=None, why="no sample shows a difference of 0")
    needed = (z * sd / difference) ** 2 if abs(z * sd) < abs(difference) * sqrt(ENDLESS) else inf
    if needed > ENDLESS:
        return SampleSize(value=None, why=TOO_MANY)
    return SampleSize(value=max(2, ceil(needed - 1e-9)))


def _z_of_cost(sd: float, power: float, alpha: float) -> float:
    if not 0 <= sd < inf:
        raise ValueError(f"sd must be a number from 0 upwards, not {sd}")
    z_alpha, z_beta = _quantiles(1.0, power, alpha)
    return z_alpha + z_beta


def _quantiles(discordant: float, power: float, alpha: float) -> tuple[float, float]:
    if not 0 < discordant <= 1:
        raise ValueError(f"discordant must lie above 0 and at most at 1, not {discordant}")
    if not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError("power and alpha must lie between 0 and 1")
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2), normal.inv_cdf(power)
