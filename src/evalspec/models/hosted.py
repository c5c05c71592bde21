"""Candidates behind an endpoint whose protocol we speak ourselves: each call is one request on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from anyio import to_thread

from evalspec.models import anthropic, gemini, openai_http
from evalspec.models.completions import read_body, without_secrets
from evalspec.models.images import NoImage
from evalspec.models.model import Answer, Failure, FailureKind, Request, digest
from evalspec.models.posting import Incoming, Line, utc_now
from evalspec.models.prices import cost_of
from evalspec.models.sse import Events
from evalspec.models.vendors import Spoken
from evalspec.models.wires import Untranslatable, Wire
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    import aiohttp

    from evalspec.language.candidates import Hosted, Price
    from evalspec.models.endpoints import Endpoint

WIRES: Mapping[Spoken, Wire] = {
    Spoken.OPENAI: openai_http.WIRE,
    Spoken.AZURE: openai_http.WIRE,
    Spoken.ANTHROPIC: anthropic.WIRE,
    Spoken.GEMINI: gemini.WIRE,
}


def request_key(url: str, wire: Wire, use: Hosted, request: Request) -> str:
    """The request's identity: where it goes, what is sent, and which sample of it this is.

    In a batch it is another one: what comes back tells no latency, and has another price.
    """
    try:
        body = wire.body(use, request, False)
    except Untranslatable as error:  # never sent: its failure is kept as that of this error
        body = {"untranslatable": str(error), **openai_http.request_body(use, request, whole=False)}
    mode = ("batch",) if use.batch else ()
    return digest(wire.stream_url(url) if request.stream else url, body, request.sample, *mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedModel:
    """A candidate that is asked straight over HTTP, in the words of its `wire`."""

    name: str
    use: Hosted
    at: Endpoint
    session: aiohttp.ClientSession = field(repr=False)
    wire: Wire = field(default=openai_http.WIRE, repr=False)
    price: Price | None = None
    _line: Line = field(init=False, repr=False)

    def __post_init__(self) -> None:
        line = Line(at=self.at, session=self.session, timeout_ns=self.use.timeout_ns, answer=self.wire.answer)
        object.__setattr__(self, "_line", line)

    @property
    def endpoint(self) -> str:
        return self.at.shared

    @property
    def account(self) -> str:
        return self.at.account

    def key(self, request: Request) -> str:
        """The digest of address, body and sample number."""
        return request_key(self.at.url, self.wire, self.use, request)

    async def ask(self, request: Request) -> Answer | Failure:
        """Sends the request once."""
        try:
            data = await self._written(request)
        except NoImage as error:
            return self._line.failed(FailureKind.TRANSIENT, f"the image {error}")
        except Untranslatable as error:
            return self._line.failed(FailureKind.REJECTED, f"not sent: {error}")
        if request.stream:
            return await self._line.post(data, self._streamed, url=self.wire.stream_url(self.at.url))
        return await self._line.post(data, self._in_one_piece)

    async def _written(self, request: Request) -> bytes:
        """The body as bytes; images are read in a thread, because a disk may be slow."""
        for message in request.messages:
            if message.images:
                return await to_thread.run_sync(encoded, self.wire, self.use, request)
        return encoded(self.wire, self.use, request)

    async def _in_one_piece(self, incoming: Incoming) -> Answer:
        body = await incoming.body()
        taken = incoming.since_ns()
        incoming.demand_json()
        return self._complete(self.wire.read(read_body(body)), taken)

    async def _streamed(self, incoming: Incoming) -> Answer:
        if not incoming.is_stream:  # servers that know no streams answer in one piece
            return await self._in_one_piece(incoming)
        events, gathering = Events(), self.wire.gather()
        first: int | None = None
        async for chunk in incoming.chunks():
            for data in events.take(chunk):
                if gathering.add(data) and first is None:
                    first = incoming.since_ns()
        taken = incoming.since_ns()
        return self._complete(self.wire.read(gathering.whole()), taken, first)

    def _complete(self, read: Answer, taken: int, first: int | None = None) -> Answer:
        answer = without_secrets(read, self.at.secrets)
        cost = cost_of(self.price, answer.input_tokens, answer.output_tokens, answer.cached_input_tokens)
        return replace(answer, latency_ns=taken, first_token_ns=first, cost_usd=cost, at=utc_now())


def encoded(wire: Wire, use: Hosted, request: Request) -> bytes:
    """The body of a request as it is sent."""
    return json.dumps(wire.body(use, request, True)).encode()
