"""A chat completion as it comes from the wire, read into an Answer. `Any` of JSON ends here.

Whatever cannot be read as a completion raises NoCompletion with the reason; callers make it a
transient failure, since a proxy's error page or half a body says nothing about the question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalspec.models.masking import masked
from evalspec.models.model import Answer, TokenChoice
from evalspec.text.values import replace

TOKENS_KEPT = 6
FILTERED = "content_filter"


class NoCompletion(ValueError):
    """The body is no chat completion; the argument says in which way."""


def read_body(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body; raises NoCompletion."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoCompletion("the body is not valid JSON") from error
    if not isinstance(said, dict):
        raise NoCompletion("the body is not a JSON object")
    return said


def read_completion(said: Mapping[str, Any]) -> Answer:
    """The answer that a completion holds, without times and cost; raises NoCompletion."""
    choice = _first_choice(said)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise NoCompletion("the choice holds no message")
    finish = text_or_none(choice.get("finish_reason"))
    if finish == "error" or choice.get("error"):
        raise NoCompletion("the provider reports an error in place of an answer")
    refusal = text_or_none(message.get("refusal"))
    usage = said.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Answer(
        response=_response(message),
        tokens=_tokens(choice.get("logprobs")),
        refused=bool(refusal) or finish == FILTERED,
        finish_reason=finish,
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        cached_input_tokens=_cached(usage),
        served_model=text_or_none(said.get("model")),
        system_fingerprint=text_or_none(said.get("system_fingerprint")),
        extra={"refusal": refusal} if refusal else {},
    )


def without_secrets(answer: Answer, secrets: Iterable[str]) -> Answer:
    """The answer, in which a server that echoes its request's headers leaves no key to be stored.

    Only what is long enough to be a key is replaced, so that no honest answer is changed.
    """
    keys = tuple(secret for secret in secrets if len(secret) >= 12)
    clean = masked(answer.response, keys)
    return answer if clean == answer.response else replace(answer, response=clean)


def _first_choice(said: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = said.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        error = said.get("error")
        told = error.get("message") if isinstance(error, dict) else error
        raise NoCompletion(f"no choices, but an error: {told}" if told else "the body holds no choices")
    return choices[0]


def _response(message: Mapping[str, Any]) -> str:
    """What the message says, and behind it the tools that it calls: `{"name": …, "arguments": {…}}`, several
    as a list. So they stand in what is kept, recorded and read again."""
    text, listed = _content(message.get("content")), message.get("tool_calls")
    if not isinstance(listed, list):
        return text
    return with_calls(text, [call for call in map(_call, listed) if call is not None])


def with_calls(text: str, calls: Sequence[str]) -> str:
    """A text with the calls of tools behind it, each written by `written_call`."""
    if not calls:
        return text
    written = calls[0] if len(calls) == 1 else f"[{', '.join(calls)}]"
    return f"{text}\n{written}" if text else written


def written_call(name: str, arguments: str) -> str:
    """The call of a tool as it is kept: its arguments are JSON already."""
    return f'{{"name": {json.dumps(name)}, "arguments": {arguments}}}'


def _call(entry: object) -> str | None:
    """A call as JSON. Its arguments stay as they were sent, an object as such, any other text as text."""
    function = entry.get("function") if isinstance(entry, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    sent = function.get("arguments")
    arguments = sent if isinstance(sent, str) and _is_object(sent) else json.dumps(sent)
    return written_call(function["name"], arguments)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _content(content: object) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):  # some servers give the parts of a multimodal message
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    raise NoCompletion("the message's content is no text")


def _tokens(logprobs: object) -> tuple[TokenChoice, ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    read = (_token(entry) for entry in content[:TOKENS_KEPT])
    return tuple(token for token in read if token is not None)


def _token(entry: object) -> TokenChoice | None:
    choice = _alternative(entry)
    if choice is None or not isinstance(entry, dict):
        return None
    listed = entry.get("top_logprobs")
    alternatives = (_alternative(other) for other in (listed if isinstance(listed, list) else ()))
    return TokenChoice(*choice, tuple(other for other in alternatives if other is not None))


def _alternative(entry: object) -> tuple[str, float] | None:
    if not isinstance(entry, dict):
        return None
    token, logprob = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or isinstance(logprob, bool) or not isinstance(logprob, int | float):
        return None
    return None if math.isnan(logprob) else (token, float(logprob))


def mapping(value: object) -> Mapping[str, Any]:
    """An object of JSON; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listing(value: object) -> list[Any]:
    """An array of JSON; an empty one for anything else."""
    return value if isinstance(value, list) else []


def text_or_none(value: object) -> str | None:
    """A text; None for anything else."""
    return value if isinstance(value, str) else None


def _cached(usage: Mapping[str, Any]) -> int | None:
    details = usage.get("prompt_tokens_details")
    return count(details.get("cached_tokens")) if isinstance(details, dict) else None


def count(value: object) -> int | None:
    """A number of tokens; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value >= 0 else None
