"""The tree of a spec: its six shapes and its expressions, each with its place in the text.

What `parse` makes and `check` reads. Nothing here knows which names are legal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.source import Source, Span
    from evalspec.text.units import Quantity


@dataclass(frozen=True, slots=True)
class Word:
    """A name as it stands in the text. `quoted` where it was written as a string."""

    text: str
    at: Span
    quoted: bool = False


# ── expressions ───────────────────────────────────────────────────────────────────────────────────


class Operator(StrEnum):
    """The operators between two values."""

    OR = "or"
    AND = "and"
    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    MORE = ">"
    MORE_EQUAL = ">="
    IN = "in"
    NOT_IN = "not in"
    CONTAINS = "contains"
    MATCHES = "matches"
    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    DIVIDED = "/"
    MODULO = "%"


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    at: Span


@dataclass(frozen=True, slots=True)
class Text:
    """A string. `offset` is where its content begins inside the token, `raw` whether nothing was escaped."""

    text: str
    at: Span
    form: str  # string, raw, long


@dataclass(frozen=True, slots=True)
class Amount:
    quantity: Quantity
    at: Span


@dataclass(frozen=True, slots=True)
class Constant:
    """`true`, `false` or `null`."""

    value: bool | None
    at: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Expr, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Named:
    """A named argument of a call."""

    name: Word
    value: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Call:
    function: Expr
    arguments: tuple[Expr, ...]
    named: tuple[Named, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Member:
    value: Expr
    name: Word
    at: Span


@dataclass(frozen=True, slots=True)
class Index:
    value: Expr
    index: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Not:
    value: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Negative:
    value: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Binary:
    operator: Operator
    left: Expr
    right: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Group:
    """An expression in parentheses of its own."""

    value: Expr
    at: Span


Expr = Name | Text | Amount | Constant | Sequence | Call | Member | Index | Not | Negative | Binary | Group


# ── shapes ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Attribute:
    """`key = value`."""

    key: Word
    value: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Bound:
    """`metric(argument) <= quantity`."""

    metric: Word
    argument: Expr | None
    operator: str
    value: Expr
    at: Span


@dataclass(frozen=True, slots=True)
class Corner:
    """`truth \\ answer`, the upper left cell of a cost table."""

    down: Word
    across: Word
    at: Span


@dataclass(frozen=True, slots=True)
class Dash:
    at: Span


@dataclass(frozen=True, slots=True)
class Star:
    at: Span


@dataclass(frozen=True, slots=True)
class Empty:
    at: Span


Cell = Word | Text | Amount | Constant | Negative | Group | Corner | Dash | Star | Empty


@dataclass(frozen=True, slots=True)
class TableRow:
    """`| a | b |`."""

    cells: tuple[Cell, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Block:
    """`kind name of target { entries }`. `header` spans the words before the brace."""

    kind: Word
    name: Word | None
    target: Word | None
    entries: tuple[Entry, ...]
    at: Span
    header: Span


@dataclass(frozen=True, slots=True)
class Import:
    path: Text
    at: Span


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry that could not be read. `words` are those it began with: what it would have declared."""

    words: tuple[Word, ...]
    at: Span


Entry = Attribute | Bound | TableRow | Block | Import | Broken


@dataclass(frozen=True, slots=True)
class File:
    """A whole spec: its entries, and its comments by place."""

    source: Source
    entries: tuple[Entry, ...]
    comments: tuple[Span, ...]
