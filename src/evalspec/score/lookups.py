"""Looks into a task of a results document, for sentences and tables."""

from __future__ import annotations

from evalspec.score.wording import Document, document, names, number


def candidate_of(task: Document, name: str) -> Document:
    """A candidate of a task, by its name."""
    return document(document(task["candidates"])[name])


def metric_of(candidate: Document, name: str) -> Document:
    """The figures of a metric of a candidate."""
    return document(document(candidate["metrics"]).get(name))


def value_of(candidate: Document, name: str) -> float | None:
    """The value of a metric of a candidate; None where it is undefined."""
    return number(metric_of(candidate, name).get("value"))


def viable_in(task: Document) -> tuple[str, ...]:
    """The names of the viable candidates of a task, in its order."""
    return tuple(n for n in names(task["order"]) if candidate_of(task, n)["viable"])


def unit_of(task: Document) -> str | None:
    """The unit of a task's costs."""
    unit = task.get("unit")
    return str(unit) if unit is not None else None


def follows_policy(candidate: Document) -> bool:
    """Whether the expected cost is that of the policy shown; else that is what `when_cheaper` would do."""
    return document(candidate["policy"]).get("declared") is True
