"""A small client of the protocol: a server in a process of its own, spoken to over its standard streams."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SOURCES = str(Path(__file__).parents[2] / "src")
PATIENCE = 120.0
Message = dict[str, Any]


class Client:
    """Speaks to one server. Requests are answered in order of asking; notifications wait until looked at."""

    def __init__(self, *, encodings: tuple[str, ...] = (), snippets: bool = True) -> None:
        environment = os.environ | {"PYTHONPATH": SOURCES}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evalspec", "lsp"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        )  # fmt: skip
        self.answers: dict[int, Message] = {}
        self.arrived: queue.Queue[Message | None] = queue.Queue()
        self.published: list[Message] = []
        self.shown: list[Message] = []
        self.number = 0
        self.versions: dict[str, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        self.capabilities = self._initialise(encodings, snippets)

    def _initialise(self, encodings: tuple[str, ...], snippets: bool) -> Message:
        able: Message = {"textDocument": {"completion": {"completionItem": {"snippetSupport": snippets}}}}
        if encodings:
            able["general"] = {"positionEncodings": list(encodings)}
        answer = self.request("initialize", {"processId": None, "rootUri": None, "capabilities": able})
        self.notify("initialized", {})
        return dict(answer["capabilities"])

    # ── the wire ──────────────────────────────────────────────────────────────────────────────────

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            size = int(header.split(b":")[1]) if header.lower().startswith(b"content-length") else 0
            while header.strip():
                header = stream.readline()
                if header.lower().startswith(b"content-length"):
                    size = int(header.split(b":")[1])
            self.arrived.put(json.loads(stream.read(size)))
        self.arrived.put(None)

    def raw(self, body: bytes, header: bytes | None = None) -> None:
        """Sends bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write((header or b"Content-Length: %d\r\n\r\n" % len(body)) + body)
        self.process.stdin.flush()

    def send(self, message: Message) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def notify(self, method: str, params: object) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: object) -> int:
        """Sends a request without waiting; its number."""
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        return self.number

    def answer(self, number: int) -> Message:
        """The whole answer to a request: it has a `result` or an `error`."""
        while number not in self.answers:
            self._take()
        return self.answers.pop(number)

    def request(self, method: str, params: object) -> Any:
        """The result of a request; an error is a failure."""
        answer = self.answer(self.ask(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    def refusal(self, method: str, params: object) -> str:
        """What a request is refused with."""
        answer = self.answer(self.ask(method, params))
        assert "error" in answer, answer
        return str(answer["error"]["message"])

    def _take(self) -> None:
        message = self.arrived.get(timeout=PATIENCE)
        if message is None:
            said = self.process.stderr.read() if self.process.stderr is not None else b""
            raise AssertionError(f"the server left: {said.decode()[-2000:]}")
        if "method" not in message:
            self.answers[message["id"]] = message
        elif message["method"] == "textDocument/publishDiagnostics":
            self.published.append(message["params"])
        elif "id" in message:
            self.send({"id": message["id"], "result": None})
        else:
            self.shown.append(message)

    # ── documents ─────────────────────────────────────────────────────────────────────────────────

    def open(self, uri: str, text: str) -> None:
        self.versions[uri] = 1
        document = {"uri": uri, "languageId": "evalspec", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, text: str) -> int:
        self.versions[uri] = self.versions.get(uri, 1) + 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self.versions[uri]

    def close(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def diagnostics(self, uri: str, version: int | None = None) -> list[Message]:
        """What is published next about a file, of a version where one is given."""
        while True:
            for i, params in enumerate(self.published):
                if params["uri"] == uri and (version is None or params.get("version") == version):
                    del self.published[i]
                    return list(params["diagnostics"])
            self._take()

    def at(self, method: str, uri: str, line: int, character: int, **more: object) -> Any:
        """The result of a request about a place."""
        return self.request(method, place(uri, line, character) | more)

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def leave(self) -> int:
        """Shuts the server down as the protocol says; its exit code."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def place(uri: str, line: int, character: int) -> Message:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
