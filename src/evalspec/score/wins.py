"""The mean win rate: in each task the share of the other candidates that are beaten, over the tasks.

Each task's own metric says who beats whom, ties count half. How sure that is comes from redrawing the
examples within each task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec.metrics import Estimate
from evalspec.metrics.resample import resampled_means
from evalspec.score.contributions import contributions
from evalspec.score.measures import undefined
from evalspec.score.ranking import badness
from evalspec.score.weighing import units_of

if TYPE_CHECKING:
    from evalspec.score.score import TaskScores

Floats = NDArray[np.float64]
WIN_RATE = "mean_win_rate"
REPEATS = 2_000
NEAR = 1e-12


def win_rates(
    weights: Mapping[str, float], tasks: Mapping[str, TaskScores], names: Sequence[str], seed: int
) -> tuple[Mapping[str, Estimate], Mapping[str, float]]:
    """Each candidate's mean win rate, and how often it comes first when the examples are redrawn."""
    n = sum(len(t.planned.rows) for t in tasks.values())
    if len(names) < 2:
        return dict.fromkeys(names, undefined("one candidate has none to beat", n)), {}
    missing = next((m for t in tasks.values() for m in names if not np.isfinite(_bad(t, m))), None)
    if missing is not None:
        return dict.fromkeys(names, undefined(f"{missing} has no figure in some task", n)), {}
    found = sum(w * beaten(np.array([[_bad(tasks[t], m) for m in names]])) for t, w in weights.items())
    redrawn = sum(w * beaten(_redrawn(tasks[t], names, seed + i)) for i, (t, w) in enumerate(weights.items()))
    value, drawn = np.asarray(found)[0], np.asarray(redrawn)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0, method="inverted_cdf")
    best = drawn >= drawn.max(axis=1, keepdims=True) - NEAR
    first = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    rates = {
        name: Estimate(value=float(value[i]), low=float(low[i]), high=float(high[i]), n=n)
        for i, name in enumerate(names)
    }
    return rates, {name: float(first[i]) for i, name in enumerate(names)}


def beaten(badness_of: Floats) -> Floats:
    """The share of the others that each column beats in each row: lower is better, ties count half."""
    size = np.abs(badness_of).max(axis=1, keepdims=True)[:, :, None] * NEAR
    apart = badness_of[:, None, :] - badness_of[:, :, None]  # how much worse the other is
    wins = (apart > size) + 0.5 * (np.abs(apart) <= size)
    shares: Floats = (wins.sum(axis=2) - 0.5) / (badness_of.shape[1] - 1)
    return shares


def _bad(task: TaskScores, name: str) -> float:
    metric = task.planned.task.rank[0]
    return badness(metric, task.candidates[name].metrics[metric])


def _redrawn(task: TaskScores, names: Sequence[str], seed: int) -> Floats:
    """The candidates' badness in redrawn examples; as it stands for metrics that are no means."""
    metric = task.planned.task.rank[0]
    columns = [contributions(metric, task.candidates[name].examples) for name in names]
    known = [column for column in columns if column is not None]
    sign = 1.0 if badness(metric, Estimate(value=1.0, low=None, high=None, n=1)) > 0 else -1.0
    if len(known) == len(names):
        matrix = units_of(task.design, task.planned.rows, np.column_stack(known))
        matrix = matrix[~np.isnan(matrix).any(axis=1)]
        if matrix.shape[0]:
            return sign * np.concatenate(list(resampled_means(matrix, REPEATS, seed)))
    return np.array([[_bad(task, name) for name in names]] * REPEATS)
