"""Limits hold at the server: so many in flight, of all, of a provider's models, and so many a second."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import servers
from cli.commands import evalspec
from cli.tickets import model, number_in, queue, spec, write_job


class Gauge:
    """How many requests of each kind are in flight at a server, and were at most."""

    def __init__(self, **kinds: str) -> None:
        self.now: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self._kinds = kinds
        self._lock = threading.Lock()

    def arrive(self, body: servers.Body) -> float:
        kind = self._kinds[body["model"]]
        with self._lock:
            self.now[kind] += 1
            self.peak[kind] = max(self.peak[kind], self.now[kind])
        return 0.02

    def answer(self, body: servers.Body) -> str:
        with self._lock:
            self.now[self._kinds[body["model"]]] -= 1
        return queue(number_in(body))


def test_the_runs_own_limit_and_the_flag_that_narrows_it(tmp_path: Path) -> None:
    with servers.chat_server(lambda body: queue(number_in(body)), delay=0.02) as server:
        models = model(server.url, "one") + model(server.url, "two")
        text = spec(models, blocks="limits { concurrency <= 4 }")
        folder = write_job(tmp_path, 40, text)
        assert evalspec("run", "route.eval", at=folder).code == 0
        assert server.peak == 4
        server.peak = 0
        assert evalspec("run", "route.eval", "-j", "2", "--fresh", at=folder).code == 0
        assert server.peak == 2
        assert len(server.requests) == 160


def test_a_providers_limit_is_shared_by_its_models_and_a_rate_is_kept(tmp_path: Path) -> None:
    gauge = Gauge(one="shared", two="shared", three="alone")
    with servers.chat_server(gauge.answer, delay=gauge.arrive) as server:
        gateway = f'provider gateway {{ base_url = "{server.url}"; concurrency = 3 }}\n'
        shared = "".join(f'model {n} {{ use = "{n}"; provider = gateway }}\n' for n in ("one", "two"))
        limits = "limits { requests(three) <= 50/s }"
        text = spec(gateway + shared + model(server.url, "three"), blocks=limits)
        folder = write_job(tmp_path, 100, text)
        assert evalspec("run", "route.eval", at=folder).code == 0
        arrivals = [a.at_ns / 1e9 for a in server.requests if a.body["model"] == "three"]
    assert gauge.peak["shared"] == 3
    assert gauge.peak["alone"] > 3
    # The bucket holds one second's worth: fifty may go at once, the rest not before its time.
    assert len(arrivals) == 100
    assert arrivals[-1] - arrivals[0] >= 0.7 * (100 - 50) / 50
