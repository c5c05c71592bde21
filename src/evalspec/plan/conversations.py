"""Conversations: what is asked about one example, step by step, and what was read from each reply.

A conversation yields requests and is sent replies. The runner drives it with real answers, scoring a
stored run drives it with kept ones, and both get the same traces.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING

from evalspec.answers.finding import plain
from evalspec.answers.handing import gold_handed_on
from evalspec.answers.reading import Outcome, Reading, read
from evalspec.answers.votes import elect
from evalspec.language.candidates import ModelSpec, Recorded
from evalspec.language.program import Step
from evalspec.language.sandbox import RenderFault
from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.plan.conditions import blocked_by, kept_waiting, runs, runs_given
from evalspec.plan.plan import Passing, PlannedTask
from evalspec.plan.requests import Question, build_request, questions
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row

Reply = Answer | Failure


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What became of one step about one example. `reply` is None where it was not asked.

    Where several replies were put to the vote, `reply` is the first that says what most of them say, and
    `ballots` are all of them. `sample` is the number of the first request.
    """

    step: str
    reading: Reading
    reply: Reply | None
    sample: int = 0
    ballots: tuple[Reply, ...] = ()

    @property
    def replies(self) -> tuple[Reply, ...]:
        """Every reply, in the order asked."""
        return self.ballots or (() if self.reply is None else (self.reply,))


@dataclass(frozen=True, slots=True)
class Visit:
    """One candidate, one example, one way of passing, and which sample of it this is, from 0."""

    task: str
    candidate: str
    example: int
    passing: Passing
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """What a visit brought: its steps in the order asked; given gold, only those that read others."""

    visit: Visit
    steps: tuple[StepTrace, ...]


Conversation = Generator[Request, Reply, Trace]


def visits(planned: PlannedTask, candidate: ModelSpec) -> Iterator[Visit]:
    """Every visit of a candidate: example by example, and of each its samples."""
    each = [(p, n) for p in planned.passings(candidate) for n in range(planned.samples(candidate, p))]
    for example in range(len(planned.rows)):
        for passing, sample in each:
            yield Visit(planned.task.name, candidate.name, example, passing, sample)


def converse(
    planned: PlannedTask,
    candidate: ModelSpec,
    visit: Visit,
    asked: Mapping[str, Question] | None = None,
) -> Conversation:
    """The conversation of a visit; `asked` are the candidate's `questions`, where they were made before."""
    asked = questions(planned, candidate) if asked is None else asked
    place = _Place(planned, asked, visit, planned.rows[visit.example])
    return _free(place) if visit.passing is Passing.FREE else _given_gold(place)


def requests_of(planned: PlannedTask, candidate: ModelSpec, trace: Trace) -> Mapping[str, Request]:
    """What was asked in a conversation, by step: its requests made once more from its replies.

    Of several that are put to the vote, the first.
    """
    replies = {s.step: iter(s.replies) for s in trace.steps}
    found: dict[str, Request] = {}
    conversation = converse(planned, candidate, trace.visit)
    try:
        request = next(conversation)
        while (reply := next(replies[request.step], None)) is not None:
            found.setdefault(request.step, request)
            request = conversation.send(reply)
    except StopIteration:
        pass
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a conversation stands: whose it is, and what it is about."""

    planned: PlannedTask
    questions: Mapping[str, Question]
    visit: Visit
    row: Row

    def first_request(self, question: Question) -> int:
        """The number of the first request of a step: a step that asks once has one for all samples."""
        return self.visit.sample * question.votes if question.samples > 1 else 0


def _free(place: _Place) -> Conversation:
    """Each step reads what the steps before it really said. One that does not run leaves no trace."""
    done: dict[str, StepTrace] = {}
    row = place.row
    for step in place.planned.task.steps:
        if not step.reads and step.when is None:
            done[step.name] = yield from _ask(place, step, {})
            continue
        readings = {name: trace.reading for name, trace in done.items()}
        if not runs(step, row, readings):
            continue
        blocked = kept_waiting(step, row, readings) or blocked_by(step, readings)
        if blocked is not None:
            done[step.name] = StepTrace(step.name, blocked, None)
            continue
        values = {name: plain(readings[name].value) for name in step.quoted}
        done[step.name] = yield from _ask(place, step, values)
    return Trace(place.visit, tuple(done.values()))


def _given_gold(place: _Place) -> Conversation:
    """Each step that reads others reads their gold; without one it is left out, or where it does not run."""
    traces = []
    task, row = place.planned.task, place.row
    for step in task.steps:
        golds = {name: gold_value(task.step(name), row) for name in step.reads}
        if not step.reads or not runs_given(step, row, golds):
            continue
        traces.append((yield from _ask(place, step, golds)))
    return Trace(place.visit, tuple(traces))


def _ask(place: _Place, step: Step, values: Mapping[str, object]) -> Generator[Request, Reply, StepTrace]:
    question = place.questions[step.name]
    try:
        request = build_request(place.planned, question, place.row, values)
    except RenderFault as fault:
        why = f"the prompt cannot be rendered: {fault}"
        return StepTrace(step.name, Reading(outcome=Outcome.ERROR, why=why), None)
    first = place.first_request(question)
    replies: list[Reply] = []
    readings: list[Reading] = []
    while True:
        number = first + len(replies)
        reply = yield request if number == request.sample else replace(request, sample=number)
        if replies and isinstance(reply, Failure) and reply.kind is FailureKind.NOT_RECORDED:
            break
        replies.append(reply)
        readings.append(_read(question, place.row, reply))
        if len(replies) >= question.votes or _is_enough(question, reply, readings[0]):
            break
    if len(readings) == 1:
        return StepTrace(step.name, readings[0], replies[0], first)
    elected = elect(step, readings)
    return StepTrace(step.name, elected.reading, replies[elected.place], first, tuple(replies))


def _is_enough(question: Question, last: Reply, first: Reading) -> bool:
    """Whether no more is asked for the vote. Records are put to the vote as far as they go, unless they bring
    a confidence of their own."""
    if isinstance(last, Failure) and (last.kind.stops_candidate or last.kind is FailureKind.NOT_RECORDED):
        return True
    return isinstance(question.asked.use, Recorded) and first.confidence is not None


def _read(question: Question, row: Row, reply: Reply) -> Reading:
    return read(
        question.as_read,
        reply,
        source=question.source,
        row=row.values,
        timeout_declared=question.timeout_declared,
    )


def gold_value(step: Step, row: Row) -> object:
    """The gold of a step as a later step reads it; None where there is none."""
    return gold_handed_on(step, step.gold(row.values), row.values) if step.gold is not None else None
