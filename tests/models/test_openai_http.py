"""A candidate over the OpenAI protocol: what goes over the wire, and what comes of what comes back."""

from __future__ import annotations

import errno
import json
import math
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import anyio
import pytest

import servers
from evalspec.language.candidates import Environment, Hosted, Price
from evalspec.models import posting
from evalspec.models.faults import EvalspecFault, MissingEnvironment, UnusableSetting
from evalspec.models.hosted import HostedModel
from evalspec.models.model import FailureKind, Message, TokenChoice
from models.asking import answered, ask_once, candidate, connect, failed, hosted, question

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret-0123456789"


async def failure_of(fault: servers.Fault, **attributes: object) -> tuple[FailureKind, str, float | None]:
    with servers.chat_server(fault=lambda number, body: fault) as server:
        failure = failed(await ask_once(hosted(server.url, **attributes)))
    assert len(server.requests) == 1, "an adapter asks once"
    return failure.kind, failure.message, failure.wait_s


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (TimeoutError(), FailureKind.TIMEOUT),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), FailureKind.TRANSIENT),
        (aiohttp.ConnectionTimeoutError("no connection"), FailureKind.TRANSIENT),
    ],
)
async def test_only_the_specs_own_limit_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: FailureKind
) -> None:
    async def post(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(aiohttp.ClientSession, "post", post)
    assert failed(await ask_once(hosted("http://h/v1", timeout_ns=10**9))).kind is kind


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


async def test_sends_model_messages_and_parameters_and_nothing_else() -> None:
    request = question("hi", messages=(Message("system", "be brief"), Message("user", "hi")))
    with servers.chat_server(lambda body: "ok") as server:
        await ask_once(hosted(server.url, parameters={"temperature": 0, "top_p": 1}), request)
    assert server.bodies == [
        {
            "model": "gpt-x",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
            "temperature": 0,
            "top_p": 1,
        }
    ]
    assert server.requests[0].path == "/v1/chat/completions"
    assert server.requests[0].headers["Content-Type"] == "application/json"


async def test_a_request_s_parameters_come_before_the_model_s() -> None:
    with servers.chat_server() as server:
        use = hosted(server.url, parameters={"temperature": 0, "seed": 1})
        await ask_once(use, question(parameters={"temperature": 0.7}))
    assert server.bodies[0]["temperature"] == 0.7
    assert server.bodies[0]["seed"] == 1


@pytest.mark.parametrize("ending", ["", "/", "/chat/completions", "/chat/completions/"])
async def test_the_address_may_end_before_or_behind_the_protocol_s_path(ending: str) -> None:
    with servers.chat_server() as server:
        await ask_once(hosted(server.url + ending))
    assert server.requests[0].path == "/v1/chat/completions"


async def test_only_the_prefix_openai_is_taken_off_the_route() -> None:
    with servers.chat_server() as server:
        await ask_once(hosted(server.url, route="Qwen/Qwen3-8B"))
    assert server.bodies[0]["model"] == "Qwen/Qwen3-8B"


async def test_any_text_survives_the_wire() -> None:
    text = "a\x00b\u2028 \U0001f600 \ud800 {{ x }} \r\n"
    with servers.chat_server(lambda body: body["messages"][0]["content"][:-1]) as server:
        answer = answered(await ask_once(hosted(server.url), question(text)))
    assert server.bodies[0]["messages"][0]["content"] == text
    assert answer.response == text[:-1]


# ── keys and headers ──────────────────────────────────────────────────────────────────────────────


async def test_no_default_key_goes_to_an_address_of_one_s_own() -> None:
    with servers.chat_server() as server:
        await ask_once(hosted(server.url), environment={"OPENAI_API_KEY": KEY})
    assert "Authorization" not in server.requests[0].headers
    assert KEY not in str(server.requests[0].headers)


async def test_the_named_key_and_headers_come_from_the_environment() -> None:
    with servers.chat_server() as server:
        use = hosted(
            server.url,
            api_key=Environment("LLM_KEY"),
            headers={"X-Team": "support", "X-Token": Environment("TOKEN")},
        )
        await ask_once(use, environment={"LLM_KEY": KEY + "\n", "TOKEN": "tok-123", "OPENAI_API_KEY": "no"})
    headers = server.requests[0].headers
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["X-Team"] == "support"
    assert headers["X-Token"] == "tok-123"


async def test_a_header_of_one_s_own_takes_the_key_s_place() -> None:
    with servers.chat_server() as server:
        headers = {"authorization": Environment("BASIC")}
        use = hosted(server.url, api_key=Environment("K"), headers=headers)
        await ask_once(use, environment={"K": KEY, "BASIC": "Basic dXNlcjpwdw=="})
    assert server.requests[0].headers["Authorization"] == "Basic dXNlcjpwdw=="


async def test_the_address_may_stand_in_the_environment() -> None:
    with servers.chat_server() as server:
        await ask_once(hosted("", base_url=Environment("LLM_URL")), environment={"LLM_URL": server.url})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("use", "variable"),
    [
        (hosted("http://x/v1", api_key=Environment("LLM_KEY")), "LLM_KEY"),
        (hosted("", base_url=Environment("LLM_URL")), "LLM_URL"),
        (hosted("http://x/v1", headers={"X": Environment("HEADER")}), "HEADER"),
        (Hosted(route="openai/gpt-5-mini", direct=True), "OPENAI_API_KEY"),
    ],
)
async def test_a_missing_variable_is_named_before_anything_is_sent(use: Hosted, variable: str) -> None:
    with pytest.raises(MissingEnvironment) as caught:
        await ask_once(use, environment={"LLM_KEY": " "})
    assert (caught.value.model, caught.value.variable) == ("mini", variable)
    assert isinstance(caught.value, EvalspecFault)


async def test_openai_s_own_address_gets_openai_s_key() -> None:
    use = Hosted(route="openai/gpt-4o-mini", direct=True)
    async with connect(candidate(use), environment={"OPENAI_API_KEY": KEY}) as models:
        model = models["mini"]
        assert isinstance(model, HostedModel)
        assert model.endpoint == "https://api.openai.com/v1/chat/completions"
        assert model.at.headers == {"Authorization": f"Bearer {KEY}"}
        assert KEY not in repr(model)


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "localhost:8000/v1", "http://", "http://u:p@h/v1", "http://h:99999/v1"]
)
async def test_an_unusable_address_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(UnusableSetting) as caught:
        await ask_once(hosted(url))
    assert "mini" in str(caught.value)
    assert "u:p" not in str(caught.value)


async def test_a_key_with_control_characters_is_refused_by_its_name() -> None:
    use = hosted("http://h/v1", api_key=Environment("LLM_KEY"))
    with pytest.raises(UnusableSetting, match="LLM_KEY") as caught:
        await ask_once(use, environment={"LLM_KEY": "abc\r\nX-Evil: 1"})
    assert "abc" not in str(caught.value)


# ── what comes back ───────────────────────────────────────────────────────────────────────────────


async def test_reads_the_answer_with_its_usage_and_cost() -> None:
    reply = servers.Reply(text="billing", input_tokens=1000, output_tokens=10, model="gpt-x-2026-01-01")
    price = Price(input=Decimal("0.15"), output=Decimal("0.60"), per=Decimal(1_000_000))
    with servers.chat_server(lambda body: reply) as server:
        answer = answered(await ask_once(hosted(server.url, price=price)))
    assert answer.response == "billing"
    assert (answer.input_tokens, answer.output_tokens) == (1000, 10)
    assert answer.cost_usd == Decimal("0.000156")
    assert answer.served_model == "gpt-x-2026-01-01"
    assert answer.system_fingerprint == "fp_test"
    assert answer.finish_reason == "stop"
    assert not answer.refused
    assert answer.at is not None
    assert abs(datetime.fromisoformat(answer.at) - datetime.now(UTC)) < timedelta(minutes=5)


async def test_without_usage_or_price_there_is_no_cost() -> None:
    with servers.chat_server(lambda body: servers.Reply(text="x", input_tokens=None)) as server:
        answer = answered(await ask_once(hosted(server.url)))
    assert (answer.input_tokens, answer.output_tokens, answer.cost_usd) == (None, None, None)


async def test_reads_the_alternatives_of_the_first_six_tokens() -> None:
    first = ("bill", [("bill", math.log(0.7)), ("bug", math.log(0.2)), (" bill", -9999.0)])
    reply = servers.Reply(text="billing", tokens=[first, *[("x", [("x", -0.5)])] * 9])
    with servers.chat_server(lambda body: reply) as server:
        answer = answered(await ask_once(hosted(server.url), question(logprobs=True)))
    assert server.bodies[0]["logprobs"] is True
    assert server.bodies[0]["top_logprobs"] == 20
    assert len(answer.tokens) == 6
    assert answer.tokens[0] == TokenChoice("bill", math.log(0.7), tuple(first[1]))


async def test_probabilities_are_not_asked_for_unless_needed() -> None:
    with servers.chat_server() as server:
        answer = answered(await ask_once(hosted(server.url)))
    assert "logprobs" not in server.bodies[0]
    assert answer.tokens == ()


@pytest.mark.parametrize(
    "reply",
    [
        servers.Reply(text=None, refusal="I cannot help with that."),
        servers.Reply(text=None, finish_reason="content_filter"),
        servers.Reply(text="half a sen", finish_reason="content_filter"),
    ],
)
async def test_a_refusal_is_an_answer_marked_as_refused(reply: servers.Reply) -> None:
    with servers.chat_server(lambda body: reply) as server:
        answer = answered(await ask_once(hosted(server.url)))
    assert answer.refused
    assert answer.response == (reply.text or "")


async def test_an_answer_of_nothing_is_empty_text() -> None:
    with servers.chat_server(lambda body: servers.Reply(text=None, finish_reason="length")) as server:
        answer = answered(await ask_once(hosted(server.url)))
    assert (answer.response, answer.refused, answer.finish_reason) == ("", False, "length")


async def test_latency_is_the_time_from_sending_to_the_last_byte() -> None:
    with servers.chat_server(delay=0.2) as server:
        async with connect(candidate(hosted(server.url))) as models:
            begun = time.perf_counter_ns()
            answer = answered(await models["mini"].ask(question()))
            around = time.perf_counter_ns() - begun
    assert answer.latency_ns is not None
    assert 200_000_000 <= answer.latency_ns <= around


async def test_many_requests_are_in_flight_at_once_over_one_session() -> None:
    with servers.chat_server(delay=1.0) as server:
        spec = candidate(hosted(server.url))
        async with connect(spec) as models, anyio.create_task_group() as group:
            for number in range(150):
                group.start_soon(models["mini"].ask, question(str(number)))
    assert len(server.requests) == 150
    assert server.peak > 100, "no limit of the client's own"


# ── failures ──────────────────────────────────────────────────────────────────────────────────────


async def test_too_many_requests_is_rate_limited_with_the_wait_it_asks_for() -> None:
    assert await failure_of(servers.too_many("3")) == (
        FailureKind.RATE_LIMITED,
        "HTTP 429: Rate limit reached",
        3.0,
    )


async def test_a_used_up_quota_stops_the_candidate() -> None:
    kind, message, _ = await failure_of(servers.quota_gone())
    assert kind is FailureKind.EXHAUSTED
    assert kind.stops_candidate
    assert "quota" in message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.REJECTED),
        (401, FailureKind.REFUSED_KEY),
        (402, FailureKind.EXHAUSTED),
        (403, FailureKind.REFUSED_KEY),
        (404, FailureKind.REJECTED),
        (408, FailureKind.TRANSIENT),
        (409, FailureKind.TRANSIENT),
        (413, FailureKind.REJECTED),
        (422, FailureKind.REJECTED),
        (425, FailureKind.TRANSIENT),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.TRANSIENT),
        (502, FailureKind.TRANSIENT),
        (503, FailureKind.TRANSIENT),
        (529, FailureKind.TRANSIENT),
    ],
)
async def test_each_status_means_what_is_to_be_done(status: int, kind: FailureKind) -> None:
    assert (await failure_of(servers.broken(status)))[0] is kind


async def test_an_overloaded_server_that_says_when_to_come_back_is_rate_limited() -> None:
    fault = servers.Refuse(status=503, headers={"Retry-After": "7"})
    kind, _, wait = await failure_of(fault)
    assert (kind, wait) == (FailureKind.RATE_LIMITED, 7.0)


@pytest.mark.parametrize("after", [None, 0, 20])
async def test_a_broken_connection_is_transient(after: int | None) -> None:
    assert (await failure_of(servers.Reset(after)))[0] is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        '{"choices": [{"message": {"content": "tru',
        "[]",
        '"text"',
        "{}",
        '{"choices": []}',
        '{"choices": null}',
        '{"choices": [null]}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": 5}}]}',
        '{"choices": [{"message": {"content": ""}, "finish_reason": "error"}]}',
        '{"error": {"message": "upstream failed", "code": 502}}',
        "[" * 5000,
        b'{"choices": [{"message": {"content": "\\ud8' + b"\xff\xfe",
    ],
)
async def test_a_200_that_is_no_chat_completion_is_transient(body: str | bytes) -> None:
    kind, message, _ = await failure_of(servers.Refuse(status=200, body=body))
    assert kind is FailureKind.TRANSIENT
    assert message.startswith("not a chat completion: ")


async def test_a_200_of_another_content_type_is_transient() -> None:
    page = servers.Refuse(status=200, body="<html>Sign in</html>", content_type="text/html")
    assert (await failure_of(page))[:2] == (
        FailureKind.TRANSIENT,
        "not a chat completion: the content type is text/html",
    )


async def test_a_body_without_end_is_cut_off() -> None:
    huge = json.dumps({"choices": [{"message": {"content": "x" * (33 << 20)}}]})
    kind, message, _ = await failure_of(servers.Refuse(status=200, body=huge))
    assert kind is FailureKind.TRANSIENT
    assert "32 MB" in message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    with servers.chat_server() as elsewhere:
        target = elsewhere.url.replace("127.0.0.1", "localhost") + "/chat/completions?token=abc"
        kind, message, _ = await failure_of(servers.Redirect(target, status))
    assert kind is FailureKind.TRANSIENT
    assert "not followed" in message
    assert "localhost" in message
    assert elsewhere.requests == []


async def test_a_timeout_of_the_spec_is_a_timeout() -> None:
    kind, message, _ = await failure_of(servers.Stall(30), timeout_ns=100_000_000)
    assert kind is FailureKind.TIMEOUT
    assert "0.1 s" in message


async def test_our_own_limit_is_a_transient_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "DEFAULT_LIMIT_S", 0.1)
    assert (await failure_of(servers.Stall(30)))[0] is FailureKind.TRANSIENT


async def test_a_server_that_is_not_there_is_transient() -> None:
    with servers.chat_server() as server:
        url = server.url
    assert failed(await ask_once(hosted(url))).kind is FailureKind.TRANSIENT


async def test_a_candidate_can_be_cancelled_and_asked_again() -> None:
    with servers.chat_server(fault=lambda n, body: servers.Stall(30) if n == 0 else None) as server:
        async with connect(candidate(hosted(server.url))) as models:
            with anyio.move_on_after(0.1) as scope:
                await models["mini"].ask(question())
            assert scope.cancelled_caught
            answered(await models["mini"].ask(question()))


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
async def test_no_failure_message_holds_a_secret(status: int) -> None:
    token = 'tok"en\\with/odd signs'

    def echo(number: int, body: servers.Body) -> servers.Fault:
        told = f"Incorrect API key: {KEY} (Bearer {KEY}), token {token} {json.dumps(token)} {'z' * 500}"
        headers = {"Location": f"http://elsewhere.test/{KEY}"}
        return servers.Refuse(status=status, body=servers.error_body(told), headers=headers)

    with servers.chat_server(fault=echo) as server:
        use = hosted(server.url, api_key=Environment("K"), headers={"X-Token": Environment("T")})
        failure = failed(await ask_once(use, environment={"K": KEY, "T": token}))
    assert server.requests[0].headers["X-Token"] == token
    assert KEY not in failure.message
    assert KEY[3:] not in failure.message
    assert token not in failure.message
    assert json.dumps(token)[1:-1] not in failure.message
    assert len(failure.message) <= 300


async def test_an_echoed_key_is_not_kept_with_the_answer() -> None:
    with servers.chat_server(lambda body: f"your key is {KEY}, billing") as server:
        use = hosted(server.url, api_key=Environment("K"))
        answer = answered(await ask_once(use, environment={"K": KEY}))
    assert answer.response == "your key is [secret], billing"


async def test_control_characters_in_a_failure_are_escaped() -> None:
    body = servers.error_body("\x1b[31mred\x07\u202e\nline")
    _, message, _ = await failure_of(servers.Refuse(status=400, body=body))
    assert message == "HTTP 400: \\x1b[31mred\\x07\\u202e line"


# ── keys of requests ──────────────────────────────────────────────────────────────────────────────


async def test_the_key_is_what_is_asked_and_nothing_else() -> None:
    def use(**attributes: object) -> Hosted:
        return hosted("http://h/v1", **attributes)

    environment = {"A": "one", "B": "two"}
    specs = [
        candidate(use(api_key=Environment("A")), "a"),
        candidate(use(api_key=Environment("B"), headers={"X": "1"}, timeout_ns=5), "b"),
        candidate(use(route="openai/other"), "other_model"),
        candidate(hosted("http://elsewhere/v1"), "elsewhere"),
        candidate(use(parameters={"temperature": 1}), "warm"),
    ]
    async with connect(*specs, environment=environment) as models:
        keys = {name: model.key(question()) for name, model in models.items()}
        same = [
            models["a"].key(question(task="u", step="s", example="e2", columns={"x": 1})),
            models["b"].key(question()),
        ]
        different = [
            models["a"].key(question("else")),
            models["a"].key(question(sample=1)),
            models["a"].key(question(logprobs=True)),
            models["a"].key(question(parameters={"seed": 1})),
            *(keys[name] for name in ("other_model", "elsewhere", "warm")),
        ]
    assert set(same) == {keys["a"]}
    assert len({keys["a"], *different}) == 1 + len(different)
