"""JavaScript's values as texts, and templates in values: what promptfoo makes of both before it compares."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 1_000_000
READS = re.compile(r"\{\{-?\s*([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)\s*-?\}\}")
TAG = re.compile(r"\{\{|\{%|\{#")
ENVIRONMENT = re.compile(r"\{\{-?\s*(?:process\.)?env\.([A-Za-z_]\w*)\s*-?\}\}")


class NotPlain(ValueError):
    """A template that does more than to name variables; the message is the part that does."""


def as_string(value: Any) -> str:
    """A value as JavaScript's `String()` writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        case float():
            return re.sub(r"e([+-])0+(?=\d)", r"e\1", repr(value))
        case list():
            return ",".join("" if item is None else as_string(item) for item in value)
        case dict():
            return "[object Object]"
        case _:
            return str(value)


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """A text with its `{{ name }}` filled in. Raises NotPlain for any other tag."""

    def value_of(found: re.Match[str]) -> str:
        value: Any = dict(variables)
        for part in found[1].split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return "" if value is None else as_string(value)

    if sum(len(value_of(found)) for found in READS.finditer(text)) > LONGEST:
        raise NotPlain("what grows too long when it is filled in")
    plain = READS.sub("", text)
    if (tag := TAG.search(plain)) is not None:
        raise NotPlain(plain[tag.start() : tag.start() + 40])
    return READS.sub(value_of, text)


def compact(value: Any) -> str:
    """A value as `JSON.stringify` writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
