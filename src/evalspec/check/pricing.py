"""The figures of costs for a task's labels: each pair of truth and answer priced once.

A table or short form is read where it stands (`costs.py`); it is the task that says which labels there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.costs import STAR, ZERO, CostTable, Head, TwoClasses, Written
from evalspec.language.program import ABSTAIN, INVALID, CostByOutcome, CostMatrix, Costs
from evalspec.text.diagnostics import Label, did_you_mean, problem

if TYPE_CHECKING:
    from evalspec.check.entries import Faults
    from evalspec.text.source import Span


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a task, and where they were declared, for messages."""

    names: tuple[str, ...]
    at: Span | None


def bind_costs(written: Written, labels: Labels | None, used_at: Span, faults: Faults) -> Costs | None:
    """The costs for a task's labels (None where its answers have none)."""
    if isinstance(written, CostByOutcome):
        return written
    if labels is None:
        faults.add("E0319", used_at, f"`{written.name}` prices labels, and these answers have none",
                   "price them by `right = 0; wrong = 20; abstain = 1`")  # fmt: skip
        return None
    if isinstance(written, TwoClasses):
        return _bind_two(written, labels, faults)
    return _bind_table(written, labels, faults)


def _bind_two(written: TwoClasses, labels: Labels, faults: Faults) -> CostMatrix | None:
    if len(labels.names) != 2:
        faults.add(
            "E0319",
            written.at,
            f"this short form is for two labels, and there are {len(labels.names)}",
            "write a table",
        )
        return None
    if written.positive.text not in labels.names:
        _foreign(written.positive.text, written.positive.at, labels, faults)
        return None
    zero = Decimal(0)
    wrong = [
        written.false_positive if answer == written.positive.text else written.false_negative
        for answer in labels.names
    ]
    figures = ((zero, wrong[1]), (wrong[0], zero))
    abstain = None if written.abstain is None else (written.abstain, written.abstain)
    largest = [max(*row, written.abstain or zero) for row in figures]
    invalid = tuple(largest) if written.invalid is None else (written.invalid, written.invalid)
    return CostMatrix(
        name=written.name, at=written.at, unit=written.unit,
        truths=labels.names, figures=figures, abstain=abstain, invalid=invalid,
    )  # fmt: skip


def _foreign(name: str, at: Span, labels: Labels, faults: Faults) -> None:
    help_line, fixes = did_you_mean(name, labels.names, at=at)
    where = [Label(at=labels.at, message="declared here")] if labels.at is not None else []
    faults.found.append(
        problem("E0310", at, f"`{name}` is not a label", help_line, labels=where, fixes=fixes)
    )


def _bind_table(table: CostTable, labels: Labels, faults: Faults) -> CostMatrix | None:
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
    matrix = _matrix(table, labels)
    _star_dash(table, labels, faults)
    _diagonal(table, matrix, faults)
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


def _matrix(table: CostTable, labels: Labels) -> CostMatrix:
    figures = tuple(tuple(_cell(table, truth, answer) for answer in labels.names) for truth in labels.names)
    columns = {a.text for a in table.answers}
    abstain = tuple(_cell(table, t, ABSTAIN) for t in labels.names) if ABSTAIN in columns else None
    if INVALID in columns:
        invalid = tuple(_cell(table, t, INVALID) for t in labels.names)
    else:
        invalid = tuple(max(*row, *(abstain[i : i + 1] if abstain else ())) for i, row in enumerate(figures))
    return CostMatrix(
        name=table.name, at=table.at, unit=table.unit,
        truths=labels.names, figures=figures, abstain=abstain, invalid=invalid,
    )  # fmt: skip


def _cell(table: CostTable, truth: str, answer: str) -> Decimal:
    """The figure for a pair, through `*` where it is not named; `*` never stands on the diagonal."""
    row = truth if any(t.text == truth for t in table.truths) else STAR
    column = answer if any(a.text == answer for a in table.answers) else STAR
    if truth == answer and STAR in (row, column):
        return Decimal(0)
    return table.figures[row, column].value or Decimal(0)


def _star_dash(table: CostTable, labels: Labels, faults: Faults) -> None:
    """`-` where `*` meets `*` stands for one label's diagonal; for two labels it would hide mistakes."""
    figure = table.figures.get((STAR, STAR))
    unnamed = set(labels.names) - {h.text for h in table.truths} - {h.text for h in table.answers}
    if figure is not None and figure.value is None and len(unnamed) > 1:
        faults.add("E0315", figure.at, f"`-` would make mistakes between {len(unnamed)} labels free", ZERO)


def _diagonal(table: CostTable, matrix: CostMatrix, faults: Faults) -> None:
    for i, truth in enumerate(matrix.truths):
        if matrix.figures[i][i] > min(matrix.figures[i]):
            at = next((t.at for t in table.truths if t.text == truth), table.at)
            faults.add("W0316", at, f"answering `{truth}` rightly is not the cheapest answer of its row",
                       "are truths and answers the wrong way round?")  # fmt: skip
