"""A candidate behind Gemini's API, against a real and strict server that speaks it."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import anyio
import pytest

import protocols
import servers
from evalspec.language.candidates import Hosted
from evalspec.models.capabilities import gives_logprobs, takes_schema
from evalspec.models.faults import MissingEnvironment
from evalspec.models.images import Image
from evalspec.models.model import FailureKind, Message, TokenChoice
from models.asking import answered, ask_once, candidate, connect, question
from models.vendors import Vendor

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "d", "parameters": {"type": "object"}},
}


def gemini(model: str = "gemini-2.5-flash", **attributes: Any) -> Hosted:
    return Hosted(**{"route": f"gemini/{model}", "direct": False, **attributes})


def around(server: servers.ChatServer) -> dict[str, str]:
    return {"GOOGLE_GEMINI_BASE_URL": server.url.removesuffix("/v1"), "GEMINI_API_KEY": protocols.KEY}


VENDOR = Vendor(protocols.gemini, around)
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
    parameters = {"temperature": 0, "top_p": 0.9, "top_k": 5, "max_tokens": 20, "stop": "END", "seed": 7}
    body, _ = await said_to(gemini(parameters=parameters), question(messages=messages))
    assert body == {
        "systemInstruction": {"parts": [{"text": "be brief"}, {"text": "no jokes"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "hello"}]},
            {"role": "user", "parts": [{"text": "and?"}]},
        ],
        "generationConfig": {
            "temperature": 0,
            "topP": 0.9,
            "topK": 5,
            "maxOutputTokens": 20,
            "stopSequences": ["END"],
            "seed": 7,
        },
    }


@pytest.mark.parametrize(
    ("model", "said", "sent"),
    [
        ("gemini-2.5-flash", {"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingBudget": 1024}}),
        ("gemini-2.5-flash", {"reasoning_effort": "none"}, {"thinkingConfig": {"thinkingBudget": 0}}),
        ("gemini-3-flash", {"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "low"}}),
        ("gemini-2.5-flash", {"thinking": 512}, {"thinkingConfig": {"thinkingBudget": 512}}),
        ("gemini-2.5-flash", {"thinking": "disabled"}, {"thinkingConfig": {"thinkingBudget": 0}}),
        ("gemini-2.5-flash", {"max_completion_tokens": 9}, {"maxOutputTokens": 9}),
        ("gemini-2.5-flash", {"presence_penalty": 1}, {"presencePenalty": 1}),
        ("gemini-2.5-flash", {"candidateCount": 1}, {"candidateCount": 1}),
        ("gemini-2.5-flash", {}, None),
    ],
)
async def test_parameters_have_their_names_there(
    model: str, said: dict[str, Any], sent: dict[str, Any] | None
) -> None:
    body, _ = await said_to(gemini(model, parameters=said))
    assert body.get("generationConfig") == sent


@pytest.mark.parametrize("name", ["logit_bias", "verbosity", "service_tier", "min_p"])
async def test_what_the_protocol_has_no_place_for_is_refused_by_name(name: str) -> None:
    failure = await failure_of(None, gemini(parameters={name: 1}))
    assert failure.kind is FailureKind.REJECTED
    assert failure.message == f"not sent: Gemini's API has no `{name}`: remove it"


async def test_images_go_as_content_or_as_addresses(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(PNG)
    held = Image("x.png", media="image/png", sha256=hashlib.sha256(PNG).hexdigest(), file=file)
    web = [Image(url, url=url) for url in ("https://x.org/y.png?s=1", "https://x.org/y")]
    body, _ = await said_to(gemini(), question(messages=(Message("user", "what?", (held, *web)),)))
    assert body["contents"][0]["parts"] == [
        {"text": "what?"},
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"fileData": {"fileUri": "https://x.org/y.png?s=1", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://x.org/y"}},
    ]


async def test_a_schema_is_enforced_and_tools_are_offered() -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    held = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    body, _ = await said_to(gemini(), question(parameters={"response_format": held}))
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}

    reply = servers.Reply(text=None, calls=[("look", '{"at": 1}')])
    request = question(parameters={"tools": [TOOL], "tool_choice": "required"})
    body, answer = await said_to(gemini(), request, reply)
    declared = {"name": "look", "description": "d", "parametersJsonSchema": {"type": "object"}}
    assert body["tools"] == [{"functionDeclarations": [declared]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert json.loads(answer.response) == {"name": "look", "arguments": {"at": 1}}


def test_what_its_models_can_do_is_told_carefully() -> None:
    assert takes_schema(gemini())
    assert gives_logprobs(gemini("gemini-2.0-flash-001"))
    assert not gives_logprobs(gemini("gemini-2.5-flash"))


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


async def test_either_variable_may_hold_the_key() -> None:
    with servers.chat_server(speak=protocols.gemini) as server:
        environment = {
            "GOOGLE_GEMINI_BASE_URL": server.url.removesuffix("/v1"),
            "GOOGLE_API_KEY": protocols.KEY,
        }
        answered(await ask_once(gemini(), None, environment))
    assert protocols.KEY not in server.requests[0].path
    with pytest.raises(MissingEnvironment, match="GEMINI_API_KEY"):
        await ask_once(gemini())


async def test_the_key_of_a_request_is_its_address_and_body() -> None:
    uses = {"a": gemini(), "b": gemini("gemini-2.0-flash"), "c": gemini(parameters={"seed": 1})}
    specs = [candidate(use, name) for name, use in uses.items()]
    async with connect(*specs, environment={"GEMINI_API_KEY": "k" * 20}) as models:
        keys = [model.key(question()) for model in models.values()]
        keys.append(models["a"].key(question(stream=True)))
        assert models["a"].endpoint.endswith(".com/v1beta/models/gemini-2.5-flash:generateContent")
    assert len(set(keys)) == 4


# ── what comes back ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_read_with_all_that_it_tells(stream: bool) -> None:
    reply = servers.Reply(text="billing", input_tokens=110, output_tokens=4, cached=100, model="gemini-2.5-x")
    use = gemini(parameters={"thinking": 1024})
    _, answer = await said_to(use, question(stream=stream), reply)
    assert answer.response == "billing", "thoughts are no part of it"
    assert (answer.input_tokens, answer.output_tokens, answer.cached_input_tokens) == (110, 44, 100)
    assert (answer.served_model, answer.finish_reason, answer.refused) == ("gemini-2.5-x", "STOP", False)
    assert (answer.first_token_ns is not None) == stream


@pytest.mark.parametrize("stream", [False, True])
async def test_the_alternatives_of_its_tokens_are_read(stream: bool) -> None:
    first = ("bill", [("bill", math.log(0.7)), ("bug", math.log(0.3))])
    reply = servers.Reply(
        text="billing", tokens=[first, ("ing", [("ing", 0.0)]), *[("x", [("x", -1.0)])] * 9]
    )
    request = question(logprobs=True, stream=stream)
    body, answer = await said_to(gemini("gemini-2.0-flash"), request, reply)
    assert body["generationConfig"] == {"responseLogprobs": True, "logprobs": 20}
    assert answer.tokens[0] == TokenChoice("bill", math.log(0.7), tuple(first[1]))
    assert answer.tokens[1] == TokenChoice("ing", 0.0, (("ing", 0.0),)), "a figure of 0 is left out there"
    assert len(answer.tokens) == 6


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("finish", "refused"),
    [("SAFETY", True), ("PROHIBITED_CONTENT", True), ("MAX_TOKENS", False), ("OTHER", False)],
)
async def test_why_it_ended_is_told(stream: bool, finish: str, refused: bool) -> None:
    reply = servers.Reply(text=None, finish_reason=finish)
    _, answer = await said_to(gemini(), question(stream=stream), reply)
    assert (answer.response, answer.finish_reason, answer.refused) == ("", finish, refused)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_that_a_filter_stops_is_a_refusal(stream: bool) -> None:
    said = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    fault = (
        servers.Events([json.dumps(said)]) if stream else servers.Refuse(status=200, body=json.dumps(said))
    )
    with servers.chat_server(fault=lambda n, body: fault) as server:
        answer = answered(await ask_once(gemini(), question(stream=stream), around(server)))
    assert (answer.refused, answer.finish_reason, answer.input_tokens) == (True, "PROHIBITED_CONTENT", 4)


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────


def told(code: int, message: str = "…", *details: dict[str, Any]) -> servers.Refuse:
    error = {"code": code, "message": message, "status": "X", "details": list(details)}
    return servers.Refuse(status=code, body=json.dumps({"error": error}))


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13.5s"}
NO_WAIT = {**RETRY, "retryDelay": "0s"}
QUOTA = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
MINUTE = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": QUOTA}]}
DAY = {**MINUTE, "violations": [{"quotaId": QUOTA.replace("Minute", "Day")}]}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
EXCEEDED = "You exceeded your current quota, please check your plan"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [
        (told(429, EXCEEDED, MINUTE, RETRY), FailureKind.RATE_LIMITED, 13.5),
        (told(429, EXCEEDED, MINUTE, NO_WAIT), FailureKind.RATE_LIMITED, None),
        (told(429, EXCEEDED, DAY, RETRY), FailureKind.EXHAUSTED, None),
        (told(429, EXCEEDED), FailureKind.EXHAUSTED, None),
        (told(429, "Resource has been exhausted"), FailureKind.RATE_LIMITED, None),
        (told(503, "The model is overloaded"), FailureKind.TRANSIENT, None),
        (told(500), FailureKind.TRANSIENT, None),
        (told(400, f"API key not valid: {protocols.KEY}", BAD_KEY), FailureKind.REFUSED_KEY, None),
        (told(403), FailureKind.REFUSED_KEY, None),
        (told(400, "Logprobs is not enabled"), FailureKind.REJECTED, None),
        (told(404), FailureKind.REJECTED, None),
        (servers.Redirect("http://127.0.0.1:1/elsewhere"), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body="{}"), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"candidates": []}'), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"candidates": [{}]}'), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"candidates": 1}'), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body="<html>", content_type="text/html"), FailureKind.TRANSIENT, None),
        (servers.Reset(), FailureKind.TRANSIENT, None),
    ],
)  # fmt: skip
async def test_each_failure_means_what_is_to_be_done(
    stream: bool, fault: servers.Fault, kind: FailureKind, wait: float | None
) -> None:
    failure = await failure_of(fault, gemini(), question(stream=stream))
    assert (failure.kind, failure.wait_s) == (kind, wait)
    assert protocols.KEY not in failure.message


PIECE = json.dumps({"candidates": [{"content": {"parts": [{"text": "bi"}]}, "index": 0}]})


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (servers.Events([PIECE], broken=True), FailureKind.TRANSIENT),
        (servers.Events([PIECE]), FailureKind.TRANSIENT),
        (servers.Events([PIECE, "{"]), FailureKind.TRANSIENT),
        (servers.Events(['{"candidates": [{"content": 1, "logprobsResult": 1}]}']), FailureKind.TRANSIENT),
        (servers.Events([PIECE, '{"error": {"code": 503}}']), FailureKind.TRANSIENT),
        (servers.Events([PIECE, '{"error": {"code": 429}}']), FailureKind.RATE_LIMITED),
        (servers.Events([PIECE, '{"error": "x"}']), FailureKind.TRANSIENT),
    ],
)  # fmt: skip
async def test_a_stream_that_goes_wrong_is_no_answer(events: servers.Events, kind: FailureKind) -> None:
    assert (await failure_of(events, gemini(), question(stream=True))).kind is kind


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_comes_in_drips_is_out_of_time(stream: bool) -> None:
    with anyio.fail_after(10):
        use = gemini(timeout_ns=300_000_000)
        assert (
            await failure_of(servers.Drip(0.02), use, question(stream=stream))
        ).kind is FailureKind.TIMEOUT
