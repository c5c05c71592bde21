"""A reply comes back from the store as it went in, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.models.model import Answer, Failure, FailureKind, Message, Request, TokenChoice
from evalspec.store.codec import FAILURE_BEGINS, decode_reply, encode_reply, encode_request

if TYPE_CHECKING:
    from evalspec.text.values import Json

RICH = Answer(
    response="böse \x00 \ud83d half",
    confidence=0.1 + 0.2,
    label_logprobs={"b": -0.0, "a": float("-inf")},
    tokens=(TokenChoice("b", -1e-300, (("b", -1e-300), ("", -7.25))), TokenChoice("\n", -3.0)),
    refused=True,
    finish_reason="stop",
    latency_ns=12_345_678_901_234_567_890,
    first_token_ns=0,
    input_tokens=0,
    output_tokens=3,
    cost_usd=Decimal("0.0000001234567890123456789000"),
    served_model="m-2026",
    system_fingerprint="fp",
    at="2026-01-01T00:00:00Z",
    outcome="truncated",
    extra={"trace": [1, 2.5, None, {"deep": True}], "": "x"},
)

# No two halves of a surrogate pair side by side, which JSON would join.
texts = st.text() | st.just("\ud83d") | st.just("\x00")
numbers = st.floats(allow_nan=False)
json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
answers = st.builds(
    Answer,
    response=texts,
    confidence=st.none() | numbers,
    label_logprobs=st.none() | st.dictionaries(texts, numbers, max_size=3),
    tokens=st.lists(
        st.builds(TokenChoice, texts, numbers, st.lists(st.tuples(texts, numbers), max_size=2).map(tuple)),
        max_size=3,
    ).map(tuple),
    refused=st.booleans(),
    latency_ns=st.none() | st.integers(min_value=0),
    cost_usd=st.none() | st.decimals(allow_nan=False),
    extra=st.dictionaries(texts, json_values, max_size=3),
)


def test_everything_an_answer_can_hold_survives() -> None:
    back = decode_reply(encode_reply(RICH))
    assert back == RICH
    assert isinstance(back, Answer)
    assert str(back.cost_usd) == "1.234567890123456789000E-7"
    assert list(back.label_logprobs or ()) == ["b", "a"]


@given(answers)
def test_any_answer_survives(answer: Answer) -> None:
    back = decode_reply(encode_reply(answer))
    assert back == answer
    assert repr(back) == repr(answer)  # also types, signs of zero, the places of a decimal


def test_nothing_is_kept_of_what_was_not_told() -> None:
    assert encode_reply(Answer(response="ok")) == '{"answer":{"response":"ok"}}'


def test_a_failure_survives_and_can_be_told_by_its_beginning() -> None:
    failure = Failure(kind=FailureKind.REJECTED, message="too long", status=413, wait_s=0.5)
    assert encode_reply(failure).startswith(FAILURE_BEGINS)
    assert decode_reply(encode_reply(failure)) == failure
    assert not encode_reply(Answer(response='{"failure":')).startswith(FAILURE_BEGINS)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"answer": 1}', '{"answer": {}}', '{"answer": {"response": "x", "smell": 1}}',
     '{"failure": {}}', '{"failure": {"kind": "odd", "message": ""}}',
     '{"answer": {"response": "x", "cost_usd": "dear"}}', '{"answer": {"response": "x", "tokens": [1]}}'],
)  # fmt: skip
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_reply(text)


def test_the_request_is_kept_without_the_rows_columns() -> None:
    request = Request(
        task="route", step="", example="7", messages=(Message("user", "hi"),), columns={"phone": "555-0100"}
    )
    assert "hi" in encode_request(request)
    assert "555" not in encode_request(request)
