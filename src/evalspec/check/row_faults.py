"""Faults of single rows that the spec makes faults: at their lines, or together where they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.data.told import place_of
from evalspec.text.diagnostics import Label, problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.entries import Faults
    from evalspec.data.rows import Row
    from evalspec.text.source import Span

FEW = 5
SHOWN = 3


def tell_rows(
    code: str, at: Span, found: Sequence[tuple[Row, str]], together: str, way_out: str, faults: Faults
) -> None:
    """Says what is wrong with some rows: each at its line, or all `together` where many are.

    Many wrong rows are one mistake: it is another column that is meant.
    """
    if len(found) > FEW:
        labels = [Label(at=place_of(row), message=message) for row, message in found[:SHOWN]]
        message = f"{len(found):,} {together}"
        faults.add(code, at, message, "is this the right column?", way_out, labels=labels)
        return
    faults.extend(problem(code, place_of(row), message, way_out) for row, message in found)
