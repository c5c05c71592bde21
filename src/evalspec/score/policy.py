"""What a candidate's own confidence is worth at the declared costs, and whether it kept what it promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import OneOf
from evalspec.language.program import Below, CostByOutcome, Costs, Policy, Task, WhenCheaper
from evalspec.score.decisions import decide
from evalspec.score.measures import confident_pairs
from evalspec.score.prices import Prices, prices_of
from evalspec.score.weighing import Design, Figure, mean_of

if TYPE_CHECKING:
    from evalspec.metrics import Estimate
    from evalspec.score.judged import Judgement
    from evalspec.score.measures import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScore:
    """What the candidate's own confidence is worth at the declared costs; None where undefined.

    `coverage` is the share of examples that the candidate answers itself: what is unreadable, refused or
    declined is no answer. Promises and `surprise` are about the examples that have a confidence. There is no
    `verdict` where examples count differently: the test behind it is of examples that count alike.
    """

    threshold: float | None
    coverage: float | None
    cost_as_is: Estimate
    cost_answer_all: Estimate
    cost_abstain_all: Estimate
    promised_cost: float | None
    surprise: Estimate
    promised_error: float | None
    realised_error: float | None
    verdict: str | None


def prices_for(task: Task, judgements: Sequence[Judgement], design: Design) -> Prices:
    """The prices of a task that has costs."""
    assert task.costs is not None  # noqa: S101
    declining = task.final.answer.decline if isinstance(task.final.answer, OneOf) else None
    return prices_of(task.costs, judgements, declining, design.weight)


def score_policy(
    task: Task, judgements: Sequence[Judgement], examples: Sequence[Example], design: Design
) -> PolicyScore | None:
    """What confidence is worth where abstaining has a price: as declared, else by `when_cheaper`."""
    if task.costs is None or task.costs.abstain is None:
        return None
    prices = prices_for(task, judgements, design)
    decisions = [e.decision for e in examples]
    if task.abstain is None:
        decisions = list(decide(judgements, prices, WhenCheaper.AS_IS))
    decided = [(j, d) for j, d in zip(judgements, decisions, strict=True) if d is not None]
    given = [j for j, d in decided if j.outcome is Outcome.ANSWERED and not d.withheld]
    sure = [(j, j.confidence) for j in given if j.confidence is not None]
    confident = any(j.confidence is not None for j, _ in decided)
    threshold = _threshold(task.costs, task.abstain or WhenCheaper.AS_IS) if confident else None
    promised = [(j, d.cost, d.promised) for j, d in decided if d.promised is not None]
    kept = {id(j) for j in given}

    def mean(figures: Iterable[tuple[Judgement, float | None]], *, whole: bool = True) -> Estimate:
        known = [Figure(j.row, value) for j, value in figures if value is not None]
        return mean_of(design, known, flags=False, whole=whole)

    return PolicyScore(
        threshold=threshold,
        coverage=mean((j, float(id(j) in kept)) for j, _ in decided).value,
        cost_as_is=mean((j, d.cost) for j, d in decided),
        cost_answer_all=mean((j, prices.answered(j)) for j, _ in decided),
        cost_abstain_all=mean((j, prices.abstained(j)) for j, _ in decided),
        promised_cost=mean((j, p) for j, _, p in promised).value,
        surprise=mean((j, cost - p) for j, cost, p in promised),
        promised_error=mean(((j, 1 - c) for j, c in sure), whole=False).value,
        realised_error=mean(((j, float(not j.right)) for j, _ in sure), whole=False).value,
        verdict=None if design.weighted else _verdict(threshold, examples),
    )


def _threshold(costs: Costs, policy: Policy) -> float | None:
    """The confidence above which one answers, where one figure tells it: not where costs differ by label
    or by example."""
    if isinstance(policy, Below):
        return policy.threshold
    if not isinstance(costs, CostByOutcome) or not isinstance(policy, WhenCheaper):
        return None
    right, wrong, abstain = costs.right, costs.wrong, costs.abstain
    if not (isinstance(right, Decimal) and isinstance(wrong, Decimal) and isinstance(abstain, Decimal)):
        return None  # it differs by example
    return metrics.chow_threshold(float(right), float(wrong), float(abstain)) if right < wrong else None


def _verdict(threshold: float | None, examples: Sequence[Example]) -> str | None:
    """Whether what the threshold promises was kept, where there is one threshold."""
    if threshold is None or not 0 <= threshold <= 1:
        return None
    confidence, right = confident_pairs([e for e in examples if e.judgement.heard])
    check = metrics.threshold_check(np.array(confidence), np.array(right, dtype=np.float64), threshold)
    return check.verdict.value
