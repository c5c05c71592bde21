"""A third of all replies are faults of every kind, and the results are those of a server without any."""

from __future__ import annotations

from pathlib import Path

import pytest

import servers
from evalspec.language.candidates import Environment
from evalspec.run.execute import Settings
from evalspec.run.retry import Patience
from evalspec.store.store import Store
from models.asking import candidate, connect, hosted
from run.questions import ask_all, jobs

pytestmark = pytest.mark.anyio

FAULTS: tuple[servers.Fault, ...] = (
    servers.too_many("0.02"),
    servers.too_many(None),
    servers.too_many(None, x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="20ms"),
    servers.broken(500),
    servers.broken(503),
    servers.Reset(),
    servers.Reset(after=40),
    servers.Stall(0.1),
    servers.Stall(30),
    servers.Drip(0.02),
    servers.Refuse(status=200, body='{"choices": [{"mess'),
    servers.Refuse(status=200, body="not JSON"),
    servers.Refuse(status=200, body="<html>", content_type="text/html"),
    servers.Refuse(status=200, body='{"choices": []}'),
    servers.Refuse(status=200, body=b"x" * (33 << 20)),
)


TIMEOUT_NS = 400_000_000
KEY = "sk-chaos-0123456789"


def echo(body: servers.Body) -> str:
    return f"re: {servers.prompt_of(body)}"


async def test_the_results_equal_those_of_a_faultless_run_and_every_attempt_is_counted(
    tmp_path: Path,
) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        faults = [*FAULTS, *moved]
        return faults[number // 3 % len(faults)] if number % 3 == 2 else None

    patience = Patience(attempts=100, first_wait_s=0.001, longest_wait_s=0.01)
    with servers.chat_server(echo) as elsewhere, servers.chat_server(echo, fault=fault) as server:
        moved = [servers.Redirect(elsewhere.url, status) for status in (302, 307, 308)]
        use = hosted(server.url, timeout_ns=TIMEOUT_NS, api_key=Environment("KEY"))
        async with connect(candidate(use, "m"), environment={"KEY": KEY}) as models:
            with Store.open(tmp_path / "s") as store:
                work = {"m": jobs("m", range(120))}
                outcome = await ask_all(work, models, store, settings=Settings(patience=patience))
                again = await ask_all({"m": jobs("m", range(120))}, models, store)
    assert sorted(outcome.texts()) == sorted(again.texts()) == sorted(f"re: question {n}" for n in range(120))
    assert outcome.counts["sent"] == len(server.requests)
    assert outcome.counts["retried"] == len(server.requests) - 120
    assert again.counts["from_store"] == 120
    assert elsewhere.requests == []  # where a redirect leads, neither a question nor the key went
