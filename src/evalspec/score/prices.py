"""What answers cost, as plain numbers: what came of an example, and what its confidence promised.

Two forms, as costs are declared in two: by label, and by right and wrong. A figure that depends on the
example is taken at that example. Knows no policy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

from evalspec.answers.reading import Outcome
from evalspec.language.cost_figures import figure_at
from evalspec.language.expressions import Expression
from evalspec.language.program import CostByOutcome, CostFigure, CostMatrix, Costs
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.score.judged import Judgement


@dataclass(frozen=True, slots=True)
class Promise:
    """What answering and abstaining are expected to cost, by the candidate's own account."""

    answering: float
    abstaining: float


Cell = float | Expression  # a fixed figure, or an expression over the example


def _at(cell: Cell, judgement: Judgement) -> float:
    """A figure at an example. `check` has seen to it that every example gives one."""
    if isinstance(cell, float):
        return cell
    found = figure_at(cell, judgement.row.values)
    return math.nan if found is None else found


def _fixed(figure: CostFigure) -> Cell:
    return float(figure) if isinstance(figure, Decimal) else figure


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePrices:
    """What a right and a wrong answer cost, whatever the answer. `abstain` is None where it has no price."""

    right: Cell
    wrong: Cell
    abstain: Cell | None
    invalid: Cell

    def largest(self, judgement: Judgement) -> float:
        """The largest figure at an example, by its size: what rounding is relative to."""
        cells = (self.right, self.wrong, 0.0 if self.abstain is None else self.abstain)
        return max(abs(_at(cell, judgement)) for cell in cells)

    def dearest(self, judgement: Judgement) -> float:
        """What the dearest answer to an example costs."""
        return max(_at(self.right, judgement), _at(self.wrong, judgement))

    def answered(self, judgement: Judgement) -> float | None:
        """What the candidate's own answer costs; None where it was not heard."""
        if not judgement.heard:
            return None
        if judgement.right:
            return _at(self.right, judgement)
        if judgement.outcome is Outcome.ANSWERED:
            return _at(self.wrong, judgement)
        declined = _declined(judgement) and self.abstain is not None
        return _at(self.abstain if declined and self.abstain is not None else self.invalid, judgement)

    def abstained(self, judgement: Judgement) -> float | None:
        """What abstaining costs on this example; None where it has no price."""
        cell = self.right if judgement.abstaining_is_right else self.abstain
        return None if cell is None else _at(cell, judgement)

    def promised(self, judgement: Judgement) -> Promise | None:
        """What either choice is promised to cost; None without a confidence or a price."""
        c = judgement.confidence
        if c is None or self.abstain is None:
            return None
        right, wrong = _at(self.right, judgement), _at(self.wrong, judgement)
        return Promise(right * c + wrong * (1 - c), _at(self.abstain, judgement))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrices:
    """What each answer costs under each truth, by the places of their labels.

    `columns[answer][truth]`; `abstain` and `invalid` by truth. `counts` says how often each label is the
    truth: where a bare confidence leaves a rest, it is spread over the other labels by these.
    `column_mistaken` and `abstain_mistaken` hold what that comes to where no cell depends on the example.
    `declining` is the place of the label by which a model declines.
    """

    places: Mapping[str, int]
    columns: tuple[tuple[Cell, ...], ...]
    abstain: tuple[Cell, ...] | None
    invalid: tuple[Cell, ...]
    counts: tuple[float, ...]
    column_mistaken: tuple[float | None, ...]
    abstain_mistaken: tuple[float | None, ...]
    declining: int | None
    fixed_largest: float | None
    fixed_dearest: float | None

    def largest(self, judgement: Judgement) -> float:
        """The largest figure at an example, by its size: what rounding is relative to."""
        if self.fixed_largest is not None:
            return self.fixed_largest
        cells = (*(f for column in self.columns for f in column), *(self.abstain or ()))
        return max(abs(_at(cell, judgement)) for cell in cells)

    def dearest(self, judgement: Judgement) -> float:
        """What the dearest answer to an example costs, whatever its truth."""
        if self.fixed_dearest is not None:
            return self.fixed_dearest
        return max(_at(cell, judgement) for column in self.columns for cell in column)

    def answered(self, judgement: Judgement) -> float | None:
        """What the candidate's own answer costs; None where it was not heard.

        Declining costs nothing where it is right, else what `abstain` says; without such a price it costs
        what the label does by which it was declined, or what is unreadable.
        """
        if not judgement.heard:
            return None
        if _declined(judgement):
            return 0.0 if judgement.right else self._declined(judgement)
        if judgement.outcome is not Outcome.ANSWERED or judgement.answer is None:
            return self._by_truth(self.invalid, judgement)
        return self._by_truth(self.columns[self.places[judgement.answer]], judgement)

    def abstained(self, judgement: Judgement) -> float | None:
        """What abstaining costs on this example; None where it has no price."""
        if judgement.abstaining_is_right:
            return 0.0
        return None if self.abstain is None else self._by_truth(self.abstain, judgement)

    def promised(self, judgement: Judgement) -> Promise | None:
        """What either choice is promised to cost; None without a confidence or a price.

        By the candidate's label distribution where there is one; else by its confidence, the rest spread
        over the other labels by their shares in the data.
        """
        if judgement.answer is None or self.abstain is None:
            return None
        place = self.places[judgement.answer]
        column, c = self.columns[place], judgement.confidence
        if judgement.distribution is not None:
            chances = [(self.places[label], p) for label, p in judgement.distribution.items() if p]
            return Promise(
                sum(p * _at(column[i], judgement) for i, p in chances),
                sum(p * _at(self.abstain[i], judgement) for i, p in chances),
            )
        if c is None:
            return None
        rest = self._mistaken(self.column_mistaken[place], place, column, judgement)
        rest_abstained = self._mistaken(self.abstain_mistaken[place], place, self.abstain, judgement)
        return Promise(
            c * _at(column[place], judgement) + (1 - c) * rest,
            c * _at(self.abstain[place], judgement) + (1 - c) * rest_abstained,
        )

    def _mistaken(
        self, fixed: float | None, place: int, cells: Sequence[Cell], judgement: Judgement
    ) -> float:
        """What is paid on average where the answer is wrong, the truth then being another label."""
        if fixed is not None:
            return fixed
        return _without(place, self.counts, [_at(cell, judgement) for cell in cells])

    def _declined(self, judgement: Judgement) -> float:
        if self.abstain is not None:
            return self._by_truth(self.abstain, judgement)
        return self._by_truth(
            self.invalid if self.declining is None else self.columns[self.declining], judgement
        )

    def _by_truth(self, cells: Sequence[Cell], judgement: Judgement) -> float:
        """The figure at the truth; the largest where there is none, as abstaining would be right."""
        if judgement.truth is None:
            return max(_at(cell, judgement) for cell in cells)
        return _at(cells[self.places[judgement.truth]], judgement)


Prices = OutcomePrices | LabelPrices


def prices_of(
    costs: Costs,
    judgements: Sequence[Judgement],
    declining: str | None = None,
    weight: Mapping[str, float] | None = None,
) -> Prices:
    """The prices for a set of examples, whose truths give the shares by which a bare confidence is spread.

    `declining` is the label by which a model declines, if there is one; `weight` says how much each example
    stands for, by its id.
    """
    match costs:
        case CostByOutcome():
            return OutcomePrices(
                right=_fixed(costs.right),
                wrong=_fixed(costs.wrong),
                abstain=None if costs.abstain is None else _fixed(costs.abstain),
                invalid=_fixed(costs.invalid),
            )
        case CostMatrix():
            truths: dict[str | None, float] = {}
            for j in judgements:
                truths[j.truth] = truths.get(j.truth, 0.0) + (1.0 if weight is None else weight[j.row.id])
            return _by_label(costs, truths, declining)
        case _:
            assert_never(costs)


def _by_label(costs: CostMatrix, truths: Mapping[str | None, float], declining: str | None) -> LabelPrices:
    counts = tuple(float(truths.get(label, 0)) for label in costs.truths)
    columns = tuple(tuple(map(_fixed, column)) for column in zip(*costs.figures, strict=True))
    abstain = None if costs.abstain is None else tuple(map(_fixed, costs.abstain))
    sizes = [_size(f) for f in (*(f for column in columns for f in column), *(abstain or ()))]
    known = [size for size in sizes if size is not None]
    return LabelPrices(
        places={label: i for i, label in enumerate(costs.truths)},
        columns=columns,
        abstain=abstain,
        invalid=tuple(map(_fixed, costs.invalid)),
        counts=counts,
        column_mistaken=tuple(_if_fixed(i, counts, column) for i, column in enumerate(columns)),
        abstain_mistaken=tuple(_if_fixed(i, counts, abstain or ()) for i in range(len(counts))),
        declining=costs.truths.index(declining) if declining in costs.truths else None,
        fixed_largest=max(known) if len(known) == len(sizes) else None,
        fixed_dearest=_dearest(columns),
    )


def _dearest(columns: Sequence[Sequence[Cell]]) -> float | None:
    cells = [cell for column in columns for cell in column]
    fixed = [cell for cell in cells if isinstance(cell, float)]
    return max(fixed) if len(fixed) == len(cells) else None


def _size(cell: Cell) -> float | None:
    return abs(cell) if isinstance(cell, float) else None


def _if_fixed(place: int, counts: Sequence[float], cells: Sequence[Cell]) -> float | None:
    """The mean figure of the other labels, where no cell depends on the example."""
    fixed = [cell for cell in cells if isinstance(cell, float)]
    return _without(place, counts, fixed) if len(fixed) == len(cells) else None


def _without(left_out: int, counts: Sequence[float], figures: Sequence[float]) -> float:
    """The mean of figures by the counts of all labels but one; the plain mean where none of those occurs."""
    others = [(n, f) for i, (n, f) in enumerate(zip(counts, figures, strict=False)) if i != left_out]
    total = sum(n for n, _ in others)
    if total:
        return sum(n * f for n, f in others) / total
    return sum(f for _, f in others) / len(others) if others else 0.0


def _declined(judgement: Judgement) -> bool:
    return judgement.outcome is Outcome.ABSTAINED
