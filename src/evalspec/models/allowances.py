"""What a server says with a good answer about the limits of the account: how much is left, and until when.

Read from the headers of OpenAI's and Anthropic's protocols, which many others speak. Pure, with the clock as
a parameter; what is made of it is the runner's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import NamedTuple

from evalspec.models.refusals import moment_or_duration


class Counted(Enum):
    """What a limit counts."""

    REQUESTS = auto()
    TOKENS = auto()
    INPUT_TOKENS = auto()
    OUTPUT_TOKENS = auto()


class Allowance(NamedTuple):
    """So much is left of a limit, all of which is there again in so many seconds."""

    counted: Counted
    limit: float
    left: float
    full_in_s: float


def _openai(word: str) -> tuple[str, str, str]:
    return f"x-ratelimit-remaining-{word}", f"x-ratelimit-limit-{word}", f"x-ratelimit-reset-{word}"


def _anthropic(word: str) -> tuple[str, str, str]:
    begun = f"anthropic-ratelimit-{word}"
    return f"{begun}-remaining", f"{begun}-limit", f"{begun}-reset"


# The headers that tell what is left, the limit, and when it is whole again.
HEADERS = (
    (Counted.REQUESTS, *_openai("requests")),
    (Counted.TOKENS, *_openai("tokens")),
    (Counted.REQUESTS, *_anthropic("requests")),
    (Counted.TOKENS, *_anthropic("tokens")),
    (Counted.INPUT_TOKENS, *_anthropic("input-tokens")),
    (Counted.OUTPUT_TOKENS, *_anthropic("output-tokens")),
)


def allowances(headers: Mapping[str, str], now: datetime | None = None) -> tuple[Allowance, ...]:
    """What these headers, whose names are found in any case, say is left; empty where they say nothing.

    A moment is reckoned from the server's own `Date`, as its clock may differ from ours, which is `now`.
    """
    found = [
        _allowance(counted, (headers[left], headers.get(limit, ""), headers.get(reset, "")), headers, now)
        for counted, left, limit, reset in HEADERS
        if left in headers
    ]
    return tuple(allowance for allowance in found if allowance is not None)


def _allowance(
    counted: Counted, told: tuple[str, str, str], headers: Mapping[str, str], now: datetime | None
) -> Allowance | None:
    left, limit = _amount(told[0]), _amount(told[1])
    if left is None or not limit or left > limit:
        return None
    reset = moment_or_duration(told[2].strip(), _moment(headers.get("Date", ""), now))
    # What is whole again at once, or does not say when, limits nothing.
    return Allowance(counted, limit, left, reset) if reset is not None else None


def _amount(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def _moment(date: str, now: datetime | None) -> datetime:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return now or datetime.now(UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
