"""What is said of simulated candidates, so that nobody takes what was made up for what a model did."""

from __future__ import annotations

from collections.abc import Iterator

from evalspec.score.lookups import candidate_of
from evalspec.score.wording import Document, document, listed, names


def is_made_up(task: Document) -> bool:
    """Whether figures of a task may come from made-up answers; a decision's do where any task's do."""
    return task["kind"] == "decision" or bool(_simulated(task))


def simulated(task: Document) -> Iterator[str]:
    """A warning where answers were made up."""
    found = _simulated(task)
    if found:
        made = f"The answers of {listed(found)} are made up from the right ones (`simulated`)"
        yield f"{made}: these figures try the spec, and say nothing about any model."


def _simulated(task: Document) -> list[str]:
    candidates = document(task["candidates"])
    return [
        name
        for name in names(task["order"])
        if name in candidates and candidate_of(task, name).get("simulated")
    ]
