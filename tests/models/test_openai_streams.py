"""Streamed completions: put together like those in one piece, with the first token's time, or no answer."""

from __future__ import annotations

import json
import math

import pytest

import servers
from evalspec.models.model import Answer, FailureKind
from evalspec.models.sse import Events
from models.asking import answered, ask_once, failed, hosted, question

pytestmark = pytest.mark.anyio

REPLY = servers.Reply(
    text="billing it is",
    cached=4,
    tokens=[("bill", [("bill", math.log(0.7)), ("bug", math.log(0.3))])],
    calls=[("look", '{"at": "ü"}'), ("stop", "{}")],
)


async def both(reply: servers.Reply) -> tuple[Answer, Answer]:
    with servers.chat_server(lambda body: reply) as server:
        whole = answered(await ask_once(hosted(server.url), question(logprobs=True)))
        streamed = answered(await ask_once(hosted(server.url), question(logprobs=True, stream=True)))
    assert server.bodies[1] == {
        **server.bodies[0],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return whole, streamed


@pytest.mark.parametrize(
    "reply",
    [REPLY, servers.Reply(text=None, refusal="not that"), servers.Reply(text="", finish_reason="length"),
     servers.Reply(text="so", finish_reason="content_filter")],
)  # fmt: skip
async def test_a_stream_makes_the_same_answer(reply: servers.Reply) -> None:
    whole, streamed = await both(reply)
    for name in Answer.__dataclass_fields__:
        if name not in ("latency_ns", "first_token_ns", "at"):
            assert getattr(whole, name) == getattr(streamed, name), name
    assert whole.first_token_ns is None


async def test_the_first_token_is_timed() -> None:
    def speak(arrival: servers.Arrival, reply: servers.Reply | str) -> servers.Events:
        said = servers.speak(arrival, reply)
        assert isinstance(said, servers.Events)
        return servers.Events(said.data, apart=0.02)

    with servers.chat_server(lambda body: "billing", speak=speak) as server:
        answer = answered(await ask_once(hosted(server.url), question(stream=True)))
    assert answer.first_token_ns is not None
    assert answer.latency_ns is not None
    assert answer.first_token_ns >= 40_000_000, "the first chunk says only who speaks"
    assert answer.latency_ns - answer.first_token_ns >= 60_000_000


PIECE = json.dumps({"choices": [{"delta": {"content": "bi"}, "finish_reason": None}]})


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (servers.Events([PIECE], broken=True), FailureKind.TRANSIENT),
        (servers.Events([PIECE]), FailureKind.TRANSIENT),
        (servers.Events([]), FailureKind.TRANSIENT),
        (servers.Events([PIECE, "nonsense"]), FailureKind.TRANSIENT),
        (servers.Events(['{"choices": 1}', '{"choices": [{"delta": 1}]}']), FailureKind.TRANSIENT),
        (servers.Events([PIECE, '{"error": {"message": "overloaded"}}']), FailureKind.TRANSIENT),
        (servers.Events([PIECE, '{"error": {"code": 429}}']), FailureKind.RATE_LIMITED),
        (servers.Events([PIECE, '{"error": {"code": "insufficient_quota"}}']), FailureKind.EXHAUSTED),
    ],
)  # fmt: skip
async def test_a_stream_that_goes_wrong_is_no_answer(events: servers.Events, kind: FailureKind) -> None:
    with servers.chat_server(fault=lambda number, body: events) as server:
        failure = failed(await ask_once(hosted(server.url), question(stream=True)))
    assert (failure.kind, len(server.requests)) == (kind, 1)


async def test_a_stream_without_end_is_bounded() -> None:
    events = servers.Events([PIECE] * 3 + ["x" * 1_000_000] * 40)
    with servers.chat_server(fault=lambda number, body: events) as server:
        failure = failed(await ask_once(hosted(server.url), question(stream=True)))
    assert failure.kind is FailureKind.TRANSIENT


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_events_are_found_however_they_are_cut(size: int, ending: str) -> None:
    lines = [
        ": hello",
        "event: x",
        "data: one",
        "id: 3",
        "",
        "data:two",
        "data:  three",
        "",
        "",
        "data: lost",
        "x",
    ]
    body = ending.join(lines).encode()
    events, found = Events(), list[bytes]()
    for start in range(0, len(body), size):
        found += events.take(body[start : start + size])
    assert found == [b"one", b"two\n three"]
