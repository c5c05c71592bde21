"""Latencies of the run's own requests as results.json tells them: of the whole, of first tokens, of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalspec.score.durations import Durations, durations, first_token_s, step_s
from evalspec.score.measures import Example, percentile
from evalspec.score.result_figures import Document, figures
from evalspec.score.timing import is_timed

if TYPE_CHECKING:
    from evalspec.language.program import Task


def times_json(timed: Durations) -> Document:
    """Percentiles with their intervals, the mean and the longest."""
    seconds = timed.seconds.tolist()
    told: Document = {f"p{q}": figures(percentile(timed, q)) for q in (50, 90, 95, 99)}
    return told | {
        "mean": _bare(sum(seconds) / len(seconds), timed.n),
        "max": _bare(max(seconds), timed.n),
    }


def parts_json(task: Task, heard: Sequence[Example]) -> Document:
    """The first token, and the steps of a chain; told where a budget asks for such a part."""
    if not is_timed(task.budgets):
        return {"first_token": None}
    first = durations(heard, first_token_s)
    told: Document = {"first_token": times_json(first) if first.n else None}
    if task.kind == "chain":
        each = {step.name: durations(heard, step_s(step.name)) for step in task.steps}
        told["steps"] = {name: times_json(timed) for name, timed in each.items() if timed.n}
    return told


def _bare(value: float, n: int) -> Document:
    """A figure without an interval, None where it takes in what ran out of its time."""
    if math.isfinite(value):
        return {"value": value, "n": n}
    return {"value": None, "n": n, "why": "it lies beyond the timeout"}
