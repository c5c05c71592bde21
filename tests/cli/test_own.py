"""A deployed application and a function of one's own in one run, on the command line and from Python."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

import evalspec as package
import servers
from cli.commands import Document, Ended, candidate, evalspec, outcomes, results
from cli.tickets import queue, spec, write_job
from evalspec.models.faults import CodeNotAllowed

COUNT = 16
MODELS = """
model app {{ use = http("{url}/ask", request = file("body.json.jinja"), response = "result.queue") }}
model own {{ use = python("own.py:ask"); timeout = 20s; concurrency = 2 }}
"""
OWN = """
import os, sys
print("this must not be seen")

async def ask(row, prompt, messages, steps):
    print("nor this", file=sys.stderr)
    number = int(row["id"][1:])
    if number == 3:
        raise ValueError("three is too much")
    if number == 4:
        os._exit(1)
    assert prompt.endswith(row["body"]) and messages[0]["role"] == "user" and steps == {}
    return {"response": row["queue"], "confidence": 0.9}
"""


@dataclass(frozen=True, slots=True)
class Job:
    folder: Path
    refused: Ended
    first: Ended
    document: Document
    bodies: list[servers.Body]
    second: Ended
    asked_again: int
    changed: Document
    scored: Ended


def prepare(folder: Path) -> Job:
    """The commands, run."""

    def fault(number: int, body: servers.Body) -> servers.Fault:
        if number == 2:
            return servers.too_many(None, retry_after_ms="20")
        said = {"result": {"queue": queue(int(body["ticket"].split()[2]))}}
        return servers.Refuse(status=200, body=json.dumps(said))

    with servers.chat_server(fault=fault) as server:
        write_job(folder, COUNT, spec(MODELS.format(url=server.url)))
        (folder / "body.json.jinja").write_text('{"ticket": {{ body | tojson }}}\n')
        (folder / "own.py").write_text(OWN)
        refused = evalspec("run", "route.eval", at=folder)
        assert server.requests == []
        first = evalspec("run", "route.eval", "--allow-code", "-o", "r.json", at=folder)
        document, bodies = results(folder), server.bodies
        second = evalspec("run", "route.eval", "--allow-code", at=folder)
        again = len(server.requests) - len(bodies)
        scored = evalspec("score", "last", at=folder)
        (folder / "own.py").write_text(OWN + "\n# another\n")
        evalspec("run", "route.eval", "--allow-code", "-o", "changed.json", at=folder)
        return Job(
            folder, refused, first, document, bodies, second, again, results(folder, "changed.json"), scored
        )


def test_code_is_not_run_unless_that_is_allowed(job: Job) -> None:
    assert (job.refused.code, job.refused.out) == (2, "")
    assert "model `own` runs own.py:ask, which is code of your own: give `--allow-code`" in job.refused.err
    with pytest.raises(CodeNotAllowed):
        package.run(job.folder / "route.eval")


def test_whoever_is_left_out_needs_no_leave(job: Job) -> None:
    ran = evalspec("run", "route.eval", "--models", "app", at=job.folder)
    assert (ran.code, "app" in ran.out) == (0, True)


def test_the_application_is_asked_its_own_question(job: Job) -> None:
    assert outcomes(job.document, "app") == {"answered": COUNT}
    assert len(job.bodies) == COUNT + 1
    assert job.bodies[0].keys() == {"ticket"}


def test_what_goes_wrong_in_the_function_stops_nothing(job: Job) -> None:
    assert outcomes(job.document, "own") == {"answered": COUNT - 2, "error": 2}
    assert "own.py:ask raises ValueError: three is too much" in job.first.err
    assert "own.py:ask: the worker process ended by itself, with exit code 1" in job.first.err
    assert "this must not be seen" not in job.first.all
    assert "nor this" not in job.first.all


def test_its_confidence_counts(job: Job) -> None:
    calibration = candidate(job.document, "own")["metrics"]["overconfidence"]
    assert calibration["value"] is not None


def test_answers_are_kept_until_the_code_changes(job: Job) -> None:
    assert (job.second.out, job.asked_again) == (job.first.out, 0)
    assert job.scored.out == job.first.out
    requests = job.changed["run"]["requests"]
    assert (requests["sent"], requests["from_store"]) == (COUNT, COUNT)
