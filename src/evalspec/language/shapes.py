"""What is known of a value before anything runs: its type, the members of a record, the items of a list.

Templates are held against shapes, so that a slip in `shot.questoin` is found where it stands. A shape
knows less than a value: whatever is not certain is ANYTHING, of which nothing is ever wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from evalspec.language.functions import Type
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

DEEPEST = 6
MOST_LOOKED_AT = 10_000  # values of a column, and items of a list in it


@dataclass(frozen=True, slots=True)
class Plain:
    """A value without members: a text, a number, a condition or a date."""

    type: Type


@dataclass(frozen=True, slots=True)
class Record:
    """A value with members, all of which are known. `what` is how it is called: `a shot`."""

    members: Mapping[str, Shape]
    what: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Anything:
    """A value of which nothing is known."""


Shape = Plain | Record | Items | Anything
Shapes = Callable[[str], Shape | None]  # what is known of a name beyond its type
ANYTHING = Anything()
TEXT = Plain(Type.TEXT)
NUMBER = Plain(Type.NUMBER)
CHOICES = Items(Record({"letter": TEXT, "text": ANYTHING}, "a choice"))
LABELS = Items(TEXT)


def nothing_more(name: str) -> None:
    """Of every name: nothing is known beyond its type."""


def shape_of_type(kind: Type) -> Shape:
    """What a type alone tells."""
    match kind:
        case Type.LIST:
            return Items(ANYTHING)
        case Type.OBJECT | Type.UNKNOWN:
            return ANYTHING
        case _:
            return Plain(kind)


def shape_of_values(values: Sequence[object]) -> Shape:
    """What all of some values have in common; a record has every member that any of them has."""
    if len(values) > MOST_LOOKED_AT:
        return ANYTHING  # a member that was not looked at must not be called unknown
    return _common([v for v in values if v is not None], DEEPEST)


def _common(values: Sequence[object], depth: int) -> Shape:
    if not values or depth == 0:
        return ANYTHING
    if all(isinstance(value, Mapping) for value in values):
        return _record([v for v in values if isinstance(v, Mapping)], depth)
    if all(isinstance(value, list) for value in values):
        items = [item for value in values if isinstance(value, list) for item in value]
        return Items(_common(items, depth - 1) if len(items) <= MOST_LOOKED_AT else ANYTHING)
    if all(isinstance(value, str) for value in values):
        return TEXT
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return NUMBER
    return ANYTHING


def _record(values: Sequence[Mapping[str, object]], depth: int) -> Shape:
    found: dict[str, list[object]] = {}
    for value in values:
        for name, member in value.items():
            found.setdefault(name, []).append(member)
    return Record(
        {name: _common([m for m in own if m is not None], depth - 1) for name, own in found.items()}
    )


def joined(shapes: Iterable[Shape]) -> Shape:
    """What is certain where a value may be any of some."""
    different = list(shapes)
    first = different[0] if different else ANYTHING
    return first if all(shape == first for shape in different) else ANYTHING


def item_of(shape: Shape) -> Shape:
    """What the items of a list are."""
    return shape.of if isinstance(shape, Items) else ANYTHING
