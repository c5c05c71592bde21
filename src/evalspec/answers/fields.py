"""The fields of a JSON answer, each by its type: what was said, what the gold means, whether they are equal.

Works on JSON values that `json_text.py` found sound. null stands for "there is none": it fits every type and
is right where the gold is null or blank too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import assert_never

from evalspec.answers.finding import Value, as_text
from evalspec.answers.json_text import list_of, object_of
from evalspec.answers.labels import gold_labels, gold_yes_no
from evalspec.answers.numbers import gold_number, same_number
from evalspec.answers.texts import same_text
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
from evalspec.language.functions import is_missing
from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True)
class Fitted:
    """A value that fits its type, in the form in which answers are kept."""

    value: Value | None


NULL = Fitted(None)


def fitted_object(fields: tuple[JsonField, ...], said: object, *, partial: bool = False) -> Fitted | None:
    """An object by its fields; None where it does not fit. Fields that are not scored need not fit, nor be
    there; with `partial` none need be there."""
    if not isinstance(said, dict):
        return None
    values: dict[str, Value | None] = {}
    for field in fields:
        there = field.name in said
        value = fitted(field.type, said[field.name]) if there else NULL
        if value is None or not (there or partial):
            if field.scored:
                return None
            value = NULL
        values[field.name] = value.value
    return Fitted(values)


def fitted(kind: JsonType, said: object) -> Fitted | None:
    """What a JSON value says by a type; None where it does not fit it."""
    if said is None:
        return NULL
    match kind:
        case TextAnswer():
            return Fitted(said.strip()) if isinstance(said, str) else None
        case NumberAnswer():
            return _or_misfit(gold_number(said) if isinstance(said, Decimal | str) else None)
        case YesNo():
            return _or_misfit(gold_yes_no(said) if isinstance(said, bool | str) else None)
        case OneOf(labels=labels):
            return _label(said, labels)
        case SomeOf(labels=labels):
            return _set(said, labels)
        case ObjectType(fields=fields):
            return fitted_object(fields, said)
        case ListType(of=of):
            return _list([fitted(of, item) for item in said]) if isinstance(said, list) else None
        case AnyType():
            return Fitted(frozen(said))
        case _:
            assert_never(kind)


def gold_value(kind: JsonType, gold: object) -> Fitted | None:
    """What one gold value means by a type; None where no answer can equal it. What is missing is null."""
    if is_missing(gold):
        return Fitted(()) if isinstance(kind, SomeOf) and isinstance(gold, str) else NULL
    match kind:
        case TextAnswer():
            return None if isinstance(gold, dict | list) else Fitted(as_text(gold).strip())
        case NumberAnswer():
            return _or_misfit(gold_number(gold))
        case YesNo():
            return _or_misfit(gold_yes_no(gold))
        case OneOf(labels=labels):
            return Fitted(as_text(gold)) if as_text(gold) in labels else None
        case SomeOf(labels=labels):
            meant, foreign = gold_labels(gold, labels)
            return Fitted(meant) if foreign is None else None
        case ObjectType(fields=fields):
            inner = _gold_fields(_judged(fields, None), gold)
            return None if isinstance(inner, str) else Fitted(inner)
        case ListType(of=of):
            listed = list_of(gold) if isinstance(gold, str) else gold
            return _list([gold_value(of, one) for one in listed]) if isinstance(listed, list) else None
        case AnyType():
            return Fitted(frozen(gold))
        case _:
            assert_never(kind)


def gold_object(
    answer: JsonAnswer, gold: object, *, only: Mapping[str, object] | None = None
) -> Fitted | None:
    """The gold of a JSON answer by its scored fields, of those named by `only` where it is given; also a text
    that is JSON. None where one is missing or has no meaning. Where no field is known it is the gold as it
    stands."""
    if not answer.fields:
        said = object_of(gold) if isinstance(gold, str) else gold
        return Fitted(frozen(said)) if isinstance(said, dict) else None
    meant = _gold_fields(_judged(answer.fields, only), gold, partial=answer.schema is not None)
    return None if isinstance(meant, str) else Fitted(meant)


def gold_fault(answer: JsonAnswer, gold: object, *, only: Mapping[str, object] | None = None) -> str | None:
    """Why no answer can equal a gold object, as the end of a sentence that begins with "the gold"."""
    meant = _gold_fields(_judged(answer.fields, only), gold, partial=answer.schema is not None)
    return meant if isinstance(meant, str) else None


def _judged(fields: tuple[JsonField, ...], only: Mapping[str, object] | None) -> tuple[JsonField, ...]:
    return tuple(f for f in fields if f.scored and (only is None or f.name in only))


def _gold_fields(
    fields: tuple[JsonField, ...], gold: object, *, partial: bool = False
) -> dict[str, Value | None] | str:
    """What a gold object means field by field, or what is wrong with it. With `partial` what is missing is
    null."""
    said = object_of(gold) if isinstance(gold, str) else gold
    if not isinstance(said, dict):
        return "is no object"
    values: dict[str, Value | None] = {}
    for field in fields:
        if field.name not in said and not partial:
            return f"lacks the field `{field.name}`"
        value = gold_value(field.type, said.get(field.name))
        if value is None:
            return f"has a `{field.name}` that no answer can equal"
        values[field.name] = value.value
    return values


def same(kind: JsonType, said: Value | None, gold: Value | None) -> bool:
    """Whether two values of a type are equal: numbers within what is allowed, sets whatever their order,
    lists in order, objects field by field. A blank text and an empty list are as good as null."""
    if said is None or gold is None:
        return _blank(said) and _blank(gold)
    match kind:
        case TextAnswer():
            return same_text(str(said), str(gold), frozenset())
        case NumberAnswer(relative=relative, absolute=absolute):
            both = isinstance(said, Decimal) and isinstance(gold, Decimal)
            return both and same_number(said, gold, relative=relative, absolute=absolute)  # type: ignore[arg-type]
        case ObjectType(fields=fields):
            return isinstance(said, Mapping) and isinstance(gold, Mapping) and same_fields(fields, said, gold)
        case ListType(of=of):
            return _same_items(of, said, gold)
        case OneOf() | SomeOf() | YesNo() | AnyType():
            return equal(said, gold)
        case _:
            assert_never(kind)


def same_fields(
    fields: tuple[JsonField, ...], said: Mapping[str, Value | None], gold: Mapping[str, Value | None]
) -> bool:
    """Whether all scored fields that the gold has are right."""
    return all(same(f.type, said.get(f.name), gold[f.name]) for f in fields if f.scored and f.name in gold)


def equal(said: Value | None, gold: Value | None) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not; keys have no order."""
    if isinstance(said, Mapping) and isinstance(gold, Mapping):
        return said.keys() == gold.keys() and all(equal(said[key], gold[key]) for key in said)
    if isinstance(said, tuple) and isinstance(gold, tuple):
        return len(said) == len(gold) and all(map(equal, said, gold))
    return isinstance(said, bool) == isinstance(gold, bool) and said == gold


def frozen(said: object) -> Value | None:
    """A JSON value in the form in which answers are kept; numbers are decimal, lists tuples."""
    match said:
        case bool() | str() | Decimal() | None:
            return said
        case int() | float():
            return gold_number(said)
        case list() | tuple():
            return tuple(frozen(item) for item in said)
        case Mapping():
            return {str(key): frozen(item) for key, item in said.items()}
        case _:
            return as_text(said)


def _blank(value: Value | None) -> bool:
    return value is None or value == "" or value == ()


def _or_misfit(value: Value | None) -> Fitted | None:
    return None if value is None else Fitted(value)


def _label(said: object, labels: tuple[str, ...]) -> Fitted | None:
    if isinstance(said, dict | list):
        return None
    text = as_text(said)
    if text in labels:
        return Fitted(text)
    folded = text.strip().casefold()
    meant = [label for label in labels if label.casefold() == folded]
    return Fitted(meant[0]) if len(meant) == 1 else None


def _set(said: object, labels: tuple[str, ...]) -> Fitted | None:
    """A list of labels."""
    if not isinstance(said, list):
        return None
    each = [_label(item, labels) for item in said]
    named = {one.value for one in each if one is not None}
    return None if None in each else Fitted(tuple(label for label in labels if label in named))


def _list(items: list[Fitted | None]) -> Fitted | None:
    values = [item.value for item in items if item is not None]
    return Fitted(tuple(values)) if len(values) == len(items) else None


def _same_items(of: JsonType, said: Value, gold: Value) -> bool:
    if not isinstance(said, tuple) or not isinstance(gold, tuple) or len(said) != len(gold):
        return False
    return all(same(of, one, other) for one, other in zip(said, gold, strict=True))
