"""Costs at each example: cells that depend on it must give a figure there, and a right answer be cheapest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.cost_figures import figure_at
from evalspec.language.expressions import Expression
from evalspec.language.program import CostByOutcome, CostMatrix, Costs
from evalspec.text.diagnostics import Label, problem
from evalspec.text.source import DataLine
from evalspec.text.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Faults
    from evalspec.data.rows import Row
    from evalspec.language.program import CostFigure

TOO_LARGE = 1e30  # as for figures in a spec: squares of them, and sums of these, stay within a float
WRONG_WAY_ROUND = "are truths and answers the wrong way round?"


def check_at_rows(costs: Costs, data: Data, faults: Faults) -> None:
    """Says where a cost has no figure, and then where a right answer is not the cheapest."""
    rows = data.loaded.rows if data.loaded is not None else ()
    before = len(faults.found)
    told: set[tuple[frozenset[str], str]] = set()
    for expression in _expressions(costs):
        _gives_figures(expression, rows, told, data.dataset.private, faults)
    if len(faults.found) == before:
        _right_is_cheapest(costs, rows, data.dataset.label, faults)


def _expressions(costs: Costs) -> Iterator[Expression]:
    """The cells that depend on the row, each once; what is computed from them is no cell."""
    match costs:
        case CostByOutcome():
            figures = [costs.right, costs.wrong, costs.abstain, costs.invalid]
        case CostMatrix():
            figures = [f for row in costs.figures for f in row]
            figures += [*(costs.abstain or ()), *costs.invalid]
    cells = {f.at: f for f in figures if isinstance(f, Expression) and f.at != costs.at}
    yield from cells.values()


def _gives_figures(
    cell: Expression,
    rows: Sequence[Row],
    told: set[tuple[frozenset[str], str]],
    private: Sequence[str],
    faults: Faults,
) -> None:
    """An error where an example gives no figure, one below 0, or one beyond reason. A column is told once."""
    wrong = [(row, why) for row in rows if (why := _fault(cell, row)) is not None]
    if not wrong or (cell.columns, wrong[0][1]) in told:
        return
    told.add((cell.columns, wrong[0][1]))
    first, why = wrong[0]
    label = Label(at=DataLine(first.file, first.line), message=_shown(cell, first, private))
    count = f"{len(wrong):,} of {counted(len(rows), 'example')}"
    faults.found.append(
        problem(
            "E0320",
            cell.at,
            f"this cost is {why} at {count}",
            "mend the data, or leave such rows out: `where = not is_missing(COLUMN)` in the dataset",
            labels=[label],
        )
    )


def _fault(cell: Expression, row: Row) -> str | None:
    figure = figure_at(cell, row.values)
    if figure is None:
        return "no number"
    if figure < 0:
        return "below 0"
    return "too large to mean anything" if figure >= TOO_LARGE else None


def _shown(cell: Expression, row: Row, private: Sequence[str]) -> str:
    """The example, and the columns that the cell reads there; what is too long is cut."""
    parts = []
    for column in sorted(cell.columns)[:3]:
        value = row.values.get(column)
        said = "missing" if value is None else "private" if column in private else f"{value!r:.40}"
        parts.append(f"{column} is {said}")
    return ", ".join([f"example `{row.id}`", *parts])


# ── the cheapest ──────────────────────────────────────────────────────────────────────────────────


def _right_is_cheapest(costs: Costs, rows: Sequence[Row], label: str | None, faults: Faults) -> None:
    if isinstance(costs, CostByOutcome):
        count = _dearer((costs.right, costs.wrong), 0, rows, alike=True)
        if count is not None:
            said = f"a right answer costs no less than a wrong one{count}"
            faults.add("W0316", costs.at, said, "are the two the wrong way round?")
        return
    for i, truth in enumerate(costs.truths):
        own = [row for row in rows if label is None or row.values.get(label) == truth]
        count = _dearer(costs.figures[i], i, own, alike=False)
        if count is not None:
            said = f"answering `{truth}` rightly is not the cheapest answer of its row{count}"
            faults.add("W0316", costs.heads.get(truth, costs.at), said, WRONG_WAY_ROUND)


def _dearer(figures: Sequence[CostFigure], right: int, rows: Sequence[Row], *, alike: bool) -> str | None:
    """Whether a right answer is dearer than another, and at how many examples where that differs.

    `alike`: whether one that costs as much counts too.
    """
    if not any(isinstance(f, Expression) for f in figures):
        return "" if _is_dearer([figure_at(f, {}) for f in figures], right, alike=alike) else None
    n = sum(_is_dearer([figure_at(f, row.values) for f in figures], right, alike=alike) for row in rows)
    examples = counted(n, "example")
    return f" at {examples}" if n else None


def _is_dearer(figures: Sequence[float | None], right: int, *, alike: bool) -> bool:
    own = figures[right]
    others = [f for i, f in enumerate(figures) if i != right and f is not None]
    if own is None or not others:
        return False
    return own >= min(others) if alike else own > min(others)
