"""Candidates behind an OpenAI-compatible chat-completions endpoint, asked straight over HTTP.

One call of `ask` is one request on the wire, timed on our side of the socket. aiohttp, because its
time for a call does not grow with the number of connections. Retrying belongs to the runner.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from evalspec.models.completions import NoCompletion, read_body, read_completion, without_secrets
from evalspec.models.endpoints import Endpoint, wire_model
from evalspec.models.faults import UnusableSetting
from evalspec.models.images import NoImage, content_parts
from evalspec.models.masking import presentable
from evalspec.models.model import Answer, Failure, FailureKind, Request, digest
from evalspec.models.prices import cost_of
from evalspec.models.refusals import refusal
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    import aiohttp

    from evalspec.language.candidates import Hosted, Price
    from evalspec.text.values import Json

LONGEST_BODY = 32 * 1024 * 1024
DEFAULT_LIMIT_S = 600.0
CONNECT_LIMIT_S = 30.0
TOP_LOGPROBS = 20


def request_body(use: Hosted, request: Request, *, whole: bool = True) -> dict[str, Json]:
    """The JSON object that is sent for a request.

    Where it is not `whole`, images stand in it by their digests: that is what the request's key is made of.
    Raises NoImage where an image that is to be sent cannot be read any more.
    """
    body: dict[str, Json] = {**use.parameters, **request.parameters}
    body = with_logprobs(body) if request.logprobs else body
    return {**body, "model": wire_model(use), "messages": wire_messages(request, whole=whole)}


def wire_messages(request: Request, *, whole: bool) -> list[Json]:
    """The messages as the protocol has them: a text, or a list of a text and images."""
    return [
        {"role": m.role, "content": content_parts(m.content, m.images, whole=whole)} for m in request.messages
    ]


def with_logprobs(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters that also ask for token probabilities, 20 alternatives unless they say otherwise."""
    return {"top_logprobs": TOP_LOGPROBS, **parameters, "logprobs": True}


def request_key(url: str, use: Hosted, request: Request) -> str:
    """The request's identity: where it goes, what is sent, and which sample of it this is."""
    return digest(url, request_body(use, request, whole=False), request.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIModel:
    """A candidate that speaks the protocol itself. `limit_s` is ours unless the spec sets `timeout`."""

    name: str
    use: Hosted
    at: Endpoint
    session: aiohttp.ClientSession = field(repr=False)
    price: Price | None = None

    @property
    def endpoint(self) -> str:
        return self.at.shared

    def key(self, request: Request) -> str:
        """The digest of address, body and sample number."""
        return request_key(self.at.url, self.use, request)

    async def ask(self, request: Request) -> Answer | Failure:
        """Sends the request once."""
        try:
            data = await _written(self.use, request)
        except NoImage as error:
            return self._failure(FailureKind.TRANSIENT, f"the image {error}")
        with anyio.move_on_after(attempt_limit_s(self.use)):
            return await self._attempt(data)
        return out_of_time(self.use)

    async def _attempt(self, data: bytes) -> Answer | Failure:
        from aiohttp import ClientConnectorCertificateError, ClientError, ClientHttpProxyError

        try:
            return await self._exchange(data)
        except ClientHttpProxyError as error:
            return self._failure(
                _of_proxy(error.status), f"the proxy answers HTTP {error.status}", error.status
            )
        except ClientConnectorCertificateError as error:
            return self._failure(FailureKind.REJECTED, f"the server's certificate is not trusted: {error}")
        except NoCompletion as error:
            return self._failure(FailureKind.TRANSIENT, f"not a chat completion: {error}", 200)
        except (ClientError, OSError) as error:  # OSError: resets and time limits of the socket
            return self._failure(FailureKind.TRANSIENT, f"{type(error).__name__}: {error}".rstrip(": "))

    async def _exchange(self, data: bytes) -> Answer | Failure:
        headers = {**self.at.headers, "Content-Type": "application/json"}
        begun = time.perf_counter_ns()
        async with self.session.post(
            self.at.url, data=data, headers=headers, proxy=self.at.proxy, allow_redirects=False
        ) as response:
            body = await _read(response)
            taken = time.perf_counter_ns() - begun
            if not 200 <= response.status < 300:
                told, now = dict(response.headers), datetime.now(UTC)
                return refusal(response.status, told, body, now=now, secrets=self.at.secrets)
            _demand_json(response.headers.get("Content-Type"))
        return self._answer(body, taken)

    def _answer(self, body: bytes, taken: int) -> Answer:
        answer = without_secrets(read_completion(read_body(body)), self.at.secrets)
        cost = cost_of(self.price, answer.input_tokens, answer.output_tokens)
        return replace(answer, latency_ns=taken, cost_usd=cost, at=utc_now())

    def _failure(self, kind: FailureKind, message: str, status: int | None = None) -> Failure:
        return Failure(kind=kind, message=presentable(message, self.at.secrets), status=status)


async def _written(use: Hosted, request: Request) -> bytes:
    """The body as bytes; images are read in a thread, because a disk may be slow."""
    if any(message.images for message in request.messages):
        return await to_thread.run_sync(_encoded, use, request)
    return _encoded(use, request)


def _encoded(use: Hosted, request: Request) -> bytes:
    return json.dumps(request_body(use, request)).encode()


def attempt_limit_s(use: Hosted) -> float:
    """The seconds that one attempt may take: the spec's `timeout`, else our own 600."""
    return use.timeout_ns / 1e9 if use.timeout_ns is not None else DEFAULT_LIMIT_S


def out_of_time(use: Hosted) -> Failure:
    """The failure of an attempt that took too long: a TIMEOUT only where the spec says what too long is."""
    if use.timeout_ns is not None:
        message = f"no answer within the timeout of {attempt_limit_s(use):g} s"
        return Failure(kind=FailureKind.TIMEOUT, message=message)
    message = f"no answer within {DEFAULT_LIMIT_S:g} s, the limit where no timeout is set"
    return Failure(kind=FailureKind.TRANSIENT, message=message)


def utc_now() -> str:
    """This moment as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body; raises NoCompletion when it grows beyond what an answer can be."""
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > LONGEST_BODY:
            response.close()
            raise NoCompletion(f"the body is longer than {LONGEST_BODY >> 20} MB")
    return bytes(data)


def _demand_json(content_type: str | None) -> None:
    if content_type is not None and "json" not in content_type.casefold():
        raise NoCompletion(f"the content type is {content_type}")


def _of_proxy(status: int) -> FailureKind:
    return FailureKind.TRANSIENT if status >= 500 or status == 429 else FailureKind.REJECTED


# ── the session ───────────────────────────────────────────────────────────────────────────────────


def open_session(environment: Mapping[str, str]) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """A session without a limit of its own on connections; used as `async with`, closed on leaving.

    No cookies, no `.netrc`: nothing but what the spec names identifies us to a server. Raises
    UnusableSetting when SSL_CERT_FILE cannot be read.
    """
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=trust(environment)),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S),
        headers={"User-Agent": "evalspec"},
    )


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Whom we trust: SSL_CERT_FILE and SSL_CERT_DIR, else the system, else the bundle that pip brought."""
    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if not file and not folder:
        return ssl.create_default_context(cafile=_bundled_certificates())
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:  # ssl.SSLError included
        raise UnusableSetting(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error


def _bundled_certificates() -> str | None:
    system = ssl.get_default_verify_paths()
    if system.cafile or (system.capath and os.listdir(system.capath)):  # noqa: PTH208 (a folder of links)
        return None
    spec = find_spec("certifi")
    bundle = Path(spec.origin).with_name("cacert.pem") if spec is not None and spec.origin else None
    return str(bundle) if bundle is not None and bundle.exists() else None
