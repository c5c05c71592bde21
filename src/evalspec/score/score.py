"""Judged candidates to Scores: metrics overall and by subset, calibration, policy, requirements, ranks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.expressions import holds
from evalspec.language.program import Below, CostByOutcome, Policy, Task, WhenCheaper
from evalspec.metrics import EceNull, Estimate, ReliabilityBin
from evalspec.plan.plan import PlannedTask
from evalspec.score.chains import Compounding, StepScore, compound, score_steps
from evalspec.score.decisions import Prices, decide
from evalspec.score.judged import Judged
from evalspec.score.measures import Example, confident_pairs, has_labels, measure
from evalspec.score.ranking import Pair, Standing, badness, pairs, standings
from evalspec.score.requirements import Requirement, Verdict, requirements

MOST_UNHEARD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How confidence meets accuracy: the bins, the noise floor of the ECE, and the fitted line."""

    binning: str
    bins: tuple[ReliabilityBin, ...]
    floor: EceNull
    slope: Estimate
    intercept: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScore:
    """What the candidate's own confidence is worth at the declared costs; None where undefined."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each truth (row) got each answer (column)."""

    truth: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateScores:
    """Everything that is said about one candidate."""

    judged: Judged
    examples: tuple[Example, ...]
    outcomes: Mapping[str, int]
    metrics: Mapping[str, Estimate]
    subsets: Mapping[str, tuple[int, Mapping[str, Estimate]]]
    confusion: Confusion | None
    calibration: Calibration | None
    policy: PolicyScore | None
    requirements: tuple[Requirement, ...]
    steps: Mapping[str, StepScore]
    compounding: Compounding | None
    reasons: tuple[str, ...]
    ranked: bool

    @property
    def viable(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScores:
    """A task: its candidates, their order, and what separates them."""

    planned: PlannedTask
    candidates: Mapping[str, CandidateScores]
    order: tuple[str, ...]
    standings: Mapping[str, Standing]
    pairs: tuple[Pair, ...]


def score_task(planned: PlannedTask, judged: Sequence[Judged], seed: int) -> TaskScores:
    """The scores of a task."""
    candidates = {j.candidate.name: _score(planned, j, seed) for j in judged}
    order = _order(planned.task, candidates)
    compared = {name: candidates[name].examples for name in order if candidates[name].ranked}
    first = planned.task.rank[0]
    metrics_compared = dict.fromkeys((first, "accuracy"))
    return TaskScores(
        planned=planned,
        candidates=candidates,
        order=order,
        standings=standings(first, compared, seed) if compared else {},
        pairs=tuple(p for metric in metrics_compared for p in pairs(metric, compared, seed)),
    )


def _order(task: Task, candidates: Mapping[str, CandidateScores]) -> tuple[str, ...]:
    """Viable candidates first, then those that are out, then those without a rank; by the rank metrics within."""

    def place(name: str) -> tuple[object, ...]:
        scores = candidates[name]
        figures = tuple(badness(metric, scores.metrics.get(metric)) for metric in task.rank)
        return (not scores.ranked, not scores.viable, *figures)

    return tuple(sorted(candidates, key=place))


def _score(planned: PlannedTask, judged: Judged, seed: int) -> CandidateScores:
    task = planned.task
    examples = _examples(task, judged)
    heard = [e for e in examples if e.judgement.heard]
    found = measure(task, examples)
    required = requirements(task, {s.name: s for s in planned.subsets}, examples)
    steps = score_steps(task, judged.candidate, [e.judgement for e in heard]) if task.kind == "chain" else {}
    unheard = len(examples) - len(heard)
    ranked = unheard <= MOST_UNHEARD * len(examples)
    return CandidateScores(
        judged=judged,
        examples=examples,
        outcomes=_outcomes(judged),
        metrics=found,
        subsets=_subsets(planned, examples),
        confusion=_confusion(task, heard),
        calibration=_calibration(task, heard, seed),
        policy=_policy(task, judged, examples),
        requirements=required,
        steps=steps,
        compounding=compound(task, steps, [e.judgement for e in heard], found["accuracy"]) if steps else None,
        reasons=_reasons(task, required, unheard, len(examples), ranked),
        ranked=ranked,
    )


def _examples(task: Task, judged: Judged) -> tuple[Example, ...]:
    if task.costs is None:
        return tuple(Example(j, None) for j in judged.judgements)
    prices = Prices.of(task.costs, judged.judgements)
    decisions = decide(judged.judgements, prices, task.abstain)
    return tuple(Example(j, d) for j, d in zip(judged.judgements, decisions, strict=True))


def _outcomes(judged: Judged) -> Mapping[str, int]:
    counts = Counter(j.outcome for j in judged.judgements)
    return {outcome.value: counts.get(outcome, 0) for outcome in Outcome}


def _reasons(
    task: Task, required: Sequence[Requirement], unheard: int, n: int, ranked: bool
) -> tuple[str, ...]:
    reasons = [] if ranked else [f"{unheard} of {n} examples have no answer"]
    if task.exclude:
        reasons += [f"{r.clause} is not met" for r in required if r.verdict is Verdict.NOT_MET]
    return tuple(reasons)


def _subsets(
    planned: PlannedTask, examples: Sequence[Example]
) -> Mapping[str, tuple[int, Mapping[str, Estimate]]]:
    found = {}
    for subset in planned.subsets:
        chosen = [e for e in examples if holds(subset.where, e.judgement.row.values)]
        found[subset.name] = (len(chosen), measure(planned.task, chosen))
    return found


def _confusion(task: Task, heard: Sequence[Example]) -> Confusion | None:
    if not has_labels(task):
        return None
    pairs_seen = Counter(
        (e.judgement.truth, _column(e)) for e in heard if e.judgement.truth is not None
    )  # fmt: skip
    from evalspec.answers.reading import labels_of

    rows = dict.fromkeys(label for e in heard[:1] for label in labels_of(task.final, e.judgement.row.values))
    rows |= dict.fromkeys(t for t, _ in pairs_seen if t is not None)
    columns = (*rows, *(c for c in ("abstain", "invalid") if any(a == c for _, a in pairs_seen)))
    counts = tuple(tuple(pairs_seen.get((t, a), 0) for a in columns) for t in rows)
    return Confusion(truth=tuple(rows), answers=tuple(columns), counts=counts)


def _column(example: Example) -> str:
    judgement = example.judgement
    if judgement.outcome is Outcome.ABSTAINED:
        return "abstain"
    return judgement.answer if judgement.answer is not None else "invalid"


def _calibration(task: Task, heard: Sequence[Example], seed: int) -> Calibration | None:
    confidence, right = confident_pairs(heard)
    if not confidence:
        return None
    c, y = np.array(confidence), np.array(right, dtype=np.float64)
    binning, bins = task.binning
    line = metrics.calibration_line(c, y)
    return Calibration(
        binning=metrics.chosen_binning(c, binning),
        bins=tuple(metrics.reliability_bins(c, y, bins=bins, binning=binning)),
        floor=metrics.ece_null(c, bins=bins, binning=binning, seed=seed, correct=y),
        slope=line.slope,
        intercept=line.intercept,
    )


# ── the policy ────────────────────────────────────────────────────────────────────────────────────


def _policy(task: Task, judged: Judged, examples: Sequence[Example]) -> PolicyScore | None:
    """What confidence is worth, where abstaining has a price; by the declared policy, else by `when_cheaper`."""
    if task.costs is None or task.costs.abstain is None:
        return None
    judgements = judged.judgements
    prices = Prices.of(task.costs, judgements)
    policy = task.abstain if task.abstain is not None else WhenCheaper.AS_IS
    decisions = decide(judgements, prices, policy)
    decided = [(j, d) for j, d in zip(judgements, decisions, strict=True) if d is not None]
    given = [j for j, d in decided if not d.withheld and j.outcome is Outcome.ANSWERED and j.confidence is not None]
    answers = [prices.answered(j) for j, _ in decided]
    abstained = [prices.abstained(j) for j, _ in decided]
    promised = [(d.cost, d.promised) for _, d in decided if d.promised is not None]
    threshold = _threshold(task, policy)
    confident = bool(given or any(d.withheld for _, d in decided))
    return PolicyScore(
        threshold=threshold if confident else None,
        coverage=1 - sum(d.withheld for _, d in decided) / len(decided) if decided else None,
        cost_as_is=_mean([d.cost for _, d in decided]),
        cost_answer_all=_mean([a for a in answers if a is not None]),
        cost_abstain_all=_mean([a for a in abstained if a is not None]),
        promised_cost=_mean([p for _, p in promised]).value,
        surprise=_mean([cost - p for cost, p in promised]),
        promised_error=_mean([1 - j.confidence for j in given if j.confidence is not None]).value,
        realised_error=_mean([float(not j.right) for j in given]).value,
        verdict=_verdict(threshold, confident, heard=examples),
    )


def _threshold(task: Task, policy: Policy) -> float | None:
    """The confidence above which one answers, where one figure tells it: not where costs differ by label."""
    if isinstance(policy, Below):
        return policy.threshold
    costs = task.costs
    if isinstance(costs, CostByOutcome) and isinstance(policy, WhenCheaper) and costs.abstain is not None:
        if costs.wrong <= costs.right:
            return None
        return metrics.chow_threshold(float(costs.right), float(costs.wrong), float(costs.abstain))
    return None


def _verdict(threshold: float | None, confident: bool, heard: Sequence[Example]) -> str | None:
    """Whether what the threshold promises was kept, where there is one threshold."""
    if threshold is None or not confident or not 0 <= threshold <= 1:
        return None
    confidence, right = confident_pairs([e for e in heard if e.judgement.heard])
    if not confidence:
        return None
    check = metrics.threshold_check(np.array(confidence), np.array(right, dtype=np.float64), threshold)
    return check.verdict.value


def _mean(values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(value=None, low=None, high=None, n=0, why="no data")
    return metrics.mean_estimate(np.array(values, dtype=np.float64))


