"""The figures of costs for a task's labels: each pair of truth and answer priced once.

A table or short form is read where it stands (`costs.py`); it is the task that says which labels there are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.costs import STAR, ZERO, CostTable, Given, Head, RightOrWrong, TwoClasses, Written
from evalspec.check.row_costs import check_at_rows
from evalspec.language.cost_figures import largest_of
from evalspec.language.expressions import Type, compile_expression
from evalspec.language.program import ABSTAIN, INVALID, CostByOutcome, CostFigure, CostMatrix, Costs
from evalspec.text.diagnostics import Label, did_you_mean, errors, problem
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Faults
    from evalspec.text.source import Span


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a task, and where they were declared, for messages."""

    names: tuple[str, ...]
    at: Span | None


@dataclass(frozen=True, slots=True)
class Binding:
    """What costs are bound to: the labels and examples of a task."""

    labels: Labels
    data: Data
    faults: Faults


def bind_costs(
    written: Written, labels: Labels | None, data: Data, used_at: Span, faults: Faults
) -> Costs | None:
    """The costs for a task's labels and examples (None where its answers have no labels, or all is not well).

    Cells that depend on the row are compiled for the task's dataset and tried on each of its examples.
    """
    before = len(errors(faults.found))
    if isinstance(written, RightOrWrong):
        costs: Costs | None = _bind_outcomes(written, data, faults)
    elif labels is None:
        faults.add("E0319", used_at, f"`{written.name}` prices labels, and these answers have none",
                   "price them by `right = 0; wrong = 20; abstain = 1`")  # fmt: skip
        return None
    elif isinstance(written, TwoClasses):
        costs = _bind_two(written, Binding(labels, data, faults))
    else:
        costs = _bind_table(written, Binding(labels, data, faults))
    if costs is None or len(errors(faults.found)) > before:
        return None
    check_at_rows(costs, data, faults)
    return costs


def _figure(given: Given, data: Data, faults: Faults) -> CostFigure:
    """A figure as it is, or the expression that gives it for each example."""
    if isinstance(given, Decimal):
        return given
    expression, found = compile_expression(given, data.scope)
    faults.extend(found)
    if not found and expression.type not in (Type.NUMBER, Type.UNKNOWN):
        text = given.at.source.text[given.at.start : given.at.end].strip("()")
        convert = f"`(number({text}))` makes a number of a text" if expression.type is Type.TEXT else ""
        faults.add("E0302", given.at, f"a cost is a number, and this is a {expression.type}", convert,
                   "write a figure, or an expression such as `(0.8 * amount)`")  # fmt: skip
    return expression


def _bind_outcomes(written: RightOrWrong, data: Data, faults: Faults) -> CostByOutcome:
    right, wrong = (_figure(given, data, faults) for given in (written.right, written.wrong))
    abstain = None if written.abstain is None else _figure(written.abstain, data, faults)
    given = [right, wrong, *([abstain] if abstain is not None else [])]
    invalid = largest_of(given, written.at)
    if written.invalid is not None:
        invalid = _figure(written.invalid, data, faults)
    return CostByOutcome(
        name=written.name,
        at=written.at,
        unit=written.unit,
        right=right,
        wrong=wrong,
        abstain=abstain,
        invalid=invalid,
    )


def _bind_two(written: TwoClasses, to: Binding) -> CostMatrix | None:
    labels = to.labels
    if len(labels.names) != 2:
        to.faults.add(
            "E0319",
            written.at,
            f"this short form is for two labels, and there are {len(labels.names)}",
            "write a table",
        )
        return None
    if written.positive.text not in labels.names:
        _foreign(written.positive.text, written.positive.at, labels, to.faults)
        return None
    zero: CostFigure = Decimal(0)
    alarm, miss = (_figure(f, to.data, to.faults) for f in (written.false_positive, written.false_negative))
    wrong = [alarm if answer == written.positive.text else miss for answer in labels.names]
    figures = ((zero, wrong[1]), (wrong[0], zero))
    abstain = None if written.abstain is None else _figure(written.abstain, to.data, to.faults)
    invalid = tuple(largest_of((*row, zero if abstain is None else abstain), written.at) for row in figures)
    if written.invalid is not None:
        invalid = (_figure(written.invalid, to.data, to.faults),) * 2
    return CostMatrix(
        name=written.name, at=written.at, unit=written.unit,
        truths=labels.names, figures=figures, abstain=None if abstain is None else (abstain, abstain),
        invalid=invalid,
    )  # fmt: skip


def _foreign(name: str, at: Span, labels: Labels, faults: Faults) -> None:
    help_line, fixes = did_you_mean(name, labels.names, at=at)
    where = [Label(at=labels.at, message="declared here")] if labels.at is not None else []
    faults.found.append(
        problem("E0310", at, f"`{name}` is not a label", help_line, labels=where, fixes=fixes)
    )


def _bind_table(table: CostTable, to: Binding) -> CostMatrix | None:
    labels, faults = to.labels, to.faults
    before = len(faults.found)
    special = (ABSTAIN, INVALID)
    for head in (*table.truths, *(a for a in table.answers if a.text not in special)):
        if not head.star and head.text not in labels.names:
            _foreign(head.text, head.at, labels, faults)
    known = len(faults.found) == before
    if known:
        _missing(table, table.truths, "row", labels, faults)
        _missing(table, tuple(a for a in table.answers if a.text not in special), "column", labels, faults)
    if len(faults.found) > before:
        return None
    matrix = _matrix(table, to)
    _star_dash(table, labels, faults)
    return matrix


def _missing(table: CostTable, heads: tuple[Head, ...], what: str, labels: Labels, faults: Faults) -> None:
    given = {h.text for h in heads}
    missing = [] if STAR in given else [n for n in labels.names if n not in given]
    if not missing:
        return
    where = [Label(at=labels.at, message="declared here")] if labels.at is not None else []
    listed = ", ".join(f"`{m}`" for m in missing)
    faults.found.append(
        problem(
            "E0312",
            table.at,
            f"the costs have no {what} for {'label' if len(missing) == 1 else 'labels'} {listed}",
            f"add a {what} for it, or `*` for every label not named",
            labels=where,
            here=f"{what}s: " + ", ".join(h.text for h in heads),
        )
    )


def _matrix(table: CostTable, to: Binding) -> CostMatrix:
    names, columns = to.labels.names, {a.text for a in table.answers}
    known = {  # each cell is compiled once, however many labels a `*` stands for
        key: Decimal(0) if figure.value is None else _figure(figure.value, to.data, to.faults)
        for key, figure in table.figures.items()
    }

    def column(answer: str) -> tuple[CostFigure, ...] | None:
        return tuple(_cell(table, known, t, answer) for t in names) if answer in columns else None

    figures = tuple(tuple(_cell(table, known, truth, answer) for answer in names) for truth in names)
    abstain, invalid = column(ABSTAIN), column(INVALID)
    if invalid is None:
        invalid = tuple(
            largest_of((*row, *(abstain[i : i + 1] if abstain else ())), table.at)
            for i, row in enumerate(figures)
        )
    return CostMatrix(
        name=table.name, at=table.at, unit=table.unit, truths=names, figures=figures, abstain=abstain,
        invalid=invalid, heads={t.text: t.at for t in table.truths},
    )  # fmt: skip


def _cell(
    table: CostTable, known: Mapping[tuple[str, str], CostFigure], truth: str, answer: str
) -> CostFigure:
    """The figure for a pair, through `*` where it is not named; `*` never stands on the diagonal."""
    row = truth if any(t.text == truth for t in table.truths) else STAR
    column = answer if any(a.text == answer for a in table.answers) else STAR
    if truth == answer and STAR in (row, column):
        return Decimal(0)
    return known[row, column]


def _star_dash(table: CostTable, labels: Labels, faults: Faults) -> None:
    """`-` where `*` meets `*` stands for one label's diagonal; for two labels it would hide mistakes."""
    figure = table.figures.get((STAR, STAR))
    unnamed = set(labels.names) - {h.text for h in table.truths} - {h.text for h in table.answers}
    if figure is not None and figure.value is None and len(unnamed) > 1:
        faults.add("E0315", figure.at, f"`-` would make mistakes between {len(unnamed)} labels free", ZERO)
