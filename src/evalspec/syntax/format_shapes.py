"""What the formatter sees of a spec: entries, blocks and table rows, and in them words, brackets and remarks.

Unlike the tree it keeps what only a reader of the text cares for: comments, blank lines, and whether
something stood on one line.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from evalspec.syntax.tokens import ENDS_VALUE
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

NEGATIVE = "NEGATIVE"  # a minus in front of a value, not between two
GLUED_BEHIND = frozenset(("DOT", NEGATIVE))


class Shape(Enum):
    """What a pair of brackets means. Lists and calls may end in a comma, the others may not."""

    LIST = auto()
    CALL = auto()
    INDEX = auto()
    ARGUMENT = auto()  # of a bound
    GROUP = auto()


COMMA_ALLOWED = frozenset((Shape.LIST, Shape.CALL))
TOUCHES_BEFORE = frozenset((Shape.CALL, Shape.INDEX, Shape.ARGUMENT))


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment: on a line of its own or behind something, and whether a blank line stands before it."""

    text: str
    own_line: bool
    blank: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """The cells that something takes written without a line break of ours: of its first line and of its
    last one. They are the same but for texts over several lines."""

    first: int
    last: int
    several: bool

    def then(self, cells: int) -> Extent:
        """The same with so many cells behind it."""
        return Extent(self.first if self.several else self.first + cells, self.last + cells, self.several)

    def join(self, other: Extent) -> Extent:
        """The same with another directly behind it."""
        if not other.several:
            return self.then(other.first)
        return Extent(self.first if self.several else self.first + other.first, other.last, True)


NOTHING = Extent(0, 0, False)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A token: a word, a sign, a quantity, a string."""

    kind: str
    text: str
    extent: Extent


@dataclass(frozen=True, slots=True)
class Item:
    """What stands between two commas, with the remarks above and behind it."""

    lead: tuple[Remark, ...]
    elements: tuple[Element, ...]
    tail: tuple[Remark, ...]
    blank: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """A pair of brackets and what is in it. `broken`: it has to go over several lines, for a remark in
    it, or because its author wrote it so and ended it in a comma (which is `kept`)."""

    shape: Shape
    opening: str
    closing: str
    items: tuple[Item, ...]
    behind_opening: Remark | None
    dangling: tuple[Remark, ...]
    kept: bool
    broken: bool
    extent: Extent


Element = Leaf | Bracket | Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An attribute, a bound or an import."""

    elements: tuple[Element, ...]
    blank: bool
    tail: Remark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A table row, by its cells."""

    cells: tuple[tuple[Element, ...], ...]
    blank: bool
    tail: Remark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A block. `one_line`: its author wrote it on one line, and it could stand so."""

    head: tuple[Element, ...]
    members: tuple[Member, ...]
    behind_opening: Remark | None
    one_line: bool
    extent: Extent
    blank: bool
    tail: Remark | None = None


Member = Remark | Line | Row | Body


def ends_value(elements: Sequence[Element]) -> bool:
    """Whether what stands so far ends in a value: a bracket behind it is then a call or an index."""
    for element in reversed(elements):
        match element:
            case Leaf():
                return element.kind in ENDS_VALUE
            case Bracket():
                return True
    return False


def gap(before: Element | None, behind: Element) -> str:
    """What stands between two neighbours on a line: one blank or nothing."""
    if before is None or (isinstance(before, Leaf) and before.kind in GLUED_BEHIND):
        return ""
    if isinstance(behind, Bracket):
        return "" if behind.shape in TOUCHES_BEFORE else " "
    if isinstance(behind, Leaf) and behind.kind == "DOT":
        number = isinstance(before, Leaf) and before.kind == "QUANTITY"  # else the two would be one token
        return " " if number else ""
    return " "


def extent_of(elements: Sequence[Element]) -> Extent:
    """The cells of neighbours on a line; remarks take none."""
    found, before = NOTHING, None
    for element in elements:
        if isinstance(element, Remark):
            continue
        found = found.then(len(gap(before, element))).join(element.extent)
        before = element
    return found


def is_broken(elements: Sequence[Element]) -> bool:
    """Whether a remark or a bracket among these needs lines of its own."""
    return any(isinstance(e, Remark) or (isinstance(e, Bracket) and e.broken) for e in elements)
