"""What answers cost, as plain numbers: what came of an example, and what its confidence promised.

Two forms, as costs are declared in two: by label, and by right and wrong. Knows no policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from evalspec.answers.reading import Outcome
from evalspec.language.program import CostByOutcome, CostMatrix, Costs

if TYPE_CHECKING:
    from evalspec.score.judged import Judgement


@dataclass(frozen=True, slots=True)
class Promise:
    """What answering and abstaining are expected to cost, by the candidate's own account."""

    answering: float
    abstaining: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePrices:
    """What a right and a wrong answer cost, whatever the answer. `abstain` is None where it has no price."""

    right: float
    wrong: float
    abstain: float | None
    invalid: float

    @property
    def largest(self) -> float:
        """The largest figure, by its size: what rounding is relative to."""
        return max(map(abs, (self.right, self.wrong, self.abstain or 0.0)))

    def answered(self, judgement: Judgement) -> float | None:
        """What the candidate's own answer costs; None where it was not heard."""
        if not judgement.heard:
            return None
        if judgement.right:
            return self.right
        if judgement.outcome is Outcome.ANSWERED:
            return self.wrong
        return self.abstain if _declined(judgement) and self.abstain is not None else self.invalid

    def abstained(self, judgement: Judgement) -> float | None:
        """What abstaining costs on this example; None where it has no price."""
        return self.right if judgement.abstaining_is_right else self.abstain

    def promised(self, judgement: Judgement) -> Promise | None:
        """What either choice is promised to cost; None without a confidence or a price."""
        c = judgement.confidence
        return (
            None
            if c is None or self.abstain is None
            else Promise(self.right * c + self.wrong * (1 - c), self.abstain)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrices:
    """What each answer costs under each truth, by the places of their labels.

    `columns[answer][truth]`; `abstain` and `invalid` by truth. `column_mistaken` and `abstain_mistaken`
    say what answering and abstaining cost on average where that answer is wrong, the truth then being
    one of the other labels, each by its share in the data. `declining` is the place of the label by which
    a model declines.
    """

    places: Mapping[str, int]
    columns: tuple[tuple[float, ...], ...]
    abstain: tuple[float, ...] | None
    invalid: tuple[float, ...]
    column_mistaken: tuple[float, ...]
    abstain_mistaken: tuple[float, ...]
    declining: int | None
    largest: float

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
        at = self.places[judgement.answer]
        column, c = self.columns[at], judgement.confidence
        if judgement.distribution is not None:
            chances = [(self.places[label], p) for label, p in judgement.distribution.items() if p]
            return Promise(
                sum(p * column[i] for i, p in chances), sum(p * self.abstain[i] for i, p in chances)
            )
        if c is None:
            return None
        return Promise(
            c * column[at] + (1 - c) * self.column_mistaken[at],
            c * self.abstain[at] + (1 - c) * self.abstain_mistaken[at],
        )

    def _declined(self, judgement: Judgement) -> float:
        if self.abstain is not None:
            return self._by_truth(self.abstain, judgement)
        return self._by_truth(
            self.invalid if self.declining is None else self.columns[self.declining], judgement
        )

    def _by_truth(self, figures: Sequence[float], judgement: Judgement) -> float:
        """The figure at the truth; the largest where there is none, as abstaining would be right."""
        return max(figures) if judgement.truth is None else figures[self.places[judgement.truth]]


Prices = OutcomePrices | LabelPrices


def prices_of(costs: Costs, judgements: Sequence[Judgement], declining: str | None = None) -> Prices:
    """The prices for a set of examples, whose truths give the shares by which a bare confidence is spread.

    `declining` is the label by which a model declines, if there is one.
    """
    match costs:
        case CostByOutcome():
            return OutcomePrices(
                right=float(costs.right),
                wrong=float(costs.wrong),
                abstain=None if costs.abstain is None else float(costs.abstain),
                invalid=float(costs.invalid),
            )
        case CostMatrix():
            return _by_label(costs, Counter(j.truth for j in judgements), declining)
        case _:
            assert_never(costs)


def _by_label(costs: CostMatrix, truths: Mapping[str | None, int], declining: str | None) -> LabelPrices:
    counts = [float(truths.get(label, 0)) for label in costs.truths]
    columns = tuple(tuple(map(float, column)) for column in zip(*costs.figures, strict=True))
    abstain = None if costs.abstain is None else tuple(map(float, costs.abstain))
    return LabelPrices(
        places={label: i for i, label in enumerate(costs.truths)},
        columns=columns,
        abstain=abstain,
        invalid=tuple(map(float, costs.invalid)),
        column_mistaken=tuple(_without(i, counts, column) for i, column in enumerate(columns)),
        abstain_mistaken=tuple(_without(i, counts, abstain or ()) for i in range(len(counts))),
        declining=costs.truths.index(declining) if declining in costs.truths else None,
        largest=max(map(abs, (*(f for column in columns for f in column), *(abstain or ())))),
    )


def _without(left_out: int, counts: Sequence[float], figures: Sequence[float]) -> float:
    """The mean of figures by the counts of all labels but one; the plain mean where none of those occurs."""
    others = [(n, f) for i, (n, f) in enumerate(zip(counts, figures, strict=False)) if i != left_out]
    total = sum(n for n, _ in others)
    if total:
        return sum(n * f for n, f in others) / total
    return sum(f for _, f in others) / len(others) if others else 0.0


def _declined(judgement: Judgement) -> bool:
    return judgement.outcome is Outcome.ABSTAINED
