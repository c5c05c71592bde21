"""Several samples of a question over a real server: what is asked, kept, continued and shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import servers
from cli.commands import candidate, evalspec, lasting, outcomes, results
from cli.tickets import model, number_in, queue, spec, write_job, wrong_queue

BASE = """
dataset learn {
  label = queue
  | body | queue |
  | hello | bug |
  | hi | bug |
}
model base { use = baseline("majority", train = learn) }
"""


def varying() -> Callable[[servers.Body], str]:
    """Of each ticket the answers go right, wrong, right, wrong, …; every fourth is always right."""
    times: Counter[int] = Counter()

    def reply(body: servers.Body) -> str:
        number = number_in(body)
        times[number] += 1
        return queue(number) if times[number] % 2 or number % 4 == 0 else wrong_queue(number)

    return reply


def test_each_sample_is_asked_kept_and_scored(tmp_path: Path) -> None:
    with servers.chat_server(varying()) as server:
        text = spec(model(server.url) + BASE, task="samples = 3; report = [consistency, pass@3, pass^3]")
        write_job(tmp_path, 8, text)
        planned = evalspec("plan", "route.eval", at=tmp_path)
        assert " 24 " in planned.out, planned.all
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        assert ran.code == 0, ran.err
        assert len(server.bodies) == 24
        assert set(Counter(map(servers.body_digest, server.bodies)).values()) == {3}
        again = evalspec("run", "route.eval", "-o", "again.json", at=tmp_path)
        assert len(server.bodies) == 24, again.err
    found = results(tmp_path)
    mini = candidate(found)
    assert (mini["samples"], candidate(found, "base")["samples"]) == (3, 1)
    assert outcomes(found) == {"answered": 24}
    assert outcomes(found, "base") == {"answered": 8}
    value = {name: figures["value"] for name, figures in mini["metrics"].items()}
    assert value["accuracy"] == (2 * 3 + 6 * 2) / 24
    assert value["consistency"] == (2 * 1 + 6 / 3) / 8
    assert (value["pass@3"], value["pass^3"]) == (1, 2 / 8)
    assert candidate(found, "base")["metrics"]["consistency"]["value"] == 1
    assert candidate(found, "base")["metrics"]["pass@3"]["value"] == 2 / 8
    assert "consistency" in ran.out
    assert lasting(found) == lasting(results(tmp_path, "again.json"))


def test_samples_added_later_are_the_only_ones_asked(tmp_path: Path) -> None:
    with servers.chat_server(varying()) as server:
        for samples, asked in ((2, 16), (5, 40), (3, 40)):
            write_job(tmp_path, 8, spec(model(server.url), task=f"samples = {samples}"))
            ran = evalspec("run", "route.eval", at=tmp_path)
            assert ran.code == 0, ran.err
            assert len(server.bodies) == asked


def test_what_an_interrupted_run_has_asked_is_not_asked_again(tmp_path: Path) -> None:
    def closed(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.unauthorized() if number == 10 else None

    with servers.chat_server(varying(), fault=closed) as server:
        write_job(tmp_path, 8, spec(model(server.url, more="concurrency = 1"), task="samples = 3"))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        assert ran.code == 4
        assert outcomes(results(tmp_path)) == {"answered": 10, "not_asked": 14}
        before = len(server.bodies)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        assert ran.code == 0, ran.err
        assert (before, len(server.bodies)) == (11, 25)
    assert outcomes(results(tmp_path)) == {"answered": 24}


def test_a_failed_sample_is_remembered_as_that_sample(tmp_path: Path) -> None:
    def fails_once(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Refuse(status=400) if number == 4 else None

    with servers.chat_server(lambda body: queue(number_in(body)), fault=fails_once) as server:
        write_job(tmp_path, 4, spec(model(server.url, more="concurrency = 1"), task="samples = 3"))
        evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        found = results(tmp_path)
        assert outcomes(found) == {"answered": 11, "error": 1}
        assert candidate(found)["metrics"]["accuracy"]["n"] == 4
        again = evalspec("run", "route.eval", "-o", "s.json", at=tmp_path)
        assert len(server.bodies) == 12, again.err
        assert outcomes(results(tmp_path, "s.json")) == {"answered": 11, "error": 1}
        evalspec("run", "route.eval", "-o", "t.json", "--retry-errors", at=tmp_path)
        assert outcomes(results(tmp_path, "t.json")) == {"answered": 12}


def test_votes_ask_as_many_and_are_as_sure_as_they_agree(tmp_path: Path) -> None:
    with servers.chat_server(varying()) as server:
        write_job(tmp_path, 8, spec(model(server.url), task="confidence = votes(5)"))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        assert ran.code == 0, ran.err
        assert len(server.bodies) == 40
    mini = candidate(results(tmp_path))
    assert mini["metrics"]["accuracy"]["value"] == 1
    assert mini["metrics"]["mean_confidence"]["value"] == (2 * 1 + 6 * 3 / 5) / 8
    assert mini["confidence"] == {"source": "votes", "n": 8, "missing": 0}


def test_each_sample_is_shown(tmp_path: Path) -> None:
    with servers.chat_server(varying()) as server:
        write_job(tmp_path, 4, spec(model(server.url, more="concurrency = 1"), task="samples = 2"))
        evalspec("run", "route.eval", at=tmp_path)
    shown = evalspec("show", "last", "-n", "4", at=tmp_path).out
    assert "mini, sample 1 of 2: bug (right" in shown
    assert "mini, sample 2 of 2: abuse (WRONG" in shown
    wrong = evalspec("show", "last", "--wrong", at=tmp_path).out
    assert "ticket number 1 of many" in wrong
    assert "ticket number 0 of many" not in wrong
