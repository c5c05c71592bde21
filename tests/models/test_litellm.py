"""A candidate behind litellm, against a real server."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import anyio
import pytest

import servers
from evalspec.language.candidates import Environment, Hosted
from evalspec.models.faults import MissingEnvironment
from evalspec.models.litellm import ALL_OF_LITELLM, LitellmModel
from evalspec.models.model import FailureKind
from models.asking import answered, ask_once, candidate, connect, failed, question

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret-0123456789"


def behind(url: str, **attributes: Any) -> Hosted:
    return Hosted(**{"route": "hosted_vllm/m", "direct": False, "base_url": url, **attributes})


@pytest.mark.parametrize("route", ["hosted_vllm/m", "openai/m"])
async def test_asks_and_reads_like_the_direct_way(route: str) -> None:
    token = ("yes", [("yes", math.log(0.9)), ("no", math.log(0.1))])
    with servers.chat_server(lambda body: servers.Reply(text="yes", tokens=[token])) as server:
        use = behind(server.url, route=route, parameters={"temperature": 0})
        answer = answered(await ask_once(use, question("hi", logprobs=True)))
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 20,
        }
    ]
    assert (answer.response, answer.input_tokens, answer.output_tokens) == ("yes", 7, 3)
    assert answer.tokens[0].alternatives == (("yes", math.log(0.9)), ("no", math.log(0.1)))
    assert answer.system_fingerprint == "fp_test"
    assert answer.latency_ns is not None
    assert answer.latency_ns > 0


async def test_a_refusal_is_marked() -> None:
    reply = servers.Reply(text=None, refusal="I cannot.")
    with servers.chat_server(lambda body: reply) as server:
        assert answered(await ask_once(behind(server.url))).refused


@pytest.mark.parametrize("route", ["hosted_vllm/m", "openai/m"])
async def test_the_named_key_is_sent_and_no_other(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", KEY)
    with servers.chat_server() as server:
        named = behind(
            server.url, route=route, api_key=Environment("MINE"), headers={"X-A": Environment("A")}
        )
        answered(await ask_once(named, environment={"MINE": "my-own-key", "A": "header-a"}))
        answered(await ask_once(behind(server.url, route=route), environment={"OPENAI_API_KEY": KEY}))
    assert server.requests[0].headers["Authorization"] == "Bearer my-own-key"
    assert server.requests[0].headers["X-A"] == "header-a"
    assert KEY not in str(server.requests[1].headers)


@pytest.mark.parametrize("route", ["hosted_vllm/m", "openai/m"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (servers.too_many("2"), FailureKind.RATE_LIMITED),
        (servers.quota_gone(), FailureKind.EXHAUSTED),
        (servers.broken(500), FailureKind.TRANSIENT),
        (servers.broken(503), FailureKind.TRANSIENT),
        (servers.unauthorized(f"bad key {KEY}"), FailureKind.REFUSED_KEY),
        (servers.Refuse(status=400, body=servers.error_body(f"no: {KEY}")), FailureKind.REJECTED),
        (servers.Refuse(status=404, body=servers.error_body("no such model")), FailureKind.REJECTED),
        (servers.Refuse(status=200, body='{"choices": []}'), FailureKind.TRANSIENT),
        (servers.Refuse(status=200, body='{"cho'), FailureKind.TRANSIENT),
        (servers.Reset(), FailureKind.TRANSIENT),
    ],
)
async def test_each_failure_means_what_is_to_be_done(
    route: str, fault: servers.Fault, kind: FailureKind
) -> None:
    with servers.chat_server(fault=lambda number, body: fault) as server:
        use = behind(server.url, route=route, api_key=Environment("K"))
        failure = failed(await ask_once(use, environment={"K": KEY}))
    assert failure.kind is kind
    assert KEY not in failure.message
    assert len(failure.message) <= 300
    assert failure.wait_s == (2.0 if kind is FailureKind.RATE_LIMITED else None)
    if not isinstance(fault, servers.Reset):  # litellm opens a new connection once, by itself
        assert len(server.requests) == 1


async def test_a_timeout_of_the_spec_is_a_timeout() -> None:
    with servers.chat_server(fault=lambda n, body: servers.Stall(30) if n else None) as server:
        answered(await ask_once(behind(server.url)))  # the first call is slow: litellm loads more
        failure = failed(await ask_once(behind(server.url, timeout_ns=500_000_000)))
    assert failure.kind is FailureKind.TIMEOUT


async def test_a_route_that_litellm_does_not_know_is_rejected() -> None:
    use = Hosted(route="no_such_provider/m", direct=False)
    assert failed(await ask_once(use)).kind is FailureKind.REJECTED


async def test_a_missing_variable_is_named_before_anything_is_sent() -> None:
    for use in (behind("", base_url=Environment("URL")), behind("http://h", api_key=Environment("KEY"))):
        with pytest.raises(MissingEnvironment):
            await ask_once(use)


async def test_the_key_is_what_is_asked_and_nothing_else() -> None:
    specs = [
        candidate(behind("http://h/v1"), "a"),
        candidate(behind("http://h/v1", api_key=Environment("K"), timeout_ns=5), "same"),
        candidate(behind("http://i/v1"), "elsewhere"),
        candidate(behind("http://h/v1", parameters={"seed": 1}), "seeded"),
        candidate(Hosted(route="mistral/mistral-small", direct=False), "small"),
    ]
    async with connect(*specs, environment={"K": KEY}) as models:
        keys = {name: model.key(question()) for name, model in models.items()}
        capped = models["a"]
        assert isinstance(capped, LitellmModel)
        assert capped.cap == ALL_OF_LITELLM == (16, "litellm")
        assert models["small"].endpoint == "litellm:mistral"
        assert capped.endpoint == "http://h/v1"
        assert capped.key(question(sample=1)) != keys["a"]
    assert keys["a"] == keys["same"]
    assert len(set(keys.values())) == len(keys) - 1


async def test_several_calls_at_once() -> None:
    with servers.chat_server(lambda body: str(body["messages"][0]["content"]), delay=0.05) as server:
        said: list[str] = []
        async with connect(candidate(behind(server.url))) as models:

            async def ask(text: str) -> None:
                said.append(answered(await models["mini"].ask(question(text))).response)

            async with anyio.create_task_group() as group:
                for number in range(16):
                    group.start_soon(ask, str(number))
    assert sorted(said, key=int) == [str(number) for number in range(16)]


def test_nothing_costly_is_loaded_before_the_first_question() -> None:
    program = "import evalspec.models.connect, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    costly = {"litellm", "aiohttp", "sklearn", "numpy", "httpx", "openai"}
    assert not costly & set(loaded.split())
