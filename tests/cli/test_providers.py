"""Providers that refuse, run dry, reject or are down: the others finish, and it is said what to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import servers
from cli.commands import Document, Ended, candidate, evalspec, lasting, outcomes, results
from cli.tickets import model, number_in, queue, spec, write_job

COUNT = 40
KEY = "sk-refused-0123456789"
LONG = 5  # the ticket that is too long for the picky one


def fault(number: int, body: servers.Body) -> servers.Fault | None:
    match body["model"]:
        case "locked":
            return servers.unauthorized(f"Incorrect API key provided: {KEY}")
        case "broke":
            return servers.quota_gone()
        case "picky" if number_in(body) == LONG:
            return servers.Refuse(status=400, body=servers.error_body("maximum context length exceeded"))
        case "down":  # with a short wait, so that it is soon known to be down
            return servers.Refuse(status=503, body="", headers={"retry-after-ms": "20"})
        case "moody" if number_in(body) == LONG:
            return servers.Refuse(status=500, body="", headers={"retry-after-ms": "1"})
    return None


@dataclass(frozen=True, slots=True)
class Job:
    ended: Ended
    document: Document
    asked: Counter[str]
    scored: Ended
    rescored: Document
    unset: Ended
    retried: Ended
    asked_again: int
    shown: Ended


def prepare(folder: Path) -> Job:
    """The commands, run."""
    with servers.chat_server(lambda body: queue(number_in(body)), fault=fault, delay=0.01) as server:
        models = [model(server.url, name) for name in ("mini", "broke", "picky", "down", "moody")]
        models.append(model(server.url, "locked", 'api_key = env("LOCKED_KEY")'))
        write_job(folder, COUNT, spec("".join(models)))
        unset = evalspec("run", "route.eval", at=folder)
        assert server.requests == []
        (folder / "keys.env").write_text(f"# keys\nexport LOCKED_KEY='{KEY}'\n")
        ended = evalspec("run", "route.eval", "--env-file", "keys.env", "-o", "r.json", at=folder)
        document, asked = results(folder), Counter(body["model"] for body in server.bodies)
        scored = evalspec("score", "last", "-o", "scored.json", at=folder)
        flags = ["--models", "picky", "--retry-errors", "-o", "picky.json"]
        retried = evalspec("run", "route.eval", *flags, at=folder)
        again = results(folder, "picky.json")["run"]["requests"]["sent"]
        shown = evalspec("show", "last~1", "--candidate", "moody", "-n", "40", at=folder)
        return Job(
            ended, document, asked, scored, results(folder, "scored.json"), unset, retried, again, shown
        )


def test_the_run_is_incomplete_and_the_others_are_finished(job: Job) -> None:
    assert job.ended.code == 4
    assert "PARTIAL" in job.ended.out
    assert outcomes(job.document, "mini") == {"answered": COUNT}
    assert candidate(job.document, "mini")["rank"] == 1
    assert candidate(job.document, "mini")["metrics"]["accuracy"]["value"] == 1
    assert "`evalspec run route.eval --env-file keys.env -o r.json` continues" in job.ended.err


def test_a_refused_key_stops_its_candidate_and_the_variable_is_named(job: Job) -> None:
    assert outcomes(job.document, "locked") == {"not_asked": COUNT}
    assert 1 <= job.asked["locked"] <= 20
    (line,) = [line for line in job.ended.err.splitlines() if line.startswith("error: locked")]
    assert line.startswith(
        "error: locked is not asked any more: HTTP 401: Incorrect API key provided: [secret]"
    )
    assert "LOCKED_KEY" in line
    assert KEY not in job.ended.all


def test_an_exhausted_quota_stops_its_candidate(job: Job) -> None:
    assert outcomes(job.document, "broke") == {"not_asked": COUNT}
    assert 1 <= job.asked["broke"] <= 20
    assert "error: broke is not asked any more: HTTP 429: You exceeded your current quota" in job.ended.err


def test_a_rejected_request_is_an_error_that_is_kept(job: Job) -> None:
    assert outcomes(job.document, "picky") == {"answered": COUNT - 1, "error": 1}
    assert job.asked["picky"] == COUNT
    assert "warning: picky: 1 request failed: HTTP 400: maximum context length exceeded" in job.ended.err
    assert candidate(job.document, "picky")["metrics"]["accuracy"]["n"] == COUNT - 1


def test_a_rejected_request_is_asked_again_where_that_is_wanted(job: Job) -> None:
    assert job.asked_again == 1
    assert job.retried.code == 3  # one of forty without an answer is more than 2 %


def test_a_provider_that_is_down_is_given_up(job: Job) -> None:
    found = outcomes(job.document, "down")
    assert found["error"] + found["not_asked"] == COUNT
    assert found["not_asked"] > 0
    assert job.asked["down"] < 8 * 30  # twenty at once, each eight times, and what began before it was clear
    assert "error: down is not asked any more: HTTP 503" in job.ended.err


def test_one_request_that_always_fails_leaves_its_candidate_alone(job: Job) -> None:
    assert outcomes(job.document, "moody") == {"answered": COUNT - 1, "error": 1}
    assert job.asked["moody"] == COUNT - 1 + 12  # the others were answered meanwhile
    assert "warning: moody: 1 request failed: HTTP 500" in job.ended.err
    assert job.shown.out.count("failed: HTTP 500") == 1


def test_the_stored_run_is_scored_as_incomplete_as_it_is(job: Job) -> None:
    assert job.scored.code == 4
    assert job.scored.out == job.ended.out
    assert lasting(job.rescored) == lasting(job.document)


def test_without_its_variable_a_candidate_stops_the_run_before_anything_is_sent(job: Job) -> None:
    assert job.unset.code == 4
    assert job.unset.out == ""
    assert job.unset.err == (
        "error: model `locked` needs the environment variable LOCKED_KEY, which is not set\n"
    )
