"""Cost figures: fixed ones, and those that depend on the example. For `check` and `score` alike."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.language.expressions import Expression, Type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.language.program import CostFigure
    from evalspec.text.source import Span


def figure_at(figure: CostFigure, row: Mapping[str, object]) -> float | None:
    """What a figure is at an example; None where the example gives none, or none that is finite."""
    if isinstance(figure, Decimal):
        return float(figure)
    found = figure(row)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def largest_of(figures: Sequence[CostFigure], at: Span) -> CostFigure:
    """The largest of some figures, at each example where one of them depends on it."""
    fixed = [f for f in figures if isinstance(f, Decimal)]
    if len(fixed) == len(figures):
        return max(fixed)

    def largest(row: Mapping[str, object]) -> float | None:
        known = [n for figure in figures if (n := figure_at(figure, row)) is not None]
        return max(known) if len(known) == len(figures) else None

    columns = frozenset[str]().union(*(f.columns for f in figures if isinstance(f, Expression)))
    return Expression(at, Type.NUMBER, columns, largest)
