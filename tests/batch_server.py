"""A real server that speaks the batch protocol: files, batches, states, and ways in which batches go wrong.

In a test: `with batch_server(lambda body: "billing") as server: …`, then `server.url`, `server.batches`,
`server.asked`. A batch takes a step (validating, in progress, finalizing, ended) each time it is looked at,
unless `server.held` keeps it from ending; lines come out in reverse.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

import servers

STEPS = ("validating", "in_progress", "finalizing", "completed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """What becomes of a line other than an answer: a status with a body, an error, or (both None) nothing."""

    status: int | None = None
    body: Any = None
    code: str | None = None


@dataclass(slots=True, kw_only=True)
class Submitted:
    """A batch as the server knows it. `ends` is how it will end."""

    id: str
    lines: list[dict[str, Any]]
    mark: str
    ends: str = "completed"
    errors: list[dict[str, str]] = field(default_factory=list)
    step: int = 0
    key: str = ""

    @property
    def ended(self) -> bool:
        return self.step >= len(STEPS) - 1

    @property
    def status(self) -> str:
        return self.ends if self.ended else STEPS[self.step]


Say = Callable[[servers.Body], "str | servers.Reply | Spoiled"]
Fate = Callable[[int], str]


@dataclass(slots=True, kw_only=True)
class BatchServer:
    """`fate(n)` is how the n-th batch ends; where it expires or is cancelled, every second line has a reply.

    `before(method, path)` may give a response in place of a call, `after` one in place of a call's response.
    """

    say: Say
    fate: Fate = lambda number: "completed"
    errors: Callable[[int], list[dict[str, str]]] = lambda number: []
    before: Callable[[str, str], web.Response | None] = lambda method, path: None
    after: Callable[[str, str], web.Response | None] = lambda method, path: None
    held: bool = False
    url: str = ""
    batches: list[Submitted] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    completions: int = 0

    @property
    def asked(self) -> Counter[str]:
        """How often each request stood in a batch."""
        return Counter(servers.body_digest(line["body"]) for batch in self.batches for line in batch.lines)

    # ── the protocol ──────────────────────────────────────────────────────────────────────────────

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        name = f"file-{len(self.files)}"
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        self.files[name] = upload.file.read()
        return web.json_response({"id": name, "object": "file", "purpose": "batch"})

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["endpoint"] == "/v1/chat/completions"
        assert body["completion_window"] == "24h"
        lines = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        assert len({line["custom_id"] for line in lines}) == len(lines)
        assert all((line["method"], line["url"]) == ("POST", "/v1/chat/completions") for line in lines)
        number = len(self.batches)
        batch = Submitted(id=f"batch_{number}", lines=lines, mark=body["metadata"]["evalspec"])
        batch.ends, batch.errors = self.fate(number), self.errors(number)
        batch.key = request.headers.get("Authorization", "")
        self.batches.append(batch)
        return web.json_response(self._told(batch))

    async def look(self, request: web.Request) -> web.Response:
        batch = self._find(request)
        if batch is None:
            return web.Response(status=404, text=servers.error_body("No such batch"))
        if not (self.held and batch.step >= 1) and not batch.ended:
            batch.step += 1
        return web.json_response(self._told(batch))

    async def listed(self, request: web.Request) -> web.Response:
        newest = [self._told(batch) for batch in reversed(self.batches)]
        return web.json_response({"object": "list", "data": newest, "has_more": False})

    async def cancel(self, request: web.Request) -> web.Response:
        batch = self._find(request)
        assert batch is not None
        batch.ends, batch.step = "cancelled", len(STEPS) - 1
        self.cancelled.append(batch.id)
        return web.json_response(self._told(batch))

    async def content(self, request: web.Request) -> web.Response:
        kind, _, identity = request.match_info["id"].partition("-")
        batch = next(batch for batch in self.batches if batch.id == identity)
        return web.Response(body="".join(json.dumps(line) + "\n" for line in self._lines(batch, kind)))

    async def complete(self, request: web.Request) -> web.Response:
        self.completions += 1
        body = await request.json()
        said = self.say(body)
        return web.json_response(servers.completion(body, said if not isinstance(said, Spoiled) else "?"))

    # ── what came of the lines ────────────────────────────────────────────────────────────────────

    def _told(self, batch: Submitted) -> Mapping[str, Any]:
        good = batch.ended and batch.ends != "failed"
        return {
            "id": batch.id,
            "object": "batch",
            "status": batch.status,
            "metadata": {"evalspec": batch.mark},
            "errors": {"object": "list", "data": batch.errors}
            if batch.ends == "failed" and batch.ended
            else None,
            "output_file_id": f"output-{batch.id}" if good and self._lines(batch, "output") else None,
            "error_file_id": f"error-{batch.id}" if good and self._lines(batch, "error") else None,
            "request_counts": {"total": len(batch.lines), "completed": 0, "failed": 0},
        }

    def _lines(self, batch: Submitted, kind: str) -> list[dict[str, Any]]:
        """The lines of the output file or of the error file, the last first."""
        found = []
        for place, line in enumerate(batch.lines):
            said = self.say(line["body"])
            if batch.ends in ("expired", "cancelled") and place % 2:
                said = Spoiled(code=f"batch_{batch.ends}")
            if isinstance(said, Spoiled) and said.status is None and said.code is None:
                continue
            good = not isinstance(said, Spoiled)
            if good == (kind == "output"):
                found.append({"id": f"r{place}", "custom_id": line["custom_id"], **_said(line["body"], said)})
        return found[::-1]

    def replies(self, identity: str) -> list[dict[str, Any]]:
        """The lines of a batch's output file."""
        return self._lines(next(batch for batch in self.batches if batch.id == identity), "output")

    def _find(self, request: web.Request) -> Submitted | None:
        return next((batch for batch in self.batches if batch.id == request.match_info["id"]), None)


def _said(body: servers.Body, said: str | servers.Reply | Spoiled) -> dict[str, Any]:
    if not isinstance(said, Spoiled):
        return {"response": {"status_code": 200, "body": servers.completion(body, said)}, "error": None}
    if said.status is None:
        return {"response": None, "error": {"code": said.code, "message": f"This request is {said.code}"}}
    return {"response": {"status_code": said.status, "body": said.body}, "error": None}


@contextmanager
def batch_server(say: Say, **how: Any) -> Iterator[BatchServer]:
    """A running server; it ends with the block."""
    server = BatchServer(say=say, **how)
    loop = asyncio.new_event_loop()
    runner = loop.run_until_complete(_started(server))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())
        loop.close()


async def _started(server: BatchServer) -> web.AppRunner:
    app = web.Application(middlewares=[_watched(server)], client_max_size=1 << 28)
    app.router.add_post("/v1/files", server.upload)
    app.router.add_get("/v1/files/{id}/content", server.content)
    app.router.add_post("/v1/batches", server.create)
    app.router.add_get("/v1/batches", server.listed)
    app.router.add_get("/v1/batches/{id}", server.look)
    app.router.add_post("/v1/batches/{id}/cancel", server.cancel)
    app.router.add_post("/v1/chat/completions", server.complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}/v1"
    return runner


def _watched(server: BatchServer) -> Any:
    @web.middleware
    async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
        server.calls.append((request.method, request.path))
        response = server.before(request.method, request.path) or await handler(request)
        return server.after(request.method, request.path) or response

    return watch
