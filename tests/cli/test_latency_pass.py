"""Latency passes over real sockets: what is sent, when, to whom, and what is left when they are broken off.

What was due and sent is read from what the run keeps; what arrived, from the server. No time is asserted
but those that must hold on any machine: nothing is sent before it is due.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import servers
from cli.commands import Document, candidate, ended, evalspec, outcomes, results, started, wait_until
from cli.tickets import model, number_in, queue, spec, write_job
from evalspec.recording import kept_passes
from evalspec.run.under_load import Fate, Passed
from evalspec.store.store import Store

COUNT = 8
LOAD = "load = 20/s; for = 2s; warmup = 5"


def right(body: servers.Body) -> str:
    return queue(number_in(body))


def latency(bounds: str, load: str = LOAD) -> str:
    return f"latency {{ {bounds}; {load}; else = mark }}"


def passes(folder: Path) -> dict[str, Passed]:
    """What the last run keeps of its latency pass, by candidate."""
    with Store.open(folder / ".evalspec", readonly=True) as store:
        found = kept_passes(store, str(store.find_run("last")["id"]))
    return {name: passed for (_, name), passed in found.items()}


def told(folder: Path, name: str = "mini") -> Document:
    """A candidate's latency in the results."""
    found: Document = candidate(results(folder), name)["latency"]
    return found


def test_every_request_is_sent_when_it_is_due_whatever_is_outstanding(tmp_path: Path) -> None:
    """The server takes longer than the whole load lasts, so that all of it is outstanding at once, which
    `concurrency` does not hold back; every example is asked in turn."""

    def delay(body: servers.Body) -> float:
        return 3.0 if len(server.requests) > 2 * COUNT else 0.0

    with servers.chat_server(right, delay=delay) as server:
        models = model(server.url) + model(server.url, "maxi")
        text = spec(models, task=latency("p95 <= 60s"), blocks="limits { concurrency <= 1 }")
        folder = write_job(tmp_path, COUNT, text)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        mini, maxi = passes(folder)["mini"], passes(folder)["maxi"]
        assert "latency pass of route: 2 candidates in turn at 20/s" in ran.err
        assert len(server.requests) == 2 * COUNT + len(mini.samples) + len(maxi.samples)
        assert server.peak >= len(mini.samples)
    assert {s.fate for s in (*mini.samples, *maxi.samples)} == {Fate.ANSWERED}
    assert all(s.due_ns <= (s.admitted_ns or 0) <= (s.sent_ns or 0) <= (s.last_ns or 0) for s in mini.samples)
    assert sum(s.warmup for s in mini.samples) == 5
    asked = Counter(s.example for s in mini.samples)
    assert len(asked) == COUNT
    assert max(asked.values()) - min(asked.values()) <= 1
    gaps = [
        [b - a for a, b in pairwise(dues)]
        for dues in (sorted(s.due_ns for s in passed.samples) for passed in (mini, maxi))
    ]
    assert gaps[0] == gaps[1]
    # One candidate after the other, never both at once: in this short pass, one block each.
    assert max(s.due_ns for s in mini.samples) < min(s.due_ns for s in maxi.samples)
    assert told(folder)["response"]["p50"]["n"] == len(mini.samples) - 5
    # Every request goes out in the recorded form, which reads none of them as an answer.
    exported = evalspec("export", "last", "--latency", "-o", "samples.jsonl", at=folder)
    assert exported.code == 0, exported.err
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    assert [r["model"] for r in rows] == ["mini"] * len(mini.samples) + ["maxi"] * len(maxi.samples)
    assert all(r["due_at"] <= r["sent_at"] for r in rows)
    (folder / "again.eval").write_text(spec('model mini { use = recorded("samples.jsonl") }'))
    read = evalspec("check", "again.eval", "--format", "json", at=folder)
    assert f"{len(mini.samples)} of latency passes" in read.all
    # Asked again from what is kept, everything is told alike, and nothing is sent.
    before = results(folder)
    again = evalspec("score", "last", "-o", "s.json", at=folder)
    assert again.code == 0, again.err
    assert results(folder, "s.json")["tasks"] == before["tasks"]


def test_nothing_is_asked_twice_and_failures_are_counted(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.broken() if number >= COUNT and number % 4 == 0 else None

    with servers.chat_server(right, fault=fault) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url), task=latency("p50 <= 60s; errors <= 1%")))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        samples = passes(folder)["mini"].samples
        assert len(server.requests) == COUNT + len(samples)
    failed = sum(s.fate is Fate.FAILED for s in samples if not s.warmup)
    p50, errors = candidate(results(folder))["budgets"]
    assert told(folder)["requests"]["failed"] == failed > 0
    assert (p50["verdict"], errors["verdict"]) == ("within", "over")
    assert errors["value"] == pytest.approx(failed / (len(samples) - 5))
    assert outcomes(results(folder)) == {"answered": COUNT}
    assert results(folder)["run"]["requests"]["sent"] == COUNT


def test_what_takes_longer_than_the_timeout_is_a_miss(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Stall(600) if number >= COUNT else None

    with servers.chat_server(right, fault=fault) as server:
        text = spec(model(server.url, more="timeout = 500ms"), task=latency("p50 <= 60s"))
        folder = write_job(tmp_path, COUNT, text)
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
    assert {s.fate for s in passes(folder)["mini"].samples} == {Fate.TIMED_OUT}
    assert candidate(results(folder))["budgets"][0]["verdict"] == "over"
    assert told(folder)["response"]["p50"]["value"] is None


def test_a_load_in_flight_keeps_so_many_in_flight(tmp_path: Path) -> None:
    with servers.chat_server(right, delay=0.02) as server:
        text = spec(
            model(server.url),
            task=latency("p95 <= 60s", "load = 3; for = 1s"),
            blocks="limits { concurrency <= 1 }",
        )
        folder = write_job(tmp_path, COUNT, text)
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert server.peak == 3
    found = told(folder)
    assert (found["measured"], found["load"], found["requests"]["warmup"]) == (
        "closed_loop",
        "3 in flight",
        10,
    )
    assert "response" not in found


def test_first_tokens_are_timed_where_answers_are_streamed(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url), task=latency("p50(first_token) <= 60s")))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
    assert candidate(results(folder))["budgets"][0]["verdict"] == "within"
    found = told(folder)
    assert 0 < found["first_token"]["p50"]["value"] <= found["response"]["max"]["value"]


def test_without_a_load_first_tokens_are_those_of_the_run(tmp_path: Path) -> None:
    """Its requests are streamed, and nothing else is asked; without the budget they come in one piece."""
    with servers.chat_server(right) as server:
        task = "latency { p50(first_token) <= 60s; p99(first_token) <= 1us; else = mark }"
        folder = write_job(tmp_path, COUNT, spec(model(server.url), task=task))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        assert len(server.requests) == COUNT
        assert all(body["stream"] for body in server.bodies)
        (folder / "whole.eval").write_text(spec(model(server.url), task="latency { p50 <= 60s }"))
        assert evalspec("run", "whole.eval", "-o", "w.json", at=folder).code == 0
        assert not any(body.get("stream") for body in server.bodies[COUNT:])
    found = told(folder)
    assert found["measured"] == "under_run"
    assert 0 < found["first_token"]["p50"]["value"] <= found["service"]["max"]["value"]
    near, far = candidate(results(folder))["budgets"]
    assert (near["verdict"], near["n"]) == ("within", COUNT)
    assert far["verdict"] == "over"
    assert "p99(first_token) <= 1us is over for mini" in " ".join(ran.out.split())
    assert "at the run's own concurrency" in ran.out
    whole = results(folder, "w.json")["tasks"]["route"]["candidates"]["mini"]["latency"]
    assert whole["first_token"] is None


def test_ctrl_c_keeps_what_was_measured_and_marks_it(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        text = spec(model(server.url), task=latency("p95 <= 60s", "load = 20/s; for = 600s; warmup = 1"))
        folder = write_job(tmp_path, COUNT, text)
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: len(server.requests) > COUNT + 20)
            process.send_signal(signal.SIGINT)
            ran = ended(process)
        assert ran.code == 130, ran.err
        assert "The latency pass of mini was broken off" in " ".join(ran.out.split())
        passed = passes(folder)["mini"]
        assert passed.partial
        assert len(server.requests) == COUNT + len(passed.samples)
    assert told(folder)["partial"] is True
    assert told(folder)["requests"]["sent"] >= 19


def test_the_second_ctrl_c_drops_what_is_in_flight(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Stall(600) if number > COUNT + 10 else None

    with servers.chat_server(right, fault=fault) as server:
        text = spec(model(server.url), task=latency("p95 <= 60s", "load = 20/s; for = 600s; warmup = 1"))
        folder = write_job(tmp_path, COUNT, text)
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: len(server.requests) > COUNT + 20)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while "stopping" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            ran = ended(process)
        assert ran.code == 130, ran.err
    fates = Counter(s.fate for s in passes(folder)["mini"].samples)
    assert set(fates) == {Fate.ANSWERED, Fate.DROPPED}
    assert told(folder)["partial"] is True


def test_a_measuring_process_that_is_killed_costs_the_verdict_and_nothing_else(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        text = spec(model(server.url), task=latency("p50 <= 60s", "load = 20/s; for = 600s; warmup = 1"))
        folder = write_job(tmp_path, COUNT, text)
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: len(server.requests) > COUNT + 40)
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGKILL)
            ran = ended(process)
    assert ran.code == 0, ran.err
    assert outcomes(results(folder)) == {"answered": COUNT}
    (budget,) = candidate(results(folder))["budgets"]
    assert (budget["verdict"], budget["why"]) == (
        "not_enough_data",
        "the measuring process ended before its time",
    )
    assert told(folder)["partial"] is True


def test_no_verdict_is_given_where_the_measuring_process_was_held_up(tmp_path: Path) -> None:
    """The process stands still for most of the pass, while the server goes on: what was due in that time is
    taken up late, and however good the figures are, nothing is decided by them."""
    with servers.chat_server(right) as server:
        text = spec(model(server.url), task=latency("p50 <= 10s; errors <= 5%", "load = 40/s; for = 3s"))
        folder = write_job(tmp_path, COUNT, text)
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: len(server.requests) > COUNT + 15)
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGSTOP)
            time.sleep(2.5)
            os.kill(int(child), signal.SIGCONT)
            ran = ended(process)
    assert ran.code == 0, ran.err
    p50, errors = candidate(results(folder))["budgets"]
    assert p50["verdict"] == "not_enough_data"
    assert "the measuring process itself was" in p50["why"]
    assert "too busy to measure with" in p50["why"]
    assert errors["verdict"] == "within"  # failures are counted all the same
    assert told(folder)["client_lag_p95_s"] > 0.5
    assert "No verdict on the latency of mini" in " ".join(ran.out.split())


PRICE = "max_tokens = 4; price { input = $1; output = $2; per = 1 }"  # 13 dollars a request, 80 at worst


@pytest.mark.parametrize(("cap", "measured"), [(1500, False), (100_000, True)])
def test_a_pass_counts_under_a_cap_on_spending(tmp_path: Path, cap: int, measured: bool) -> None:
    with servers.chat_server(right) as server:
        text = spec(
            model(server.url, more=PRICE),
            task=latency("p50 <= 60s"),
            blocks=f"limits {{ spend <= ${cap} }}",
        )
        folder = write_job(tmp_path, COUNT, text)
        evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert (len(server.requests) > COUNT) == measured
        spent = results(folder)["run"]["spend_usd"]
        assert spent == 13 * server.answered <= cap
    (budget,) = candidate(results(folder))["budgets"]
    assert (budget["verdict"] == "within") == measured
    assert measured or "its latency was not measured: the money is spent" in budget["why"]


def test_applications_and_functions_bear_a_load_too(tmp_path: Path) -> None:
    def application(arrival: servers.Arrival, said: Any) -> servers.Body:
        return {"queue": queue(int(str(arrival.body["text"]).split()[2]))}

    with servers.chat_server(lambda body: "", speak=application) as server:
        used = f'http("{server.url}", request = file("body.jinja"), response = "queue")'
        models = f'model own {{ use = {used} }}\nmodel mine {{ use = python("own.py:ask") }}\n'
        folder = write_job(tmp_path, COUNT, spec(models, task=latency("p95 <= 60s")))
        (folder / "body.jinja").write_text('{"text": {{ body | tojson }}}')
        (folder / "own.py").write_text("def ask(row, prompt, messages, steps):\n    return row['queue']\n")
        ran = evalspec("run", "route.eval", "-o", "r.json", "--allow-code", at=folder)
        assert ran.code == 0, ran.err
    for name in ("own", "mine"):
        found = told(folder, name)
        assert found["measured"] == "open_loop"
        assert found["requests"]["failed"] == 0, json.dumps(found)
