"""Candidates of three vendors in one run, each in its vendor's protocol, pointed here by the environment."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import protocols
import servers
from cli.commands import Document, Ended, candidate, evalspec, outcomes, results
from cli.tickets import queue, spec, write_job

COUNT = 12
MODELS = """
model claude { use = "anthropic/claude-haiku-4-5"; temperature = 0; max_tokens = 20 }
model gemini { use = "gemini/gemini-2.5-flash"; temperature = 0; seed = 7 }
model azure { use = "azure/mine"; temperature = 0 }
"""


@dataclass(frozen=True, slots=True)
class Job:
    first: Ended
    document: Document
    seen: dict[str, list[servers.Arrival]]
    second: Ended
    unset: Ended
    scored: Ended


def text_of(body: servers.Body) -> str:
    """All that was asked, in whatever protocol."""
    messages: list[dict[str, Any]] = body.get("messages") or body["contents"]
    return "\n".join(str(m.get("content") or m["parts"][0]["text"]) for m in messages)


def right(body: servers.Body) -> servers.Reply:
    number = int(text_of(body).partition("ticket number ")[2].split()[0])
    return servers.Reply(text=queue(number), input_tokens=100, output_tokens=2)


def prepare(folder: Path) -> Job:
    """The commands, run."""
    speaking = {"claude": protocols.anthropic, "gemini": protocols.gemini, "azure": protocols.azure}

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Refuse(status=529, headers={"retry-after-ms": "20"}) if number == 2 else None

    with ExitStack() as stack:
        at = {
            name: stack.enter_context(servers.chat_server(right, fault=fault, speak=speak))
            for name, speak in speaking.items()
        }
        env = {
            "ANTHROPIC_BASE_URL": at["claude"].url.removesuffix("/v1"),
            "GOOGLE_GEMINI_BASE_URL": at["gemini"].url.removesuffix("/v1"),
            "AZURE_API_BASE": at["azure"].url.removesuffix("/v1"),
        }
        keys = {f"{vendor}_API_KEY": protocols.KEY for vendor in ("ANTHROPIC", "GEMINI", "AZURE")}
        write_job(folder, COUNT, spec(MODELS))
        unset = evalspec("run", "route.eval", at=folder, env=env)
        first = evalspec("run", "route.eval", "-o", "r.json", at=folder, env={**env, **keys})
        seen = {name: list(server.requests) for name, server in at.items()}
        second = evalspec("run", "route.eval", at=folder, env={**env, **keys})
        assert {name: len(server.requests) for name, server in at.items()} == {
            name: len(arrivals) for name, arrivals in seen.items()
        }
        scored = evalspec("score", "last", at=folder, env=env)
        return Job(first, results(folder), seen, second, unset, scored)


def test_all_are_asked_and_faults_retried(job: Job) -> None:
    assert job.first.code == 0, job.first.all
    assert {name: outcomes(job.document, name) for name in job.seen} == {
        name: {"answered": COUNT} for name in job.seen
    }
    assert {name: len(arrivals) for name, arrivals in job.seen.items()} == dict.fromkeys(job.seen, COUNT + 1)
    assert job.document["run"]["requests"]["retried"] == 3


def test_usage_and_cost_are_told(job: Job) -> None:
    usage = candidate(job.document, "claude")["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (100 * COUNT, 2 * COUNT)
    assert round(usage["cost_usd"], 9) == round(COUNT * (100 * 1 + 2 * 5) / 1e6, 9)


def test_their_latencies_are_those_of_the_run(job: Job) -> None:
    latency = candidate(job.document, "gemini")["latency"]
    assert latency["measured"] == "under_run"
    assert latency["service"]["p50"]["value"] > 0


def test_answers_are_kept_and_found_again(job: Job) -> None:
    assert (job.second.code, job.second.out) == (0, job.first.out)
    assert (job.scored.code, job.scored.out) == (0, job.first.out)


def test_no_key_is_shown_or_kept(job: Job) -> None:
    assert protocols.KEY not in job.first.all + job.second.all + job.scored.all


def test_a_key_that_is_missing_is_named(job: Job) -> None:
    assert job.unset.code == 4
    assert "ANTHROPIC_API_KEY" in job.unset.err
