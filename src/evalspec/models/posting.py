"""One attempt over HTTP: posted, timed on our side of the socket, and every way to fail told apart.

What is posted and what an answer is made of is the caller's. aiohttp, because its time for a call does
not grow with the number of connections. No redirect is followed, no body may grow without end, and one
limit holds for the whole attempt, so that a slow drip is bounded too. Retrying belongs to the runner.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evalspec.models.allowances import allowances
from evalspec.models.completions import NoCompletion
from evalspec.models.masking import presentable
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.models.refusals import refusal, withheld
from evalspec.models.sessions import CONNECT_LIMIT_S
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    import aiohttp

    from evalspec.models.endpoints import Endpoint

LONGEST_BODY = 32 * 1024 * 1024
DEFAULT_LIMIT_S = 600.0

Receive = Callable[["Incoming"], Awaitable[Answer]]
# Whoever wants to know when an attempt began to be sent puts a list there, which gets perf_counter_ns.
SENT_AT: ContextVar[list[int] | None] = ContextVar("SENT_AT", default=None)


class SaidWithin(Exception):
    """A stream that began well says in its middle that it failed: with which status, and in which body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer with a good status on its way in. `begun_ns` is when its request was sent."""

    response: aiohttp.ClientResponse
    begun_ns: int

    @property
    def is_stream(self) -> bool:
        return "text/event-stream" in self.response.headers.get("Content-Type", "").casefold()

    def since_ns(self) -> int:
        """The nanoseconds since the request was sent."""
        return time.perf_counter_ns() - self.begun_ns

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces; raises NoCompletion when it grows beyond what an answer can be."""
        size = 0
        async for chunk in self.response.content.iter_any():
            size += len(chunk)
            if size > LONGEST_BODY:
                self.response.close()
                raise NoCompletion(f"the body is longer than {LONGEST_BODY >> 20} MB")
            yield chunk

    async def body(self) -> bytes:
        """The whole body. In one read where its length is told, and is what it comes to."""
        length = self.response.content_length
        if length is not None and length <= LONGEST_BODY and "Content-Encoding" not in self.response.headers:
            return await self.response.read()
        return b"".join([chunk async for chunk in self.chunks()])

    def demand_json(self) -> None:
        """Raises NoCompletion where the body says that it is something else."""
        content_type = self.response.headers.get("Content-Type")
        if content_type is not None and "json" not in content_type.casefold():
            raise NoCompletion(f"the content type is {content_type}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way to one endpoint. `answer` is what an answer is called there; `timeout_ns` is the spec's."""

    at: Endpoint
    session: aiohttp.ClientSession = field(repr=False)
    timeout_ns: int | None = None
    answer: str = "a chat completion"
    _headers: Mapping[str, str] = field(init=False, repr=False)
    _within: aiohttp.ClientTimeout = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import aiohttp

        headers = self.session.headers.copy()  # in the form that a session need not bring them into
        headers.update({**self.at.headers, "Content-Type": "application/json"})
        # To the moment: long limits are rounded up to whole seconds otherwise.
        within = aiohttp.ClientTimeout(
            total=limit_s(self.timeout_ns), sock_connect=CONNECT_LIMIT_S, ceil_threshold=math.inf
        )
        object.__setattr__(self, "_headers", headers)
        object.__setattr__(self, "_within", within)

    async def post(self, data: bytes, receive: Receive, *, url: str | None = None) -> Answer | Failure:
        """Posts JSON once, to the endpoint's address or another of the same server, and gives what came."""
        try:
            return await self._exchange(data, receive, url or self.at.url)
        except NoCompletion as error:
            return self.failed(FailureKind.TRANSIENT, f"not {self.answer}: {error}", 200)
        except SaidWithin as error:
            return refusal(error.status, {}, error.body, now=datetime.now(UTC), secrets=self.at.secrets)
        except _of_connections() as error:
            if _is_out_of_time(error):
                return out_of_time(self.timeout_ns)
            return self._unreached(error)

    def _unreached(self, error: Exception) -> Failure:
        from aiohttp import ClientConnectorCertificateError, ClientHttpProxyError

        if isinstance(error, ClientHttpProxyError):
            kind, status = _of_proxy(error.status), error.status
            return self.failed(kind, f"the proxy answers HTTP {status}", status)
        if isinstance(error, ClientConnectorCertificateError):
            return self.failed(FailureKind.REJECTED, f"the server's certificate is not trusted: {error}")
        return self.failed(FailureKind.TRANSIENT, f"{type(error).__name__}: {error}".rstrip(": "))

    async def _exchange(self, data: bytes, receive: Receive, url: str) -> Answer | Failure:
        begun = time.perf_counter_ns()
        if (noted := SENT_AT.get()) is not None:
            noted.append(begun)
        response = await self.session.post(
            url,
            data=data,
            headers=self._headers,
            proxy=self.at.proxy,
            allow_redirects=False,
            timeout=self._within,
        )
        try:
            return await self._heard(Incoming(response, begun), receive)
        finally:
            if response.connection is not None:  # it was not read to its end, where it is given back
                response.release()

    async def _heard(self, incoming: Incoming, receive: Receive) -> Answer | Failure:
        response = incoming.response
        if 200 <= response.status < 300:
            answer = await receive(incoming)
            left = allowances(response.headers)
            return replace(answer, told=left) if left else answer
        body = await incoming.body()
        if withheld(response.status, body):
            return Answer(response="", refused=True, finish_reason="content_filter",
                          latency_ns=incoming.since_ns(), at=utc_now())  # fmt: skip
        told, now = dict(response.headers), datetime.now(UTC)
        return refusal(response.status, told, body, now=now, secrets=self.at.secrets)

    def failed(self, kind: FailureKind, message: str, status: int | None = None) -> Failure:
        """A failure whose message shows no secret of the endpoint."""
        return Failure(kind=kind, message=presentable(message, self.at.secrets), status=status)


def timed(answer: Answer, taken_ns: int) -> Answer:
    """The answer with how long it took, and when it came."""
    return replace(answer, latency_ns=taken_ns, at=utc_now())


def limit_s(timeout_ns: int | None) -> float:
    """The seconds that one attempt may take: the spec's `timeout`, else our own 600."""
    return timeout_ns / 1e9 if timeout_ns is not None else DEFAULT_LIMIT_S


def out_of_time(timeout_ns: int | None) -> Failure:
    """The failure of an attempt that took too long: a TIMEOUT only where the spec says what too long is."""
    if timeout_ns is not None:
        message = f"no answer within the timeout of {limit_s(timeout_ns):g} s"
        return Failure(kind=FailureKind.TIMEOUT, message=message)
    message = f"no answer within {DEFAULT_LIMIT_S:g} s, the limit where no timeout is set"
    return Failure(kind=FailureKind.TRANSIENT, message=message)


def utc_now() -> str:
    """This moment as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _of_connections() -> tuple[type[Exception], ...]:
    """What connections fail with; OSError are resets and time limits of the socket."""
    from aiohttp import ClientError

    return ClientError, OSError


def _is_out_of_time(error: Exception) -> bool:
    """Whether it is our own limit that ran out, and not one of a connection or (with a number) the system."""
    from aiohttp import ClientError

    return isinstance(error, TimeoutError) and error.errno is None and not isinstance(error, ClientError)


def _of_proxy(status: int) -> FailureKind:
    return FailureKind.TRANSIENT if status >= 500 or status == 429 else FailureKind.REJECTED
