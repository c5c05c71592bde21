"""The most that one attempt can cost: what a cap on spending holds back before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.models.prices import listed, price_of

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted
    from evalspec.models.model import Request

OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
MESSAGE_TOKENS = 16  # what roles and separators add to a message, with room to spare
IMAGE_TOKENS = 50_000  # the most that a known model charges for one picture


def output_limit(use: Hosted, parameters: Mapping[str, object]) -> int | None:
    """The most tokens that an answer may have: what is asked for, else what the table says of the model."""
    for name in OUTPUT_LIMITS:
        limit = parameters.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
            return limit
    entry = listed(use.route)
    return entry.output_limit if entry is not None else None


def worst_case(use: Hosted, request: Request) -> Decimal | None:
    """The most that one attempt can cost; None where the price or the longest answer is not known.

    A token is at least one byte, so that no prompt has more tokens than bytes.
    """
    price = price_of(use)
    if price is None:
        return None
    limit = output_limit(use, request.parameters) if price.output else 0
    if limit is None:
        return None
    several = request.parameters.get("n")
    answers = several if isinstance(several, int) and several > 1 else 1
    return (price.input * _most_tokens(request) + price.output * limit * answers) / price.per


def _most_tokens(request: Request) -> int:
    asked = sum(len(m.content.encode("utf-8", "surrogatepass")) for m in request.messages)
    images = sum(len(m.images) for m in request.messages)
    beside = len(json.dumps(dict(request.parameters), default=str))  # a schema, or tools, are read as well
    return asked + beside + MESSAGE_TOKENS * (1 + len(request.messages)) + IMAGE_TOKENS * images
