"""Candidates that are a deployed application: its own body, posted to its own address, an answer found in it.

The body is a template over the example's row, rendered once, in the sandbox of prompts. Whatever fails
means the same as for a model behind a provider.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evalspec.models.completions import NoCompletion, without_secrets
from evalspec.models.model import Answer, Failure, FailureKind, Request, digest
from evalspec.models.posting import Incoming, Line, timed
from evalspec.models.sharing import Cap
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    import aiohttp

    from evalspec.language.candidates import Http
    from evalspec.models.endpoints import Endpoint
    from evalspec.text.values import Json


class NoBody(ValueError):
    """The template makes no body for an example; the message says why."""


class NothingThere(Exception):
    """The application's answer has nothing at the path where it should stand."""


def body_of(use: Http, request: Request) -> Json:
    """The JSON value that is posted for an example. Raises NoBody."""
    from evalspec.language.sandbox import RenderFault  # jinja2: loaded where there is a template

    try:
        text = use.request.render({**request.columns, **request.earlier, "row": request.columns})
        body: Json = json.loads(text)
    except RenderFault as error:
        raise NoBody(f"the request's body cannot be rendered: {error}") from error
    except (ValueError, RecursionError) as error:
        said = "the rendered body of the request is not JSON: write texts as `{{ column | tojson }}`"
        raise NoBody(said) from error
    return body


def request_key(url: str, use: Http, request: Request) -> str:
    """The request's identity: where it goes, what is sent, where the answer stands, and which sample."""
    try:
        body = body_of(use, request)
    except NoBody as error:  # never sent: its failure is kept as that of this error
        return digest(url, "no body", str(error), request.task, request.example)
    return digest(url, body, use.response, request.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationModel:
    """An application of one's own."""

    name: str
    use: Http
    at: Endpoint
    session: aiohttp.ClientSession = field(repr=False)

    @property
    def endpoint(self) -> str:
        return self.at.shared

    @property
    def account(self) -> str:
        return self.at.account

    @property
    def cap(self) -> Cap | None:
        """How many requests are on their way to it, where the spec bounds that."""
        return Cap(self.use.concurrency, self.name) if self.use.concurrency is not None else None

    def key(self, request: Request) -> str:
        """The digest of address, body, path and sample number."""
        return request_key(self.at.url, self.use, request)

    async def ask(self, request: Request) -> Answer | Failure:
        """Sends the request once."""
        line = Line(at=self.at, session=self.session, timeout_ns=self.use.timeout_ns, answer="an answer")
        try:
            data = json.dumps(body_of(self.use, request)).encode()
            return await line.post(data, self._receive)
        except NoBody as error:
            return line.failed(FailureKind.REJECTED, f"not sent: {error}")
        except NothingThere as error:
            return line.failed(FailureKind.REJECTED, str(error), 200)

    async def _receive(self, incoming: Incoming) -> Answer:
        body = await incoming.body()
        taken = incoming.since_ns()
        incoming.demand_json()
        try:
            said: Json = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise NoCompletion("the body is not valid JSON") from error
        answer = Answer(response=written(at_path(said, self.use.response)))
        return timed(without_secrets(answer, self.at.secrets), taken)


def at_path(said: Json, path: str) -> Json:
    """What stands at `result.text` or `items.0.text`. Raises NothingThere."""
    found = said
    for i, word in enumerate(words := path.split(".")):
        match found:
            case dict() if word in found:
                found = found[word]
            case list() if word.isdecimal() and len(word) < 10 and int(word) < len(found):
                found = found[int(word)]
            case _:
                place = f"at `{'.'.join(words[:i])}`" if i else "in it"
                raise NothingThere(f"the answer has nothing at `{path}`; {place} stands {_described(found)}")
    return found


def _described(value: Json) -> str:
    match value:
        case dict():
            return f"an object with {', '.join(f'`{name}`' for name in list(value)[:8]) or 'nothing'}"
        case list():
            return f"a list of {len(value)}"
        case _:
            return "a single value"


def written(value: Json) -> str:
    """A value as the response that is read: texts as they are, all else as JSON, null as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
