"""A candidate behind Anthropic's Messages API, against a real and strict server that speaks it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import anyio
import pytest

import protocols
import servers
from evalspec.language.candidates import Environment, Hosted
from evalspec.models.faults import MissingEnvironment, UnusableSetting
from evalspec.models.images import Image
from evalspec.models.model import FailureKind, Message
from models.asking import answered, ask_once, candidate, connect, failed, question
from models.vendors import Vendor

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "d", "parameters": {"properties": {}}},
}


def claude(**attributes: Any) -> Hosted:
    return Hosted(**{"route": "anthropic/claude-haiku-4-5", "direct": False, **attributes})


def around(server: servers.ChatServer, **others: str) -> dict[str, str]:
    """The environment in which the server stands for the vendor."""
    return {
        "ANTHROPIC_BASE_URL": server.url.removesuffix("/v1"),
        "ANTHROPIC_API_KEY": protocols.KEY,
        **others,
    }


VENDOR = Vendor(protocols.anthropic, around)
said_to, failure_of = VENDOR.said_to, VENDOR.failure_of


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


async def test_a_conversation_goes_in_the_protocol_s_words() -> None:
    messages = (
        Message("system", "be brief"),
        Message("developer", "no jokes"),
        Message("user", "hi"),
        Message("assistant", "hello"),
        Message("user", "and?"),
    )
    use = claude(parameters={"temperature": 0, "top_p": 0.9, "top_k": 5, "max_tokens": 20, "stop": "END"})
    body, _ = await said_to(use, question(messages=messages))
    assert body == {
        "model": "claude-haiku-4-5",
        "system": "be brief\n\nno jokes",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "and?"},
        ],
        "temperature": 0,
        "top_p": 0.9,
        "top_k": 5,
        "max_tokens": 20,
        "stop_sequences": ["END"],
    }


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({}, {"max_tokens": 4096}),
        ({"max_completion_tokens": 30}, {"max_tokens": 30}),
        ({"thinking": 2048}, {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 6144}),
        ({"thinking": "adaptive"}, {"thinking": {"type": "adaptive"}, "max_tokens": 4096}),
        ({"reasoning_effort": "low"}, {"output_config": {"effort": "low"}, "max_tokens": 4096}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}, "max_tokens": 4096}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"], "max_tokens": 4096}),
        ({"service_tier": "auto"}, {"service_tier": "auto", "max_tokens": 4096}),
    ],
)
async def test_parameters_have_their_names_there(said: dict[str, Any], sent: dict[str, Any]) -> None:
    body, _ = await said_to(claude(parameters=said))
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == sent


@pytest.mark.parametrize("name", ["seed", "presence_penalty", "logit_bias", "top_logprobs", "verbosity"])
async def test_what_the_protocol_has_no_place_for_is_refused_by_name_and_not_sent(name: str) -> None:
    with servers.chat_server(speak=protocols.anthropic) as server:
        failure = failed(await ask_once(claude(parameters={name: 1}), None, around(server)))
    assert failure.kind is FailureKind.REJECTED
    assert failure.message == f"not sent: Anthropic's Messages API has no `{name}`: remove it"
    assert not server.requests


@pytest.mark.parametrize(
    "parameters", [{"reasoning_effort": "minimal"}, {"thinking": "much"}, {"tool_choice": "look"}]
)
async def test_a_word_that_means_nothing_there_is_refused(parameters: dict[str, Any]) -> None:
    failure = await failure_of(None, claude(parameters=parameters))
    assert failure.kind is FailureKind.REJECTED
    assert next(iter(parameters)) in failure.message


async def test_an_instruction_in_the_middle_is_refused() -> None:
    messages = (Message("user", "hi"), Message("system", "be brief"), Message("user", "well?"))
    failure = await failure_of(None, claude(), question(messages=messages))
    assert "system message only at the beginning" in failure.message


async def test_images_go_as_content_or_as_addresses(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(PNG)
    held = Image("x.png", media="image/png", sha256=_sha256(PNG), file=file)
    web = Image("https://x.org/y.png", url="https://x.org/y.png")
    body, _ = await said_to(claude(), question(messages=(Message("user", "what?", (held, web)),)))
    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _base64(PNG)}},
        {"type": "image", "source": {"type": "url", "url": "https://x.org/y.png"}},
        {"type": "text", "text": "what?"},
    ]


async def test_an_image_that_changed_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(PNG)
    held = Image("x.png", media="image/png", sha256="0" * 64, file=file)
    failure = await failure_of(None, claude(), question(messages=(Message("user", "?", (held,)),)))
    assert "has changed since the run began" in failure.message


async def test_a_schema_is_enforced_and_tools_are_offered() -> None:
    held = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
    body, _ = await said_to(claude(), question(parameters={"response_format": held}))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}

    reply = servers.Reply(text=None, calls=[("look", '{"at": 1}')], finish_reason="tool_use")
    request = question(parameters={"tools": [TOOL], "tool_choice": "required"})
    body, answer = await said_to(claude(), request, reply)
    described = {"type": "object", "properties": {}}
    assert body["tools"] == [{"name": "look", "description": "d", "input_schema": described}]
    assert body["tool_choice"] == {"type": "any"}
    assert json.loads(answer.response) == {"name": "look", "arguments": {"at": 1}}


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_named_key_comes_before_the_vendor_s() -> None:
    with servers.chat_server(speak=protocols.anthropic) as server:
        use = claude(api_key=Environment("MINE"), headers={"X-Team": "support"})
        environment = around(server, MINE=protocols.KEY, ANTHROPIC_API_KEY="another-key-0123456789")
        answered(await ask_once(use, None, environment))
    assert server.requests[0].headers["X-Team"] == "support"
    assert "Authorization" not in server.requests[0].headers


async def test_a_header_may_carry_the_key() -> None:
    with servers.chat_server(speak=protocols.anthropic) as server:
        use = claude(headers={"X-Api-Key": Environment("MINE")})
        environment = {"ANTHROPIC_BASE_URL": server.url, "MINE": protocols.KEY}
        answered(await ask_once(use, None, environment))


async def test_without_a_key_nothing_is_sent() -> None:
    with pytest.raises(MissingEnvironment) as caught:
        await ask_once(claude())
    assert (caught.value.model, caught.value.variable) == ("mini", "ANTHROPIC_API_KEY")


async def test_an_unusable_address_is_refused_without_being_quoted() -> None:
    with pytest.raises(UnusableSetting, match="ANTHROPIC_BASE_URL") as caught:
        await ask_once(claude(), None, {"ANTHROPIC_BASE_URL": "http://u:p@h", "ANTHROPIC_API_KEY": "k"})
    assert "u:p" not in str(caught.value)


async def test_the_key_of_a_request_is_its_address_and_body_and_sample() -> None:
    environment = {"ANTHROPIC_API_KEY": "k" * 20}
    uses = {
        "a": claude(),
        "same": claude(
            api_key=Environment("ANTHROPIC_API_KEY"), timeout_ns=5, parameters={"max_tokens": 4096}
        ),
        "warm": claude(parameters={"temperature": 1}),
        "other": claude(route="anthropic/claude-opus-4-6"),
        "wrong": claude(parameters={"seed": 1}),
        "wrong too": claude(parameters={"seed": 2}),
    }
    specs = [candidate(use, name) for name, use in uses.items()]
    async with connect(*specs, environment=environment) as models:
        keys = {name: model.key(question()) for name, model in models.items()}
        keys |= {
            "second": models["a"].key(question(sample=1)),
            "streamed": models["a"].key(question(stream=True)),
        }
        assert models["a"].endpoint == "https://api.anthropic.com/v1/messages"
        assert "k" * 20 not in repr(models["a"])
    assert keys.pop("same") == keys["a"]
    assert len(set(keys.values())) == len(keys)


# ── what comes back ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_read_with_all_that_it_tells(stream: bool) -> None:
    reply = servers.Reply(text="billing", input_tokens=10, output_tokens=4, cached=100, model="claude-x-2026")
    _, answer = await said_to(claude(parameters={"thinking": 1024}), question(stream=stream), reply)
    assert answer.response == "billing", "thinking is no part of it"
    assert (answer.input_tokens, answer.output_tokens, answer.cached_input_tokens) == (110, 4, 100)
    assert (answer.served_model, answer.finish_reason) == ("claude-x-2026", "end_turn")
    assert not answer.refused
    assert answer.latency_ns is not None
    assert (answer.first_token_ns is not None) == stream
    assert not stream or 0 < (answer.first_token_ns or 0) < answer.latency_ns


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_is_an_outcome_with_its_reason(stream: bool) -> None:
    reply = servers.Reply(text=None, finish_reason="refusal", refusal="not that")
    _, answer = await said_to(claude(), question(stream=stream), reply)
    assert (answer.refused, answer.finish_reason, answer.extra) == (True, "refusal", {"refusal": "not that"})


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cut_is_told_and_calls_are_read(stream: bool) -> None:
    reply = servers.Reply(text="so", finish_reason="length", calls=[("a", '{"x": "ü"}'), ("b", "{}")])
    _, answer = await said_to(claude(), question(stream=stream), reply)
    assert answer.finish_reason == "max_tokens"
    said, calls = answer.response.split("\n", 1)
    assert said == "so"
    assert json.loads(calls) == [{"name": "a", "arguments": {"x": "ü"}}, {"name": "b", "arguments": {}}]


async def test_the_first_token_s_time_is_that_of_the_first_text() -> None:
    def speak(
        arrival: servers.Arrival, reply: servers.Reply | str
    ) -> servers.Body | servers.Events | servers.Refuse:
        said = protocols.anthropic(arrival, reply)
        assert isinstance(said, servers.Events)
        return servers.Events(said.data, apart=0.02)

    reply = servers.Reply(text="billing is it")
    with servers.chat_server(lambda body: reply, speak=speak) as server:
        use = claude(parameters={"thinking": 1024})
        answer = answered(await ask_once(use, question(stream=True), around(server)))
    thought = 4 + len("let me see: bug") // 3  # events before the first text
    assert (answer.first_token_ns or 0) >= thought * 20_000_000
    assert (answer.latency_ns or 0) - (answer.first_token_ns or 0) >= 4 * 20_000_000


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────


def told(status: int, kind: str, message: str = "…", **headers: str) -> servers.Refuse:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}})
    return servers.Refuse(
        status=status, body=body, headers={n.replace("_", "-"): v for n, v in headers.items()}
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [
        (told(429, "rate_limit_error", retry_after="7"), FailureKind.RATE_LIMITED, 7.0),
        (told(429, "rate_limit_error"), FailureKind.RATE_LIMITED, None),
        (told(529, "overloaded_error"), FailureKind.TRANSIENT, None),
        (told(529, "overloaded_error", retry_after="3"), FailureKind.RATE_LIMITED, 3.0),
        (told(500, "api_error"), FailureKind.TRANSIENT, None),
        (told(401, "authentication_error", f"bad {protocols.KEY}"), FailureKind.REFUSED_KEY, None),
        (told(402, "billing_error"), FailureKind.EXHAUSTED, None),
        (told(400, "…", "Your credit balance is too low to access"), FailureKind.EXHAUSTED, None),
        (told(400, "invalid_request_error", "max_tokens: too large"), FailureKind.REJECTED, None),
        (told(404, "not_found_error", "model: claude-x"), FailureKind.REJECTED, None),
        (told(413, "request_too_large"), FailureKind.REJECTED, None),
        (servers.Redirect("http://127.0.0.1:1/elsewhere"), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body="<html>", content_type="text/html"), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"content": [{"type": "text", "te'), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"type": "message"}'), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body="[1]"), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"content": "no list"}'), FailureKind.TRANSIENT, None),
        (servers.Reset(), FailureKind.TRANSIENT, None),
    ],
)  # fmt: skip
async def test_each_failure_means_what_is_to_be_done(
    stream: bool, fault: servers.Fault, kind: FailureKind, wait: float | None
) -> None:
    failure = await failure_of(fault, claude(), question(stream=stream))
    assert (failure.kind, failure.wait_s) == (kind, wait)
    assert protocols.KEY not in failure.message


BEGUN = json.dumps({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 1}}})


def broken_off(kind: str) -> str:
    return json.dumps({"type": "error", "error": {"type": kind}})


PIECE = json.dumps({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "bi"}})


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (servers.Events([BEGUN, PIECE], broken=True), FailureKind.TRANSIENT),
        (servers.Events([BEGUN, PIECE]), FailureKind.TRANSIENT),
        (servers.Events([]), FailureKind.TRANSIENT),
        (servers.Events([BEGUN, "{not json"]), FailureKind.TRANSIENT),
        (servers.Events(['"text"']), FailureKind.TRANSIENT),
        (servers.Events(['{"type": "message_delta", "delta": 1, "usage": []}']), FailureKind.TRANSIENT),
        (servers.Events([BEGUN, broken_off("overloaded_error")]), FailureKind.TRANSIENT),
        (servers.Events([BEGUN, broken_off("rate_limit_error")]), FailureKind.RATE_LIMITED),
        (servers.Events([BEGUN, broken_off("billing_error")]), FailureKind.EXHAUSTED),
        (servers.Events([BEGUN, '{"type": "error"}']), FailureKind.TRANSIENT),
    ],
)  # fmt: skip
async def test_a_stream_that_goes_wrong_is_no_answer(events: servers.Events, kind: FailureKind) -> None:
    failure = await failure_of(events, claude(), question(stream=True))
    assert failure.kind is kind


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_comes_in_drips_is_out_of_time(stream: bool) -> None:
    with anyio.fail_after(10):
        failure = await failure_of(
            servers.Drip(0.02), claude(timeout_ns=300_000_000), question(stream=stream)
        )
    assert failure.kind is FailureKind.TIMEOUT


async def test_a_server_that_knows_no_streams_answers_in_one_piece() -> None:
    whole = {"content": [{"type": "text", "text": "bug"}], "usage": {"input_tokens": 3, "output_tokens": 1}}
    fault = servers.Refuse(status=200, body=json.dumps(whole))
    with servers.chat_server(fault=lambda n, body: fault) as server:
        answer = answered(await ask_once(claude(), question(stream=True), around(server)))
    assert (answer.response, answer.first_token_ns) == ("bug", None)
