"""Whether a latency pass tells the truth: a server whose every delay is known, beside what clients say of it.

Two measurements, each beside the server's own log:

* stalls: the server takes so long for a request, works on some at once, and every so often stands still. An
  open loop by `evalspec run` (response time) is held against what people who come at the same moments would
  wait, reckoned from the server's own rules; beside it a closed loop, which does not ask while it waits.
* in flight: so many requests on their way at once, over connections that are open; what the client's times
  have more than the server's own, at the median and at the 95th percentile.

`python benchmarks/latency.py`, with `--rate`, `--seconds`, `--every`, `--stall` and `--delay` for the first,
`--in-flight` for the second. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SPEC = """
dataset tickets {{ source = file("tickets.csv"); id = id; label = queue }}
model mini {{ use = "openai/mini"; base_url = "{url}" }}
task route {{
  data = tickets
  prompt = "Queue? {{{{ labels | join(', ') }}}} {{{{ body }}}}"
  answer = one_of(queue)
  rank = accuracy
  latency {{ p95 <= {bound}s; load = {load}; for = {seconds}s; warmup = {warmup}; else = mark }}
}}
"""
BODY = json.dumps(
    {"id": "1", "object": "chat.completion", "created": 1, "model": "mini",
     "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a"}}],
     "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}}
).encode()  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)


# ── the server ────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Served:
    """What one server does, and its log: when each request had arrived, and when its answer was written."""

    delay_s: float
    every_s: float
    stall_s: float
    began: float = field(default_factory=time.monotonic)
    log: list[tuple[float, float]] = field(default_factory=list)

    def ends(self, arrived: float) -> float:
        """When a request that arrives then is answered: nothing is answered while the server stands still."""
        end = arrived + self.delay_s
        if self.every_s:
            phase = (end - self.began) % self.every_s
            end += max(0.0, self.stall_s - phase)
        return end


class Connection(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after the other."""

    def __init__(self, served: Served) -> None:
        self.served, self.held = served, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.held) < end + 4 + size:
                return
            self.held = self.held[end + 4 + size :]
            now = time.monotonic()
            asyncio.get_running_loop().call_later(self.served.ends(now) - now, self.answer, now)

    def answer(self, arrived: float) -> None:
        self.transport.write(HEAD + BODY)
        self.served.log.append((arrived, time.monotonic()))


async def serve(served: Served) -> None:
    """Serves until standard input ends, then prints the log."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(served), "127.0.0.1", 0, backlog=1024
    )
    host, port = server.sockets[0].getsockname()[:2]
    print(f"http://{host}:{port}/v1", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"log": served.log, "began": served.began}), flush=True)
    server.close()


# ── what is measured ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Told:
    """What `evalspec run` said of a candidate, and what the server logged meanwhile."""

    latency: dict[str, Any]
    log: list[tuple[float, float]]


def told(given: argparse.Namespace, load: str, seconds: float, examples: int, *, stalls: bool) -> Told:
    """One run against a server of its own. The quality run's requests are the log's first ones."""
    stall = ["--every", str(given.every), "--stall", str(given.stall)] if stalls else ["--every", "0"]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(
            [sys.executable, __file__, "--serve", "--delay", str(given.delay), *stall],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as server,
    ):  # fmt: skip
        folder = Path(name)
        url = server.stdout.readline().strip() if server.stdout else ""
        rows = "".join(f"t{i},ticket {i},{'ab'[i % 2]}\n" for i in range(examples))
        (folder / "tickets.csv").write_text("id,body,queue\n" + rows)
        bound = 10 * (given.delay + given.stall)
        spec = SPEC.format(
            url=url, load=load, seconds=f"{seconds:g}", bound=bound, warmup=10 if stalls else 500
        )
        (folder / "s.eval").write_text(spec)
        command = [sys.executable, "-m", "evalspec", "run", "s.eval", "-o", "r.json", "-q"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        subprocess.run(command, cwd=folder, env=environment, check=False, stdout=subprocess.DEVNULL)
        found = json.loads((folder / "r.json").read_text())
        out, _ = server.communicate("")
    latency = found["tasks"]["route"]["candidates"]["mini"]["latency"]
    return Told(latency, json.loads(out)["log"][examples:])


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value with at least that share at or below it."""
    ordered = sorted(values)
    return ordered[max(1, -int(-q * len(ordered) // 1)) - 1]


def line(name: str, values: Sequence[float]) -> str:
    """A row of figures in milliseconds."""
    return f"| {name} | " + " | ".join(f"{1000 * v:.1f}" for v in values) + " |"


QS = (50, 90, 95, 99)


def stalls(given: argparse.Namespace) -> None:
    """The first measurement."""
    rules = f"{1000 * given.delay:g} ms, every {given.every:g} s a stall of {given.stall:g} s"
    print(f"{given.rate:g}/s for {given.seconds:g} s; {rules}. Milliseconds.\n")
    print("| | p50 | p90 | p95 | p99 |\n|---|---|---|---|---|")
    found = told(given, f"{given.rate:g}/s", given.seconds, 50, stalls=True)
    spans = [end - begin for begin, end in sorted(found.log)][-found.latency["requests"]["sent"] :]
    server = [quantile(spans, q / 100) for q in QS]
    print(line("the server's own log, requests by the clock", server))
    client = [found.latency["response"][f"p{q}"]["value"] for q in QS]
    print(line("evalspec, open loop: response time", client))
    print(line("evalspec, open loop: service time", [found.latency["service"][f"p{q}"]["value"] for q in QS]))
    closed = told(given, str(given.closed), given.seconds, 50, stalls=True)
    print(
        line(
            f"closed loop, {given.closed} in flight",
            [closed.latency["service"][f"p{q}"]["value"] for q in QS],
        )
    )
    print(f"\nopen loop against the log at p95: {100 * (client[2] / server[2] - 1):+.2f} %; "
          f"n = {found.latency['requests']['sent']}, {closed.latency['requests']['sent']}; "
          f"withheld: {found.latency.get('withheld')}\n")  # fmt: skip


def in_flight(given: argparse.Namespace) -> None:
    """The second measurement: by the clock, at the rate that keeps so many in flight."""
    rate = given.in_flight / given.delay
    found = told(given, f"{rate:g}/s", given.busy, 200, stalls=False)
    spans = [end - begin for begin, end in sorted(found.log)][-found.latency["requests"]["sent"] :]
    print(f"about {given.in_flight} in flight: {rate:g}/s of {1000 * given.delay:g} ms. Milliseconds.\n")
    print("| | p50 | p90 | p95 | p99 |\n|---|---|---|---|---|")
    server = [quantile(spans, q / 100) for q in QS]
    print(line("the server's own log", server))
    for of in ("service", "response"):
        client = [found.latency[of][f"p{q}"]["value"] for q in QS]
        print(line(f"evalspec: {of} time", client))
        print(line("more, in %", [(c / s - 1) / 10 for c, s in zip(client, server, strict=True)]))
    late = f"the client's own delay at p95 {1000 * found.latency['client_lag_p95_s']:.1f} ms"
    print(f"\nn = {found.latency['requests']['sent']}, {late}, withheld: {found.latency.get('withheld')}")


def main() -> None:
    """Reads the flags, and measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--stall", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--closed", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=128)
    parser.add_argument("--busy", type=float, default=10.0)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(Served(given.delay, given.every, given.stall)))
        return
    stalls(given)
    in_flight(given)


if __name__ == "__main__":
    main()
