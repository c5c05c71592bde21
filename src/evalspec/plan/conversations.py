"""Conversations: what is asked about one example, step by step, and what was read from each reply.

A conversation yields requests and is sent replies. The runner drives it with real answers, scoring a
stored run drives it with kept ones, and both get the same traces.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalspec.answers.confidence import STATED_INSTRUCTION
from evalspec.answers.finding import plain
from evalspec.answers.handing import asked_with, gold_handed_on, labels_told
from evalspec.answers.letters import choices
from evalspec.answers.reading import Outcome, Reading, read
from evalspec.answers.votes import elect
from evalspec.language.answer_types import LetterOf
from evalspec.language.candidates import Hosted, Http, ModelSpec, PythonFunction, Recorded
from evalspec.language.program import ConfidenceSource, Step
from evalspec.language.sandbox import RenderFault
from evalspec.models.capabilities import gives_logprobs
from evalspec.models.images import Image, NoImage, named_in
from evalspec.models.model import Answer, Failure, FailureKind, Message, Request
from evalspec.plan.conditions import blocked_by, kept_waiting, runs, runs_given
from evalspec.plan.plan import Passing, PlannedTask, samples_at
from evalspec.plan.truths import as_read

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Task

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


def converse(planned: PlannedTask, candidate: ModelSpec, visit: Visit) -> Conversation:
    """The conversation of a visit."""
    place = _Place(planned, candidate, visit, planned.rows[visit.example])
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


def source_for(candidate: ModelSpec, step: Step) -> ConfidenceSource | None:
    """Where this candidate's confidence in a step comes from: the first source named that it can give."""
    candidate = candidate.at_step(step.name)
    if not isinstance(candidate.use, Hosted):
        return ConfidenceSource.OWN
    for source in step.confidence:
        if source is not ConfidenceSource.LOGPROBS or gives_logprobs(candidate.use):
            return source
    return None


def votes_at(step: Step, candidate: ModelSpec) -> int:
    """How many replies a candidate's answer to a step is the majority of; of records at most so many, and
    only where each example has one sample, since those of several are samples."""
    voting = isinstance(candidate.at_step(step.name).use, Recorded) and step.samples == 1
    voting = voting or source_for(candidate, step) is ConfidenceSource.VOTES
    return step.votes or 1 if voting else 1


def times_asked(step: Step, candidate: ModelSpec) -> int:
    """How often a step puts the same question to a candidate: for each sample, and each vote of it."""
    return samples_at(step, candidate) * votes_at(step, candidate)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a conversation stands: whose it is, and what it is about."""

    planned: PlannedTask
    candidate: ModelSpec
    visit: Visit
    row: Row

    def first_request(self, step: Step) -> int:
        """The number of the first request of a step: a step that asks once has one for all samples."""
        number = self.visit.sample if samples_at(step, self.candidate) > 1 else 0
        return number * votes_at(step, self.candidate)


def _free(place: _Place) -> Conversation:
    """Each step reads what the steps before it really said. One that does not run leaves no trace."""
    done: dict[str, StepTrace] = {}
    row = place.row
    for step in place.planned.task.steps:
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
    candidate = place.candidate
    try:
        request = build_request(place.planned, step, candidate, place.row, values)
    except RenderFault as fault:
        return StepTrace(
            step.name, Reading(outcome=Outcome.ERROR, why=f"the prompt cannot be rendered: {fault}"), None
        )
    first = place.first_request(step)
    replies: list[Reply] = []
    readings: list[Reading] = []
    while _goes_on(step, candidate, replies, readings):
        number = first + len(replies)
        reply = yield request if number == request.sample else replace(request, sample=number)
        if replies and isinstance(reply, Failure) and reply.kind is FailureKind.NOT_RECORDED:
            break
        replies.append(reply)
        readings.append(_read(place, step, reply))
    if len(readings) == 1:
        return StepTrace(step.name, readings[0], replies[0], first)
    elected = elect(step, readings)
    return StepTrace(step.name, elected.reading, replies[elected.place], first, tuple(replies))


def _goes_on(step: Step, candidate: ModelSpec, replies: Sequence[Reply], readings: Sequence[Reading]) -> bool:
    """Whether the same is asked once more, for the vote. Records are put to the vote as far as they go,
    unless they bring a confidence of their own."""
    if not replies:
        return True
    last = replies[-1]
    if isinstance(last, Failure) and (last.kind.stops_candidate or last.kind is FailureKind.NOT_RECORDED):
        return False
    if isinstance(candidate.at_step(step.name).use, Recorded) and readings[0].confidence is not None:
        return False
    return len(replies) < votes_at(step, candidate)


def _read(place: _Place, step: Step, reply: Reply) -> Reading:
    use = place.candidate.at_step(step.name).use
    timeout = isinstance(use, Hosted | Http | PythonFunction) and use.timeout_ns is not None
    source = source_for(place.candidate, step)
    step = as_read(step, place.candidate)
    return read(step, reply, source=source, row=place.row.values, timeout_declared=timeout)


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
    if isinstance(candidate.use, Hosted | PythonFunction):
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
        stream=isinstance(candidate.use, Hosted) and not candidate.use.batch and _streamed(planned.task),
        earlier=values,
    )


def _streamed(task: Task) -> bool:
    """Whether a task's answers are asked for token by token: where it has a budget on the first one."""
    return task.budgets is not None and any(bound.label == "first_token" for bound in task.budgets.bounds)


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
