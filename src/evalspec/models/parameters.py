"""Request parameters in the words of each protocol. What a protocol has no place for is refused by name.

The language writes them as OpenAI's protocol does. A name that is none of these is a vendor's own and is
passed on as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.models.vendors import Spoken
from evalspec.models.wires import Untranslatable

if TYPE_CHECKING:
    from evalspec.text.values import Json


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NO_PLACE: Mapping[Spoken, frozenset[str]] = {
    Spoken.ANTHROPIC: _words(
        """
        seed n min_p presence_penalty frequency_penalty repetition_penalty logit_bias logprobs top_logprobs
        verbosity extra_body chat_template_kwargs user
        """
    ),
    Spoken.GEMINI: _words(
        """
        n min_p repetition_penalty logit_bias verbosity service_tier metadata extra_body chat_template_kwargs
        user
        """
    ),
}


def demand_places(spoken: Spoken, parameters: Mapping[str, Json]) -> None:
    """Raises Untranslatable where a protocol has no place for one of these parameters."""
    for name in parameters:
        if name in NO_PLACE[spoken]:
            raise Untranslatable(f"{spoken.value} has no `{name}`: remove it")


def most_tokens(parameters: dict[str, Json]) -> Json:
    """The most tokens of an answer, taken out of the parameters; None where they do not say."""
    named = [parameters.pop(name, None) for name in ("max_tokens", "max_completion_tokens")]
    return next((value for value in named if value is not None), None)


def stops(value: Json) -> Json:
    """Where to stop, as a list."""
    return value if isinstance(value, list) else [value]


def enforced_schema(parameters: dict[str, Json]) -> Mapping[str, Json] | None:
    """The JSON Schema that an answer is held to, taken out of the parameters."""
    form = parameters.pop("response_format", None)
    if form is None:
        return None
    held = form.get("json_schema") if isinstance(form, dict) else None
    schema = held.get("schema") if isinstance(held, dict) else None
    if not isinstance(schema, dict):
        raise Untranslatable("`response_format` is no JSON Schema")
    return schema


def offered_tools(parameters: dict[str, Json]) -> list[Mapping[str, Json]]:
    """The functions that may be called, taken out of the parameters: name, description, parameters."""
    listed = parameters.pop("tools", None)
    functions = [tool.get("function") for tool in listed or () if isinstance(tool, dict)] if isinstance(
        listed, list
    ) else []  # fmt: skip
    return [function for function in functions if isinstance(function, dict)]


def choice_of_tools(parameters: dict[str, Json], words: Mapping[str, str]) -> str | None:
    """Whether a tool has to be called, in a protocol's words; taken out of the parameters."""
    said = parameters.pop("tool_choice", None)
    if said is None:
        return None
    if not isinstance(said, str) or said not in words:
        raise Untranslatable(f"`tool_choice` is one of {', '.join(words)}")
    return words[said]


def one_of(name: str, value: Json, known: Mapping[str, Json]) -> Json:
    """What a word means in a protocol. Raises Untranslatable for one that it does not have."""
    if isinstance(value, str) and value in known:
        return known[value]
    raise Untranslatable(f"`{name}` is one of {', '.join(known)} here")
