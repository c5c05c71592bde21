"""Anthropic's Messages API: what is sent over the protocol. What comes back is read by `anthropic_reply`.

Model names are those of the vendor, parameters those of the language. `max_tokens` has to be said there:
where a spec does not, it is 4,096, and as much more as a thinking budget takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from evalspec.models.anthropic_reply import Gathered, read_message
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
from evalspec.models.vendors import Spoken, bare_model
from evalspec.models.wires import Untranslatable, Wire

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted
    from evalspec.models.model import Message, Request
    from evalspec.text.values import Json

MOST_TOKENS = 4096
INSTRUCTING = ("system", "developer")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
CHOICES = {"auto": "auto", "required": "any", "none": "none"}
THINKING = {"adaptive": "adaptive", "disabled": "disabled"}


def request_body(use: Hosted, request: Request, whole: bool = True) -> dict[str, Json]:
    """The JSON object that is sent. Raises Untranslatable, and NoImage for an image that cannot be read."""
    parameters: dict[str, Json] = {**use.parameters, **request.parameters}
    demand_places(Spoken.ANTHROPIC, {**parameters, **({"logprobs": True} if request.logprobs else {})})
    body = _renamed(parameters)
    instructions, messages = _split(request.messages)
    if instructions:
        body["system"] = instructions
    if request.stream:
        body["stream"] = True
    return {**body, "model": bare_model(use), "messages": [_message(m, whole) for m in messages]}


def _renamed(parameters: dict[str, Json]) -> dict[str, Json]:
    """The parameters in the protocol's words; what is unknown stays as it is."""
    most, tools = most_tokens(parameters), offered_tools(parameters)
    choice = choice_of_tools(parameters, CHOICES)
    config: dict[str, Json] = {}
    schema = enforced_schema(parameters)
    if schema is not None:
        config["format"] = {"type": "json_schema", "schema": dict(schema)}
    if "thinking" in parameters:
        parameters["thinking"] = _thinking(parameters["thinking"])
    if "reasoning_effort" in parameters:
        _effort(parameters.pop("reasoning_effort"), parameters, config)
    if "stop" in parameters:
        parameters["stop_sequences"] = stops(parameters.pop("stop"))
    if tools:
        parameters["tools"] = [_tool(tool) for tool in tools]
    if choice is not None:
        parameters["tool_choice"] = {"type": choice}
    if config:
        parameters["output_config"] = config
    parameters["max_tokens"] = most if most is not None else MOST_TOKENS + _budget(parameters.get("thinking"))
    return parameters


def _thinking(said: Json) -> Json:
    """`thinking = 2048` is a budget in tokens, `"adaptive"` and `"disabled"` are the vendor's words."""
    if isinstance(said, int) and not isinstance(said, bool):
        return {"type": "enabled", "budget_tokens": said}
    return said if isinstance(said, dict) else {"type": one_of("thinking", said, {**THINKING})}


def _budget(thinking: Json) -> int:
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return budget if isinstance(budget, int) else 0


def _effort(said: Json, parameters: dict[str, Json], config: dict[str, Json]) -> None:
    if said == "none":
        parameters.setdefault("thinking", {"type": "disabled"})
        return
    config["effort"] = one_of("reasoning_effort", said, {"none": None, **{word: word for word in EFFORTS}})


def _tool(function: object) -> Json:
    tool = function if isinstance(function, dict) else {}
    own = {name: value for name, value in tool.items() if name != "parameters"}
    return {**own, "input_schema": {"type": "object", **(tool.get("parameters") or {})}}


# ── messages ──────────────────────────────────────────────────────────────────────────────────────


def _split(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """The instructions that come first, as one text, and the conversation behind them."""
    first = next((i for i, m in enumerate(messages) if m.role not in INSTRUCTING), len(messages))
    late = [m for m in messages[first:] if m.role in INSTRUCTING]
    if late:
        raise Untranslatable(f"{Spoken.ANTHROPIC.value} takes a {late[0].role} message only at the beginning")
    return "\n\n".join(m.content for m in messages[:first]), messages[first:]


def _message(message: Message, whole: bool) -> Json:
    content = content_parts(message.content, message.images, whole=whole)
    return {"role": message.role, "content": [*_blocks(content)] if isinstance(content, list) else content}


def _blocks(parts: Iterable[Json]) -> Iterable[Json]:
    """Images before the text, as the vendor advises."""
    listed = [part for part in parts if isinstance(part, dict)]
    yield from (_image(part["image_url"]) for part in listed if part["type"] == "image_url")
    yield from (part for part in listed if part["type"] == "text" and part["text"])


def _image(address: Json) -> Json:
    url = str(address["url"]) if isinstance(address, dict) else ""
    media, marked, content = url.removeprefix("data:").partition(";base64,")
    if url.startswith("data:") and marked:
        return {"type": "image", "source": {"type": "base64", "media_type": media, "data": content}}
    return {"type": "image", "source": {"type": "url", "url": url}}


WIRE = Wire(answer="a message", body=request_body, read=read_message, gather=Gathered)
