"""Conversations: what is asked about one example, step by step, and what was read from each reply.

A conversation yields requests and is sent replies. The runner drives it with real answers, scoring a
stored run drives it with kept ones, and both get the same traces.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalspec.answers.confidence import STATED_INSTRUCTION
from evalspec.answers.finding import plain
from evalspec.answers.handing import asked_with, gold_handed_on, labels_told
from evalspec.answers.letters import choices
from evalspec.answers.reading import Outcome, Reading, read
from evalspec.language.answer_types import LetterOf
from evalspec.language.candidates import Hosted, ModelSpec
from evalspec.language.program import ConfidenceSource, Step
from evalspec.language.sandbox import RenderFault
from evalspec.models.capabilities import gives_logprobs
from evalspec.models.images import Image, NoImage, named_in
from evalspec.models.model import Answer, Failure, Message, Request
from evalspec.plan.conditions import blocked_by, kept_waiting, runs, runs_given
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
        return _free(planned, candidate, visit, row)
    return _given_gold(planned, candidate, visit, row)


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
    candidate = candidate.at_step(step.name)
    if not isinstance(candidate.use, Hosted):
        return ConfidenceSource.OWN
    for source in step.confidence:
        if source is not ConfidenceSource.LOGPROBS or gives_logprobs(candidate.use):
            return source
    return None


def _free(planned: PlannedTask, candidate: ModelSpec, visit: Visit, row: Row) -> Conversation:
    """Each step reads what the steps before it really said. One that does not run leaves no trace."""
    done: dict[str, StepTrace] = {}
    for step in planned.task.steps:
        readings = {name: trace.reading for name, trace in done.items()}
        if not runs(step, row, readings):
            continue
        blocked = kept_waiting(step, row, readings) or blocked_by(step, readings)
        if blocked is not None:
            done[step.name] = StepTrace(step.name, blocked, None)
            continue
        values = {name: plain(readings[name].value) for name in step.quoted}
        done[step.name] = yield from _ask(planned, step, candidate, row, values)
    return Trace(visit, tuple(done.values()))


def _given_gold(planned: PlannedTask, candidate: ModelSpec, visit: Visit, row: Row) -> Conversation:
    """Each step that reads others reads their gold; without one it is left out, or where it does not run."""
    traces = []
    for step in planned.task.steps:
        golds = {name: gold_value(planned.task.step(name), row) for name in step.reads}
        if not step.reads or not runs_given(step, row, golds):
            continue
        traces.append((yield from _ask(planned, step, candidate, row, golds)))
    return Trace(visit, tuple(traces))


def _ask(
    planned: PlannedTask, step: Step, candidate: ModelSpec, row: Row, values: Mapping[str, object]
) -> Generator[Request, Reply, StepTrace]:
    source = source_for(candidate, step)
    try:
        request = build_request(planned, step, candidate, row, values)
    except RenderFault as fault:
        return StepTrace(
            step.name, Reading(outcome=Outcome.ERROR, why=f"the prompt cannot be rendered: {fault}"), None
        )
    reply = yield request
    timeout = isinstance(candidate.use, Hosted) and candidate.use.timeout_ns is not None
    reading = read(step, reply, source=source, row=row.values, timeout_declared=timeout)
    return StepTrace(step.name, reading, reply)


def build_request(
    planned: PlannedTask, step: Step, candidate: ModelSpec, row: Row, values: Mapping[str, object]
) -> Request:
    """The request of a step about an example, given the answers that it reads: what will really be sent.

    Raises RenderFault where a template or an image cannot be brought into a message.
    """
    candidate = candidate.at_step(step.name)
    hosted = isinstance(candidate.use, Hosted)
    source = source_for(candidate, step)
    messages: tuple[Message, ...] = ()
    if hosted:
        messages = _messages(planned, step, candidate, row, values)
        messages = _with_instruction(messages, source)
    return Request(
        task=planned.task.name,
        step=step.name,
        example=row.id,
        variant=candidate.variant,
        messages=messages,
        parameters={**asked_with(step, candidate.use), **candidate.use.parameters, **step.parameters}
        if isinstance(candidate.use, Hosted)
        else {},
        logprobs=hosted and source is ConfidenceSource.LOGPROBS,
        columns=row.values,
    )


def _messages(
    planned: PlannedTask, step: Step, candidate: ModelSpec, row: Row, values: Mapping[str, object]
) -> tuple[Message, ...]:
    """The conversation of a step with its images, which stand beside the last message."""
    if step.messages_column is not None:
        messages = _held(row.values.get(step.messages_column))
    else:
        scope = _scope(planned, step, row, values)
        messages = [Message(role, prompt.render(scope)) for role, prompt in step.asked_as(candidate.variant)]
    images = _images(planned, step, row)
    if images and messages:
        messages.append(replace(messages.pop(), images=images))
    return tuple(messages)


def _held(conversation: object) -> list[Message]:
    """The messages that a cell holds; `check` saw to it that it does."""
    items = conversation if isinstance(conversation, list) else []
    return [Message(str(item["role"]), str(item["content"])) for item in items]


def _scope(planned: PlannedTask, step: Step, row: Row, values: Mapping[str, object]) -> Mapping[str, object]:
    """What templates read: columns, earlier answers, labels, choices and shots."""
    scope = {**row.values, **values, "row": row.values}
    if labels := labels_told(step, row.values):
        scope["labels"] = list(labels)
    if isinstance(step.answer, LetterOf):
        offered = choices(step.answer.columns, row.values)
        scope["choices"] = [{"letter": letter, "text": text} for letter, text in offered.items()]
    if (drawn := planned.shots.get(step.name)) is not None:
        scope["shots"] = drawn.for_example(row.values)
    return scope


def _images(planned: PlannedTask, step: Step, row: Row) -> tuple[Image, ...]:
    found: list[Image] = []
    for written in (name for column in step.images for name in named_in(row.values.get(column))):
        try:
            if planned.album is not None:
                found.append(planned.album.find(written, row.file))
        except NoImage as fault:
            raise RenderFault(f"the image `{written[:80]}` cannot be sent: {fault}") from fault
    return tuple(found)


def _with_instruction(messages: tuple[Message, ...], source: ConfidenceSource | None) -> tuple[Message, ...]:
    """The messages, the last of them asking for a stated confidence where that is the source."""
    if source is not ConfidenceSource.STATED or not messages:
        return messages
    last = messages[-1]
    return (*messages[:-1], replace(last, content=f"{last.content}\n\n{STATED_INSTRUCTION}"))


def gold_value(step: Step, row: Row) -> object:
    """The gold of a step as a later step reads it; None where there is none."""
    return gold_handed_on(step, step.gold(row.values), row.values) if step.gold is not None else None
