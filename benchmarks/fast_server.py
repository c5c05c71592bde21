"""A chat-completions server that is faster than any client: what is measured beside it is the client.

It speaks just enough HTTP/1.1 for clients of the OpenAI protocol (keep-alive, Content-Length), answers any
POST with a small completion, and GET /stats with what it saw. Every limit is off unless it is asked for:

`--delay 0.2` answers after so many seconds; `--slots 8` works on so many at once and lets the rest queue;
`--in-flight 20` and `--per-minute 600` refuse what is beyond them with 429, as hosted providers do;
`--burst 20` is what the minute's bucket holds; `--headers` tells what is left in `x-ratelimit-*`; `--silent`
refuses without saying how long to wait.

It prints its base URL and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import cast

LABELS = ("billing", "bug", "abuse", "other")
JSON = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"


@dataclass(slots=True, kw_only=True)
class Rules:
    """How the server behaves; None is no limit."""

    delay_s: float = 0.0
    slots: int | None = None
    in_flight: int | None = None
    per_minute: float | None = None
    burst: float = 20.0
    headers: bool = False
    silent: bool = False


@dataclass(slots=True, kw_only=True)
class Stats:
    """What the server saw. `queued` holds the longest queue; `waited_s` all the time spent in it."""

    served: int = 0
    refused_busy: int = 0
    refused_rate: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    longest_queue: int = 0
    waited_s: float = 0.0
    first_s: float | None = None
    last_s: float = 0.0
    bodies: int = 0


@dataclass(slots=True)
class Service:
    """The server's state, shared by all its connections."""

    rules: Rules
    stats: Stats = field(default_factory=Stats)
    level: float = 0.0
    filled_s: float = 0.0
    queue: deque[tuple[Connection, bytes, float]] = field(default_factory=deque)
    busy: int = 0

    def take(self, connection: Connection, body: bytes) -> None:
        """Answers at once, later, or with a refusal."""
        now, stats, rules = time.monotonic(), self.stats, self.rules
        stats.first_s = now if stats.first_s is None else stats.first_s
        stats.last_s = now
        if rules.in_flight is not None and stats.in_flight >= rules.in_flight:
            stats.refused_busy += 1
            connection.refuse(b"Too many requests in flight", b"")
        elif rules.per_minute is not None and not self._drawn(now):
            stats.refused_rate += 1
            wait = (1.0 - self.level) * 60.0 / rules.per_minute
            said = b"" if rules.silent else b"Retry-After: %.3f\r\n" % wait
            connection.refuse(b"Too many requests a minute", said)
        else:
            stats.in_flight += 1
            stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
            self._serve(connection, body, now)

    def _drawn(self, now: float) -> bool:
        rules = self.rules
        rate = (rules.per_minute or 0.0) / 60.0
        self.level = min(rules.burst, self.level + (now - self.filled_s) * rate)
        self.filled_s = now
        if self.level < 1.0:
            return False
        self.level -= 1.0
        return True

    def _serve(self, connection: Connection, body: bytes, now: float) -> None:
        if self.rules.slots is not None and self.busy >= self.rules.slots:
            self.queue.append((connection, body, now))
            self.stats.longest_queue = max(self.stats.longest_queue, len(self.queue))
            return
        self.busy += 1
        if self.rules.delay_s > 0:
            asyncio.get_running_loop().call_later(self.rules.delay_s, self._done, connection, body)
        else:
            self._done(connection, body)

    def _done(self, connection: Connection, body: bytes) -> None:
        self.stats.served += 1
        self.stats.in_flight -= 1
        self.busy -= 1
        connection.answer(body, self._told())
        if self.queue:
            waiting, its_body, since = self.queue.popleft()
            self.stats.waited_s += time.monotonic() - since
            self._serve(waiting, its_body, since)

    def _told(self) -> bytes:
        if not self.rules.headers or self.rules.per_minute is None:
            return b""
        reset = (self.rules.burst - self.level) * 60.0 / self.rules.per_minute
        return (
            b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: %d\r\n"
            b"x-ratelimit-reset-requests: %.3fs\r\n" % (self.rules.burst, self.level, reset)
        )


class Connection(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after the other."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.held = b""
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # What create_server gives; uvloop's own is no subclass of it.
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self.held = self.held + data if self.held else data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end]
            size = _length(head)
            if len(self.held) < end + 4 + size:
                return
            body, self.held = self.held[end + 4 : end + 4 + size], self.held[end + 4 + size :]
            if head.startswith(b"GET"):
                self._send(b"200 OK", json.dumps(_shown(self.service.stats)).encode(), b"")
            else:
                self.service.take(self, body)

    def answer(self, body: bytes, headers: bytes) -> None:
        """Says one of the labels, always the same to the same body."""
        said = _COMPLETION % LABELS[zlib.crc32(body) % len(LABELS)].encode()
        self._send(b"200 OK", said, headers)

    def refuse(self, why: bytes, headers: bytes) -> None:
        """Says 429."""
        said = b'{"error": {"message": "%s", "type": "requests", "code": "rate_limit_exceeded"}}' % why
        self._send(b"429 Too Many Requests", said, headers)

    def _send(self, status: bytes, body: bytes, headers: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(JSON % (status, len(body), headers) + body)


_COMPLETION = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fast-1",
        "system_fingerprint": "fp_fast",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "%s", "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42},
    }
).encode()


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def _shown(stats: Stats) -> dict[str, object]:
    return {name: getattr(stats, name) for name in Stats.__dataclass_fields__}


async def serve(rules: Rules) -> None:
    """Serves until standard input ends."""
    service = Service(rules, level=rules.burst, filled_s=time.monotonic())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"http://{host}:{port}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Reads the flags, and serves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--slots", type=int)
    parser.add_argument("--in-flight", type=int)
    parser.add_argument("--per-minute", type=float)
    parser.add_argument("--burst", type=float, default=20.0)
    parser.add_argument("--headers", action="store_true")
    parser.add_argument("--silent", action="store_true")
    given = parser.parse_args()
    rules = Rules(
        delay_s=given.delay,
        slots=given.slots,
        in_flight=given.in_flight,
        per_minute=given.per_minute,
        burst=given.burst,
        headers=given.headers,
        silent=given.silent,
    )
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(rules))
    else:
        uvloop.run(serve(rules))


if __name__ == "__main__":
    main()
