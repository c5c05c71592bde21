"""Generated content of Gemini's API as it comes from the wire, whole or streamed, read into an Answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from evalspec.models.completions import (
    TOKENS_KEPT,
    NoCompletion,
    count,
    listing,
    mapping,
    read_body,
    text_or_none,
    with_calls,
    written_call,
)
from evalspec.models.model import Answer, TokenChoice
from evalspec.models.posting import SaidWithin
from evalspec.text.values import dataclass, field

REFUSED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
                     "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR", "JAILBREAK"})  # fmt: skip


def read_response(said: Mapping[str, Any]) -> Answer:
    """The answer that a response holds, without times and cost; raises NoCompletion.

    A question that a filter stopped is an answer that was refused. Thoughts are not part of the response,
    and count among the output tokens, as they are charged.
    """
    blocked = _blocked(said)
    candidate = _first_candidate(said, blocked)
    parts = _parts(candidate)
    finish = text_or_none(candidate.get("finishReason")) or blocked
    why = text_or_none(candidate.get("finishMessage"))
    usage = mapping(said.get("usageMetadata"))
    refused = blocked is not None or finish in REFUSED
    return Answer(
        response=_response(parts),
        tokens=_tokens(candidate.get("logprobsResult")),
        refused=refused,
        finish_reason=finish,
        input_tokens=_sum(usage, "promptTokenCount", "toolUsePromptTokenCount"),
        output_tokens=_said_tokens(usage),
        cached_input_tokens=count(usage.get("cachedContentTokenCount")),
        served_model=text_or_none(said.get("modelVersion")),
        extra={"refusal": why} if refused and why else {},
    )


def _blocked(said: Mapping[str, Any]) -> str | None:
    return text_or_none(mapping(said.get("promptFeedback")).get("blockReason"))


def _parts(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = listing(mapping(candidate.get("content")).get("parts"))
    return [part for part in listed if isinstance(part, dict)]


def _first_candidate(said: Mapping[str, Any], blocked: str | None) -> Mapping[str, Any]:
    first = mapping(next(iter(listing(said.get("candidates"))), None))
    if "content" in first or "finishReason" in first:
        return first
    if blocked is None:
        raise NoCompletion("the body holds no candidates")
    return {}


def _response(parts: list[dict[str, Any]]) -> str:
    said = [p for p in parts if p.get("thought") is not True]
    texts = [p["text"] for p in said if isinstance(p.get("text"), str)]
    called = [p["functionCall"] for p in said if isinstance(p.get("functionCall"), dict)]
    calls = [written_call(str(c.get("name")), json.dumps(c.get("args") or {})) for c in called]
    return with_calls("".join(texts), calls)


def _sum(usage: Mapping[str, Any], *names: str) -> int | None:
    known = [figure for name in names if (figure := count(usage.get(name))) is not None]
    return sum(known) if known else None


def _said_tokens(usage: Mapping[str, Any]) -> int | None:
    """Tokens said and thought. A response without text tells no figure for it, but does for what was read."""
    said = _sum(usage, "candidatesTokenCount", "thoughtsTokenCount")
    return 0 if said is None and count(usage.get("promptTokenCount")) is not None else said


def _tokens(result: object) -> tuple[TokenChoice, ...]:
    """The first tokens with what else was weighed in their places."""
    chosen = listing(mapping(result).get("chosenCandidates"))[:TOKENS_KEPT]
    tops = listing(mapping(result).get("topCandidates"))[:TOKENS_KEPT]
    pairs = ((_alternative(entry), top) for entry, top in zip_longest(chosen, tops))
    return tuple(TokenChoice(*own, _alternatives(top)) for own, top in pairs if own is not None)


def _alternatives(top: object) -> tuple[tuple[str, float], ...]:
    read = (_alternative(entry) for entry in listing(mapping(top).get("candidates")))
    return tuple(entry for entry in read if entry is not None)


def _alternative(entry: object) -> tuple[str, float] | None:
    """A token with its logarithm; a figure of 0 is left out of the JSON, as the vendor's format has it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        return None
    logprob = entry.get("logProbability", 0.0)
    if isinstance(logprob, bool) or not isinstance(logprob, int | float) or math.isnan(logprob):
        return None
    return entry["token"], float(logprob)


# ── streams ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Gathered:
    """A streamed response: each event is one with a part of the content, put together into the whole."""

    said: dict[str, Any] = field(default_factory=dict)
    candidate: dict[str, Any] = field(default_factory=dict)
    parts: list[Any] = field(default_factory=list)
    chosen: list[Any] = field(default_factory=list)
    tops: list[Any] = field(default_factory=list)

    def add(self, data: bytes) -> bool:
        """Takes one event; True where it holds text or a call that is no thought."""
        event = read_body(data)
        if event.get("error"):
            told = mapping(event["error"]).get("code")
            raise SaidWithin(told if isinstance(told, int) and 400 <= told < 600 else 500, data)
        self.said |= {name: value for name, value in event.items() if name != "candidates"}
        return self._add_candidate(mapping(next(iter(listing(event.get("candidates"))), None)))

    def _add_candidate(self, candidate: Mapping[str, Any]) -> bool:
        self.candidate |= {
            name: value for name, value in candidate.items() if name not in ("content", "logprobsResult")
        }
        logprobs = mapping(candidate.get("logprobsResult"))
        self.chosen += listing(logprobs.get("chosenCandidates"))
        self.tops += listing(logprobs.get("topCandidates"))
        new = _parts(candidate)
        self.parts += new
        return any((p.get("text") or p.get("functionCall")) and p.get("thought") is not True for p in new)

    def whole(self) -> Mapping[str, Any]:
        """The response. Raises NoCompletion where the stream broke off."""
        if "finishReason" not in self.candidate and _blocked(self.said) is None:
            raise NoCompletion("the stream broke off")
        logprobs = {"chosenCandidates": self.chosen, "topCandidates": self.tops}
        whole = {**self.candidate, "content": {"parts": self.parts}, "logprobsResult": logprobs}
        return {**self.said, "candidates": [whole] if self.candidate or self.parts else []}
