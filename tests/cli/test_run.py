"""A run against a server that answers, refuses and breaks off: right results, and nothing asked twice."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

import servers
from cli.commands import Document, Ended, candidate, evalspec, lasting, outcomes, results
from cli.tickets import LABELS, model, queue, spec, times_asked, two_of_three, write_job

COUNT = 60
ROUGH: dict[int, servers.Fault] = {
    3: servers.too_many("0.2"),
    9: servers.Reset(),
    12: servers.Reset(after=20),
    15: servers.broken(500),
    18: servers.Refuse(status=200, body="<html>welcome</html>", content_type="text/html"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """Three commands over one folder, and what the server had seen after each."""

    folder: Path
    run: Ended
    again: Ended
    scored: Ended
    bodies: list[servers.Body]
    seen_again: int

    @property
    def results(self) -> Document:
        return results(self.folder)


def prepare(folder: Path) -> Job:
    """The commands, run."""
    with servers.chat_server(two_of_three, fault=lambda number, body: ROUGH.get(number)) as server:
        write_job(folder, COUNT, spec(model(server.url)))
        run = evalspec("run", "route.eval", "-o", "r.json", "-o", "r.md", "-o", "r.csv", at=folder)
        bodies = server.bodies
        again = evalspec("run", "route.eval", "-o", "again.json", "--format", "line", at=folder)
        scored = evalspec("score", "last~1", "-o", "scored.json", "--format", "json", at=folder)
        return Job(folder, run, again, scored, bodies, len(server.requests) - len(bodies))


def test_it_succeeds_and_finds_what_was_planted(job: Job) -> None:
    assert job.run.code == 0
    found = candidate(job.results)
    assert outcomes(job.results) == {"answered": COUNT}
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(2 / 3)
    truth, answers, counts = (found["confusion"][key] for key in ("truth", "answers", "counts"))
    for number, label in enumerate(LABELS):  # of 15 tickets each, 5 go to the queue that follows
        row = dict(zip(answers, counts[truth.index(label)], strict=True))
        assert {k: n for k, n in row.items() if n} == {label: 10, queue(number + 1): 5}


def test_each_ticket_is_asked_once_and_once_more_where_the_server_misbehaved(job: Job) -> None:
    requests = job.results["run"]["requests"]
    assert requests == {
        "planned": COUNT,
        "sent": COUNT + len(ROUGH),
        "retried": len(ROUGH),
        "from_store": 0,
        "failed": 0,
        "spent_usd": None,
    }
    assert len(job.bodies) == requests["sent"]
    asked = times_asked(job.bodies)
    assert len(asked) == requests["planned"]
    refused = {servers.body_digest(job.bodies[number]) for number in ROUGH}
    assert {key for key, times in asked.items() if times == 2} == refused
    assert max(asked.values()) == 2


def test_the_second_run_asks_nothing_and_finds_the_same(job: Job) -> None:
    again = results(job.folder, "again.json")
    assert job.again.code == 0
    assert job.seen_again == 0
    assert again["run"]["requests"]["from_store"] == COUNT
    assert again["run"]["requests"]["sent"] == 0
    assert lasting(again) == lasting(job.results)
    # What the store holds, it tells in the same words: latencies included.
    assert again["tasks"] == job.results["tasks"]


def test_a_stored_run_scored_again_gives_the_same_and_asks_nothing(job: Job) -> None:
    assert job.scored.code == 0
    assert lasting(results(job.folder, "scored.json")) == lasting(job.results)
    assert results(job.folder, "scored.json")["run"]["id"] == job.results["run"]["id"]
    assert job.scored.out == (job.folder / "scored.json").read_text()


def test_the_table_goes_to_standard_output_and_all_else_to_standard_error(job: Job) -> None:
    assert job.run.out.startswith("route: 60 examples, ranked by accuracy")
    assert "mini" in job.run.out
    assert "66.7 %" in job.run.out
    assert "evalspec" not in job.run.out
    assert "65 asked, 0 from the store" in job.run.err
    assert f"evalspec show {job.results['run']['id']} --wrong" in job.run.err
    assert job.again.out.count("\n") == 1
    assert job.again.out.startswith("route: mini accuracy 66.7 %")
    assert "\x1b" not in job.run.all + job.again.all


def test_files_are_written_by_their_ending(job: Job) -> None:
    page = (job.folder / "r.md").read_text()
    assert page.startswith("## route: 60 examples")
    assert "| mini " in page
    rows = list(csv.DictReader((job.folder / "r.csv").read_text().splitlines()))
    (accuracy,) = [row for row in rows if row["metric"] == "accuracy" and not row["subset"]]
    assert float(accuracy["value"]) == candidate(job.results)["metrics"]["accuracy"]["value"]
    assert not [file for file in job.folder.iterdir() if file.name.startswith(".r.")]


def test_the_record_of_the_run_says_where_its_figures_come_from(job: Job) -> None:
    run = job.results["run"]
    assert run["complete"] is True
    assert run["simulated"] is False
    assert run["spec"] == "route.eval"
    assert set(run["data_sha256"]) == {"tickets"}
    assert run["started_at"] < run["finished_at"]
    assert run["versions"]["evalspec"]
    assert candidate(job.results)["served_models"] == ["mini"]
