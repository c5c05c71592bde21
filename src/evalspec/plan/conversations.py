"""Conversations: what is asked about one example, step by step, and what was read from each reply.

A conversation yields requests and is sent replies. The runner drives it with real answers, scoring a
stored run drives it with kept ones, and both get the same traces.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.answers.confidence import STATED_INSTRUCTION
from evalspec.answers.judge import gold_label
from evalspec.answers.letters import choices
from evalspec.answers.numbers import gold_number
from evalspec.answers.reading import Outcome, Reading, labels_of, read
from evalspec.language.answer_types import LetterOf, NumberAnswer
from evalspec.language.candidates import Hosted, ModelSpec
from evalspec.language.program import ConfidenceSource, Step, Task
from evalspec.language.sandbox import RenderFault
from evalspec.models.capabilities import gives_logprobs
from evalspec.models.model import Answer, Failure, Message, Request
from evalspec.plan.plan import Passing, PlannedTask

if TYPE_CHECKING:
    from evalspec.data.rows import Row

Reply = Answer | Failure


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What became of one step about one example. `reply` is None where it was not asked."""

    step: str
    reading: Reading
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One candidate, one example, one way of passing."""

    task: str
    candidate: str
    example: int
    passing: Passing


@dataclass(frozen=True, slots=True)
class Trace:
    """What a visit brought: its steps in the order asked; given gold, only those that read others."""

    visit: Visit
    steps: tuple[StepTrace, ...]


Conversation = Generator[Request, Reply, Trace]


def visits(planned: PlannedTask, candidate: ModelSpec) -> Iterator[Visit]:
    """Every visit of a candidate, example by example."""
    for example in range(len(planned.rows)):
        for passing in planned.passings(candidate):
            yield Visit(planned.task.name, candidate.name, example, passing)


def converse(planned: PlannedTask, candidate: ModelSpec, visit: Visit) -> Conversation:
    """The conversation of a visit."""
    row = planned.rows[visit.example]
    if visit.passing is Passing.FREE:
        return _free(planned.task, candidate, visit, row)
    return _given_gold(planned.task, candidate, visit, row)


def requests_of(planned: PlannedTask, candidate: ModelSpec, trace: Trace) -> Mapping[str, Request]:
    """What was asked in a conversation, by step: its requests made once more from its replies."""
    replies = {s.step: s.reply for s in trace.steps}
    found: dict[str, Request] = {}
    conversation = converse(planned, candidate, trace.visit)
    try:
        request = next(conversation)
        while (reply := replies[request.step]) is not None:
            found[request.step] = request
            request = conversation.send(reply)
    except StopIteration:
        pass
    return found


def source_for(candidate: ModelSpec, step: Step) -> ConfidenceSource | None:
    """Where this candidate's confidence in a step comes from: the first source named that it can give."""
    if not isinstance(candidate.use, Hosted):
        return ConfidenceSource.OWN
    for source in step.confidence:
        if source is ConfidenceSource.STATED or gives_logprobs(candidate.use):
            return source
    return None


def _free(task: Task, candidate: ModelSpec, visit: Visit, row: Row) -> Conversation:
    """Each step reads what the steps before it really said."""
    done: dict[str, StepTrace] = {}
    for step in task.steps:
        blocked = _blocked(step, done)
        if blocked is not None:
            done[step.name] = StepTrace(step.name, blocked, None)
            continue
        values = {name: _plain(done[name].reading.value) for name in step.reads}
        done[step.name] = yield from _ask(task, step, candidate, row, values)
    return Trace(visit, tuple(done.values()))


def _given_gold(task: Task, candidate: ModelSpec, visit: Visit, row: Row) -> Conversation:
    """Each step that reads others reads their gold; without one it is left out."""
    traces = []
    for step in task.steps:
        golds = {name: gold_value(task.step(name), row) for name in step.reads}
        if not step.reads or None in golds.values():
            continue
        traces.append((yield from _ask(task, step, candidate, row, golds)))
    return Trace(visit, tuple(traces))


def _blocked(step: Step, done: Mapping[str, StepTrace]) -> Reading | None:
    """What a step comes to that cannot be asked, because one that it reads has no answer.

    What is not known yet comes before what failed, and that before what the model did not answer: no chain
    is wrong while asking again may still tell.
    """
    outcomes = {done[name].reading.outcome: name for name in reversed(step.reads)}
    for outcome in (Outcome.NOT_ASKED, Outcome.ERROR):
        if outcome in outcomes:
            said = "not asked yet" if outcome is Outcome.NOT_ASKED else "not answered"
            return Reading(outcome=outcome, why=f"step `{outcomes[outcome]}` was {said}")
    for name in step.reads:
        if done[name].reading.outcome is not Outcome.ANSWERED:
            return Reading(outcome=Outcome.NO_ANSWER, why=f"step `{name}` has no answer to read")
    return None


def _ask(
    task: Task, step: Step, candidate: ModelSpec, row: Row, values: Mapping[str, object]
) -> Generator[Request, Reply, StepTrace]:
    source = source_for(candidate, step)
    try:
        request = build_request(task, step, candidate, row, values)
    except RenderFault as fault:
        return StepTrace(
            step.name, Reading(outcome=Outcome.ERROR, why=f"the prompt cannot be rendered: {fault}"), None
        )
    reply = yield request
    timeout = isinstance(candidate.use, Hosted) and candidate.use.timeout_ns is not None
    reading = read(step, reply, source=source, row=row.values, timeout_declared=timeout)
    return StepTrace(step.name, reading, reply)


def build_request(
    task: Task, step: Step, candidate: ModelSpec, row: Row, values: Mapping[str, object]
) -> Request:
    """The request of a step about an example, given the answers that it reads. Raises RenderFault."""
    hosted = isinstance(candidate.use, Hosted)
    source = source_for(candidate, step)
    return Request(
        task=task.name,
        step=step.name,
        example=row.id,
        messages=_messages(step, row, values, source) if hosted else (),
        parameters={**candidate.use.parameters, **step.parameters}
        if isinstance(candidate.use, Hosted)
        else {},
        logprobs=hosted and source is ConfidenceSource.LOGPROBS,
        columns=row.values,
    )


def _messages(
    step: Step, row: Row, values: Mapping[str, object], source: ConfidenceSource | None
) -> tuple[Message, ...]:
    scope = {**row.values, **values, "row": row.values}
    if labels := labels_of(step, row.values):
        scope["labels"] = list(labels)
    if isinstance(step.answer, LetterOf):
        offered = choices(step.answer.columns, row.values)
        scope["choices"] = [{"letter": letter, "text": text} for letter, text in offered.items()]
    messages = [Message(role, prompt.render(scope)) for role, prompt in step.messages]
    if source is ConfidenceSource.STATED and messages:
        last = messages.pop()
        messages.append(Message(last.role, f"{last.content}\n\n{STATED_INSTRUCTION}"))
    return tuple(messages)


def gold_value(step: Step, row: Row) -> object:
    """The gold of a step as a later step reads it, in the form of an answer; None where there is none."""
    gold = step.gold(row.values) if step.gold is not None else None
    if isinstance(step.answer, NumberAnswer):
        first = gold[0] if isinstance(gold, list) and gold else gold
        return _plain(gold_number(first)) if first is not None else None
    label = gold_label(step, gold, row.values)
    if label is not None:
        return label
    first = gold[0] if isinstance(gold, list) and gold else gold
    return first if isinstance(first, str) else None


def _plain(value: object) -> object:
    """Numbers in one form, so that 8, 8.0 and "8" make the same prompt."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
