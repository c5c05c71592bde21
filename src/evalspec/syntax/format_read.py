"""From tokens to what the formatter lays out. The text is known to parse, so nothing can be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax.format_shapes import (
    NEGATIVE,
    NOTHING,
    Body,
    Bracket,
    Element,
    Extent,
    Item,
    Leaf,
    Line,
    Member,
    Remark,
    Row,
    Shape,
    ends_value,
    extent_of,
    is_broken,
)  # fmt: skip
from evalspec.syntax.format_tokens import Piece, pieces_of
from evalspec.text.cells import width_of
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSING = {"(": ")", "[": "]"}
QUOTES = 3  # behind a text over several lines


def members_of(text: str) -> tuple[Member, ...]:
    """The entries and comments of a spec that parses, in order."""
    reader = _Reader(text)
    for piece in pieces_of(text):
        reader.take(piece)
    return tuple(reader.blocks[0].members)


@dataclass(slots=True)
class _OpenBracket:
    """A bracket whose end is not reached yet, and the item in it that is being read."""

    shape: Shape
    opening: str
    items: list[Item] = field(default_factory=list)
    lead: list[Remark] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    behind_opening: Remark | None = None
    blank: bool = False
    over_lines: bool = False
    comma_last: bool = False

    def end_item(self) -> None:
        """Makes an item of what was read; the remarks at its end stand behind it."""
        end = len(self.elements)
        while isinstance(self.elements[end - 1], Remark):
            end -= 1
        tail = tuple(e for e in self.elements[end:] if isinstance(e, Remark))
        self.items.append(Item(tuple(self.lead), tuple(self.elements[:end]), tail, self.blank))
        self.lead, self.elements = [], []

    def remark(self, remark: Remark) -> None:
        """Puts a comment where it belongs."""
        self.over_lines = True
        if self.elements:
            self.elements.append(remark)
        elif remark.own_line or self.lead:
            self.lead.append(remark)
        elif self.items:
            self.items[-1] = replace(self.items[-1], tail=(*self.items[-1].tail, remark))
        else:
            self.behind_opening = remark

    def closed(self) -> Bracket:
        """The bracket, all of it read."""
        if self.elements:
            self.end_item()
            self.comma_last = False
        kept = self.comma_last and self.over_lines
        remarks = self.behind_opening is not None or bool(self.lead)
        inner = any(item.lead or item.tail or is_broken(item.elements) for item in self.items)
        return Bracket(
            shape=self.shape,
            opening=self.opening,
            closing=CLOSING[self.opening],
            items=tuple(self.items),
            behind_opening=self.behind_opening,
            dangling=tuple(self.lead),
            kept=kept,
            broken=kept or remarks or inner,
            extent=_joined([extent_of(item.elements) for item in self.items]),
        )


def _joined(extents: Sequence[Extent]) -> Extent:
    """Items on one line, commas between them, in brackets."""
    found = NOTHING.then(1)
    for i, extent in enumerate(extents):
        found = found.then(2 if i else 0).join(extent)
    return found.then(1)


@dataclass(slots=True)
class _OpenBlock:
    """A block, or the file, whose end is not reached yet."""

    head: tuple[Element, ...] = ()
    blank: bool = False
    start: int = 0
    members: list[Member] = field(default_factory=list)
    behind_opening: Remark | None = None


class _Reader:
    """Takes a spec's pieces one by one; `blocks[0]` is the file."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks = [_OpenBlock()]
        self.brackets: list[_OpenBracket] = []
        self.elements: list[Element] = []  # of the entry outside all brackets
        self.blank = False
        self.body: Body | None = None  # a block that was just closed
        self.tail: Remark | None = None

    def take(self, piece: Piece) -> None:
        """Adds one piece to what stands open."""
        match piece.kind:
            case "COMMENT":
                self._remark(Remark(piece.text, piece.breaks > 0, piece.breaks > 1))
            case "SEP":
                self._end_entry()
            case "LBRACE":
                self.blocks.append(_OpenBlock(tuple(self.elements), self.blank, piece.end))
                self.elements = []
            case "RBRACE":
                self._close_block(piece)
            case "LPAR" | "LSQB":
                self._begin(piece)
                self.brackets.append(_OpenBracket(self._shape(piece), piece.text))
            case "RPAR" | "RSQB":
                self._close_bracket(piece)
            case "COMMA":
                self._comma(piece)
            case _:
                self._begin(piece)
                self._current().append(self._leaf(piece))

    def _current(self) -> list[Element]:
        return self.brackets[-1].elements if self.brackets else self.elements

    def _begin(self, piece: Piece) -> None:
        """Notes the line breaks before a piece that is part of an entry or item."""
        blank = piece.breaks > 1
        if not self.brackets:
            self.blank = self.blank if self.elements else blank
            return
        bracket = self.brackets[-1]
        bracket.over_lines |= piece.breaks > 0
        bracket.blank = bracket.blank if bracket.elements else blank
        bracket.comma_last = False

    def _leaf(self, piece: Piece) -> Leaf:
        kind = piece.kind
        if kind == "MINUS" and not ends_value(self._current()):
            kind = NEGATIVE
        if kind != "LONG" or "\n" not in piece.text:
            width = width_of(piece.text)
            return Leaf(kind, piece.text, Extent(width, width, False))
        first = piece.text[: piece.text.index("\n")]
        return Leaf(kind, piece.text, Extent(width_of(first.rstrip("\r")), QUOTES, True))

    # ── brackets ──────────────────────────────────────────────────────────────────────────────────

    def _shape(self, piece: Piece) -> Shape:
        current = self._current()
        if not ends_value(current):
            return Shape.GROUP if piece.kind == "LPAR" else Shape.LIST
        if piece.kind == "LSQB":
            return Shape.INDEX
        return Shape.CALL if self.brackets or len(current) > 1 else Shape.ARGUMENT

    def _comma(self, piece: Piece) -> None:
        bracket = self.brackets[-1]
        bracket.end_item()
        bracket.over_lines |= piece.breaks > 0
        bracket.comma_last = True

    def _close_bracket(self, piece: Piece) -> None:
        bracket = self.brackets.pop()
        bracket.over_lines |= piece.breaks > 0
        self._current().append(bracket.closed())

    # ── entries ───────────────────────────────────────────────────────────────────────────────────

    def _remark(self, remark: Remark) -> None:
        block = self.blocks[-1]
        if self.brackets:
            self.brackets[-1].remark(remark)
        elif self.elements or self.body is not None:
            self.tail = remark
        elif remark.own_line or not (block.members or len(self.blocks) > 1):
            block.members.append(remark)
        elif not block.members:
            block.behind_opening = remark
        else:
            self._behind_last(block, remark)

    def _behind_last(self, block: _OpenBlock, remark: Remark) -> None:
        """Behind a semicolon: the comment belongs to the entry before it."""
        last = block.members[-1]
        if isinstance(last, Remark) or last.tail is not None:
            block.members.append(remark)
        else:
            block.members[-1] = replace(last, tail=remark)

    def _end_entry(self) -> None:
        members = self.blocks[-1].members
        elements = self.elements
        if self.body is not None:
            members.append(replace(self.body, tail=self.tail))
        elif isinstance(elements[0], Leaf) and elements[0].kind == "BAR":
            members.append(Row(cells=_cells(elements), blank=self.blank, tail=self.tail))
        else:
            members.append(Line(elements=tuple(elements), blank=self.blank, tail=self.tail))
        self.elements, self.body, self.tail = [], None, None

    def _close_block(self, piece: Piece) -> None:
        block = self.blocks.pop()
        flat = self.text.find("\n", block.start, piece.start) < 0
        extent = _on_one_line(block) if flat else None
        self.body = Body(
            head=block.head,
            members=tuple(block.members),
            behind_opening=block.behind_opening,
            one_line=extent is not None,
            extent=extent or NOTHING,
            blank=block.blank,
        )


def _on_one_line(block: _OpenBlock) -> Extent | None:
    """The cells of a block with its entries between semicolons; None for one that should not stand so."""
    if not block.members:
        return extent_of(block.head).then(len(" {}"))
    found = extent_of(block.head).then(len(" { "))
    for i, member in enumerate(block.members):
        found = found.then(2 if i else 0)
        match member:
            case Line():
                found = found.join(extent_of(member.elements))
            case Body(one_line=True):
                found = found.join(member.extent)
            case _:
                return None
    return found.then(len(" }"))


def _cells(elements: Sequence[Element]) -> tuple[tuple[Element, ...], ...]:
    """A row's elements, cut at its bars."""
    cells: list[list[Element]] = []
    for element in elements:
        if isinstance(element, Leaf) and element.kind == "BAR":
            cells.append([])
        else:
            cells[-1].append(element)
    return tuple(tuple(cell) for cell in cells[:-1])
