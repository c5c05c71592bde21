"""A deployed application: its own body, its own answer, and the failures of all who are asked over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

import servers
from evalspec.language.candidates import Environment, Http
from evalspec.language.prompts import Prompt, Written, read_prompt
from evalspec.models.faults import MissingEnvironment, UnusableSetting
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.text.source import Source, Span
from models.asking import answered, ask_once, candidate, connect, failed, question

pytestmark = pytest.mark.anyio

KEY = "app-key-0123456789"
BODY = '{"question": {{ body | tojson }}, "tags": ["{{ row.lang }}"], "was": {{ first | tojson }}}'
ABOUT: dict[str, Any] = {
    "columns": {"body": 'it "broke"\n{{ 7 * 7 }}', "lang": "en"},
    "earlier": {"first": "a"},
}


def template(text: str) -> Prompt:
    source = Source(name="body.json.jinja", text=text)
    written = Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")
    prompt, faults = read_prompt(written, None, "the example")
    assert prompt is not None, faults
    return prompt


def application(url: str | Environment, body: str = BODY, response: str = "result.text", **more: Any) -> Http:
    return Http(url=url, request=template(body), response=response, **more)


def saying(said: object) -> dict[str, Any]:
    """A server that answers with this, whatever it is asked."""
    return {"fault": lambda number, body: servers.Refuse(status=200, body=json.dumps(said))}


async def reply_to(said: object, response: str) -> Answer | Failure:
    with servers.chat_server(**saying(said)) as server:
        return await ask_once(application(server.url, response=response), question(**ABOUT))


async def test_the_body_is_rendered_once_and_the_answer_found() -> None:
    with servers.chat_server(**saying({"result": {"text": "bug"}})) as server:
        answer = answered(await ask_once(application(server.url + "?v=2"), question(**ABOUT)))
    assert server.bodies == [{"question": ABOUT["columns"]["body"], "tags": ["en"], "was": "a"}]
    assert server.requests[0].path == "/v1?v=2"
    assert (answer.response, answer.input_tokens) == ("bug", None)
    assert answer.latency_ns is not None


@pytest.mark.parametrize(
    ("said", "path", "response"),
    [
        ({"items": [{"text": "a"}, {"text": "b"}]}, "items.1.text", "b"),
        ([["x"]], "0.0", "x"),
        ({"label": 3}, "label", "3"),
        ({"label": True}, "label", "true"),
        ({"label": None}, "label", ""),
        ({"label": {"b": "ü"}}, "label", '{"b": "ü"}'),
        ({"0": "x"}, "0", "x"),
    ],
)
async def test_an_answer_stands_where_the_path_leads(said: object, path: str, response: str) -> None:
    assert answered(await reply_to(said, path)).response == response


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        ({"result": {"txt": "bug"}}, "result.text", "at `result` stands an object with `txt`"),
        ({"items": []}, "items.0", "at `items` stands a list of 0"),
        ([1], "result.text", "in it stands a list of 1"),
        ("bug", "result", "in it stands a single value"),
        ({"items": [1]}, "items.99999999999", "a list of 1"),
    ],
)
async def test_a_path_that_leads_nowhere_is_told_and_not_tried_again(
    said: object, path: str, message: str
) -> None:
    failure = failed(await reply_to(said, path))
    assert failure.kind is FailureKind.REJECTED
    assert failure.message.startswith(f"the answer has nothing at `{path}`")
    assert message in failure.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"q": "{{ body }}"}', "not JSON: write texts as `{{ column | tojson }}`"),
        ('{"q": {{ nothing | tojson }}}', "cannot be rendered"),
        ("{{ body }}", "not JSON"),
    ],
)
async def test_a_body_that_cannot_be_made_is_not_sent(body: str, message: str) -> None:
    with servers.chat_server() as server:
        failure = failed(await ask_once(application(server.url, body), question(**ABOUT)))
    assert (failure.kind, server.requests) == (FailureKind.REJECTED, [])
    assert message in failure.message


async def test_key_and_headers_come_from_the_environment_and_are_never_shown() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault:
        return servers.Refuse(status=400 if number else 200, body=json.dumps({"text": f"you sent {KEY}"}))

    with servers.chat_server(fault=fault) as server:
        use = application(
            Environment("APP"), "{}", "text", api_key=Environment("K"), headers={"X-Org": Environment("ORG")}
        )
        environment = {"APP": server.url, "K": KEY, "ORG": "org-0123456789"}
        answer = answered(await ask_once(use, question(), environment))
        failure = failed(await ask_once(use, question(), environment))
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.requests[0].headers["X-Org"] == "org-0123456789"
    assert KEY not in answer.response + failure.message


@pytest.mark.parametrize("missing", ["APP", "K"])
async def test_a_missing_variable_is_named_before_anything_is_sent(missing: str) -> None:
    environment = {"APP": "http://h", "K": KEY}
    del environment[missing]
    with pytest.raises(MissingEnvironment, match=missing):
        await ask_once(application(Environment("APP"), api_key=Environment("K")), None, environment)


async def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(UnusableSetting) as caught:
        await ask_once(application(Environment("APP")), None, {"APP": "http://u:secret@h/x"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [
        (servers.too_many("2"), FailureKind.RATE_LIMITED, 2.0),
        (servers.broken(500), FailureKind.TRANSIENT, None),
        (servers.unauthorized(), FailureKind.REFUSED_KEY, None),
        (servers.Refuse(status=422, body='{"detail": "no"}'), FailureKind.REJECTED, None),
        (servers.Refuse(status=200, body="<html>", content_type="text/html"), FailureKind.TRANSIENT, None),
        (servers.Refuse(status=200, body='{"resu'), FailureKind.TRANSIENT, None),
        (servers.Redirect("http://127.0.0.1:1/x"), FailureKind.TRANSIENT, None),
        (servers.Reset(), FailureKind.TRANSIENT, None),
        (servers.Reset(after=3), FailureKind.TRANSIENT, None),
        (servers.Drip(0.02), FailureKind.TIMEOUT, None),
    ],
)
async def test_each_failure_means_what_is_to_be_done(
    fault: servers.Fault, kind: FailureKind, wait: float | None
) -> None:
    with servers.chat_server(fault=lambda number, body: fault) as server:
        use = application(server.url, timeout_ns=400_000_000)
        failure = failed(await ask_once(use, question(**ABOUT)))
    assert (failure.kind, failure.wait_s, len(server.requests)) == (kind, wait, 1)


async def test_the_key_is_address_body_path_and_sample() -> None:
    uses = {
        "a": application("http://h/x"),
        "same": application("http://h/x", timeout_ns=5, concurrency=3),
        "elsewhere": application("http://h/y"),
        "asks": application("http://h/x", BODY.replace("tags", "words")),
        "reads": application("http://h/x", response="result"),
        "unsent": application("http://h/x", "{"),
    }
    async with connect(*(candidate(use, name) for name, use in uses.items())) as models:
        keys = {name: model.key(question(**ABOUT)) for name, model in models.items()}
        keys["again"] = models["a"].key(question(**ABOUT, sample=1))
        keys["unsent elsewhere"] = models["unsent"].key(question(**ABOUT, example="e2"))
    assert keys.pop("same") == keys["a"]
    assert len(set(keys.values())) == len(keys)
