"""Evidence that may be looked at after every example: bets against "this candidate is no worse".

A test made for a fixed number of examples is wrong when one looks at it as they come in and stops where it
pleases. Here one bets against the hypothesis instead: who can multiply a stake twentyfold against it has
evidence of strength 20, whenever he stops (Ville's inequality).
"""

from math import exp, inf

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import TOLERANCE, Floats, numbers

BETS = np.arange(1, 20) / 20.0  # the shares of the stake that are bet: .05, .10, …, .95
MOST = 709.0  # e to this is near the largest float


def e_value(differences: ArrayLike, bound: float) -> float:
    """The evidence against "these differences are not above 0 on average", as a factor: E itself.

    `differences` are in the order in which they were seen, each from -bound to bound; `bound` must be known
    beforehand (for costs: the range of the cost matrix), not taken from the data. E is the mean over the
    stakes λ in .05, .10, …, .95 of Π(1 + λ·d/bound), a mixture of bets: while the hypothesis holds it is
    a nonnegative supermartingale that starts at 1, so that the chance of its ever reaching 1/α is at most
    α, at whatever number of examples one looks (Ville 1939; Waudby-Smith & Ramdas 2024). No difference
    yet: 1. Beyond the largest float: infinity. Raises ValueError on a bound that is not above 0, on a
    difference beyond it, NaN and infinities.
    """
    return factor(log_wealth(log_bets(differences, bound)))


def e_process(differences: ArrayLike, bound: float) -> Floats:
    """The logarithm of E after each of the differences, in their order."""
    steps = np.log1p(np.multiply.outer(_scaled(differences, bound), BETS))
    return log_wealth(np.cumsum(steps, axis=0))


def log_bets(differences: ArrayLike, bound: float) -> Floats:
    """What each of the bets has come to: the logarithm of its wealth, for each λ.

    Those of one stretch of examples and of the next add up, so that nothing has to be kept but this.
    """
    steps: Floats = np.log1p(np.multiply.outer(_scaled(differences, bound), BETS)).sum(axis=0)
    return steps


def log_wealth(bets: Floats) -> Floats:
    """The logarithm of the mixture, from the bets' along the last axis."""
    top = bets.max(axis=-1, keepdims=True)
    total: Floats = np.log(np.exp(bets - top).mean(axis=-1)) + top[..., 0]
    return total


def factor(log_evidence: ArrayLike) -> float:
    """E from its logarithm; infinity beyond the largest float."""
    power = float(np.asarray(log_evidence))
    return exp(power) if power <= MOST else inf


def _scaled(differences: ArrayLike, bound: float) -> Floats:
    values = numbers(differences, "differences")
    if not 0 < bound < inf:
        raise ValueError(f"bound must be a number above 0, not {bound}")
    if values.size and float(np.abs(values).max()) > bound * (1 + TOLERANCE):
        raise ValueError(f"a difference lies beyond the bound {bound}")
    return np.clip(values / bound, -1.0, 1.0)
