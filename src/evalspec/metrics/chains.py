"""How the steps of a chain make its whole, from which steps were right on which examples.

`right` is examples × steps of 0 and 1 (or booleans) in the order in which the steps run; `final` says
whether the chain's own answer was right.
"""

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Floats, outcomes, same_length
from evalspec.metrics.intervals import wilson
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined

NOT_REACHED = "no chain came to this step without a failure"


def step_hazards(right: ArrayLike, level: float = 0.95) -> tuple[Estimate, ...]:
    """For each step, first failures there among the chains that came to it without one (Wilson).

    The product of 1 - hazard over the steps is exactly the share of chains with all steps right. A step that
    no chain reached without a failure has no hazard. Raises ValueError on anything but a table of 0 and 1.
    """
    steps = _steps(right)
    reached = np.ones(steps.shape[0], dtype=np.bool_)
    found = []
    for s in range(steps.shape[1]):
        n, failed = int(reached.sum()), int((reached & (steps[:, s] == 0)).sum())
        found.append(wilson(failed, n, level) if n else undefined(NO_DATA if not s else NOT_REACHED))
        reached &= steps[:, s] == 1
    return tuple(found)


def first_failures(right: ArrayLike) -> tuple[int, ...]:
    """For each step, the examples on which it is the first that went wrong."""
    steps = _steps(right)
    before = np.cumprod(np.column_stack([np.ones(steps.shape[0]), steps]), axis=1)
    return tuple(int(c) for c in ((before[:, :-1] == 1) & (steps == 0)).sum(axis=0))


def dependence_gap(right: ArrayLike) -> Estimate:
    """The share of chains with all steps right, minus the product of the steps' accuracies.

    Above 0 errors pile up on the same hard examples, and a forecast by the product is too gloomy. Given
    without an interval; None without examples.
    """
    steps = _steps(right)
    n = steps.shape[0]
    if n == 0:
        return undefined(NO_DATA)
    return bare(float(steps.all(axis=1).mean() - np.prod(steps.mean(axis=0))), n)


def recoveries(right: ArrayLike, final: ArrayLike) -> int:
    """The examples whose final answer is right though a step was wrong."""
    steps, end = _steps(right), outcomes(final, "final")
    same_length(steps.shape[0], end.size, "final")
    return int(((steps == 0).any(axis=1) & (end == 1)).sum())


def _steps(right: ArrayLike) -> Floats:
    table = np.asarray(right, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"right must be a table of examples × steps, not of shape {table.shape}")
    outcomes(table.ravel(), "right")
    return table
