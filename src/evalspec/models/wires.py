"""What a protocol consists of: how a request becomes a body, and a body an answer.

The exchange between the two is the same for all (`posting`), as is all that is done with an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted
    from evalspec.models.model import Answer, Request
    from evalspec.text.values import Json


class Untranslatable(ValueError):
    """The protocol has no place for something that is asked; the message names it, and what to do."""


class Gathering(Protocol):
    """A streamed answer as it comes in, event by event."""

    def add(self, data: bytes) -> bool:
        """Takes the data of an event; True where it brings something that the model says.

        Raises NoCompletion for what is no event of the protocol, SaidWithin where it tells a failure.
        """
        ...

    def whole(self) -> Mapping[str, Any]:
        """The answer as it would have come in one piece. Raises NoCompletion where its end did not come."""
        ...


def same_address(url: str) -> str:
    """Streams come from where answers in one piece come from."""
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A protocol. `answer` is what it calls an answer.

    `body(use, request, whole)` is the JSON object that is sent; where not `whole`, images stand in it by
    their digests. It raises Untranslatable, and NoImage where an image cannot be read any more.
    """

    answer: str
    body: Callable[[Hosted, Request, bool], dict[str, Json]]
    read: Callable[[Mapping[str, Any]], Answer]
    gather: Callable[[], Gathering]
    stream_url: Callable[[str], str] = same_address
