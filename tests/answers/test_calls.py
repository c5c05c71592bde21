"""Tool calls: as the protocol brings them, or as JSON in the text; right by name and arguments."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from answers.asking import reading, step
from evalspec.answers.judge import is_right, valid_gold
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import ToolCall
from evalspec.models.completions import read_completion
from evalspec.text.values import Json

PAY: dict[str, Json] = {"name": "pay", "parameters": {
    "type": "object",
    "properties": {"to": {"type": "string"}, "amount": {"type": "number"}},
    "required": ["to"],
}}  # fmt: skip
WAIT: dict[str, Json] = {"name": "wait"}
TOOLS = ToolCall(
    tools=tuple({"type": "function", "function": f} for f in (PAY, WAIT)),
)
CALL = {"name": "pay", "arguments": {"to": "Ada", "amount": 5}}


def protocol(*calls: tuple[str, object], content: str | None = None) -> str:
    """The response that a completion with these calls is kept as."""
    listed = [{"id": "1", "type": "function", "function": {"name": n, "arguments": a}} for n, a in calls]
    said = {"choices": [{"message": {"content": content, "tool_calls": listed}}]}
    return read_completion(said).response


@pytest.mark.parametrize(
    "response",
    [
        protocol(("pay", '{"to": "Ada", "amount": 5}')),
        protocol(("pay", '{"amount": 5.0, "to": "Ada"}'), content="I will pay her."),
        json.dumps(CALL),
        f"```json\n{json.dumps(CALL)}\n```",
        json.dumps([CALL]),
        json.dumps({"type": "function", "function": CALL}),
        json.dumps({"name": "pay", "arguments": json.dumps(CALL["arguments"])}),
    ],
)
def test_a_call_is_read_however_it_comes(response: str) -> None:
    found = reading(step(TOOLS), response)
    assert found.value == {"name": "pay", "arguments": {"to": "Ada", "amount": Decimal(5)}}
    assert is_right(step(TOOLS), found, CALL, {}) is True


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ("I cannot do that.", "no JSON object"),
        (protocol(("steal", "{}")), "fits"),
        (protocol(("pay", '{"amount": 5}')), "fits"),
        (protocol(("pay", '{"to": "Ada", "amount": "five"}')), "fits"),
        (protocol(("pay", '{"to": "Ada", "to": "Bob"}')), "repeats a key"),
        (protocol(("pay", '{"to": ')), "fits"),
        (protocol(("wait", "{}"), ("wait", "{}")), "several tools"),
        (protocol(("wait", "{}"), ("pay", '{"to": "Ada"}'), content="Both."), "several tools"),
    ],
)
def test_what_is_no_one_call_is_no_answer(response: str, why: str) -> None:
    found = reading(step(TOOLS), response)
    assert found.outcome is Outcome.NO_ANSWER
    assert why in (found.why or "")


@pytest.mark.parametrize(
    ("gold", "right"),
    [
        (CALL, True),
        (json.dumps(CALL), True),
        ({"name": "pay", "arguments": '{"to": "Ada", "amount": 5.0}'}, True),
        ({"name": "pay"}, True),
        ({"name": "pay", "arguments": {"to": "Ada"}}, False),
        ({"name": "pay", "arguments": {"to": "ada", "amount": 5}}, False),
        ({"name": "wait", "arguments": {}}, False),
        ([{"name": "wait", "arguments": {}}, CALL], True),
        (None, False),
    ],
)
def test_a_call_is_right_by_its_name_and_arguments(gold: object, right: bool) -> None:
    assert is_right(step(TOOLS), reading(step(TOOLS), json.dumps(CALL)), gold, {}) is right


def test_a_tool_without_parameters_takes_any_arguments() -> None:
    assert reading(step(TOOLS), protocol(("wait", ""))).value == {"name": "wait", "arguments": {}}


def test_answering_in_words_is_right_where_no_tool_is_due() -> None:
    asked = step(TOOLS, abstains=r"\A[^{]*\Z")
    found = reading(asked, "Ada has been paid already.")
    assert found.outcome is Outcome.ABSTAINED
    assert is_right(asked, found, None, {}) is True
    assert is_right(asked, found, CALL, {}) is False


@pytest.mark.parametrize(
    ("gold", "fault"),
    [
        (CALL, None),
        ({"name": "steal", "arguments": {}}, "calls `steal`, which is not among the tools"),
        ({"name": "pay", "arguments": {"to": 1}}, "has arguments that do not fit `pay`"),
        ("pay", "is no call: it needs `name` and `arguments`"),
    ],
)
def test_a_gold_that_is_no_call_is_told(gold: object, fault: str | None) -> None:
    assert valid_gold(step(TOOLS), gold, {}) == fault
