"""The server: takes requests in, asks the pure functions beside it in threads, and sends their answers out.

Typing is never waited for: the event loop only keeps texts. Checks run one after another in a thread of
their own, some time after the last keystroke; requests run in two others, each on the text as it stood.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import JsonRPCNotification

from evalspec import __version__
from evalspec.lsp.desk import Desk, Document, Result
from evalspec.lsp.names import View
from evalspec.lsp.positions import Encoding, Lines
from evalspec.lsp.published import Said
from evalspec.lsp.requests import register
from evalspec.lsp.wire import diagnostic, uri_of

DELAY = 0.25  # seconds without a keystroke after which a spec is checked
LONGEST_MESSAGE = 64 * 2**20
WATCHED = "**/*.{eval,csv,tsv,jsonl,ndjson,json,parquet,gz,jinja,j2}"
Answer = TypeVar("Answer")


class Protocol(LanguageServerProtocol):
    """Answers requests that cannot be read, too: pygls itself would leave whoever asked waiting."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message as the protocol has it; one that has another shape is refused and passed over."""
        try:
            return super().structure_message(data)
        except JsonRpcException as fault:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=fault.to_response_error())
            return JsonRPCNotification(method="$/unreadable", jsonrpc="2.0", params=None)


class Server(LanguageServer):
    """A language server with its desk. What is `told` is kept by spec and by the file that it is told in."""

    def __init__(self) -> None:
        full = types.TextDocumentSyncKind.Full
        super().__init__("evalspec", __version__, text_document_sync_kind=full, protocol_cls=Protocol)
        self.desk = Desk()
        self.told: dict[str, dict[str, tuple[Said, ...]]] = {}
        self.waiting: dict[str, asyncio.Task[None]] = {}
        self.checking = ThreadPoolExecutor(1, "check")
        self.asking = ThreadPoolExecutor(2, "ask")
        self.shut = False

    def shutdown(self) -> None:
        """Lets go of everything without waiting: the thread that reads may wait for ever for a key."""
        for pool in (self.thread_pool, self.checking, self.asking):
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def encoding(self) -> Encoding:
        """What the editor counts columns in."""
        return Encoding(self.workspace.position_encoding or Encoding.UTF16)

    async def ask(self, question: Callable[..., Answer], *arguments: object) -> Answer:
        """The answer to a question, found in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.asking, question, *arguments)

    def lines(self, view: View) -> Lines:
        """The lines of a view as the editor counts them."""
        return Lines(view.source.text, self.encoding)

    def known_uris(self) -> dict[str, str]:
        """The URIs of the open documents by path, as the editor writes them."""
        documents = tuple(self.desk.documents.values())
        return {str(d.path.absolute()): d.uri for d in documents if d.path is not None}

    # ── documents ─────────────────────────────────────────────────────────────────────────────────

    def put(self, uri: str, version: int, text: str) -> None:
        """Takes in a text, and has it and what imports it checked soon."""
        self.desk.put(Document(uri, path_of(uri), version, text))
        for changed in (uri, *self.desk.dependents(uri)):
            self.schedule(changed)

    def close(self, uri: str) -> None:
        """Forgets a document and takes back what was said of it."""
        waiting = self.waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self.desk.drop(uri)
        for target in {uri, *self.told.pop(uri, {})}:
            self.publish(target)

    def schedule(self, uri: str, delay: float = DELAY) -> None:
        """Has a document checked after some time without another change."""
        waiting = self.waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self.waiting[uri] = asyncio.get_running_loop().create_task(self._check(uri, delay))

    async def _check(self, uri: str, delay: float) -> None:
        await asyncio.sleep(delay)
        document = self.desk.documents.get(uri)
        if document is None:
            return
        try:
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self.checking, self._checked, document)
        except Exception as fault:  # noqa: BLE001  an outermost frame: nobody waits for this task
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"evalspec: {fault!r}"))
            return
        if result is not None and self.desk.documents.get(uri) is document:
            self._tell(result)

    def _checked(self, document: Document) -> Result | None:
        """The check of a document, unless it was changed while others were checked."""
        if self.desk.documents.get(document.uri) is not document:
            return None
        return self.desk.check(document)

    def _tell(self, result: Result) -> None:
        uri = result.document.uri
        known, own = self.known_uris(), result.document.path
        by_target: dict[str, list[Said]] = {uri: []}
        for said in result.said:
            target = uri if said.path == own or own is None else known.get(str(said.path.absolute()))
            by_target.setdefault(target or uri_of(said.path), []).append(said)
        before = self.told.get(uri, {})
        self.told[uri] = {target: tuple(said) for target, said in by_target.items()}
        for target in {*before, *by_target}:
            self.publish(target)

    def publish(self, target: str) -> None:
        """Sends what all open specs have to say about a file; nothing of a text that is no longer there."""
        document = self.desk.documents.get(target)
        found: dict[tuple[int, int, str, str], Said] = {}
        for by_target in self.told.values():
            for said in by_target.get(target, ()):
                if document is None or said.source.text == document.text:
                    found.setdefault((said.start, said.end, said.code, said.message), said)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri=target,
                version=document.version if document is not None else None,
                diagnostics=[diagnostic(said, self.encoding) for said in found.values()],
            )
        )


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None for one that is in no folder."""
    if not uri.startswith("file:"):
        return None
    try:
        found = uris.to_fs_path(uri)
    except ValueError:
        return None
    return Path(found) if found and "\0" not in found else None


def make_server() -> Server:
    """A server that answers everything it knows."""
    server = Server()
    _documents(server)
    register(server)
    return server


def _documents(server: Server) -> None:
    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        server.desk.folders = tuple(
            path for folder in server.workspace.folders.values() if (path := path_of(folder.uri)) is not None
        )
        watching = server.client_capabilities.workspace
        files = watching.did_change_watched_files if watching is not None else None
        if files is not None and files.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(WATCHED)])
            wanted = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await server.client_register_capability_async(types.RegistrationParams([wanted]))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        given = params.text_document
        server.put(given.uri, given.version, given.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        given = params.text_document
        if given.uri in server.desk.documents and params.content_changes:
            text = server.workspace.get_text_document(given.uri).source
            server.put(given.uri, given.version, text)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.close(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(_: types.DidSaveTextDocumentParams) -> None:
        _again(server)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def watched(_: types.DidChangeWatchedFilesParams) -> None:
        _again(server)

    @server.feature(types.SHUTDOWN)
    async def shut(_: None) -> None:
        server.shut = True


def _again(server: Server) -> None:
    """Checks every open spec again: something on the disk is different."""
    server.desk.refresh()
    for uri in tuple(server.desk.documents):
        server.schedule(uri)


class _Input:
    """Standard input, read in pieces: a message that claims to be larger than any is passed over."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def readline(self) -> bytes:
        return self.stream.readline(LONGEST_MESSAGE)

    def read(self, size: int) -> bytes:
        if size <= LONGEST_MESSAGE:
            return self.stream.read(size)
        while size > 0 and (piece := self.stream.read(min(size, 2**20))):
            size -= len(piece)
        return b"null"


def serve() -> int:
    """Serves on standard input and output until the editor leaves; the exit code that the protocol wants.

    Nothing else may write to standard output meanwhile: what does goes to standard error.
    """
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    server = make_server()
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        server.start_io(_Input(sys.stdin.buffer), output.buffer)  # type: ignore[arg-type]
    finally:
        sys.stdout = output
    _leave(0 if server.shut else 1)
    return 0


def _leave(code: int) -> None:
    """Ends the process at once: a check of large data may still run, and nobody waits for it any more."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)
