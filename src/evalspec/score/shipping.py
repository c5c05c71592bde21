"""The rule to ship: what an evaluation found, as a file by which answers are given or handed over.

The recalibration in it is fitted to all examples; what it promises was measured by maps that had not seen
them. `shipped.py` reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.candidates import Hosted
from evalspec.language.expressions import Expression
from evalspec.language.program import Below, CostByOutcome, CostFigure, LeastConfident, WhenCheaper
from evalspec.score.fitted import lessons
from evalspec.score.result_figures import Document, figures, number
from evalspec.score.shipped import FORMAT

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Costs, Task
    from evalspec.score.policy import PolicyScore
    from evalspec.score.score import CandidateScores, TaskScores
    from evalspec.text.values import Json

NEVER = 2.0  # a threshold that no confidence reaches


class NoPolicy(ValueError):
    """A candidate has no policy to ship; the message says why, and what to write."""


def policy_to_ship(scores: TaskScores, name: str) -> Document:
    """The policy of a candidate: as its task declares it, else `when_cheaper`. Raises NoPolicy."""
    task, candidate = scores.planned.task, scores.candidates[name]
    if task.costs is None:
        raise NoPolicy(f"`{task.name}` has no costs to decide by: write `costs = NAME`")
    policy = candidate.policy
    if policy is None or task.costs.abstain is None:
        raise NoPolicy(f"abstaining has no price in `{task.costs.name}`: give it `abstain`")
    if not any(e.judgement.confidence is not None for e in candidate.examples):
        raise NoPolicy(f"`{name}` gives no confidence to decide by: write `confidence = [logprobs, stated]`")
    return {
        "format": FORMAT,
        "task": task.name,
        "candidate": name,
        **_asked(task, candidate),
        "confidence": candidate.judged.source,
        **_rule(scores, candidate, policy),
        **_promise(candidate, policy),
    }


def _asked(task: Task, candidate: CandidateScores) -> Document:
    """Who is asked, and with what prompt."""
    spec = candidate.judged.candidate
    return {
        "model": _route(spec),
        "prompt": spec.variant or None,
        "prompt_sha256": _prompt_digest(task, spec),
        "served_models": list(candidate.judged.served_models),
    }


def _route(spec: ModelSpec) -> str:
    return spec.use.route if isinstance(spec.use, Hosted) else spec.model


def _prompt_digest(task: Task, spec: ModelSpec) -> str | None:
    """The SHA-256 of the templates that the candidate is asked with; None where it is asked with none."""
    asked: list[Json] = [
        [
            step.name,
            step.messages_column,
            [[role, prompt.text] for role, prompt in step.asked_as(spec.variant)],
        ]
        for step in task.steps
        if step.messages_column or step.asked_as(spec.variant)
    ]
    text = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if asked else None


def _rule(scores: TaskScores, candidate: CandidateScores, policy: PolicyScore) -> Document:
    """How it is decided."""
    task = scores.planned.task
    assert task.costs is not None  # noqa: S101
    found: Document = {"rule": policy.rule, "declared": policy.declared, "unit": task.costs.unit}
    match task.abstain:
        case Below(threshold=threshold):
            return {**found, "kind": "threshold", "threshold": threshold}
        case LeastConfident():
            return {**found, "kind": "threshold", "threshold": _least_kept(candidate)}
        case _:
            learnt = task.abstain is WhenCheaper.RECALIBRATED
            return {
                **found,
                "kind": policy.rule,
                "threshold": number(policy.threshold),
                "recalibration": _fitted(scores, candidate) if learnt else None,
                "costs": _costs(task.costs, candidate, scores),
            }


def _least_kept(candidate: CandidateScores) -> float:
    """The least confidence that was answered; above 1 where none was."""
    kept = [
        e.judgement.confidence
        for e in candidate.examples
        if e.decision is not None and not e.decision.withheld and e.judgement.outcome is Outcome.ANSWERED
    ]
    return min((c for c in kept if c is not None), default=NEVER)


def _fitted(scores: TaskScores, candidate: CandidateScores) -> Document:
    """The recalibration, fitted to all examples; the identity, and why, where nothing can be learnt."""
    known = lessons(candidate.judged.judgements, scores.design)
    if known.why is not None:
        return {"method": "identity", "n": len(known.places), "why": known.why}
    method = metrics.chosen_method(known.confidence)
    fit = metrics.fit_recalibration(known.confidence, known.correct, method, known.weight)
    return fit.to_json()


def _costs(costs: Costs, candidate: CandidateScores, scores: TaskScores) -> Document:
    """The costs that decide: numbers, or the text of what depends on the example."""
    if isinstance(costs, CostByOutcome):
        return {
            name: _cell(f)
            for name, f in (("right", costs.right), ("wrong", costs.wrong), ("abstain", costs.abstain))
        }
    counts = dict.fromkeys(costs.truths, 0.0)
    for j in candidate.judged.judgements:
        if j.truth in counts and j.truth is not None:
            counts[j.truth] += 1.0 if scores.design.weight is None else scores.design.weight[j.row.id]
    return {
        "labels": list(costs.truths),
        "figures": [_cells(row) for row in costs.figures],
        "abstain": _cells(costs.abstain or ()),
        "counts": list(counts.values()),
    }


def _cells(cells: Sequence[CostFigure]) -> list[Json]:
    return [_cell(cell) for cell in cells]


def _cell(figure: CostFigure | None) -> Json:
    if isinstance(figure, Expression):
        return figure.at.source.text[figure.at.start : figure.at.end]
    return None if figure is None else float(figure)


def _promise(candidate: CandidateScores, policy: PolicyScore) -> Document:
    """What the rule promised on the examples, and what came of it."""
    kept, heard = policy.kept, [e.judgement for e in candidate.examples if e.judgement.heard]
    learnt = policy.rule == "when_cheaper(recalibrated)" and policy.fit.method is not None
    return {
        "n": len(heard),
        "wrong": sum(j.right is False for j in heard),
        "coverage": kept.coverage,
        "promised_error": kept.promised_error,
        "realised_error": kept.realised_error,
        "promised_cost": number(kept.promised_cost),
        "cost": figures(policy.costs.recalibrated if learnt else policy.costs.as_is),
        "verdict": policy.verdict,
    }
