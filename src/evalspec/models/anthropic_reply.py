"""A message of Anthropic's API as it comes from the wire, in one piece or streamed, read into an Answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalspec.models.completions import (
    NoCompletion,
    count,
    mapping,
    read_body,
    text_or_none,
    with_calls,
    written_call,
)
from evalspec.models.model import Answer
from evalspec.models.posting import SaidWithin
from evalspec.text.values import dataclass, field

REFUSED = "refusal"
STATUS_OF = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip


def read_message(said: Mapping[str, Any]) -> Answer:
    """The answer that a message holds, without times and cost; raises NoCompletion.

    Its input tokens are all that were read, those in the vendor's cache included. Thinking is not part of
    the response.
    """
    blocks = said.get("content")
    if not isinstance(blocks, list) or said.get("type") == "error":
        raise NoCompletion("the body holds no content")
    listed = [block for block in blocks if isinstance(block, dict)]
    texts = [block["text"] for block in listed if _is_text(block)]
    calls = [_call(block) for block in listed if block.get("type") == "tool_use"]
    usage = mapping(said.get("usage"))
    finish = text_or_none(said.get("stop_reason"))
    cached = count(usage.get("cache_read_input_tokens"))
    return Answer(
        response=with_calls("".join(texts), calls),
        refused=finish == REFUSED,
        finish_reason=finish,
        input_tokens=_read_tokens(usage, cached),
        output_tokens=count(usage.get("output_tokens")),
        cached_input_tokens=cached,
        served_model=text_or_none(said.get("model")),
        extra=_details(said.get("stop_details")),
    )


def _is_text(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and isinstance(block.get("text"), str)


def _call(block: Mapping[str, Any]) -> str:
    return written_call(str(block.get("name")), json.dumps(block.get("input")))


def _read_tokens(usage: Mapping[str, Any], cached: int | None) -> int | None:
    new = count(usage.get("input_tokens"))
    if new is None:
        return None
    return new + (cached or 0) + (count(usage.get("cache_creation_input_tokens")) or 0)


def _details(details: object) -> dict[str, Any]:
    told = mapping(details).get("explanation") or mapping(details).get("category")
    return {"refusal": told} if isinstance(told, str) else {}


# ── streams ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Gathered:
    """A streamed message: its events put together as the message that they make."""

    message: dict[str, Any] = field(default_factory=dict)
    blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    ended: bool = False

    def add(self, data: bytes) -> bool:
        """Takes one event; True where it holds text or a piece of a tool's arguments."""
        event = read_body(data)
        match event:
            case {"type": "error"}:
                kind = mapping(event.get("error")).get("type")
                raise SaidWithin(STATUS_OF.get(str(kind), 500), data)
            case {"type": "message_start", "message": dict(message)}:
                self.message |= message
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                self.blocks[index] = dict(block)
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
                return self._add_delta(index, delta)
            case {"type": "message_delta"}:
                self._add_ending(event)
            case {"type": "message_stop"}:
                self.ended = True
        return False

    def _add_delta(self, index: int, delta: Mapping[str, Any]) -> bool:
        block = self.blocks.setdefault(index, {"type": "text", "text": ""})
        match delta:
            case {"type": "text_delta", "text": str(piece)}:
                block["text"] = str(block.get("text") or "") + piece
                return bool(piece)
            case {"type": "input_json_delta", "partial_json": str(piece)}:
                self.inputs[index] = self.inputs.get(index, "") + piece
                return bool(piece)
        return False

    def _add_ending(self, event: Mapping[str, Any]) -> None:
        self.message |= mapping(event.get("delta"))
        # Its figures are totals, and take the place of the first.
        told = {name: figure for name, figure in mapping(event.get("usage")).items() if figure is not None}
        self.message["usage"] = {**mapping(self.message.get("usage")), **told}

    def whole(self) -> Mapping[str, Any]:
        """The message. Raises NoCompletion where the stream broke off."""
        if not self.ended:
            raise NoCompletion("the stream broke off")
        for index, written in self.inputs.items():
            self.blocks[index]["input"] = _object(written)
        return {**self.message, "content": [self.blocks[index] for index in sorted(self.blocks)]}


def _object(written: str) -> object:
    """The arguments of a call; as the text that they are where they broke off."""
    try:
        return json.loads(written or "{}")
    except (ValueError, RecursionError):
        return written
