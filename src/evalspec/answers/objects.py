"""Which object a text says: the readers of `json` and `tool_call`, and the golds of both.

The last object in the text that fits is the answer, fenced or embedded in prose. An object inside another
one, or one that lacks a field, does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.answers.fields import Fitted, equal, fitted_object, frozen
from evalspec.answers.finding import Finding, Value, nothing
from evalspec.answers.json_text import Stretch, alone, object_of, values_in
from evalspec.answers.schemas import fits

if TYPE_CHECKING:
    from evalspec.language.answer_types import JsonAnswer, ToolCall
    from evalspec.text.values import Json


def read_json(text: str, answer: JsonAnswer) -> Finding:
    """The last object of a text that fits the answer type."""
    stretches = values_in(text, "{")
    for stretch in reversed(stretches):
        value = _fitted(answer, stretch)
        if value is not None:
            return _found(text, stretch, value.value)
    return _no_object(text, stretches)


def _fitted(answer: JsonAnswer, stretch: Stretch) -> Fitted | None:
    if not stretch.sound:
        return None
    if answer.schema is None:
        return fitted_object(answer.fields, stretch.value)
    if not fits(answer.schema, stretch.value):
        return None
    if not answer.fields:  # the schema names none: the object is judged as it stands
        return Fitted(frozen(stretch.value)) if isinstance(stretch.value, dict) else None
    return fitted_object(answer.fields, stretch.value, partial=True)


def _found(text: str, stretch: Stretch, value: Value | None) -> Finding:
    said = stretch.value if isinstance(stretch.value, dict) else None
    return Finding(value=value, whole=alone(text, stretch), said=said)


def _no_object(text: str, stretches: tuple[Stretch, ...]) -> Finding:
    if not text.strip():
        return nothing("the response is empty")
    if not stretches:
        return nothing("no JSON object stands in it")
    if not any(stretch.sound for stretch in stretches):
        return nothing("the JSON in it repeats a key, or holds what is no sound value")
    return nothing("no JSON object in it fits")


# ── the call of a tool ────────────────────────────────────────────────────────────────────────────


def read_call(text: str, tools: ToolCall) -> Finding:
    """The call of a tool that a text says: the last object with the name of one and arguments that fit it."""
    if _several(text):
        return nothing("several tools are called")
    stretches = values_in(text, "{")
    for stretch in reversed(stretches):
        call = _call(stretch.value, tools) if stretch.sound else None
        if call is not None:
            return _found(text, stretch, call)
    return _no_object(text, stretches)


def gold_call(gold: object, tools: ToolCall) -> tuple[Mapping[str, Value | None] | None, str | None]:
    """The call that a gold value means, or why it is none, as the end of a sentence that begins with "the
    gold". Without `arguments` any arguments are right."""
    said = object_of(gold) if isinstance(gold, str) else gold
    if not isinstance(said, dict) or "name" not in said:
        return None, "is no call: it needs `name` and `arguments`"
    schemas = schemas_by_name(tools)
    name = said["name"]
    if name not in schemas:
        return None, f"calls `{name}`, which is not among the tools"
    if "arguments" not in said:
        return {"name": name}, None
    arguments = _arguments(said["arguments"])
    if arguments is None or not fits(schemas[name], arguments):
        return None, f"has arguments that do not fit `{name}`"
    return {"name": name, "arguments": frozen(arguments)}, None


def same_call(said: Value, gold: Mapping[str, Value | None]) -> bool:
    """Whether a call has the gold's name, and its arguments where the gold has them."""
    return isinstance(said, Mapping) and all(equal(said.get(part), gold[part]) for part in gold)


def schemas_by_name(tools: ToolCall) -> Mapping[str, Mapping[str, Json]]:
    """The JSON Schema of each tool's arguments."""
    found: dict[str, Mapping[str, Json]] = {}
    for tool in tools.tools:
        function = tool["function"]
        if isinstance(function, dict):
            parameters = function.get("parameters")
            found[str(function["name"])] = parameters if isinstance(parameters, dict) else {}
    return found


def _call(said: object, tools: ToolCall) -> Mapping[str, Value | None] | None:
    inner = said.get("function") if isinstance(said, dict) else None
    call = inner if isinstance(inner, dict) else said
    if not isinstance(call, dict) or "arguments" not in call:
        return None
    schemas, name = schemas_by_name(tools), call.get("name")
    arguments = _arguments(call["arguments"])
    if not isinstance(name, str) or name not in schemas or arguments is None:
        return None
    return {"name": name, "arguments": frozen(arguments)} if fits(schemas[name], arguments) else None


def _arguments(said: object) -> dict[str, object] | None:
    """The arguments of a call: an object, or the text of one, as the protocol sends it."""
    if isinstance(said, str):
        return object_of(said) if said.strip() else {}
    return said if isinstance(said, dict) else None


def _several(text: str) -> bool:
    """Whether the last list of a text holds several calls."""
    lists = values_in(text, "[")
    last = lists[-1].value if lists else None
    calls = (
        [item for item in last if isinstance(item, dict) and "arguments" in item]
        if isinstance(last, list)
        else []
    )
    return len(calls) > 1 and not text[lists[-1].end :].strip()
