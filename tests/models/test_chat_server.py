"""The test server counts what it is asked and misbehaves in the ways it says."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import servers

ASK: servers.Body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def post(url: str, body: servers.Body = ASK, timeout: float = 10) -> tuple[int, dict[str, str], bytes]:
    place = urlsplit(url)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=timeout)
    try:
        connection.request("POST", place.path + "/chat/completions", json.dumps(body))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_answers_a_chat_completion_and_counts_it() -> None:
    with servers.chat_server(lambda body: "billing") as server:
        status, _, data = post(server.url)
        post(server.url, {**ASK, "model": "other"})
        post(server.url)
    assert status == 200
    assert json.loads(data)["choices"][0]["message"]["content"] == "billing"
    assert json.loads(data)["usage"]["prompt_tokens"] == 7
    assert [body["model"] for body in server.bodies] == ["m", "other", "m"]
    assert server.count(ASK) == 2
    assert server.answered == 3
    assert server.requests[0].at_ns <= server.requests[1].at_ns


def test_gives_token_probabilities_only_when_asked() -> None:
    reply = servers.Reply(text="yes", tokens=[("yes", [("yes", -0.1), ("no", -2.3)])])
    with servers.chat_server(lambda body: reply) as server:
        plain = json.loads(post(server.url)[2])
        asked = json.loads(post(server.url, {**ASK, "logprobs": True, "top_logprobs": 20})[2])
    assert plain["choices"][0]["logprobs"] is None
    assert [t["token"] for t in asked["choices"][0]["logprobs"]["content"][0]["top_logprobs"]] == [
        "yes",
        "no",
    ]


def test_refuses_with_headers_then_answers() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.too_many("3", x_ratelimit_reset_requests="1s") if number == 0 else None

    with servers.chat_server(fault=fault) as server:
        status, headers, _ = post(server.url)
        assert status == 429
        assert headers["Retry-After"] == "3"
        assert headers["x-ratelimit-reset-requests"] == "1s"
        assert post(server.url)[0] == 200


def test_breaks_the_connection_before_and_amid_the_body() -> None:
    with (
        servers.chat_server(fault=lambda number, body: servers.Reset(None if number == 0 else 10)) as server,
    ):
        with pytest.raises(ConnectionResetError):
            post(server.url)
        with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
            post(server.url)
    assert server.count(ASK) == 2
    assert server.answered == 0


def test_stalls_until_the_client_gives_up() -> None:
    with (
        servers.chat_server(fault=lambda number, body: servers.Stall(60)) as server,
        pytest.raises(TimeoutError),
    ):
        post(server.url, timeout=0.2)
    assert server.count(ASK) == 1


def test_redirects_elsewhere() -> None:
    with servers.chat_server(fault=lambda number, body: servers.Redirect("http://elsewhere.test/")) as server:
        status, headers, _ = post(server.url)
    assert (status, headers["Location"]) == (307, "http://elsewhere.test/")


def test_as_a_process_it_answers_by_the_prompt_and_writes_its_counts(tmp_path: Path) -> None:
    counts = tmp_path / "counts.jsonl"
    with servers.server_process(counts, labels=["a", "b"], refuse_every=3) as url:
        answers = [post(url), post(url), post(url)]
        assert servers.read_counts(counts) == {servers.body_digest(ASK): 3}
    assert [status for status, _, _ in answers] == [200, 200, 429]
    said = json.loads(answers[0][2])["choices"][0]["message"]["content"]
    assert said == servers.decide(ASK, ["a", "b"])


def test_counts_requests_in_flight_at_once() -> None:
    with servers.chat_server(delay=lambda body: 0.05) as server:
        started = time.perf_counter_ns()
        post(server.url)
        assert server.requests[0].at_ns > started
    assert (server.peak, server.in_flight) == (1, 0)
