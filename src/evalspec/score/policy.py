"""What a candidate's own confidence is worth at the declared costs, and whether it kept what it promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import OneOf
from evalspec.language.program import Below, CostByOutcome, Costs, LeastConfident, Policy, Task, WhenCheaper
from evalspec.score.decisions import Decision, decide
from evalspec.score.fitted import Recalibrated, by_fitted_threshold, recalibrated
from evalspec.score.prices import Prices, prices_of
from evalspec.score.reviews import Reviews, reviews_of
from evalspec.score.weighing import Design, Figure, mean_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.metrics import Estimate
    from evalspec.score.judged import Judgement

Decisions = tuple[Decision | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCosts:
    """What deciding in each way costs, with its interval.

    `as_is` follows the confidences as stated, `cross_fitted` a threshold and `recalibrated` a recalibration
    that each example had no part in; the last two have no value, and say why, where nothing can be fitted.
    """

    as_is: Estimate
    cross_fitted: Estimate
    recalibrated: Estimate
    answer_all: Estimate
    abstain_all: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the rule left to the candidate, what it promised there, and what came of it.

    `coverage` is the share of examples that the candidate answers itself: what is unreadable, refused or
    declined is no answer. Costs and `surprise` are about the examples that have a promise, errors about the
    answers that were given with a confidence.
    """

    coverage: float | None
    promised_cost: float | None
    surprise: Estimate
    promised_error: float | None
    realised_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScore:
    """What the candidate's own confidence is worth at the declared costs; None where undefined.

    `rule` is what threshold, promises and verdict are about: the policy that the task declares, or
    `when_cheaper` where it declares none. There is no `verdict` where examples count differently or
    stand together in clusters: the test behind it is of examples drawn one by one. `fit` holds the
    recalibrated confidences.
    """

    rule: str
    declared: bool
    threshold: float | None
    costs: PolicyCosts
    kept: Kept
    verdict: str | None
    fit: Recalibrated
    reviews: Reviews


def prices_for(task: Task, judgements: Sequence[Judgement], design: Design) -> Prices:
    """The prices of a task that has costs."""
    assert task.costs is not None  # noqa: S101
    declining = task.final.answer.decline if isinstance(task.final.answer, OneOf) else None
    return prices_of(task.costs, judgements, declining, design.weight)


def decided(task: Task, judgements: Sequence[Judgement], design: Design, seed: int) -> Decisions:
    """The decision on each example under the declared policy; every answer given where there is none."""
    prices = prices_for(task, judgements, design)
    if task.abstain is WhenCheaper.RECALIBRATED:
        judgements = recalibrated(judgements, design, seed).judgements
    return decide(judgements, prices, task.abstain)


def rule_of(policy: Policy | None) -> str:
    """A policy as a spec writes it; `when_cheaper` where none is declared."""
    match policy:
        case WhenCheaper.RECALIBRATED:
            return "when_cheaper(recalibrated)"
        case Below(threshold=threshold):
            return f"below({_share(threshold)})"
        case LeastConfident(share=share):
            return f"least_confident({_share(share)})"
        case _:
            return "when_cheaper"


def _share(value: float) -> str:
    return f"{Decimal(repr(value)) * 100:f}".rstrip("0").rstrip(".") + "%" if value else "0%"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A rule that has been followed: the judgements with the confidences that it went by, and decisions."""

    judgements: Sequence[Judgement]
    decisions: Decisions
    design: Design

    def mean(self, figures: Iterable[float | None], *, whole: bool = True) -> Estimate:
        """The mean of the figures that there are, one for each judgement, of those that were heard."""
        known = [
            Figure(j.row, value)
            for j, d, value in zip(self.judgements, self.decisions, figures, strict=True)
            if d is not None and value is not None
        ]
        return mean_of(self.design, known, flags=False, whole=whole)

    @property
    def cost(self) -> Estimate:
        """What it cost to follow."""
        return self.mean(d.cost if d is not None else None for d in self.decisions)


def score_policy(
    task: Task, judgements: Sequence[Judgement], design: Design, seed: int
) -> PolicyScore | None:
    """What confidence is worth where abstaining has a price: as declared, else by `when_cheaper`."""
    if task.costs is None or task.costs.abstain is None:
        return None
    rule, prices = task.abstain or WhenCheaper.AS_IS, prices_for(task, judgements, design)
    fit = recalibrated(judgements, design, seed)
    learnt = WhenCheaper.AS_IS  # applied to what was learnt of the confidences
    fitted = _Rule(judgements=fit.judgements, decisions=decide(fit.judgements, prices, learnt), design=design)
    stated = WhenCheaper.AS_IS if rule is WhenCheaper.RECALIBRATED else rule
    as_is = _Rule(judgements=judgements, decisions=decide(judgements, prices, stated), design=design)
    followed = fitted if rule is WhenCheaper.RECALIBRATED else as_is
    confident = any(j.heard and j.confidence is not None for j in judgements)
    threshold = _threshold(task.costs, rule) if confident else None
    return PolicyScore(
        rule=rule_of(rule),
        declared=task.abstain is not None,
        threshold=threshold,
        costs=PolicyCosts(
            as_is=as_is.cost,
            cross_fitted=_cross_fitted(as_is, prices, seed),
            recalibrated=fitted.cost if fit.method is not None else _not_fitted(as_is, fit.why),
            answer_all=as_is.mean(map(prices.answered, judgements)),
            abstain_all=as_is.mean(map(prices.abstained, judgements)),
        ),
        kept=_kept(followed),
        verdict=None
        if design.weighted or design.cluster is not None
        else _verdict(threshold, followed.judgements),
        fit=fit,
        reviews=reviews_of(followed.judgements, prices, design),
    )


def _cross_fitted(as_is: _Rule, prices: Prices, seed: int) -> Estimate:
    costs, why = by_fitted_threshold(as_is.judgements, as_is.decisions, prices, as_is.design, seed)
    return as_is.mean(costs) if why is None else _not_fitted(as_is, why)


def _not_fitted(rule: _Rule, why: str | None) -> Estimate:
    n = sum(d is not None for d in rule.decisions)
    return metrics.Estimate(value=None, low=None, high=None, n=n, why=why or "nothing was fitted")


def _kept(rule: _Rule) -> Kept:
    """What came of following a rule."""
    given = [
        d is not None and not d.withheld and j.outcome is Outcome.ANSWERED
        for j, d in zip(rule.judgements, rule.decisions, strict=True)
    ]
    sure = [(j, g and j.confidence is not None) for j, g in zip(rule.judgements, given, strict=True)]
    doubts = [1 - j.confidence if s and j.confidence is not None else None for j, s in sure]
    errors = [float(not j.right) if s else None for j, s in sure]
    return Kept(
        coverage=rule.mean(map(float, given)).value,
        promised_cost=rule.mean(None if d is None else d.promised for d in rule.decisions).value,
        surprise=rule.mean(
            None if d is None or d.promised is None else d.cost - d.promised for d in rule.decisions
        ),
        promised_error=rule.mean(doubts, whole=False).value,
        realised_error=rule.mean(errors, whole=False).value,
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


def _verdict(threshold: float | None, judgements: Sequence[Judgement]) -> str | None:
    """Whether what the threshold promises was kept, where there is one threshold."""
    if threshold is None or not 0 <= threshold <= 1:
        return None
    # The test counts answers one by one, as samples of one example must not be: the first stands for all.
    first = [j for j in judgements if j.heard and j.sample == 0]
    sure = [(j.confidence, j.right) for j in first if j.confidence is not None]
    judged = [(c, r) for c, r in sure if r is not None]
    confidence, right = np.array([c for c, _ in judged]), np.array([float(r) for _, r in judged])
    return metrics.threshold_check(confidence, right, threshold).verdict.value
