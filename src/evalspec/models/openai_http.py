"""OpenAI's chat completions: what is sent over the protocol, which Azure speaks too, and how they stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalspec.models.completions import NoCompletion, listing, mapping, read_body, read_completion
from evalspec.models.endpoints import wire_model
from evalspec.models.images import content_parts
from evalspec.models.posting import SaidWithin
from evalspec.models.wires import Wire
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted
    from evalspec.models.model import Request
    from evalspec.text.values import Json

TOP_LOGPROBS = 20
DONE = b"[DONE]"


def request_body(use: Hosted, request: Request, whole: bool = True) -> dict[str, Json]:
    """The JSON object that is sent for a request.

    Where it is not `whole`, images stand in it by their digests: that is what the request's key is made of.
    Raises NoImage where an image that is to be sent cannot be read any more.
    """
    body: dict[str, Json] = {**use.parameters, **request.parameters}
    body = with_logprobs(body) if request.logprobs else body
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return {**body, "model": wire_model(use), "messages": wire_messages(request, whole=whole)}


def wire_messages(request: Request, *, whole: bool) -> list[Json]:
    """The messages as the protocol has them: a text, or a list of a text and images."""
    return [
        {"role": m.role, "content": content_parts(m.content, m.images, whole=whole)} for m in request.messages
    ]


def with_logprobs(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters that also ask for token probabilities, 20 alternatives unless they say otherwise."""
    return {"top_logprobs": TOP_LOGPROBS, **parameters, "logprobs": True}


# ── streams ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Chunks:
    """A streamed completion: its pieces put together as the completion that they make."""

    said: dict[str, Any] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    logprobs: list[Any] = field(default_factory=list)
    finish: str | None = None
    ended: bool = False

    def add(self, data: bytes) -> bool:
        """Takes one chunk; True where it holds text, a refusal or a piece of a tool's call."""
        if data.strip() == DONE:
            self.ended = True
            return False
        chunk = read_body(data)
        if chunk.get("error"):
            raise SaidWithin(_status_of(chunk["error"]), data)
        for name in ("model", "system_fingerprint", "usage"):
            if chunk.get(name) is not None:
                self.said[name] = chunk[name]
        return self._add_choice(mapping(next(iter(listing(chunk.get("choices"))), None)))

    def _add_choice(self, choice: Mapping[str, Any]) -> bool:
        self.finish = choice.get("finish_reason") or self.finish
        self.logprobs += listing(mapping(choice.get("logprobs")).get("content"))
        return self._add_delta(mapping(choice.get("delta")))

    def _add_delta(self, delta: Mapping[str, Any]) -> bool:
        new = False
        for name, pieces in (("content", self.text), ("refusal", self.refusal)):
            piece = delta.get(name)
            if isinstance(piece, str) and piece:
                pieces.append(piece)
                new = True
        for call in listing(delta.get("tool_calls")):
            new = self._add_call(call) or new
        return new

    def _add_call(self, call: object) -> bool:
        function = call.get("function") if isinstance(call, dict) else None
        index = call.get("index", 0) if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(index, int):
            return False
        kept = self.calls.setdefault(index, {"name": "", "arguments": ""})
        for name in kept:
            piece = function.get(name)
            kept[name] += piece if isinstance(piece, str) else ""
        return True

    def whole(self) -> Mapping[str, Any]:
        """The completion. Raises NoCompletion where the stream broke off."""
        if not self.ended and self.finish is None:
            raise NoCompletion("the stream broke off")
        message: dict[str, Any] = {"content": "".join(self.text), "refusal": "".join(self.refusal) or None}
        if self.calls:
            message["tool_calls"] = [{"function": self.calls[i]} for i in sorted(self.calls)]
        logprobs = {"content": self.logprobs} if self.logprobs else None
        choice = {"message": message, "finish_reason": self.finish, "logprobs": logprobs}
        return {**self.said, "choices": [choice]}


def _status_of(error: object) -> int:
    """The HTTP status that an error in a stream amounts to: what it tells, else that of a broken server."""
    for name in ("status", "code"):
        told = error.get(name) if isinstance(error, dict) else None
        if isinstance(told, int) and 400 <= told < 600:
            return told
    kind = json.dumps(error)
    return 429 if "rate_limit" in kind or "insufficient_quota" in kind else 500


WIRE = Wire(answer="a chat completion", body=request_body, read=read_completion, gather=_Chunks)
