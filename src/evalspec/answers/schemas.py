"""JSON Schemas: the one that an answer type amounts to, and whether a value fits one.

A schema is the user's own, the value a model's. Patterns run under a time limit and references are counted,
so that no schema and no value keeps a reading busy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, assert_never

from evalspec.answers.extract import occurs
from evalspec.answers.finding import plain
from evalspec.language.answer_types import (
    AnyType,
    JsonAnswer,
    JsonField,
    JsonType,
    ListType,
    NumberAnswer,
    ObjectType,
    OneOf,
    SomeOf,
    TextAnswer,
    YesNo,
)
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.values import Json

MOST_REFERENCES = 20_000


# ── from an answer type ───────────────────────────────────────────────────────────────────────────


def schema_of(answer: JsonAnswer) -> dict[str, Json]:
    """The JSON Schema of a JSON answer: its own, or that of its fields, strict as providers want it."""
    return dict(answer.schema) if answer.schema is not None else _of_fields(answer.fields)


def _of_fields(fields: tuple[JsonField, ...]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {f.name: _of_type(f.type) for f in fields},
        "required": [f.name for f in fields],
        "additionalProperties": False,
    }


def _of_type(kind: JsonType) -> dict[str, Json]:
    match kind:
        case TextAnswer():
            return {"type": ["string", "null"]}
        case NumberAnswer():
            return {"type": ["number", "null"]}
        case YesNo():
            return {"type": ["boolean", "null"]}
        case OneOf(labels=labels):
            return {"type": ["string", "null"], "enum": [*labels, None]}
        case SomeOf(labels=labels):
            return {"type": "array", "items": {"type": "string", "enum": list(labels)}}
        case ObjectType(fields=fields):
            return _of_fields(fields)
        case ListType(of=of):
            return {"type": "array", "items": _of_type(of)}
        case AnyType():
            return {}
        case _:
            assert_never(kind)


# ── whether a value fits ──────────────────────────────────────────────────────────────────────────


def fits(schema: Mapping[str, Json], value: object) -> bool:
    """Whether a sound JSON value fits a schema. What never comes to an end is fitted by nothing."""
    from referencing.exceptions import Unresolvable

    checker, references = _checker(json.dumps(schema, sort_keys=True))
    references.left = MOST_REFERENCES
    try:
        return bool(checker.is_valid(plain(value)))
    except (RecursionError, OverflowError, ValueError, Unresolvable, _EndlessError):
        return False


class _EndlessError(Exception):
    """A schema led from reference to reference without end."""


@dataclass(slots=True)
class _References:
    """How many references may still be followed."""

    left: int = 0


@lru_cache(maxsize=64)
def _checker(schema: str) -> tuple[Any, _References]:
    """What checks values against a schema, given as text."""
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    read = json.loads(schema)
    known = validators.validator_for(read, default=Draft202012Validator)
    references = _References()
    kept = known.VALIDATORS
    safe = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "uniqueItems": _unique_items,
        **{name: _counted(kept[name], references) for name in ("$ref", "$dynamicRef") if name in kept},
    }
    extend: Any = validators.extend  # untyped
    return extend(known, safe)(read, registry=Registry()), references  # which fetches nothing


def _counted(follow: Any, references: _References) -> Any:
    def counted(validator: Any, target: Any, instance: Any, schema: Any) -> Iterator[Any]:
        references.left -= 1
        if references.left < 0:
            raise _EndlessError
        yield from follow(validator, target, instance, schema) or ()

    return counted


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not occurs(pattern, instance):
        yield _fault("does not match")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    for pattern, inner in patterns.items():
        for key, value in instance.items():
            if occurs(pattern, key):
                yield from validator.descend(value, inner, path=key, schema_path=pattern)


def _unique_items(validator: Any, unique: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if unique and isinstance(instance, list):
        forms = {json.dumps(item, sort_keys=True) for item in instance}
        if len(forms) < len(instance):
            yield _fault("an item stands twice")


def _fault(message: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message)
