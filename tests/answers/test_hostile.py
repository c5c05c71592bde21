"""Responses that are made to be slow, deep or broken: each reading is total, and comes to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answers.asking import QUEUES, reading, step
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import (
    AnyType,
    JsonAnswer,
    JsonField,
    ListType,
    NumberAnswer,
    SomeOf,
    ToolCall,
)
from evalspec.language.program import ConfidenceSource

MANY = 300_000  # of which what is not linear takes hours
PARTS = JsonAnswer(fields=(JsonField(name="a", type=ListType(of=NumberAnswer())),))
SCHEMA = JsonAnswer(
    fields=(JsonField(name="a", type=AnyType()),),
    schema={
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "uniqueItems": True, "items": {"patternProperties": {"^(x+)+$": {}}}}
        },
    },
)
CALL = ToolCall(tools=({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},))
SET = SomeOf(labels=("x", "y"))
STEPS = {
    "json": step(PARTS),
    "schema": step(SCHEMA),
    "tool": step(CALL),
    "set": step(SET),
    "chances": step(QUEUES, confidence=(ConfidenceSource.FIELDS,)),
}
RESPONSES = {
    "braces": "{" * MANY,
    "closing braces": "}" * MANY,
    "brackets": "[" * MANY,
    "empty objects": "{}" * (MANY // 2),
    "nested objects": '{"a":' * (MANY // 5),
    "nested lists": '{"a":' + "[" * MANY,
    "200 levels too many": '{"a":' + "[" * 400 + "]" * 400 + "}",
    "nested with bodies": ('{"a":[' + "0," * 500) * 1_000,
    "half keys": '{"' * (MANY // 2),
    "a list without end": '{"a":[' + "0," * (MANY // 2),
    "a list too long": '{"a":[' + ",".join(map(str, range(100_000))) + "]}",
    "a number without end": '{"a":[' + "9" * MANY + "]}",
    "a number out of range": '{"a":[1e999999999]}',
    "no number": '{"a":[NaN]}',
    "a key given twice": '{"a":[1],"a":[2]}',
    "half a character": '{"a":["\\ud800"]}',
    "quotes": '"' * MANY,
    "backslashes": '{"a":"' + "\\" * MANY,
    "fences": "```json\n" * (MANY // 8),
    "answer lines": "answer: " * (MANY // 8),
    "blanks": "{" + " " * MANY,
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
@pytest.mark.parametrize("kind", STEPS)
def test_a_hostile_response_is_no_answer(kind: str, response: str) -> None:
    assert reading(STEPS[kind], response, source=ConfidenceSource.FIELDS).outcome is Outcome.NO_ANSWER


PIECES = st.sampled_from(
    ['{"a":', '{"name":"f","arguments":', "[1]", "{}", "}", "]", ",", '"', "\\", "x", " ", "```", "\n", "NaN",
     "1e9", "null", "\ud800", '"\\ud800"', "Answer:", "not ", "none", "🙂", "\x00"],
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_nothing_that_a_model_writes_raises(response: str) -> None:
    for asked in STEPS.values():
        found = reading(asked, response, source=ConfidenceSource.OWN)
        assert (found.value is not None) == (found.outcome is Outcome.ANSWERED)
