"""Gemini's generateContent: what is sent over the protocol. What comes back is read by `gemini_reply`."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from evalspec.models.gemini_reply import Gathered, read_response
from evalspec.models.images import content_parts
from evalspec.models.parameters import (
    choice_of_tools,
    demand_places,
    enforced_schema,
    most_tokens,
    offered_tools,
    one_of,
    stops,
)
from evalspec.models.vendors import Spoken
from evalspec.models.wires import Untranslatable, Wire
from evalspec.text.patterns import Pattern

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted
    from evalspec.models.model import Message, Request
    from evalspec.text.values import Json

TOP_LOGPROBS = 20
INSTRUCTING = ("system", "developer")
ROLES = {"user": "user", "assistant": "model"}
CHOICES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
NAMES = {
    "top_p": "topP", "top_k": "topK", "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}  # fmt: skip
# Fields of a request that are no setting of the generation: passed on beside it.
BESIDE = frozenset({"safetySettings", "cachedContent", "toolConfig", "labels"})
BUDGETED = Pattern(r"gemini-2\.5-.*", re.IGNORECASE)  # these think by a budget in tokens, newer ones by level
BUDGETS: Mapping[str, Json] = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
LEVELS: Mapping[str, Json] = {word: word for word in ("minimal", "low", "medium", "high")}
THINKING: Mapping[str, Json] = {"disabled": 0, "adaptive": -1}


def request_body(use: Hosted, request: Request, whole: bool = True) -> dict[str, Json]:
    """The JSON object that is sent. Raises Untranslatable, and NoImage for an image that cannot be read."""
    parameters: dict[str, Json] = {**use.parameters, **request.parameters}
    demand_places(Spoken.GEMINI, parameters)
    body: dict[str, Json] = {name: parameters.pop(name) for name in BESIDE & parameters.keys()}
    tools, choice = offered_tools(parameters), choice_of_tools(parameters, CHOICES)
    if tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in tools]}]
    if choice is not None:
        body["toolConfig"] = {"functionCallingConfig": {"mode": choice}}
    settings = _settings(use, parameters, logprobs=request.logprobs)
    if settings:
        body["generationConfig"] = settings
    instructions, messages = _split(request.messages)
    if instructions:
        body["systemInstruction"] = {"parts": [{"text": m.content} for m in instructions]}
    return {**body, "contents": [_content(message, whole) for message in messages]}


def _settings(use: Hosted, parameters: dict[str, Json], *, logprobs: bool) -> dict[str, Json]:
    """How to generate, in the protocol's words; what is unknown stays as it is."""
    found: dict[str, Json] = {}
    most, schema = most_tokens(parameters), enforced_schema(parameters)
    top = parameters.pop("top_logprobs", None)
    if most is not None:
        found["maxOutputTokens"] = most
    if "stop" in parameters:
        found["stopSequences"] = stops(parameters.pop("stop"))
    if schema is not None:
        found |= {"responseMimeType": "application/json", "responseJsonSchema": dict(schema)}
    if logprobs:
        found |= {"responseLogprobs": True, "logprobs": top if top is not None else TOP_LOGPROBS}
    thinking = _thinking(use, parameters)
    if thinking:
        found["thinkingConfig"] = thinking
    return found | {NAMES.get(name, name): value for name, value in parameters.items()}


def _thinking(use: Hosted, parameters: dict[str, Json]) -> dict[str, Json]:
    """`thinking = 2048` is a budget. An effort is a level, or for models that know none a budget, as the
    vendor translates it for OpenAI's protocol."""
    found: dict[str, Json] = {}
    if "thinking" in parameters:
        said = parameters.pop("thinking")
        is_budget = isinstance(said, int) and not isinstance(said, bool)
        found["thinkingBudget"] = said if is_budget else one_of("thinking", said, THINKING)
    if "reasoning_effort" in parameters:
        said = parameters.pop("reasoning_effort")
        if BUDGETED.fullmatch(use.route.rpartition("/")[2]):
            found["thinkingBudget"] = one_of("reasoning_effort", said, BUDGETS)
        elif said == "none":
            found["thinkingBudget"] = 0
        else:
            found["thinkingLevel"] = one_of("reasoning_effort", said, LEVELS)
    return found


def _tool(function: Mapping[str, Json]) -> Json:
    own = {name: value for name, value in function.items() if name in ("name", "description")}
    return {**own, "parametersJsonSchema": function.get("parameters") or {"type": "object"}}


# ── messages ──────────────────────────────────────────────────────────────────────────────────────


def _split(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """The instructions that come first, and the conversation behind them."""
    first = next((i for i, m in enumerate(messages) if m.role not in INSTRUCTING), len(messages))
    late = [m for m in messages[first:] if m.role in INSTRUCTING]
    if late:
        raise Untranslatable(f"{Spoken.GEMINI.value} takes a {late[0].role} message only at the beginning")
    return messages[:first], messages[first:]


def _content(message: Message, whole: bool) -> Json:
    content = content_parts(message.content, message.images, whole=whole)
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return {"role": ROLES[message.role], "parts": [_part(p) for p in parts if isinstance(p, dict)]}


def _part(part: Mapping[str, Json]) -> Json:
    address = part.get("image_url")
    if not isinstance(address, dict):
        return {"text": part.get("text")}
    url = str(address["url"])
    media, marked, content = url.removeprefix("data:").partition(";base64,")
    if url.startswith("data:") and marked:
        return {"inlineData": {"mimeType": media, "data": content}}
    guessed = mimetypes.guess_type(urlsplit(url).path)[0]
    return {"fileData": {"fileUri": url, **({"mimeType": guessed} if guessed else {})}}


def stream_url(url: str) -> str:
    """Where the same answer comes token by token, as server-sent events."""
    parts = urlsplit(url)
    path = parts.path.removesuffix(":generateContent") + ":streamGenerateContent"
    return urlunsplit(parts._replace(path=path, query="&".join([*filter(None, [parts.query]), "alt=sse"])))


WIRE = Wire(
    answer="generated content",
    body=request_body,
    read=read_response,
    gather=Gathered,
    stream_url=stream_url,
)
