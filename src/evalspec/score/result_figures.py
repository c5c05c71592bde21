"""Figures, differences and agreements in the form of results.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from evalspec.language.metric_names import metric_named
from evalspec.score.boards import Found, agreements
from evalspec.score.ranking import badness
from evalspec.text.values import Json

if TYPE_CHECKING:
    from evalspec.language.program import Leaderboard
    from evalspec.metrics import Estimate
    from evalspec.score.ranking import Pair
    from evalspec.score.score import Calibration

Document = dict[str, Json]


def number(value: float | None) -> Json:
    """A figure as JSON; an infinite one (a percentile beyond a timeout) has no number."""
    return None if value is None or not math.isfinite(value) else float(value)


def figures(estimate: Estimate) -> Document:
    """A figure with its interval; where either is missing, `why`."""
    found: Document = {
        "value": number(estimate.value),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "n": estimate.n,
    }
    why = estimate.why if estimate.why is not None else _why(estimate, found)
    return found if why is None else {**found, "why": why}


def _why(estimate: Estimate, found: Document) -> str | None:
    """Why a figure that was measured, or an end of its interval, is no number."""
    if found["value"] is None:
        return "it lies beyond the timeout"
    if found["low"] is not None and found["high"] is not None:
        return None
    if estimate.low is None and estimate.high is None:
        return "this figure has no interval"
    return "the data do not reach far enough for both ends of the interval"


def metrics_json(found: Mapping[str, Estimate], calibration: Calibration | None) -> Document:
    """Metrics by name; the calibration error with what chance alone would show."""
    document: Document = {}
    for name, estimate in found.items():
        told = figures(estimate)
        told |= {"se": number(estimate.se), "direction": metric_named(name).direction.value}
        if name == "ece" and calibration is not None:
            floor = calibration.floor
            told |= {"null_mean": floor.mean, "null_p95": floor.p95, "p_value": floor.p_value}
        document[name] = told
    return document


def pair_json(pair: Pair) -> Document:
    """The difference of two candidates."""
    return {
        "a": pair.a,
        "b": pair.b,
        "metric": pair.metric,
        "difference": figures(pair.difference),
        "p_value": pair.p_value,
        "p_adjusted": pair.p_adjusted,
        "distinguished": pair.distinguished,
        "n_needed": pair.n_needed,
    }


# ── leaderboards ──────────────────────────────────────────────────────────────────────────────────


class Placed(Protocol):
    """A candidate with its figures, as far as a leaderboard is held against it."""

    @property
    def model(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def metrics(self) -> Mapping[str, Estimate]: ...
    @property
    def ranked(self) -> bool: ...
    @property
    def viable(self) -> bool: ...


def agreed(
    boards: Mapping[str, Leaderboard], metric: str, candidates: Mapping[str, Placed], seed: int
) -> Document:
    """How each leaderboard and the examples agree, by the metric that the candidates are ranked by."""
    found = [
        Found(name=name, model=c.model, variant=c.variant, badness=bad, viable=c.viable)
        for name, c in candidates.items()
        if c.ranked and math.isfinite(bad := badness(metric, c.metrics[metric]))
    ]
    return {
        name: {
            "kendall_tau": a.tau,
            "p_value": a.p_value,
            "n": a.n,
            "top_agrees": a.top_agrees,
            "regret": number(a.regret),
            "chosen": list(a.chosen),
            **({} if a.why is None else {"why": a.why}),
        }
        for name, a in agreements(boards, found, seed).items()
    }
