"""What each example costs: as answered, under the declared policy, and had one always abstained.

The policy only chooses between the candidate's own answer and abstaining, at the prices that the
candidate's own confidence promises. What it promised and what came of it are both kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalspec.answers.reading import Outcome
from evalspec.language.program import (
    Below,
    CostByOutcome,
    CostMatrix,
    Costs,
    LeastConfident,
    Policy,
    WhenCheaper,
)
from evalspec.score.judged import Judgement

TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Prices:
    """Costs as plain numbers, and the shares of the truths by which a bare confidence is spread."""

    costs: Costs
    shares: Mapping[str, float]

    @classmethod
    def of(cls, costs: Costs, judgements: Sequence[Judgement]) -> Prices:
        """The prices for a set of examples, whose truths give the shares."""
        counts = Counter(j.truth for j in judgements if j.truth is not None)
        total = sum(counts.values())
        return cls(costs, {label: n / total for label, n in counts.items()} if total else {})

    # ── what came of it ───────────────────────────────────────────────────────────────────────────

    def answered(self, judgement: Judgement) -> float | None:
        """What the candidate's own answer costs; None where it was not heard."""
        if not judgement.heard:
            return None
        if judgement.outcome is Outcome.ABSTAINED:
            if judgement.right:
                return 0.0
            abstained = self.abstained(judgement)
            return self.invalid(judgement) if abstained is None else abstained
        if judgement.outcome is not Outcome.ANSWERED:
            return self.invalid(judgement)
        if isinstance(self.costs, CostByOutcome):
            return float(self.costs.right if judgement.right else self.costs.wrong)
        return self._figure(self.costs, judgement.truth, judgement.answer)

    def _figure(self, matrix: CostMatrix, truth: str | None, answer: str | None) -> float:
        """The matrix at truth and answer. Where abstaining is right, an answer costs its column's largest figure."""
        column = matrix.truths.index(answer or "")
        if truth is None:
            return float(max(row[column] for row in matrix.figures))
        return float(matrix.figures[matrix.truths.index(truth)][column])

    def abstained(self, judgement: Judgement) -> float | None:
        """What abstaining costs on this example; None where the costs do not say."""
        if judgement.abstaining_is_right:
            return 0.0
        if isinstance(self.costs, CostByOutcome):
            return None if self.costs.abstain is None else float(self.costs.abstain)
        return self._by_truth(self.costs.abstain, judgement)

    def invalid(self, judgement: Judgement) -> float:
        """What an unreadable answer costs on this example."""
        if isinstance(self.costs, CostByOutcome):
            return float(self.costs.invalid)
        return self._by_truth(self.costs.invalid, judgement) or 0.0

    def _by_truth(self, figures: Sequence[object] | None, judgement: Judgement) -> float | None:
        assert isinstance(self.costs, CostMatrix)  # noqa: S101
        if figures is None:
            return None
        if judgement.truth is None:
            return max(float(str(f)) for f in figures)
        return float(str(figures[self.costs.truths.index(judgement.truth)]))

    # ── what was promised ─────────────────────────────────────────────────────────────────────────

    def believed(self, judgement: Judgement) -> Mapping[str, float] | None:
        """How probable each truth is, by the candidate's own account.

        Its label distribution where there is one; else its confidence, the rest spread over the other
        labels by their shares in the data.
        """
        if judgement.distribution is not None:
            return judgement.distribution
        if judgement.confidence is None or judgement.answer is None or isinstance(self.costs, CostByOutcome):
            return None
        others = {t: self.shares.get(t, 0.0) for t in self.costs.truths if t != judgement.answer}
        total = sum(others.values())
        rest = 1 - judgement.confidence
        spread = {t: rest * (s / total if total else 1 / len(others)) for t, s in others.items()}
        return {judgement.answer: judgement.confidence, **spread}

    def promised(self, judgement: Judgement) -> tuple[float, float] | None:
        """What answering and abstaining are promised to cost; None without a confidence or a price."""
        if isinstance(self.costs, CostByOutcome):
            if judgement.confidence is None or self.costs.abstain is None:
                return None
            c, right, wrong = judgement.confidence, float(self.costs.right), float(self.costs.wrong)
            return right * c + wrong * (1 - c), float(self.costs.abstain)
        believed = self.believed(judgement)
        if believed is None or judgement.answer is None or self.costs.abstain is None:
            return None
        matrix = self.costs
        column = matrix.truths.index(judgement.answer)
        weights = [believed.get(t, 0.0) for t in matrix.truths]
        answering = sum(w * float(row[column]) for w, row in zip(weights, matrix.figures, strict=True))
        abstaining = sum(w * float(a) for w, a in zip(weights, self.costs.abstain, strict=True))
        return answering, abstaining


@dataclass(frozen=True, slots=True)
class Decision:
    """One example under a policy: whether the answer was withheld, its cost, and the cost that was promised."""

    withheld: bool
    cost: float
    promised: float | None


def decide(
    judgements: Sequence[Judgement], prices: Prices, policy: Policy | None
) -> tuple[Decision | None, ...]:
    """The decision on each example; None where the candidate was not heard.

    A candidate without any confidence answers everything. One that has confidences, but not on this
    example, withholds the answer. What is no answer at all can be neither given nor withheld.
    """
    confident = any(j.confidence is not None for j in judgements)
    withheld = _withheld(judgements, prices, policy) if confident and policy is not None else frozenset()
    return tuple(_decision(j, prices, i in withheld) for i, j in enumerate(judgements))


def _decision(judgement: Judgement, prices: Prices, withheld: bool) -> Decision | None:
    answered = prices.answered(judgement)
    if answered is None:
        return None
    promised = prices.promised(judgement)
    if withheld:
        abstained = prices.abstained(judgement)
        cost = answered if abstained is None else abstained
        return Decision(True, cost, promised[1] if promised else None)
    return Decision(False, answered, promised[0] if promised else None)


def _withheld(judgements: Sequence[Judgement], prices: Prices, policy: Policy) -> frozenset[int]:
    answered = [i for i, j in enumerate(judgements) if j.outcome is Outcome.ANSWERED]
    match policy:
        case WhenCheaper():
            return frozenset(i for i in answered if _abstaining_is_cheaper(judgements[i], prices))
        case Below(threshold=threshold):
            return frozenset(i for i in answered if (c := judgements[i].confidence) is None or c < threshold)
        case LeastConfident(share=share):
            heard = sum(j.heard for j in judgements)
            ordered = sorted(answered, key=lambda i: -1.0 if (c := judgements[i].confidence) is None else c)
            return frozenset(ordered[: round(share * heard)])


def _abstaining_is_cheaper(judgement: Judgement, prices: Prices) -> bool:
    promised = prices.promised(judgement)
    if promised is None:
        return judgement.confidence is None
    answering, abstaining = promised
    # Float noise must not flip a decision: on a tie, within rounding, the answer stands.
    return answering > abstaining + TOLERANCE * max(abs(answering), abs(abstaining))
