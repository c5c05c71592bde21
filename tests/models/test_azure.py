"""Azure OpenAI: OpenAI's protocol at a deployment's own address, with its own key and its own filter."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

import protocols
import servers
from evalspec.language.candidates import Environment, Hosted
from evalspec.models.endpoints import connect_to
from evalspec.models.faults import MissingEnvironment
from evalspec.models.model import FailureKind
from models.asking import answered, ask_once, failed, question

pytestmark = pytest.mark.anyio

KEY = {"AZURE_API_KEY": protocols.KEY}


def deployment(**attributes: Any) -> Hosted:
    return Hosted(**{"route": "azure/my-mini", "direct": False, **attributes})


def around(server: servers.ChatServer, **more: str) -> dict[str, str]:
    return {"AZURE_API_BASE": server.url.removesuffix("/v1"), **KEY, **more}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_deployment_is_asked_in_openai_s_protocol(stream: bool) -> None:
    token = ("bug", [("bug", math.log(0.9)), ("other", math.log(0.1))])
    reply = servers.Reply(text="bug", tokens=[token], model="gpt-5-mini-2026", cached=2)
    with servers.chat_server(lambda body: reply, speak=protocols.azure) as server:
        use = deployment(parameters={"temperature": 0, "seed": 1})
        answer = answered(await ask_once(use, question(logprobs=True, stream=stream), around(server)))
    body = server.bodies[0]
    assert (body["model"], body["temperature"], body["seed"], body["top_logprobs"]) == ("my-mini", 0, 1, 20)
    assert server.requests[0].path.endswith("?api-version=2024-10-21")
    assert (answer.response, answer.served_model, answer.cached_input_tokens) == ("bug", "gpt-5-mini-2026", 2)
    assert answer.tokens[0].alternatives == tuple(token[1])
    assert (answer.first_token_ns is not None) == stream


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://x.openai.azure.com/openai/deployments/my-mini/chat/completions?api-version=2024-10-21"),
        (
            {"AZURE_API_VERSION": "2025-04-01-preview"},
            "https://x.openai.azure.com/openai/deployments/my-mini/chat/completions?api-version=2025-04-01-preview",
        ),
        ({"AZURE_API_VERSION": "v1"}, "https://x.openai.azure.com/openai/v1/chat/completions"),
        (
            {"AZURE_API_VERSION": "preview", "AZURE_API_BASE": "https://x.openai.azure.com/openai/v1/"},
            "https://x.openai.azure.com/openai/v1/chat/completions?api-version=preview",
        ),
    ],
)  # fmt: skip
def test_address_and_version_come_from_the_environment(variables: dict[str, str], url: str) -> None:
    environment = {"AZURE_API_BASE": "https://x.openai.azure.com/", **KEY, **variables}
    at = connect_to("m", deployment(), environment)
    assert at.url == url
    assert at.headers == {"api-key": protocols.KEY}


async def test_a_token_may_stand_for_the_key() -> None:
    use = deployment(headers={"Authorization": Environment("TOKEN")})
    at = connect_to("m", use, {"AZURE_API_BASE": "https://x", "TOKEN": "Bearer abcdefgh"})
    assert at.headers == {"Authorization": "Bearer abcdefgh"}


@pytest.mark.parametrize("missing", ["AZURE_API_BASE", "AZURE_API_KEY"])
async def test_a_missing_variable_is_named(missing: str) -> None:
    environment = {"AZURE_API_BASE": "https://x", **KEY}
    del environment[missing]
    with pytest.raises(MissingEnvironment, match=missing):
        await ask_once(deployment(), None, environment)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_that_the_filter_stops_is_a_refusal(stream: bool) -> None:
    inner = {"code": "ResponsibleAIPolicyViolation"}
    error = {"message": "filtered", "code": "content_filter", "status": 400, "innererror": inner}
    fault = servers.Refuse(status=400, body=json.dumps({"error": error}))
    with servers.chat_server(fault=lambda n, body: fault, speak=protocols.azure) as server:
        answer = answered(await ask_once(deployment(), question(stream=stream), around(server)))
    assert (answer.refused, answer.finish_reason, answer.response) == (True, "content_filter", "")


@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [
        (servers.too_many(None, retry_after_ms="250"), FailureKind.RATE_LIMITED, 0.25),
        (servers.too_many("0", retry_after_ms="-1"), FailureKind.RATE_LIMITED, None),
        (servers.quota_gone(), FailureKind.EXHAUSTED, None),
        (servers.broken(500), FailureKind.TRANSIENT, None),
        (servers.unauthorized(f"Access denied for {protocols.KEY}"), FailureKind.REFUSED_KEY, None),
        (servers.Refuse(status=404, body='{"error": {"code": "404"}}'), FailureKind.REJECTED, None),
    ],
)  # fmt: skip
async def test_each_failure_means_what_is_to_be_done(
    fault: servers.Fault, kind: FailureKind, wait: float | None
) -> None:
    with servers.chat_server(fault=lambda n, body: fault, speak=protocols.azure) as server:
        failure = failed(await ask_once(deployment(), None, around(server)))
    assert (failure.kind, failure.wait_s, len(server.requests)) == (kind, wait, 1)
    assert protocols.KEY not in failure.message
