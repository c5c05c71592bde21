"""A stored run once more, without asking anyone: conversations driven with kept answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from evalspec.language.candidates import ModelSpec, Recorded, Simulated
from evalspec.models.connect import keyer
from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.models.recorded import recorded_model
from evalspec.plan.conversations import Trace, Visit, converse, visits
from evalspec.plan.requests import questions
from evalspec.plan.truths import invention_of
from evalspec.run.session import training_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.store.store import Store

Reply = Answer | Failure
Lookup = Callable[[Request], Reply | None]


class FailedStep(NamedTuple):
    """Where a request failed: whose it was, in which step of which visit, and which sample was asked."""

    task: str
    candidate: str
    passing: str
    example: str
    step: str
    sample: str = "0"

    @classmethod
    def of(cls, visit: Visit, example: str, step: str, sample: int) -> FailedStep:
        """The place of a step in a visit of the example of that id, when that sample of it was asked."""
        return cls(visit.task, visit.candidate, visit.passing.value, example, step, str(sample))


@dataclass(frozen=True, slots=True)
class Replayed:
    """The traces of a plan from what is kept, and how many visits lack a reply."""

    traces: Mapping[tuple[str, str], list[Trace]]
    missing: int


def replay(
    plan: Plan, store: Store | None, environment: Mapping[str, str], failed: Mapping[FailedStep, Failure]
) -> Replayed:
    """Every conversation of the plan, with kept answers; what is not kept failed, or reads as not asked."""
    lookups = {
        candidate.name: _lookup(plan, candidate, store, environment)
        for planned in plan.tasks
        for candidate in planned.candidates
    }
    traces: dict[tuple[str, str], list[Trace]] = {}
    missing: set[tuple[str, int]] = set()
    for planned in plan.tasks:
        for candidate in planned.candidates:
            key = (planned.task.name, candidate.name)
            traces[key] = list(_replayed(planned, candidate, lookups[candidate.name], failed, missing))
    return Replayed(traces, len(missing))


def _replayed(
    planned: PlannedTask,
    candidate: ModelSpec,
    lookup: Lookup,
    failed: Mapping[FailedStep, Failure],
    missing: set[tuple[str, int]],
) -> list[Trace]:
    traces = []
    asked = questions(planned, candidate)
    for visit in visits(planned, candidate):
        conversation = converse(planned, candidate, visit, asked)
        try:
            request = next(conversation)
            while True:
                place = FailedStep.of(visit, request.example, request.step, request.sample)
                reply = lookup(request) or failed.get(place)
                if reply is None:
                    where = f"{candidate.name}/{planned.task.name}/{visit.passing}/{visit.sample}"
                    missing.add((where, visit.example))
                    reply = Failure(kind=FailureKind.NOT_ASKED, message="not asked yet")
                request = conversation.send(reply)
        except StopIteration as end:
            traces.append(end.value)
    return traces


def _lookup(plan: Plan, candidate: ModelSpec, store: Store | None, environment: Mapping[str, str]) -> Lookup:
    if isinstance(candidate.use, Recorded):
        tasks, variants = frozenset(plan.program.tasks), plan.program.variants
        return recorded_model(candidate.name, candidate.use, tasks, variants).table.reply
    if isinstance(candidate.use, Simulated):
        return invention_of(plan).model(candidate.name, candidate.use).answer
    key_of = keyer(candidate, environment=environment, training=training_of(plan))

    def kept(request: Request) -> Reply | None:
        key = key_of(request)
        return store.get(key) if key is not None and store is not None else None

    return kept
