"""The lines of the files that a batch consists of: a request each going in, a reply each coming out.

Lines come out in any order, each with the name (`custom_id`) that it went in with. `Any` of JSON ends here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evalspec.models.completions import NoCompletion, mapping, read_body, read_completion, without_secrets
from evalspec.models.masking import presentable
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.models.posting import utc_now
from evalspec.models.prices import cost_of
from evalspec.models.refusals import refusal, withheld
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.language.candidates import Price
    from evalspec.text.values import Json

COMPLETIONS = "/v1/chat/completions"  # a word of the protocol, wherever the server has its own
UNASKED = frozenset({"batch_expired", "batch_cancelled"})
NEVER_DONE = 408  # as which a line counts that the batch ended without: nothing was paid for it
NO_STATUS = 500


def written_line(key: str, body: Mapping[str, Json]) -> bytes:
    """The line that asks a request."""
    line = {"custom_id": key, "method": "POST", "url": COMPLETIONS, "body": body}
    return json.dumps(line).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReader:
    """Reads lines of replies: with the price of their tokens, and without the endpoint's secrets."""

    price: Price | None
    secrets: tuple[str, ...] = field(repr=False)

    def read(self, line: bytes) -> tuple[str, Answer | Failure] | None:
        """A request's name and what came of it; None for a line that names none."""
        try:
            said = read_body(line)
        except NoCompletion:
            return None
        key = said.get("custom_id")
        return (key, self._reply(said)) if isinstance(key, str) else None

    def _reply(self, said: Mapping[str, object]) -> Answer | Failure:
        response, error = mapping(said.get("response")), mapping(said.get("error"))
        if not response:
            return self._unanswered(error)
        body, status = mapping(response.get("body")), response.get("status_code")
        if status == 200:
            return self._answer(body)
        number = status if isinstance(status, int) and 300 <= status < 600 else NO_STATUS
        data = json.dumps(body).encode()
        if withheld(number, data):
            return Answer(response="", refused=True, finish_reason="content_filter", at=utc_now())
        return refusal(number, {}, data, now=datetime.now(UTC), secrets=self.secrets)

    def _answer(self, body: Mapping[str, object]) -> Answer | Failure:
        try:
            answer = without_secrets(read_completion(body), self.secrets)
        except NoCompletion as error:
            return self.failed(f"not a chat completion: {error}", 200)
        cost = cost_of(self.price, answer.input_tokens, answer.output_tokens, answer.cached_input_tokens)
        return replace(answer, cost_usd=cost, at=utc_now())

    def _unanswered(self, error: Mapping[str, object]) -> Failure:
        code = error.get("code")
        said = str(error.get("message") or code or "a line without a reply")
        return self.failed(said, NEVER_DONE if code in UNASKED else None)

    def failed(self, message: str, status: int | None) -> Failure:
        """A failure that may pass, told without secrets."""
        said = presentable(message, self.secrets)
        return Failure(kind=FailureKind.TRANSIENT, message=said, status=status)
