"""One request to each candidate that is asked over the network, its first planned one, to see whether it
answers. Nothing of it is kept.

Each is sent under the caps of the spec, that of the command line and, above all, one dollar for all: the
worst case is held back before it goes out, as in a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.rules.spending import lacking
from evalspec.language.candidates import Hosted, Http, PythonFunction
from evalspec.models.connect import connected
from evalspec.models.faults import EvalspecFault
from evalspec.models.model import Answer
from evalspec.models.surroundings import Finding, State
from evalspec.plan.estimate import known_requests
from evalspec.run.session import training_of
from evalspec.run.spending import Cap, Purse, Spent, caps_of, dollars
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Step
    from evalspec.models.model import Failure, Request
    from evalspec.plan.plan import Plan

AT_MOST = Decimal(1)  # dollars for all greetings together, whatever is asked
WITHIN = Cap(usd=AT_MOST, models=None, said="no more than that is spent on trying")


@dataclass(frozen=True, slots=True)
class _Greeting:
    """A model, and the first request of a step that it is asked; None where that depends on answers."""

    model: ModelSpec
    step: Step
    request: Request | None


async def greet(plan: Plan, environment: Mapping[str, str], most: Decimal | None = None) -> Sequence[Finding]:
    """What each model of the plan said to its first request, one after the other; why others are not asked.

    `most` are the dollars that may be spent in all, beside the limits of the spec.
    """
    caps = caps_of(plan.program, most)
    greetings = tuple(_greetings(plan))
    purse = Purse({g.model.name: g.model for g in greetings}, (*caps, WITHIN))
    found = []
    for greeting in greetings:
        name = greeting.model.name
        if isinstance(greeting.model.use, PythonFunction):
            found.append(_told(name, State.NOTE, "code of your own, which is not run here"))
        elif greeting.request is None:
            found.append(_told(name, State.NOTE, "not asked: what it is asked depends on answers"))
        elif (lack := _unknown(greeting, caps)) is not None:
            found.append(lack)
        else:
            try:
                found.append(await _asked(plan, greeting.model, greeting.request, environment, purse))
            except EvalspecFault as fault:
                found.append(_told(name, State.FAULT, str(fault)))
    return found


def _greetings(plan: Plan) -> Iterator[_Greeting]:
    """Each model once, at the first step that it is asked; what answers without a network is left out."""
    met: dict[str, _Greeting] = {}
    for planned in plan.tasks:
        some = replace(planned, rows=planned.rows[:1])
        for candidate in planned.candidates:
            requests = list(known_requests(some, candidate, []))
            for step in planned.task.steps:
                model = candidate.at_step(step.name)
                if not isinstance(model.use, Hosted | Http | PythonFunction):
                    continue
                request = next((r for r in requests if r.step == step.name), None)
                if model.name not in met or met[model.name].request is None:
                    met[model.name] = _Greeting(model, step, request)
    yield from met.values()


def _unknown(greeting: _Greeting, caps: Sequence[Cap]) -> Finding | None:
    """That a cap is about a model of which nobody knows what a request may cost: it is not asked, then."""
    about = [cap for cap in caps if cap.models is None or greeting.model.model in cap.models]
    for _, lack in lacking([(greeting.model, greeting.step)]) if about else ():
        said = f"not asked: {lack.said} ({about[0].said})"
        return _told(greeting.model.name, State.FAULT, said, lack.way_out)
    return None


async def _asked(
    plan: Plan, model: ModelSpec, request: Request, environment: Mapping[str, str], purse: Purse
) -> Finding:
    async with connected([model], environment=environment, training=training_of(plan)) as models:
        hold = await purse.take(model.name, request, lambda: True)
        if isinstance(hold, Spent):
            return _told(model.name, State.FAULT, f"not asked: {hold.message}", "allow more, or ask fewer")
        reply: Answer | Failure | None = None
        try:
            reply = await models[model.name].ask(request)
        finally:
            purse.settle(hold, reply)
    if isinstance(reply, Answer):
        return _told(model.name, State.GOOD, _answered(reply))
    return _told(model.name, State.FAULT, reply.message)


def _told(name: str, state: State, said: str, way_out: str = "") -> Finding:
    return Finding(area="asked", name=name, state=state, found=said, way_out=way_out)


def _answered(answer: Answer) -> str:
    parts = [f"answered in {(answer.latency_ns or 0) / 1e9:.2f} s"]
    if answer.served_model is not None:
        parts.append(f"as {answer.served_model}")
    cost = (
        f"for {dollars(answer.cost_usd)}" if answer.cost_usd is not None else "at a price that is not known"
    )
    return ", ".join([*parts, cost])
