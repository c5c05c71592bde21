"""A candidate that goes through litellm, pointed at a local server by the variables that litellm reads."""

from __future__ import annotations

from pathlib import Path

import servers
from cli.commands import evalspec, outcomes, results
from cli.tickets import number_in, queue, spec, write_job

COUNT = 12
KEY = "sk-hosted-0123456789"


def test_a_litellm_route_is_asked_kept_and_scored(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.too_many("0.1") if number == 2 else None

    with servers.chat_server(lambda body: queue(number_in(body)), fault=fault) as server:
        env = {"HOSTED_VLLM_API_BASE": server.url, "HOSTED_VLLM_API_KEY": KEY}
        folder = write_job(tmp_path, COUNT, spec('model mini { use = "hosted_vllm/mini"; temperature = 0 }'))
        first = evalspec("run", "route.eval", "-o", "r.json", at=folder, env=env)
        assert first.code == 0
        assert outcomes(results(folder)) == {"answered": COUNT}
        assert results(folder)["run"]["requests"] == {
            "planned": COUNT,
            "sent": COUNT + 1,
            "retried": 1,
            "from_store": 0,
            "failed": 0,
        }
        assert len(server.requests) == COUNT + 1
        assert {a.headers["Authorization"] for a in server.requests} == {f"Bearer {KEY}"}
        assert {a.body["model"] for a in server.requests} == {"mini"}
        second = evalspec("run", "route.eval", at=folder, env=env)
        assert (second.code, second.out) == (0, first.out)
        assert len(server.requests) == COUNT + 1
    assert KEY not in first.all + second.all
    assert first.err.startswith("run ")  # litellm says nothing of its own
