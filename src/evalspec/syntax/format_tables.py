"""Table rows in columns: numbers to the right, words to the left, by the cells that a terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax.format_lines import Run, Task, flat_text, laid_out
from evalspec.syntax.format_shapes import NEGATIVE, Bracket, Element, Leaf, Row, extent_of, is_broken

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST_CELL = 80  # a longer one sticks out, rather than to widen every row
FIGURES = frozenset(("QUANTITY", NEGATIVE))


def lines_of_rows(rows: Sequence[Row], indent: int) -> list[list[str]]:
    """The lines of each row of a table: one, unless a remark or a text over several lines is in it."""
    widths = _widths(rows)
    return [_ragged(row, indent) if _is_ragged(row) else [_aligned(row, indent, widths)] for row in rows]


def _widths(rows: Sequence[Row]) -> list[int]:
    """How wide each column is."""
    widths: list[int] = []
    for row in rows:
        if _is_ragged(row):
            continue
        widths.extend([0] * (len(row.cells) - len(widths)))
        for i, cell in enumerate(row.cells):
            width = extent_of(cell).first
            if width <= WIDEST_CELL:
                widths[i] = max(widths[i], width)
    return widths


def _is_ragged(row: Row) -> bool:
    return any(is_broken(cell) or extent_of(cell).several for cell in row.cells)


def _aligned(row: Row, indent: int, widths: Sequence[int]) -> str:
    shown = []
    for cell, width in zip(row.cells, widths, strict=False):
        blanks = " " * (width - extent_of(cell).first)
        shown.append(blanks + flat_text(cell) if _is_figure(cell) else flat_text(cell) + blanks)
    return " " * indent + "| " + " | ".join(shown) + " |"


def _is_figure(cell: tuple[Element, ...]) -> bool:
    match cell:
        case (Leaf(kind=kind), *_):
            return kind in FIGURES
        case (Bracket(), *_):
            return True
        case _:
            return False


def _ragged(row: Row, indent: int) -> list[str]:
    tasks: list[Task] = [" " * indent + "|"]
    for cell in row.cells:
        tasks += [" ", Run(cell, indent), " |"]
    return laid_out(tasks)
