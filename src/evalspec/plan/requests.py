"""What a step asks a candidate about an example: the request, as it will really be sent.

What is the same for every example, the `Question`, is made once; the rest is the row and earlier answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.answers.confidence import STATED_INSTRUCTION
from evalspec.answers.handing import asked_with, labels_told
from evalspec.answers.letters import choices
from evalspec.language.answer_types import LetterOf
from evalspec.language.candidates import Hosted, Http, ModelSpec, PythonFunction, Recorded
from evalspec.language.program import ConfidenceSource, Step
from evalspec.language.sandbox import RenderFault
from evalspec.models.capabilities import gives_logprobs
from evalspec.models.images import Image, NoImage, named_in
from evalspec.models.model import Message, Request
from evalspec.plan.plan import PlannedTask, samples_at
from evalspec.plan.truths import as_read
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Messages, Task
    from evalspec.text.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A step as it is put to a candidate, and as its replies are read, whatever the example.

    `asked` is the model that runs the step. `templates` are empty for models that see no prompt. `samples`
    is how often the same is asked, `votes` of how many replies an answer is the majority.
    """

    step: Step
    as_read: Step
    asked: ModelSpec
    variant: str
    templates: Messages
    sees_messages: bool
    parameters: Mapping[str, Json]
    source: ConfidenceSource | None
    samples: int
    votes: int
    stream: bool
    timeout_declared: bool


def questions(planned: PlannedTask, candidate: ModelSpec) -> Mapping[str, Question]:
    """What a candidate is asked in a task, by step."""
    return {step.name: question(planned.task, step, candidate) for step in planned.task.steps}


def question(task: Task, step: Step, candidate: ModelSpec) -> Question:
    """What a candidate is asked at one step of a task."""
    asked = candidate.at_step(step.name)
    use = asked.use
    sees_messages = isinstance(use, Hosted | PythonFunction)
    return Question(
        step=step,
        as_read=as_read(step, candidate),
        asked=asked,
        variant=asked.variant,
        templates=step.asked_as(asked.variant) if sees_messages else (),
        sees_messages=sees_messages,
        parameters={**asked_with(step, use), **use.parameters, **step.parameters}
        if isinstance(use, Hosted)
        else {},
        source=source_for(candidate, step),
        samples=samples_at(step, candidate),
        votes=votes_at(step, candidate),
        stream=isinstance(use, Hosted) and not use.batch and _streamed(task),
        timeout_declared=isinstance(use, Hosted | Http | PythonFunction) and use.timeout_ns is not None,
    )


def build_request(
    planned: PlannedTask, question: Question, row: Row, values: Mapping[str, object]
) -> Request:
    """The request of a question about an example, given the answers that its step reads.

    Raises RenderFault where a template or an image cannot be brought into a message.
    """
    return Request(
        task=planned.task.name,
        step=question.step.name,
        example=row.id,
        variant=question.variant,
        messages=_messages(planned, question, row, values) if question.sees_messages else (),
        parameters=question.parameters,
        logprobs=question.source is ConfidenceSource.LOGPROBS,
        columns=row.values,
        stream=question.stream,
        earlier=values,
    )


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


def _streamed(task: Task) -> bool:
    """Whether a task's answers are asked for token by token: where it has a budget on the first one."""
    return task.budgets is not None and any(bound.label == "first_token" for bound in task.budgets.bounds)


def _messages(
    planned: PlannedTask, question: Question, row: Row, values: Mapping[str, object]
) -> tuple[Message, ...]:
    """The conversation of a step with its images, which stand beside the last message."""
    step = question.step
    if step.messages_column is not None:
        messages = _held(row.values.get(step.messages_column))
    else:
        scope = _scope(planned, step, row, values)
        messages = [Message(role, prompt.render(scope)) for role, prompt in question.templates]
    if step.images and messages and (images := _images(planned, step, row)):
        messages.append(replace(messages.pop(), images=images))
    if question.source is ConfidenceSource.STATED and messages:
        last = messages.pop()
        messages.append(replace(last, content=f"{last.content}\n\n{STATED_INSTRUCTION}"))
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
