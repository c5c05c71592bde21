"""A race in the form of results.json: who was stopped where, and no interval that its stopping belies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.metrics.evidence import ALPHA
from evalspec.score.result_figures import Document, number
from evalspec.text.values import Json

if TYPE_CHECKING:
    from evalspec.run.racing import Stopped
    from evalspec.score.racing import Raced

ENDS = ("low", "high", "se")
TESTS = ("p_value",)
UNSETTLED = {
    "requirements": "undecided",
    "no_worse_than": "undecided",
    "budgets": "not_enough_data",
}


def race_json(raced: Raced, asked: int, of: int) -> Document:
    """The race of a task: by what evidence candidates are stopped, how often one looked, what it saved."""
    if raced.why is not None:
        return {"why": raced.why}
    return {
        "alpha": ALPHA,
        "look_every": raced.lap,
        "asked": asked,
        "of": of,
        "saved": 1 - asked / of if of else 0.0,
    }


def ended_json(candidate: Document, stopped: Stopped | None, place: int) -> Document:
    """A candidate with its end in the race; as it is where it had none.

    Where one stops by looking, an interval, test or verdict made for a fixed number of examples does not
    hold: there is none beside its figures.
    """
    if stopped is None:
        return candidate
    why = f"stopped by the race at n = {stopped.n}: no interval for a fixed number of examples holds"
    bare: Document = {name: _without_ends(value, why) for name, value in candidate.items()}
    for name, verdict in UNSETTLED.items():
        clauses = bare.get(name)
        bare[name] = (
            [{**c, "verdict": verdict} for c in clauses if isinstance(c, dict)]
            if isinstance(clauses, list)
            else []
        )
    policy = bare.get("policy")
    if isinstance(policy, dict) and "verdict" in policy:
        bare["policy"] = {**policy, "verdict": None}
    return {**bare, "rank": place, "race": _end(stopped)}


def _end(stopped: Stopped) -> Document:
    return {
        "stopped_at": stopped.n,
        "of": stopped.of,
        "dominated_by": stopped.by,
        "clause": stopped.clause,
        "e_value": number(stopped.e_value),
    }


def _without_ends(value: Json, why: str) -> Json:
    """A document whose figures have no interval and no p-value any more."""
    if isinstance(value, list):
        return [_without_ends(item, why) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: None if name in TESTS else _without_ends(item, why) for name, item in value.items()}
    if "value" not in inner or "low" not in inner:
        return inner
    return {**inner, **{end: None for end in ENDS if end in inner}, "why": inner.get("why") or why}
