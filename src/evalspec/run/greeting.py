"""One request to each candidate, its first planned one, to see whether it answers. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted
from evalspec.models.connect import connected
from evalspec.models.faults import EvalspecFault
from evalspec.models.model import Answer
from evalspec.models.surroundings import Finding, State
from evalspec.plan.estimate import known_requests
from evalspec.run.session import training_of
from evalspec.run.spending import dollars

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.models.model import Request
    from evalspec.plan.plan import Plan


async def greet(plan: Plan, environment: Mapping[str, str]) -> Sequence[Finding]:
    """What each hosted candidate of the plan said to its first request, one after the other."""
    found = []
    for candidate, request in _first_requests(plan):
        try:
            async with connected([candidate], environment=environment, training=training_of(plan)) as models:
                reply = await models[candidate.name].ask(request)
        except EvalspecFault as fault:
            found.append(_told(candidate.name, State.FAULT, str(fault)))
            continue
        if isinstance(reply, Answer):
            found.append(_told(candidate.name, State.GOOD, _answered(reply)))
        else:
            found.append(_told(candidate.name, State.FAULT, reply.message))
    return found


def _told(name: str, state: State, said: str) -> Finding:
    return Finding(area="asked", name=name, state=state, found=said)


def _first_requests(plan: Plan) -> Sequence[tuple[ModelSpec, Request]]:
    first: dict[str, tuple[ModelSpec, Request]] = {}
    for planned in plan.tasks:
        some = replace(planned, rows=planned.rows[:1])
        for candidate in planned.candidates:
            if isinstance(candidate.use, Hosted):
                for request in list(known_requests(some, candidate, []))[:1]:
                    first.setdefault(candidate.name, (candidate, request))
    return tuple(first.values())


def _answered(answer: Answer) -> str:
    parts = [f"answered in {(answer.latency_ns or 0) / 1e9:.2f} s"]
    if answer.served_model is not None:
        parts.append(f"as {answer.served_model}")
    if answer.cost_usd is not None:
        parts.append(f"for {dollars(answer.cost_usd)}")
    return ", ".join(parts)
