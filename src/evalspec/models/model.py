"""What every candidate has in common: a request goes in, an answer or a failure comes out.

The values between the plan, the runner, the store and the reading of answers. An adapter makes
exactly one attempt for each call: retrying, waiting and counting belong to the runner alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.models.allowances import Allowance
    from evalspec.models.images import Image
    from evalspec.text.values import Json


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: a text, and the images beside it."""

    role: str
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to one candidate: what is asked, and about which example.

    `columns` is the example's row, for candidates that read the data itself (baselines) and not the
    prompt. `task`, `step`, `variant` (of the prompt), `example` and `sample` say what it is for; of these
    only `sample` is part of a key, so that the same question asked twice is one request. `stream` asks for
    the answer token by token, so that the time of the first is known; `earlier` are the answers of earlier
    steps by name, for candidates that make their own question of them.
    """

    task: str
    step: str
    example: str
    messages: tuple[Message, ...] = ()
    parameters: Mapping[str, Json] = field(default_factory=dict)
    logprobs: bool = False
    columns: Mapping[str, object] = field(default_factory=dict)
    sample: int = 0
    variant: str = ""
    stream: bool = False
    earlier: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """The alternatives a model weighed at one place: (token, natural logarithm of its probability)."""

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the text, and whatever else the candidate told. Times in nanoseconds."""

    response: str
    confidence: float | None = None
    label_logprobs: Mapping[str, float] | None = None
    tokens: tuple[TokenChoice, ...] = ()
    refused: bool = False
    finish_reason: str | None = None
    latency_ns: int | None = None
    first_token_ns: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None  # of the input tokens, those that the server remembered
    cost_usd: Decimal | None = None
    served_model: str | None = None
    system_fingerprint: str | None = None
    at: str | None = None
    outcome: str | None = None
    told: tuple[Allowance, ...] = ()  # what the server says is left of its limits; not kept
    extra: Mapping[str, Json] = field(default_factory=dict)


class FailureKind(StrEnum):
    """Why there is no answer, as far as it decides what to do next."""

    TRANSIENT = "transient"  # reset, 5xx, malformed reply: ask again
    RATE_LIMITED = "rate_limited"  # 429, 503 with a wait: ask again, later
    TIMEOUT = "timeout"  # this attempt ran out of time: ask again
    REJECTED = "rejected"  # 400, 404, 413, 422: never asked again by itself
    REFUSED_KEY = "refused_key"  # 401, 403: this candidate is not asked any more
    EXHAUSTED = "exhausted"  # quota or money gone: likewise
    NOT_RECORDED = "not_recorded"  # recorded answers hold nothing for this example
    RECORDED_ERROR = "recorded_error"  # recorded answers say that the call failed
    NOT_ASKED = "not_asked"  # interrupted, or its candidate was stopped, before it was sent

    @property
    def worth_retrying(self) -> bool:
        return self in (FailureKind.TRANSIENT, FailureKind.RATE_LIMITED, FailureKind.TIMEOUT)

    @property
    def stops_candidate(self) -> bool:
        return self in (FailureKind.REFUSED_KEY, FailureKind.EXHAUSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that brought no answer. `message` holds no key or header; `wait_s` is what the server asks.

    `attempts` is how often at most the same is worth trying, where that is less than for any other failure
    and nobody else is answered.
    """

    kind: FailureKind
    message: str
    status: int | None = None
    wait_s: float | None = None
    attempts: int | None = None


class Model(Protocol):
    """A candidate that can be asked."""

    @property
    def name(self) -> str:
        """The candidate's name in the spec."""
        ...

    @property
    def endpoint(self) -> str:
        """What its limits are shared by: scheme, host and path for HTTP, a word for local candidates."""
        ...

    def key(self, request: Request) -> str | None:
        """The request's identity in the store, or None for answers that are not stored."""
        ...

    async def ask(self, request: Request) -> Answer | Failure:
        """One attempt, which takes as long as it takes; cancelled like any coroutine."""
        ...


_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def digest(*parts: Json) -> str:
    """The identity of some JSON values: a SHA-256 in hexadecimal of their canonical text."""
    text = _canonical(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
