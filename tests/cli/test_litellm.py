"""A candidate that goes through litellm, pointed at a local server by the variables that litellm reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import servers
from cli.commands import Document, Ended, candidate, evalspec, outcomes, results
from cli.tickets import number_in, queue, spec, write_job

COUNT = 12
MODEL = 'model mini { use = "hosted_vllm/mini"; temperature = 0 }'
KEY = "sk-hosted-0123456789"


@dataclass(frozen=True, slots=True)
class Job:
    first: Ended
    document: Document
    arrivals: list[servers.Arrival]
    second: Ended
    seen_again: int


def prepare(folder: Path) -> Job:
    """The commands, run."""

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.too_many("0.1") if number == 2 else None

    with servers.chat_server(lambda body: queue(number_in(body)), fault=fault) as server:
        env = {"HOSTED_VLLM_API_BASE": server.url, "HOSTED_VLLM_API_KEY": KEY}
        write_job(folder, COUNT, spec(MODEL, task="latency { mean <= 0.001ms }"))
        first = evalspec("run", "route.eval", "-o", "r.json", at=folder, env=env)
        arrivals = list(server.requests)
        second = evalspec("run", "route.eval", "-o", "again.json", at=folder, env=env)
        return Job(first, results(folder), arrivals, second, len(server.requests) - len(arrivals))


def test_a_litellm_route_is_asked_and_retried_by_us_alone(job: Job) -> None:
    assert job.first.code == 3, "its latency budget is more than anyone keeps"
    assert outcomes(job.document) == {"answered": COUNT}
    requests = job.document["run"]["requests"]
    told = {"planned": COUNT, "sent": COUNT + 1, "retried": 1, "from_store": 0, "failed": 0}
    assert {name: requests[name] for name in told} == told
    assert len(job.arrivals) == COUNT + 1


def test_its_latencies_are_marked_and_its_calls_capped(job: Job) -> None:
    latency = candidate(job.document, "mini")["latency"]
    assert latency["note"] == "asked through litellm, whose latencies are not reliable"
    assert "n = 12), at the run's own concurrency (asked through litellm" in " ".join(job.first.out.split())


def test_key_and_model_go_where_the_variables_say(job: Job) -> None:
    assert {arrival.headers["Authorization"] for arrival in job.arrivals} == {f"Bearer {KEY}"}
    assert {arrival.body["model"] for arrival in job.arrivals} == {"mini"}
    assert KEY not in job.first.all + job.second.all
    said = [line.partition(" ")[0] for line in job.first.err.splitlines()]
    assert set(said) <= {"mini", "run", "look"}  # progress and ending: litellm says nothing of its own


def test_its_answers_are_kept(job: Job) -> None:
    assert (job.second.code, job.second.out, job.seen_again) == (3, job.first.out, 0)
