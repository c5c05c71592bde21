"""What an answer type asks of the request, and what a later step reads of an answer or its gold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.answers.fields import gold_object
from evalspec.answers.finding import plain
from evalspec.answers.judge import gold_label
from evalspec.answers.labels import gold_labels
from evalspec.answers.numbers import gold_number
from evalspec.answers.objects import gold_call
from evalspec.answers.reading import labels_of
from evalspec.answers.schemas import schema_of
from evalspec.language.answer_types import JsonAnswer, NumberAnswer, SomeOf, ToolCall
from evalspec.models.capabilities import takes_schema

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted
    from evalspec.language.program import Step
    from evalspec.text.values import Json


def labels_told(step: Step, row: Mapping[str, object]) -> tuple[str, ...]:
    """The labels that templates read as `labels`: those an answer can be, or a set can hold."""
    return step.answer.labels if isinstance(step.answer, SomeOf) else labels_of(step, row)


def asked_with(step: Step, use: Hosted) -> Mapping[str, Json]:
    """The request parameters that a step's answer type needs: the tools that may be called, and the schema of
    the answer where the step enforces it and the candidate can be held to one."""
    match step.answer:
        case ToolCall(tools=tools, enforce=enforce):
            told: dict[str, Json] = {"tools": [dict(tool) for tool in tools]}
            return told | {"tool_choice": "required"} if enforce else told
        case JsonAnswer(enforce=True) if takes_schema(use):
            held: dict[str, Json] = {"name": "answer", "strict": True, "schema": schema_of(step.answer)}
            return {"response_format": {"type": "json_schema", "json_schema": held}}
        case _:
            return {}


def gold_handed_on(step: Step, gold: object, row: Mapping[str, object]) -> object:
    """The gold of a step as a later step reads it, in the form of an answer; None where there is none.

    Of several golds it is the first. An object needs the gold of every field.
    """
    if isinstance(step.answer, SomeOf):
        meant, foreign = gold_labels(gold, step.answer.labels) if gold is not None else ((), "")
        return list(meant) if foreign is None else None
    first = gold[0] if isinstance(gold, list) and gold else gold
    if first is None:
        return None
    match step.answer:
        case NumberAnswer():
            return plain(gold_number(first))
        case JsonAnswer():
            fitted = gold_object(step.answer, first)
            return plain(fitted.value) if fitted is not None else None
        case ToolCall():
            return plain(gold_call(first, step.answer)[0])
    label = gold_label(step, gold, row)
    if label is not None:
        return label
    return first if isinstance(first, str) else None
