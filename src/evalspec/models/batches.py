"""OpenAI's batch endpoint: a file of requests goes in, files of replies come out, hours may lie between.

Each function makes one call; waiting, trying again and keeping are the runner's. A batch carries a mark of
ours, so that one whose acknowledgement was lost can be found again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from evalspec.models.batch_lines import COMPLETIONS as ASKED_AT
from evalspec.models.completions import NoCompletion, listing, mapping, read_body, text_or_none
from evalspec.models.endpoints import COMPLETIONS
from evalspec.models.masking import presentable
from evalspec.models.model import Failure, FailureKind
from evalspec.models.refusals import refusal
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    import aiohttp

    from evalspec.models.endpoints import Endpoint

WINDOW = "24h"
MARK = "evalspec"
SILENCE_S = 120.0  # how long a call may go without a byte
LONGEST_ANSWER = 4 * 1024 * 1024
LONGEST_LINE = 32 * 1024 * 1024
LISTED_AT_ONCE = 100
PAGES = 20
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
FULL = "token_limit_exceeded"


class CallFailed(Exception):
    """A call to the batch endpoint brought nothing; `failure` says why, without any secret."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as its provider tells of it: how it stands, its files, and why it failed as a whole.

    `full` says that it failed because too much waits already.
    """

    id: str
    status: str
    mark: str | None = None
    files: tuple[str, ...] = ()
    done: int = 0
    total: int = 0
    why: str = ""
    full: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDoor:
    """The way to a provider's batch endpoint, beside the address that single requests go to."""

    at: Endpoint
    session: aiohttp.ClientSession = field(repr=False)

    @property
    def address(self) -> str:
        """Where batches are, without the query of the address."""
        return urlunsplit(urlsplit(self._url("/batches"))._replace(query=""))

    async def upload(self, path: Path) -> str:
        """Uploads a file of requests; the file's id."""
        from aiohttp import FormData

        form = FormData()
        form.add_field("purpose", "batch")
        with path.open("rb") as file:
            form.add_field("file", file, filename="requests.jsonl", content_type="application/jsonl")
            said = await self._said("POST", "/files", data=form)
        return self._id_of(said)

    async def create(self, file: str, mark: str) -> Batch:
        """Has a file's requests answered."""
        wanted = {"input_file_id": file, "endpoint": ASKED_AT, "completion_window": WINDOW}
        return self._batch(await self._said("POST", "/batches", json={**wanted, "metadata": {MARK: mark}}))

    async def look(self, identity: str) -> Batch:
        """How a batch stands."""
        return self._batch(await self._said("GET", f"/batches/{quote(identity, safe='')}"))

    async def cancel(self, identity: str) -> Batch:
        """Has no more of a batch answered; what was answered stays."""
        return self._batch(await self._said("POST", f"/batches/{quote(identity, safe='')}/cancel"))

    async def find(self, mark: str) -> tuple[Batch, ...]:
        """The batches that carry a mark, the newest first, among the last two thousand."""
        found: list[Batch] = []
        after = ""
        for _ in range(PAGES):
            said = await self._said("GET", f"/batches?limit={LISTED_AT_ONCE}{after}")
            page = [self._batch(mapping(entry)) for entry in listing(said.get("data"))]
            found += [batch for batch in page if batch.mark == mark]
            if found or not page or not said.get("has_more"):
                break
            after = f"&after={quote(page[-1].id, safe='')}"
        return tuple(found)

    async def lines(self, file: str) -> AsyncIterator[bytes]:
        """A file of replies, line by line."""
        rest = bytearray()
        async with self._exchange("GET", f"/files/{quote(file, safe='')}/content") as response:
            async for chunk in response.content.iter_any():
                rest += chunk
                if b"\n" in chunk:
                    *whole, left = bytes(rest).split(b"\n")
                    rest = bytearray(left)
                    for line in whole:
                        if line.strip():
                            yield line
                elif len(rest) > LONGEST_LINE:
                    raise CallFailed(self._failed(f"a line is longer than {LONGEST_LINE >> 20} MB", 200))
        if rest.strip():
            yield bytes(rest)

    async def _said(self, method: str, path: str, **sent: Any) -> Mapping[str, Any]:
        async with self._exchange(method, path, **sent) as response:
            body = await _start_of(response)
        try:
            return read_body(body)
        except NoCompletion as error:
            raise CallFailed(self._failed(f"not a batch endpoint's answer: {error}", 200)) from error

    @asynccontextmanager
    async def _exchange(self, method: str, path: str, **sent: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """One exchange. Raises CallFailed for every way in which it can fail, also while it is read."""
        from aiohttp import ClientConnectorCertificateError, ClientError, ClientTimeout

        limit = ClientTimeout(total=None, sock_connect=SILENCE_S, sock_read=SILENCE_S)
        how = {"headers": self.at.headers, "proxy": self.at.proxy, "allow_redirects": False, **sent}
        try:
            async with self.session.request(method, self._url(path), timeout=limit, **how) as response:
                if not 200 <= response.status < 300:
                    raise CallFailed(await self._refused(response))
                yield response
        except ClientConnectorCertificateError as error:
            why = f"the server's certificate is not trusted: {error}"
            raise CallFailed(self._failed(why, kind=FailureKind.REJECTED)) from error
        except (ClientError, OSError) as error:  # OSError: resets and time limits of the socket
            why = f"{type(error).__name__}: {error}".rstrip(": ")
            raise CallFailed(self._failed(why)) from error

    async def _refused(self, response: aiohttp.ClientResponse) -> Failure:
        body = await _start_of(response)
        told, now = dict(response.headers), datetime.now(UTC)
        return refusal(response.status, told, body, now=now, secrets=self.at.secrets)

    def _url(self, path: str) -> str:
        parts = urlsplit(self.at.url)
        path, _, query = path.partition("?")
        queries = "&".join(part for part in (parts.query, query) if part)
        return urlunsplit(parts._replace(path=parts.path.removesuffix(COMPLETIONS) + path, query=queries))

    def _batch(self, said: Mapping[str, Any]) -> Batch:
        counts, errors = mapping(said.get("request_counts")), listing(mapping(said.get("errors")).get("data"))
        told = [mapping(error) for error in errors]
        files = (text_or_none(said.get("output_file_id")), text_or_none(said.get("error_file_id")))
        why = "; ".join(str(e.get("message") or e.get("code") or "no reason is told") for e in told[:3])
        return Batch(
            id=self._id_of(said),
            status=str(said.get("status")),
            mark=text_or_none(mapping(said.get("metadata")).get(MARK)),
            files=tuple(file for file in files if file),
            done=_count(counts.get("completed")) + _count(counts.get("failed")),
            total=_count(counts.get("total")),
            why=presentable(why, self.at.secrets),
            full=any(e.get("code") == FULL for e in told),
        )

    def _id_of(self, said: Mapping[str, Any]) -> str:
        identity = text_or_none(said.get("id"))
        if not identity:
            raise CallFailed(self._failed("not a batch endpoint's answer: it tells no id", 200))
        return identity

    def _failed(
        self, message: str, status: int | None = None, kind: FailureKind = FailureKind.TRANSIENT
    ) -> Failure:
        return Failure(kind=kind, message=presentable(message, self.at.secrets), status=status)


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    """A body as far as one of its kind can go."""
    found = bytearray()
    async for chunk in response.content.iter_any():
        found += chunk
        if len(found) > LONGEST_ANSWER:
            response.close()
            break
    return bytes(found)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
