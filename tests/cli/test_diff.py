"""Two runs held against each other: on the examples both have, after whatever changed in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import servers
from cli.commands import Document, evalspec, lasting, results
from cli.tickets import model, number_in, queue, spec, times_asked, write_job, wrong_queue

COUNT = 120


@dataclass(slots=True)
class Office:
    """A server whose candidates change over time: who is wrong how often, and under which model's name."""

    url: str = ""
    wrong: dict[str, int] = field(default_factory=dict)  # every how many-th answer is wrong
    served: str | None = None
    fingerprint: str = "fp_1"
    slow: frozenset[str] = frozenset()

    def delay(self, body: servers.Body) -> float:
        return 0.06 if body["model"] in self.slow else 0.0

    def reply(self, body: servers.Body) -> servers.Reply:
        number, every = number_in(body), self.wrong.get(body["model"], 0)
        text = wrong_queue(number) if every and number % every == 0 else queue(number)
        return servers.Reply(text=text, model=self.served, system_fingerprint=self.fingerprint)


@pytest.fixture(name="office")
def an_office() -> Iterator[Office]:
    office = Office()
    with servers.chat_server(office.reply, delay=office.delay) as server:
        office.url = server.url
        yield office


def job(folder: Path, office: Office) -> Path:
    return write_job(folder, COUNT, spec(model(office.url) + model(office.url, "maxi")))


def compared(folder: Path, *runs: str, code: int) -> Document:
    ended = evalspec("diff", *(runs or ("last~1", "last")), "--format", "json", at=folder)
    assert ended.code == code, ended.err
    found: Document = json.loads(ended.out)
    return found


def test_a_scheduled_run_and_a_diff_watch_for_drift(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    office.served = "mini-2026-01-01"
    assert evalspec("run", "route.eval", "-o", "a.json", at=folder).code == 0
    office.wrong, office.served = {"mini": 4}, "mini-2026-03-01"
    assert evalspec("run", "route.eval", "--fresh", "-o", "b.json", at=folder).code == 0
    found = compared(folder, code=3)
    assert found["regression"] is True
    moved = found["tasks"]["route"]["candidates"]["mini"]
    assert moved["change"] == "worse"
    accuracy = moved["metrics"]["accuracy"]
    assert (accuracy["before"], accuracy["after"], accuracy["n"]) == (1.0, 0.75, COUNT)
    assert accuracy["difference"]["low"] < -0.25 < accuracy["difference"]["high"] < 0
    assert accuracy["p_adjusted"] < 1e-6
    assert found["tasks"]["route"]["candidates"]["maxi"]["change"] == "no difference found"
    assert moved["served_models"] == {"before": ["mini-2026-01-01"], "after": ["mini-2026-03-01"]}
    told = evalspec("diff", "last~1", "last", at=folder)
    assert told.code == 3
    assert "mini: the served model changed: mini-2026-01-01 -> mini-2026-03-01" in told.out
    assert "worse" in told.out
    assert max(map(len, told.out.splitlines())) <= 100
    # The other way round it is no regression.
    assert compared(folder, "last", "last~1", code=0)["regression"] is False
    # Each run is still what it was, though its answers were asked again.
    for name, file in (("last~1", "a.json"), ("last", "b.json")):
        assert evalspec("score", name, "-o", "again.json", at=folder).code == 0
        assert lasting(results(folder, "again.json")) == lasting(results(folder, file))


def test_latency_is_compared_in_pairs_and_is_no_regression(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    assert evalspec("run", "route.eval", "-j", "4", at=folder).code == 0
    office.slow = frozenset({"mini"})
    assert evalspec("run", "route.eval", "-j", "4", "--fresh", at=folder).code == 0
    latency = compared(folder, code=0)["tasks"]["route"]["candidates"]["mini"]["latency"]
    assert latency["change"] == "slower"
    assert latency["n"] == COUNT
    assert 1 < latency["ratio"]["low"] < latency["ratio"]["value"] < latency["ratio"]["high"]
    assert latency["p50"]["before"] < 0.06 <= latency["p50"]["after"] <= latency["p95"]["after"]
    told = evalspec("diff", "last~1", "last", at=folder)
    assert "mini: slower, " in told.out
    assert "; p50 " in told.out
    assert "no evidence of change in" not in told.out


def test_another_system_behind_the_same_name_is_told(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    assert evalspec("run", "route.eval", "--models", "mini", at=folder).code == 0
    office.fingerprint = "fp_2"
    assert evalspec("run", "route.eval", "--models", "mini", "--fresh", at=folder).code == 0
    moved = compared(folder, code=0)["tasks"]["route"]["candidates"]["mini"]
    assert moved["system_fingerprints"] == {"before": ["fp_1"], "after": ["fp_2"]}
    told = evalspec("diff", "last~1", "last", at=folder).out
    assert "mini: the system behind it changed: fingerprint fp_1 -> fp_2" in told


def test_ranks_and_verdicts_that_changed_are_told(tmp_path: Path, office: Office) -> None:
    required = "require { accuracy >= 0.9 }"
    folder = write_job(tmp_path, COUNT, spec(model(office.url) + model(office.url, "maxi"), task=required))
    office.wrong = {"maxi": 5}
    evalspec("run", "route.eval", at=folder)
    office.wrong = {"mini": 2}
    evalspec("run", "route.eval", "--fresh", at=folder)
    found = compared(folder, code=3)["tasks"]["route"]["candidates"]
    before, after = found["mini"]["judged"]["before"], found["mini"]["judged"]["after"]
    assert (before["rank"], before["viable"], after["rank"], after["viable"]) == (1, True, None, False)
    assert list(before["verdicts"].values()) == ["met"]
    assert list(after["verdicts"].values()) == ["not_met"]
    told = " ".join(evalspec("diff", "last~1", "last", at=folder).out.split())
    assert "mini: viable before, and out now: " in told
    assert "was met, and is not met" in told
    assert "maxi: viable now, and out before: " in told


def test_a_changed_prompt_is_no_obstacle_and_is_told(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    assert evalspec("run", "route.eval", "-o", "a.json", at=folder).code == 0
    text = (folder / "route.eval").read_text()
    (folder / "route.eval").write_text(text.replace("Queue?", "Which queue?"))
    office.wrong = {"maxi": 3}
    assert evalspec("run", "route.eval", "-o", "b.json", at=folder).code == 0
    assert evalspec("score", "last~1", at=folder).code == 1
    found = compared(folder, "a.json", "b.json", code=3)
    assert any("the spec changed in between" in note for note in found["notes"])
    assert found["tasks"]["route"]["candidates"]["maxi"]["change"] == "worse"


def test_only_what_both_runs_have_is_compared(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    assert evalspec("run", "route.eval", "-n", "40", "--models", "mini", at=folder).code == 0
    office.wrong = {"mini": 2}
    assert evalspec("run", "route.eval", "--fresh", at=folder).code == 0
    found = compared(folder, code=3)["tasks"]["route"]
    assert found["examples"] == 40
    assert found["candidates"]["mini"]["metrics"]["accuracy"]["n"] == 40
    assert found["only_after"] == ["maxi"]


def test_equal_runs_differ_in_nothing_and_subsets_are_told(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    text = (folder / "route.eval").read_text()
    subset = 'subset bills of tickets { where = queue == "billing" }\n'
    (folder / "route.eval").write_text(text.replace("task route", subset + "task route"))
    for _ in range(2):
        assert evalspec("run", "route.eval", at=folder).code == 0
    found = compared(folder, code=0)
    moved = found["tasks"]["route"]["candidates"]["mini"]
    assert moved["metrics"]["accuracy"]["difference"]["value"] == 0
    assert moved["metrics"]["accuracy"]["p_value"] == 1
    assert moved["subsets"]["bills"]["n"] == COUNT // 4
    assert (moved["latency"]["ratio"]["value"], moved["latency"]["p_value"]) == (1, 1)
    assert found["notes"] == []
    told = evalspec("diff", "last~1", "last", at=folder).out
    assert "no evidence of change in quality, cost or latency; every rank and verdict is the same" in told


@pytest.mark.parametrize("runs", [("last", "last~9"), ("nobody", "last"), ("x.json", "last"), ("last",)])
def test_a_run_that_is_not_there_is_a_usage_error(
    tmp_path: Path, office: Office, runs: tuple[str, ...]
) -> None:
    folder = job(tmp_path, office)
    assert evalspec("run", "route.eval", "-n", "4", at=folder).code == 0
    ended = evalspec("diff", *runs, at=folder)
    assert (ended.code, ended.out) == (2, "")


def test_runs_are_listed(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    empty = evalspec("runs", at=folder)
    assert (empty.code, empty.out) == (0, "")
    assert "no run is kept here yet" in empty.err
    assert evalspec("run", "route.eval", "--models", "mini", "-n", "8", at=folder).code == 0
    assert evalspec("run", "route.eval", at=folder).code == 0
    told = json.loads(evalspec("runs", "--format", "json", at=folder).out)["runs"]
    assert [(run["asked"], run["from_store"], run["complete"]) for run in told] == [
        (2 * COUNT - 8, 8, True), (8, 0, True)
    ]  # fmt: skip
    assert told[1]["first"] == {"route": "mini"}
    text = evalspec("runs", "-n", "1", at=folder).out
    assert told[0]["id"] in text
    assert told[1]["id"] not in text
    assert evalspec("show", told[0]["id"], "-n", "1", at=folder).code == 0


def test_older_answers_are_asked_again_and_others_not(tmp_path: Path, office: Office) -> None:
    with servers.chat_server(office.reply) as server:
        folder = write_job(tmp_path, 10, spec(model(server.url)))
        assert evalspec("run", "route.eval", at=folder).code == 0
        assert evalspec("run", "route.eval", "--max-age", "1h", at=folder).code == 0
        assert set(times_asked(server.bodies).values()) == {1}
        assert evalspec("run", "route.eval", "--max-age", "0min", at=folder).code == 0
        assert set(times_asked(server.bodies).values()) == {2}


def test_a_name_that_stands_for_a_dated_one_is_told(tmp_path: Path, office: Office) -> None:
    folder = job(tmp_path, office)
    office.served = "mini-2026-03-01"
    ran = evalspec("run", "route.eval", "--models", "mini", at=folder)
    assert "note: mini: `mini` is served by `mini-2026-03-01` today; name that one" in ran.err
    assert "served by" not in evalspec("run", "route.eval", "--models", "mini", "-q", at=folder).err
