"""Who is asked what in a latency pass, and when: the same examples for all, in the order of a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from evalspec.language.candidates import bears_load
from evalspec.language.sandbox import RenderFault
from evalspec.plan.conditions import runs_given
from evalspec.plan.requests import build_request, question
from evalspec.run.arrivals import Load, blocks_of
from evalspec.run.latency_chains import first_request

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.models.model import Request
    from evalspec.plan.plan import PlannedTask
    from evalspec.run.arrivals import Block

MOST_EXAMPLES = 5_000

Asked = Mapping[str, tuple["Request", ...]]  # by candidate, in the order in which they are asked


def under_load(planned: PlannedTask) -> list[ModelSpec]:
    """The candidates of a task that a load can be put on: those that something answers at the other end."""
    return [c for c in planned.candidates if bears_load(c)]


def turns(planned: PlannedTask, load: Load, candidates: Sequence[ModelSpec], seed: int) -> tuple[Block, ...]:
    """When who is asked."""
    return blocks_of(load, [c.name for c in candidates], f"{seed}:{planned.task.name}")


def asked_of(
    planned: PlannedTask, candidates: Sequence[ModelSpec], blocks: Sequence[Block], seed: int
) -> Asked:
    """What each candidate is asked, the same examples for all: the task's own, shuffled by the seed."""
    numbers = [a.number for block in blocks for a in block.arrivals]
    most = max(numbers) + 1 if numbers else MOST_EXAMPLES
    found: list[Mapping[str, Request]] = []
    for index in sorted(range(len(planned.rows)), key=lambda i: _shuffled(seed, planned.rows[i].id)):
        if len(found) == most:
            break
        made = {c.name: _first(planned, c, index) for c in candidates}
        asked = {name: request for name, request in made.items() if request is not None}
        if asked and len(asked) == len(made):
            found.append(asked)
    return {c.name: tuple(made[c.name] for made in found) for c in candidates}


def _shuffled(seed: int, example: str) -> bytes:
    return hashlib.sha256(f"{seed}:{example}".encode()).digest()


def _first(planned: PlannedTask, candidate: ModelSpec, example: int) -> Request | None:
    """What is asked first about an example; None where nothing is, or its prompt cannot be rendered, which is
    told of in the run itself."""
    if is_chain(planned):
        return first_request(planned, candidate, example)
    step, row = planned.task.final, planned.rows[example]
    if not runs_given(step, row, {}):
        return None
    with suppress(RenderFault):
        return build_request(planned, question(planned.task, step, candidate), row, {})
    return None


def is_chain(planned: PlannedTask) -> bool:
    """Whether an arrival asks one thing after the other."""
    return planned.task.kind == "chain"
