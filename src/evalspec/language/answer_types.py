"""The kinds of answer that a step may be due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from evalspec.language.prompts import Prompt
    from evalspec.text.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of some labels; `decline` is the label by which the model itself abstains."""

    labels: tuple[str, ...]
    decline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """The labels `yes` and `no`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAnswer:
    """A number; right within `relative` (a share of the gold) or `absolute`, else when equal."""

    relative: Decimal | None = None
    absolute: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer:
    """Free text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterOf:
    """The letter of one of some columns: A for the first, B for the second."""

    columns: tuple[str, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(chr(ord("A") + i) for i in range(len(self.columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeOf:
    """A set of labels; an empty one is an answer."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectType:
    """A JSON object inside another: its fields."""

    fields: tuple[JsonField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListType:
    """A JSON list of values of one type; judged as a list, in order."""

    of: JsonType


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyType:
    """Any JSON value: what a JSON Schema leaves open. Right when it is the gold's equal, part by part."""


JsonType = AnyType | OneOf | SomeOf | YesNo | NumberAnswer | TextAnswer | ObjectType | ListType


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonField:
    """A field of a JSON answer. `scored` is false where it is the model's confidence."""

    name: str
    type: JsonType
    scored: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAnswer:
    """A JSON object: its fields, or a JSON Schema that it must fit (then `fields` are its properties).

    `fields` are all there, each with a value or null; with a schema it says which may be missing.
    """

    fields: tuple[JsonField, ...]
    schema: Mapping[str, Json] | None = None
    enforce: bool = False  # whether the provider is sent the schema


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The call of a tool: its name, and arguments that fit that tool's schema."""

    tools: tuple[Mapping[str, Json], ...]  # as the provider is sent them
    enforce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAnswer:
    """Code that is put into a program, which passes (exit code 0) or fails."""

    language: str
    program: Prompt
    timeout_ns: int
    memory_bytes: int


AnswerType = (
    OneOf | SomeOf | YesNo | NumberAnswer | TextAnswer | LetterOf | JsonAnswer | ToolCall | CodeAnswer
)
