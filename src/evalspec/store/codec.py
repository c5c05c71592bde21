"""Answers and failures as text and back, every figure exactly: what a reply is in the store.

Only what differs from a field's default is written. Money is written as text, so that no digit is
lost; everything is ASCII, because a model may say half a surrogate, which no UTF-8 file can hold.
"""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any

from evalspec.models.model import Answer, Failure, FailureKind, Request, TokenChoice

Reply = Answer | Failure

FAILURE_BEGINS = '{"failure":'


def encode_reply(reply: Reply) -> str:
    """The text of a reply; a failure's begins with `FAILURE_BEGINS`, an answer's does not."""
    match reply:
        case Answer():
            return _text({"answer": _answer_fields(reply)})
        case Failure():
            return _text({"failure": _differing(reply)})


def decode_reply(text: str) -> Reply:
    """The reply that was encoded. Raises ValueError on any other text."""
    try:
        match json.loads(text):
            case {"answer": dict(known)}:
                return _answer(known)
            case {"failure": dict(known)}:
                return Failure(**{**known, "kind": FailureKind(known["kind"])})
            case _:
                raise ValueError("neither an answer nor a failure")
    except (TypeError, KeyError, InvalidOperation) as error:
        raise ValueError(f"not a reply: {error}") from error


def encode_request(request: Request) -> str:
    """What was asked, for people who look into the store. The data's own columns stay out of it."""
    asked: dict[str, Any] = {
        "task": request.task,
        "step": request.step,
        "example": request.example,
        "sample": request.sample,
        "messages": [
            [m.role, m.content, *([[image.label for image in m.images]] if m.images else [])]
            for m in request.messages
        ],
        "parameters": dict(request.parameters),
    }
    return _text(asked)


_text = json.JSONEncoder(separators=(",", ":")).encode


def _differing(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, default in _DEFAULTS[type(reply).__name__]:
        value = getattr(reply, name)
        if value != default:
            found[name] = value
    return found


# The fields of a kind of reply, each with its default; MISSING, which nothing equals, where it has none.
_DEFAULTS = {
    kind.__name__: tuple((entry.name, entry.default) for entry in fields(kind)) for kind in (Answer, Failure)
}


def _answer_fields(answer: Answer) -> dict[str, Any]:
    found = _differing(answer)
    if answer.tokens:
        found["tokens"] = [(choice.token, choice.logprob, choice.alternatives) for choice in answer.tokens]
    if answer.label_logprobs is not None:
        found["label_logprobs"] = dict(answer.label_logprobs)
    if answer.cost_usd is not None:
        found["cost_usd"] = str(answer.cost_usd)
    found.pop("extra")
    found.pop("told", None)
    if answer.extra:
        found["extra"] = dict(answer.extra)
    return found


def _answer(known: dict[str, Any]) -> Answer:
    if "tokens" in known:
        known["tokens"] = tuple(
            TokenChoice(token, logprob, tuple((t, p) for t, p in alternatives))
            for token, logprob, alternatives in known["tokens"]
        )
    if "cost_usd" in known:
        known["cost_usd"] = Decimal(known["cost_usd"])
    return Answer(**known)
