"""A real HTTP proxy for tests: forwards, tunnels, and remembers what passed through it."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Proxy:
    """A running proxy: `heads` are the request heads it was sent."""

    url: str = ""
    heads: list[str] = field(default_factory=list)
    refuse_with: int | None = None

    def serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = client.recv(65536)
            if not chunk:
                return
            head += chunk
        first, _, rest = head.partition(b"\r\n")
        self.heads.append(head.partition(b"\r\n\r\n")[0].decode())
        if self.refuse_with is not None:
            client.sendall(f"HTTP/1.1 {self.refuse_with} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        method, target, version = first.decode().split(" ")
        if method == "CONNECT":
            host, _, port = target.partition(":")
            self._tunnel(client, (host, int(port)), b"", b"HTTP/1.1 200 Connection established\r\n\r\n")
            return
        place = urlsplit(target)
        forwarded = f"{method} {place.path} {version}\r\n".encode() + rest
        self._tunnel(client, (str(place.hostname), place.port or 80), forwarded, b"")

    def _tunnel(self, client: socket.socket, to: tuple[str, int], first: bytes, greeting: bytes) -> None:
        with socket.create_connection(to) as upstream:
            upstream.sendall(first)
            client.sendall(greeting)
            back = threading.Thread(target=_pipe, args=(upstream, client), daemon=True)
            back.start()
            _pipe(client, upstream)
            back.join(5)


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side has hung up


@contextmanager
def proxy(refuse_with: int | None = None) -> Iterator[Proxy]:
    """A proxy in threads of this process; with `refuse_with` it lets nothing through."""
    state = Proxy(refuse_with=refuse_with)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            state.serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join(5)
