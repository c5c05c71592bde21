"""Chains in a latency pass: an arrival asks its steps one after the other, from the answers it really has."""

from __future__ import annotations

import os
import signal
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import servers
from cli.commands import Document, candidate, ended, evalspec, lasting, results, started, wait_until
from cli.test_latency_pass import passes
from cli.tickets import model, number_in, queue, write_tickets
from evalspec.run.under_load import Fate

COUNT = 8
STEP_S = 0.03
SPEC = """
dataset tickets {{ source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }}
{models}
{blocks}
chain route {{
  data = tickets
  step look {{ prompt = "LOOK at {{{{ body }}}}"; answer = text }}
  step pick {{ prompt = "PICK {{{{ look }}}} for {{{{ body }}}}"; answer = one_of(queue){when} }}
  answer_of = pick
  rank = end_to_end
  latency {{ {bounds}; {load}; else = mark }}
}}
"""
LOAD = "load = 20/s; for = 2s; warmup = 5"


def look(body: servers.Body) -> bool:
    return servers.prompt_of(body).startswith("LOOK")


def right(body: servers.Body) -> str:
    """What a look says is known to the server alone, so that who picks must have read it."""
    number = number_in(body)
    if look(body):
        return f"seen {number}"
    assert servers.prompt_of(body).startswith(f"PICK seen {number} for")
    return queue(number)


def job(folder: Path, url: str, bounds: str, *, load: str = LOAD, when: str = "", blocks: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    write_tickets(folder, COUNT)
    models = model(url, more="timeout = 1s; max_tokens = 4; price { input = $1; output = $2; per = 1 }")
    text = SPEC.format(models=models, bounds=bounds, load=load, when=when, blocks=blocks)
    (folder / "route.eval").write_text(text)
    return folder


def told(folder: Path) -> Document:
    found: Document = candidate(results(folder))["latency"]
    return found


def test_an_arrival_asks_one_step_after_the_other_and_is_timed_from_when_it_was_due(tmp_path: Path) -> None:
    with servers.chat_server(right, delay=lambda body: STEP_S) as server:
        bounds = "p50 <= 60s; p50(look) <= 60s; p50(pick) <= 1ms; p50(first_token) <= 60s"
        folder = job(tmp_path, server.url, bounds)
        planned = evalspec("plan", "route.eval", at=folder)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        assert evalspec("score", "last", "-o", "s.json", at=folder).code == 0
        samples = passes(folder)["mini"].samples
        asked_in_the_run = len(server.bodies) - 2 * len(samples)
    assert asked_in_the_run == COUNT * 2  # given gold, nothing else is asked: `look` has none
    assert "at most" in planned.out
    assert {s.fate for s in samples} == {Fate.ANSWERED}
    assert all([leg.step for leg in s.legs] == ["look", "pick"] for s in samples)
    for s in samples:
        first, last = s.legs
        times = [s.due_ns, s.admitted_ns, first.sent_ns, first.first_ns, first.last_ns]
        times += [last.sent_ns, last.first_ns, last.last_ns]
        assert all(a is not None and b is not None and a <= b for a, b in pairwise(times)), times
        assert (s.sent_ns, s.first_ns, s.last_ns) == (first.sent_ns, last.first_ns, last.last_ns)
    assert max(Counter(s.example for s in samples).values()) - len(samples) // COUNT <= 1
    found = told(folder)
    assert found["measured"] == "open_loop"
    assert found["response"]["p50"]["value"] >= 2 * STEP_S
    assert found["first_token"]["p50"]["value"] >= STEP_S
    assert STEP_S <= found["steps"]["pick"]["p50"]["value"] < found["response"]["p50"]["value"]
    assert found["steps"]["look"]["p50"]["n"] == len(samples) - 5
    assert [b["verdict"] for b in candidate(results(folder))["budgets"]] == [
        "within",
        "within",
        "over",
        "within",
    ]
    assert "Of its steps mini answers 95 % of when they were sent: look within" in " ".join(ran.out.split())
    assert lasting(results(folder, "s.json")) == lasting(results(folder))
    assert candidate(results(folder, "s.json"))["latency"] == found


def test_in_flight_a_chain_is_one_thing_after_the_other_too(tmp_path: Path) -> None:
    with servers.chat_server(right, delay=lambda body: STEP_S) as server:
        folder = job(tmp_path, server.url, "p95 <= 60s", load="load = 3; for = 1s; warmup = 3")
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
    found = told(folder)
    assert found["measured"] == "closed_loop"
    assert found["service"]["p50"]["value"] >= 2 * STEP_S
    assert set(found["steps"]) == {"look", "pick"}


def test_a_step_that_fails_or_runs_out_of_its_time_ends_its_chain(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        if len(server.bodies) <= 2 * COUNT or look(body):
            return None
        return (
            servers.Stall(600) if number_in(body) == 1 else servers.broken() if number_in(body) == 2 else None
        )

    with servers.chat_server(right, fault=fault) as server:
        folder = job(tmp_path, server.url, "p50 <= 60s; errors <= 50%; p99(pick) <= 60s")
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        samples = passes(folder)["mini"].samples
    fates = {s.example: {x.fate for x in samples if x.example == s.example} for s in samples}
    assert fates["t1"] == {Fate.TIMED_OUT}
    assert fates["t2"] == {Fate.FAILED}
    assert set().union(*(f for name, f in fates.items() if name not in ("t1", "t2"))) == {Fate.ANSWERED}
    assert [leg.fate for leg in next(s for s in samples if s.example == "t1").legs] == [
        Fate.ANSWERED,
        Fate.TIMED_OUT,
    ]
    counted = [s for s in samples if not s.warmup]
    missed = sum(s.example == "t1" for s in counted)
    assert told(folder)["requests"]["timed_out"] == missed > 0
    assert told(folder)["steps"]["look"]["max"]["value"] < 1
    assert told(folder)["steps"]["pick"]["max"]["value"] is None  # beyond the timeout
    answered = sum(leg.fate is Fate.ANSWERED for s in samples for leg in s.legs)
    spent = results(folder)["run"]["requests"]["spent_usd"]
    assert spent == 13 * (2 * COUNT + answered)  # what a chain that failed has had of answers is paid as well


def test_a_step_that_does_not_run_has_no_time(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        folder = job(
            tmp_path, server.url, "p50 <= 60s; p50(pick) <= 60s", when='; when = look contains "seen 3"'
        )
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        samples = passes(folder)["mini"].samples
    assert all(len(s.legs) == (2 if s.example == "t3" else 1) for s in samples)
    whole, pick = candidate(results(folder))["budgets"]
    assert pick["n"] == sum(s.example == "t3" for s in samples if not s.warmup) < whole["n"]


def test_under_a_cap_on_spending_a_chain_is_not_measured(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        folder = job(tmp_path, server.url, "p50 <= 60s", blocks="limits { spend <= $100000 }")
        evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert len(server.bodies) == 2 * COUNT
    (budget,) = candidate(results(folder))["budgets"]
    assert budget["verdict"] == "not_enough_data"
    assert budget["why"].startswith("under a cap on spending a chain is not measured")


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_lets_chains_come_to_their_end_and_the_second_drops_them(tmp_path: Path, times: int) -> None:
    with servers.chat_server(right, delay=lambda body: 0.3) as server:
        folder = job(tmp_path, server.url, "p50 <= 60s", load="load = 20/s; for = 600s; warmup = 1")
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: len(server.bodies) > 2 * COUNT + 50)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while "stopping" not in process.stderr.readline():
                pass
            if times == 2:
                process.send_signal(signal.SIGINT)
            ran = ended(process)
        assert ran.code == 130, ran.err
        passed = passes(folder)["mini"]
    assert passed.partial
    fates = {s.fate for s in passed.samples}
    assert fates == ({Fate.ANSWERED} if times == 1 else {Fate.ANSWERED, Fate.DROPPED})
    assert all(len(s.legs) == 2 for s in passed.samples if s.fate is Fate.ANSWERED)


def test_a_parent_that_holds_up_the_steps_of_a_chain_costs_the_verdict(tmp_path: Path) -> None:
    """Between two steps it is our own side that reads and renders: where that takes long, nobody decides."""
    with servers.chat_server(right) as server:
        folder = job(tmp_path, server.url, "p50 <= 10s", load="load = 40/s; for = 3s; warmup = 1")
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: len(server.bodies) > 2 * COUNT + 20)
            os.kill(process.pid, signal.SIGSTOP)
            wait_until(lambda: sum(map(look, server.bodies)) > COUNT + 100)  # the other one goes on
            os.kill(process.pid, signal.SIGCONT)
            ran = ended(process)
    assert ran.code == 0, ran.err
    (budget,) = candidate(results(folder))["budgets"]
    assert budget["verdict"] == "not_enough_data"
    assert "the measuring process itself was" in budget["why"]
