"""What is right about each example and what else could be said, for candidates whose answers are made up.

Between the plan and simulated candidates, which know neither steps nor golds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from evalspec.answers.fields import gold_object
from evalspec.answers.finding import as_text, plain
from evalspec.answers.judge import gold_label, is_right
from evalspec.answers.labels import gold_labels
from evalspec.answers.numbers import gold_number
from evalspec.answers.objects import gold_call
from evalspec.answers.reading import labels_of, read
from evalspec.language.answer_types import JsonAnswer, NumberAnswer, OneOf, SomeOf, ToolCall
from evalspec.language.candidates import Simulated
from evalspec.language.program import Step
from evalspec.models.model import Answer, Request
from evalspec.models.simulated import Invention, Truth, TruthOf
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.plan.plan import Plan

MOST_TRIED = 50  # other examples' golds, in the search for one that is wrong here
DISTANCES = (Decimal("0.5"), Decimal("-0.5"), Decimal(1), Decimal(-2), Decimal(9), Decimal(999))


def as_read(step: Step, candidate: ModelSpec) -> Step:
    """The step as a candidate's answers are read: what is made up is the answer itself, in no phrase that
    patterns have to find it in, and with the candidate's own confidence."""
    if not isinstance(candidate.at_step(step.name).use, Simulated):
        return step
    return replace(step, extract=(), abstains=None, strip_reasoning=False, confidence=(), missing=None)


def invention_of(plan: Plan) -> Invention:
    """What simulated candidates of a plan make their answers up from."""
    return Invention(truth=truth_of(plan), seed=plan.seed)


def truth_of(plan: Plan) -> TruthOf:
    """What tells the truth about a request of the plan."""
    steps = {(p.task.name, s.name): (p.task.dataset, s) for p in plan.tasks for s in p.task.steps}
    golds: dict[tuple[str, str], tuple[str, ...]] = {}

    def others(task: str, name: str) -> tuple[str, ...]:
        """The right answers of all examples, each once, whatever their order."""
        if (task, name) not in golds:
            dataset, step = steps[task, name]
            right = (right_answer(step, row.values) for row in plan.data[dataset].rows)
            golds[task, name] = tuple(sorted({text for text in right if text is not None}))
        return golds[task, name]

    def truth(request: Request) -> Truth:
        _, step = steps[request.task, request.step]
        right, labels = right_answer(step, request.columns), labels_of(step, request.columns)
        if labels:
            declining = step.answer.decline if isinstance(step.answer, OneOf) else None
            said = tuple(label for label in labels if label not in (right, declining))
            return Truth(right=right, wrong=_wrong(step, request, said), labelled=True)
        if isinstance(step.answer, SomeOf):
            tried: Iterator[str] = _neighbours(step.answer, right)
        elif isinstance(step.answer, NumberAnswer):
            tried = _numbers(right)
        else:
            tried = _turned(others(request.task, request.step), request.example)
        return Truth(right=right, wrong=_wrong(step, request, tuple(tried)), labelled=False)

    return truth


def right_answer(step: Step, row: Mapping[str, object]) -> str | None:
    """A text that is read as the right answer, the first of several; None where abstaining is right."""
    gold = step.gold(row) if step.gold is not None else None
    match step.answer:
        case SomeOf(labels=labels):
            meant, foreign = gold_labels(gold, labels) if gold is not None else ((), "")
            return None if foreign is not None else json.dumps(list(meant), ensure_ascii=False)
    golds = gold if isinstance(gold, list | tuple) else [gold]
    return next((text for text in (_said(step, one, row) for one in golds) if text is not None), None)


def _said(step: Step, gold: object, row: Mapping[str, object]) -> str | None:
    """One gold as a candidate would write it."""
    if gold is None:
        return step.answer.decline if isinstance(step.answer, OneOf) else None
    match step.answer:
        case NumberAnswer():
            number = gold_number(gold)
            return None if number is None else f"{number:f}"
        case JsonAnswer():
            meant = gold_object(step.answer, gold, only=step.field_golds or None)
            fields = plain(meant.value) if meant is not None else None
            unscored = {f.name: None for f in step.answer.fields if not f.scored}
            return _json({**unscored, **fields}) if isinstance(fields, Mapping) else None
        case ToolCall():
            call = plain(gold_call(gold, step.answer)[0])
            return _json(call) if isinstance(call, Mapping) else None
        case _ if labels_of(step, row):
            return gold_label(step, gold, row)
        case _:
            return as_text(gold)


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _wrong(step: Step, request: Request, tried: Sequence[str]) -> tuple[str, ...]:
    """Those of some answers that are not right about an example."""
    gold = step.gold(request.columns) if step.gold is not None else None
    plainly = replace(step, extract=(), abstains=None, strip_reasoning=False, confidence=())
    readings = (
        (text, read(plainly, Answer(response=text), source=None, row=request.columns)) for text in tried
    )
    return tuple(
        text for text, reading in readings if is_right(step, reading, gold, request.columns) is not True
    )


def _neighbours(answer: SomeOf, right: str | None) -> Iterator[str]:
    """The sets that differ from the right one by one label."""
    held = json.loads(right) if right is not None else []
    for label in answer.labels:
        other = [one for one in answer.labels if (one in held) != (one == label)]
        yield json.dumps(other, ensure_ascii=False)


def _numbers(right: str | None) -> Iterator[str]:
    """Numbers farther and farther away from the right one; whole ones beside a whole one."""
    number = Decimal(right) if right is not None else Decimal(0)
    for distance in DISTANCES:
        step = distance * (abs(number) or 1)
        other = number + (step.to_integral_value(ROUND_UP) if number == number.to_integral_value() else step)
        yield f"{other:f}"


def _turned(texts: Sequence[str], example: str) -> Iterator[str]:
    """Some of the texts, from a place on that the example's id decides."""
    start = int.from_bytes(hashlib.sha256(example.encode("utf-8", "surrogatepass")).digest()[:8])
    for i in range(min(MOST_TRIED, len(texts))):
        yield texts[(start + i) % len(texts)]
