"""A real OpenAI-compatible server for tests: sockets, counts, and every way in which a server misbehaves.

In a test: `with chat_server(lambda body: "billing") as server: …`, then `server.url`, `server.requests`,
`server.count(body)`. From outside (for tests that kill the client): `with server_process(counts=file)`, or
`python tests/servers.py --port 0 --delay 0.05 --counts FILE --labels a,b`, which prints its URL.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

Body = dict[str, Any]


# ── what the server answers ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A proper answer. `tokens`: each token with its alternatives as (token, ln p), itself first;
    `calls`: the tools that are called, each with its arguments as JSON."""

    text: str | None
    input_tokens: int | None = 7
    output_tokens: int | None = 3
    cached: int | None = None
    model: str | None = None  # default: the model that was asked for
    system_fingerprint: str | None = "fp_test"
    finish_reason: str | None = "stop"
    refusal: str | None = None
    tokens: Sequence[tuple[str, Sequence[tuple[str, float]]]] = ()
    calls: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """A status with a body: 429, 500, 401, or a 200 whose body is no chat completion."""

    status: int
    body: str | bytes = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks (RST): before anything is said, or after `after` bytes of the body."""

    after: int | None = None


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing happens for so many seconds, then the answer comes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Redirect:
    """A 3xx to another place."""

    to: str
    status: int = 307


@dataclass(frozen=True, slots=True)
class Events:
    """Server-sent events with this data, each in a chunk of its own, so many seconds apart.

    `broken`: the connection breaks behind them.
    """

    data: Sequence[str]
    apart: float = 0.0
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Drip:
    """An answer's first bytes, one every so many seconds, without an end."""

    seconds: float


Fault = Refuse | Reset | Stall | Redirect | Events | Drip


def error_body(message: str, *, code: str | None = None, kind: str | None = None) -> str:
    """The body in which OpenAI-compatible servers say what is wrong."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


def too_many(retry_after: str | None = "1", **headers: str) -> Refuse:
    """429 with `Retry-After`; further headers with `_` for `-`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after is not None:
        sent["Retry-After"] = retry_after
    return Refuse(status=429, body=error_body("Rate limit reached", code="rate_limit_exceeded"), headers=sent)


def quota_gone() -> Refuse:
    """429 that means: no money left."""
    body = error_body("You exceeded your current quota", code="insufficient_quota", kind="insufficient_quota")
    return Refuse(status=429, body=body)


def broken(status: int = 500) -> Refuse:
    """A server error, as a web page."""
    return Refuse(status=status, body="<html>oops</html>", content_type="text/html")


def unauthorized(message: str = "Incorrect API key provided") -> Refuse:
    """401."""
    return Refuse(status=401, body=error_body(message, code="invalid_api_key"))


def completion(body: Body, reply: Reply | str) -> Body:
    """The chat completion that says `reply`."""
    reply = Reply(text=reply) if isinstance(reply, str) else reply
    message: Body = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(reply.calls)
        ]
    choice: Body = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": _logprobs(reply, int(body.get("top_logprobs", 0)))}
    said: Body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "choices": [choice]}
    said["model"] = reply.model or body.get("model", "unknown")
    said["system_fingerprint"] = reply.system_fingerprint
    if reply.input_tokens is not None and reply.output_tokens is not None:
        total = reply.input_tokens + reply.output_tokens
        said["usage"] = {"prompt_tokens": reply.input_tokens, "completion_tokens": reply.output_tokens}
        said["usage"]["total_tokens"] = total
        if reply.cached is not None:
            said["usage"]["prompt_tokens_details"] = {"cached_tokens": reply.cached, "audio_tokens": 0}
    return said


def _logprobs(reply: Reply, top: int) -> list[Body]:
    words = (reply.text or "").split()
    tokens = reply.tokens or [(word, [(word, math.log(0.9))]) for word in words]
    return [
        {
            "token": token,
            "logprob": alternatives[0][1],
            "bytes": None,
            "top_logprobs": [{"token": t, "logprob": p, "bytes": None} for t, p in alternatives[:top]],
        }
        for token, alternatives in tokens
    ]


# ── the server ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request as it came in; `at_ns` by `time.perf_counter_ns`, `headers` in any case of letters."""

    number: int
    path: str  # with its query
    headers: Mapping[str, str]
    body: Body
    at_ns: int


def speak(arrival: Arrival, reply: Reply | str) -> Body | Events | Refuse:
    """The answer as OpenAI's protocol has it: in one piece, or streamed where that is asked."""
    whole = completion(arrival.body, reply)
    if not arrival.body.get("stream"):
        return whole
    choice, usage = whole.pop("choices")[0], whole.pop("usage", None)
    message, logprobs = choice["message"], (choice["logprobs"] or {}).get("content", [])
    deltas: list[Body] = [{"role": "assistant", "content": ""}]
    deltas += [{name: piece} for name in ("content", "refusal") for piece in pieces(message[name])]
    for i, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        deltas.append({"tool_calls": [{**call, "index": i, "function": {**function, "arguments": ""}}]})
        for piece in pieces(function["arguments"]):
            deltas.append({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
    chunks = [{**whole, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    chunks[-1]["choices"][0]["logprobs"] = {"content": logprobs} if logprobs else None
    chunks.append({**whole, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    if arrival.body.get("stream_options", {}).get("include_usage"):
        chunks.append({**whole, "choices": [], "usage": usage})
    return Events([*(json.dumps(chunk) for chunk in chunks), "[DONE]"])


def pieces(text: str | None) -> list[str]:
    """A text in pieces, as models say it."""
    return [(text or "")[i : i + 3] for i in range(0, len(text or ""), 3)]


@dataclass(slots=True, kw_only=True)
class ChatServer:
    """A running server and what it has seen. Every request is counted on arrival."""

    reply: Callable[[Body], Reply | str]
    delay: float | Callable[[Body], float] = 0.0
    fault: Callable[[int, Body], Fault | None] = lambda number, body: None
    seen: Callable[[Arrival], None] = lambda arrival: None
    speak: Callable[[Arrival, Reply | str], Body | Events | Refuse] = speak
    middlewares: Sequence[Any] = ()
    url: str = ""
    requests: list[Arrival] = field(default_factory=list)
    answered: int = 0
    in_flight: int = 0
    peak: int = 0

    @property
    def bodies(self) -> list[Body]:
        """The bodies of all requests in the order of their arrival."""
        return [arrival.body for arrival in self.requests]

    def count(self, body: Body) -> int:
        """How often exactly this body was asked."""
        return sum(arrival.body == body for arrival in self.requests)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request, or misbehaves as `fault` says."""
        body: Body = json.loads(await request.read() or b"{}")
        arrival = Arrival(
            number=len(self.requests),
            path=request.raw_path,
            headers=request.headers,
            body=body,
            at_ns=time.perf_counter_ns(),
        )
        self.requests.append(arrival)
        self.seen(arrival)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            return await self._respond(request, arrival)
        finally:
            self.in_flight -= 1

    async def _respond(self, request: web.Request, arrival: Arrival) -> web.StreamResponse:
        await asyncio.sleep(self.delay(arrival.body) if callable(self.delay) else self.delay)
        match self.fault(arrival.number, arrival.body):
            case Refuse() as refusal:
                return _refused(refusal)
            case Reset(after=after):
                return await self._reset(request, arrival.body, after)
            case Redirect(to=to, status=status):
                return web.Response(status=status, headers={"Location": to})
            case Stall(seconds=seconds):
                await asyncio.sleep(seconds)
            case Events() as events:
                return await self._stream(request, events)
            case Drip(seconds=seconds):
                return await self._drip(request, seconds)
            case None:
                pass
        said = self.speak(arrival, self.reply(arrival.body))
        if isinstance(said, Refuse):
            return _refused(said)
        self.answered += 1
        return await self._stream(request, said) if isinstance(said, Events) else web.json_response(said)

    async def _stream(self, request: web.Request, events: Events) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for data in events.data:
            await asyncio.sleep(events.apart)
            await response.write(f"data: {data}\n\n".encode())
        if events.broken and request.transport is not None:
            request.transport.abort()
        return response

    async def _drip(self, request: web.Request, seconds: float) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(seconds)

    async def _reset(self, request: web.Request, body: Body, after: int | None) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if after is not None:
            data = json.dumps(completion(body, self.reply(body))).encode()
            response.content_length = len(data)
            await response.prepare(request)
            await response.write(data[:after])
        if request.transport is not None:
            raw = request.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.transport.abort()
        return response


def _refused(refusal: Refuse) -> web.Response:
    data = refusal.body.encode() if isinstance(refusal.body, str) else refusal.body
    headers = {"Content-Type": refusal.content_type, **refusal.headers}
    return web.Response(status=refusal.status, body=data, headers=headers)


async def _serve(
    server: ChatServer,
    port: int,
    tls: ssl.SSLContext | None,
    *,
    started: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    application = web.Application(client_max_size=64 * 1024 * 1024, middlewares=server.middlewares)
    application.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls, backlog=4096)
        await site.start()
        bound = runner.addresses[0][1]
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{bound}/v1"
        started()
        await stop.wait()
    finally:
        await runner.cleanup()


@contextmanager
def chat_server(
    reply: Callable[[Body], Reply | str] = lambda body: "ok",
    *,
    delay: float | Callable[[Body], float] = 0.0,
    fault: Callable[[int, Body], Fault | None] = lambda number, body: None,
    tls: ssl.SSLContext | None = None,
    speak: Callable[[Arrival, Reply | str], Body | Events | Refuse] = speak,
    middlewares: Sequence[Any] = (),
) -> Iterator[ChatServer]:
    """A server in a thread of this process; `fault` is given each request's number (from 0) and body.

    `speak` is the protocol that answers are given in; `middlewares` are aiohttp's.
    """
    server = ChatServer(reply=reply, delay=delay, fault=fault, speak=speak, middlewares=middlewares)
    ready = threading.Event()
    stopping: list[Callable[[], object]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
        await _serve(server, 0, tls, started=ready.set, stop=stop)

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="chat-server", daemon=True)
    thread.start()
    if not ready.wait(20):
        raise RuntimeError("the test server did not start")
    try:
        yield server
    finally:
        stopping[0]()
        thread.join(20)


# ── as a process of its own ───────────────────────────────────────────────────────────────────────


def prompt_of(body: Body) -> str:
    """All that was asked, as one text."""
    return "\n".join(str(message.get("content")) for message in body.get("messages", ()))


def body_digest(body: Body) -> str:
    """How a request is called in the file of counts."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]


def decide(body: Body, labels: Sequence[str]) -> str:
    """What the server process answers: a label that depends on model and prompt alone."""
    number = int(hashlib.sha256(f"{body.get('model')}\n{prompt_of(body)}".encode()).hexdigest()[:8], 16)
    return labels[number % len(labels)] if labels else f"answer {number}"


def read_counts(path: Path) -> Counter[str]:
    """How often each request (by `body_digest`) has come in so far, from the file of counts."""
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(json.loads(line)["body"] for line in lines)


@contextmanager
def server_process(
    counts: Path, *, delay: float = 0.0, labels: Sequence[str] = (), refuse_every: int = 0
) -> Iterator[str]:
    """The URL of a server in its own process, which outlives clients that are killed."""
    command = [sys.executable, __file__, "--counts", str(counts), "--delay", str(delay)]
    command += ["--labels", ",".join(labels), "--refuse-every", str(refuse_every)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the URL and serves until it is terminated; one line a request goes to `--counts`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--counts", type=Path, help="a file that takes one JSON line for each request")
    parser.add_argument("--labels", default="", help="answer with one of these, chosen by the prompt")
    parser.add_argument("--refuse-every", type=int, default=0, help="429 for each N-th request")
    options = parser.parse_args(arguments)
    labels = [label for label in options.labels.split(",") if label]

    def fault(number: int, body: Body) -> Fault | None:
        every: int = options.refuse_every
        return too_many("0.05") if every and (number + 1) % every == 0 else None

    def write(arrival: Arrival) -> None:
        line = {"body": body_digest(arrival.body), "number": arrival.number, "at": time.time()}
        with options.counts.open("a") as file:
            file.write(json.dumps(line) + "\n")

    seen = write if options.counts is not None else lambda arrival: None
    server = ChatServer(reply=lambda body: decide(body, labels), delay=options.delay, fault=fault, seen=seen)

    async def serve() -> None:
        stop = asyncio.Event()  # never set: the process ends by a signal
        await _serve(server, options.port, None, started=lambda: print(server.url, flush=True), stop=stop)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
