"""Results: everything that a run found, in the form of results.json, which is the contract.

Tables and sentences are made from this form alone, so that a results file says as much as a run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.answers.reading import Outcome
from evalspec.language.candidates import Recorded
from evalspec.language.metric_names import metric_named
from evalspec.score.measures import latencies, percentile
from evalspec.text.values import Json

if TYPE_CHECKING:
    from evalspec.metrics import Estimate
    from evalspec.plan.plan import Plan
    from evalspec.score.chains import Compounding, StepScore
    from evalspec.score.policy import PolicyScore
    from evalspec.score.ranking import Pair, Standing
    from evalspec.score.score import Calibration, CandidateScores, TaskScores

FORMAT = "evalspec.results/1"
Document = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Results:
    """A results document: `run` and `tasks`, as results.json holds them."""

    document: Document = field(repr=False)

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """The results in a file. Raises ValueError where it holds none."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as fault:
            raise ValueError(f"{path} is not JSON: {fault}") from fault
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"{path} does not hold results ({FORMAT})")
        return cls(document)

    def to_json(self) -> str:
        """The document as text, the same for the same results."""
        return json.dumps(self.document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def build_results(plan: Plan, run: Document, scored: Sequence[TaskScores]) -> Results:
    """The document of a run."""
    tasks: Document = {s.planned.task.name: _task(s) for s in scored}
    return Results({"format": FORMAT, "run": run, "tasks": tasks})


def _task(scores: TaskScores) -> Document:
    task = scores.planned.task
    first = task.rank[0]
    return {
        "kind": task.kind,
        "ranked_by": first,
        "direction": metric_named(first).direction.value,
        "unit": task.costs.unit if task.costs is not None else None,
        "report": list(task.report),
        "order": list(scores.order),
        "examples": len(scores.planned.rows),
        "candidates": {
            name: _candidate(scores.candidates[name], scores.standings.get(name), i + 1)
            for i, name in enumerate(scores.order)
        },
        "pairs": [_pair(p) for p in scores.pairs],
        "leaderboards": {},
    }


def _candidate(scores: CandidateScores, standing: Standing | None, place: int) -> Document:
    judged = scores.judged
    return {
        "model": judged.candidate.model,
        "prompt": judged.candidate.variant or None,
        "served_models": list(judged.served_models),
        "rank": place if scores.ranked and scores.viable else None,
        "rank_low": standing.low if standing else None,
        "rank_high": standing.high if standing else None,
        "in_the_running": bool(standing and standing.in_the_running and scores.viable),
        "p_best": standing.p_best if standing else None,
        "viable": scores.viable,
        "reasons": list(scores.reasons),
        "outcomes": dict(scores.outcomes),
        "confidence": _confidence(scores),
        "metrics": _metrics(scores.metrics, scores.calibration),
        "fields": {name: _figures(e) for name, e in scores.fields.items()},
        "subsets": {
            name: {"n": len(part.examples), "metrics": _metrics(part.metrics, None)}
            for name, part in scores.subsets.items()
        },
        "confusion": _confusion(scores),
        "calibration": _calibration(scores.calibration),
        "policy": _policy(scores.policy),
        "latency": _latency(scores),
        "budgets": [
            {"clause": b.clause, "verdict": b.verdict.value, **_figures(b.estimate)} for b in scores.budgets
        ],
        "no_worse_than": [
            {"model": m.model, "clause": m.clause, "verdict": m.verdict.value, **_figures(m.estimate)}
            for m in scores.margins
        ],
        "requirements": [
            {"clause": r.clause, "verdict": r.verdict.value, **_figures(r.estimate)}
            for r in scores.requirements
        ],
        "usage": _usage(scores),
        "steps": {name: _step(step) for name, step in scores.steps.items()},
        "compounding": _compounding(scores.compounding),
    }


def _confidence(scores: CandidateScores) -> Document:
    """How many answers have a confidence, and how many have none."""
    answers = [e.judgement for e in scores.examples if e.judgement.outcome is Outcome.ANSWERED]
    known = sum(j.confidence is not None for j in answers)
    return {"source": scores.judged.source, "n": known, "missing": len(answers) - known}


# ── figures ───────────────────────────────────────────────────────────────────────────────────────


def _number(value: float | None) -> Json:
    """A figure as JSON; an infinite one (a percentile beyond a timeout) has no number."""
    return None if value is None or not math.isfinite(value) else float(value)


def _figures(estimate: Estimate) -> Document:
    """A figure with its interval; where either is missing, `why`."""
    found: Document = {
        "value": _number(estimate.value),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
        "n": estimate.n,
    }
    why = estimate.why if estimate.why is not None else _why(estimate, found)
    return found if why is None else {**found, "why": why}


def _why(estimate: Estimate, found: Document) -> str | None:
    """Why a figure that was measured, or an end of its interval, is no number."""
    if found["value"] is None:
        return "it lies beyond the timeout"
    if found["low"] is not None and found["high"] is not None:
        return None
    if estimate.low is None and estimate.high is None:
        return "this figure has no interval"
    return "the data do not reach far enough for both ends of the interval"


def _metrics(found: Mapping[str, Estimate], calibration: Calibration | None) -> Document:
    document: Document = {}
    for name, estimate in found.items():
        figures = _figures(estimate)
        figures |= {"se": _number(estimate.se), "direction": metric_named(name).direction.value}
        if name == "ece" and calibration is not None:
            floor = calibration.floor
            figures |= {"null_mean": floor.mean, "null_p95": floor.p95, "p_value": floor.p_value}
        document[name] = figures
    return document


def _confusion(scores: CandidateScores) -> Json:
    if scores.confusion is None:
        return None
    return {
        "truth": list(scores.confusion.truth),
        "answers": list(scores.confusion.answers),
        "counts": [list(row) for row in scores.confusion.counts],
    }


def _calibration(calibration: Calibration | None) -> Json:
    if calibration is None:
        return None
    return {
        "binning": calibration.binning,
        "bins": [
            {
                "low": b.low,
                "high": b.high,
                "n": b.n,
                "confidence": b.confidence,
                "accuracy": b.accuracy,
                "accuracy_low": b.accuracy_low,
                "accuracy_high": b.accuracy_high,
            }
            for b in calibration.bins
        ],
        "slope": _figures(calibration.slope),
        "intercept": _figures(calibration.intercept),
    }


def _policy(policy: PolicyScore | None) -> Json:
    if policy is None:
        return None
    return {
        "threshold": _number(policy.threshold),
        "coverage": policy.coverage,
        "cost_as_is": _number(policy.cost_as_is.value),
        "cost_cross_fitted": None,
        "cost_recalibrated": None,
        "cost_answer_all": _number(policy.cost_answer_all.value),
        "cost_abstain_all": _number(policy.cost_abstain_all.value),
        "promised_cost": _number(policy.promised_cost),
        "surprise": _number(policy.surprise.value),
        "surprise_interval": _figures(policy.surprise),
        "promised_error": policy.promised_error,
        "realised_error": policy.realised_error,
        "verdict": policy.verdict,
    }


def _latency(scores: CandidateScores) -> Json:
    seconds = latencies([e for e in scores.examples if e.judgement.heard])
    if not seconds:
        return None
    recorded = isinstance(scores.judged.candidate.use, Recorded)
    service: Document = {f"p{q}": _figures(percentile(seconds, q)) for q in (50, 90, 95, 99)}
    service |= {name: _of_times(figure, len(seconds)) for name, figure in _extremes(seconds).items()}
    measured = "recorded" if recorded else "under_run"
    return {"measured": measured, "service": service, "first_token": None, "queue": None}


def _extremes(seconds: Sequence[float]) -> Mapping[str, float]:
    return {"mean": sum(seconds) / len(seconds), "max": max(seconds)}


def _of_times(value: float, n: int) -> Document:
    """A figure without an interval, None where it takes in what ran out of its time."""
    if math.isfinite(value):
        return {"value": value, "n": n}
    return {"value": None, "n": n, "why": "it lies beyond the timeout"}


def _usage(scores: CandidateScores) -> Json:
    judgements = [e.judgement for e in scores.examples]
    cost = [j.cost_usd for j in judgements if j.cost_usd is not None]
    per_1k = scores.metrics["cost_per_1k"]
    return {
        "input_tokens": _sum([j.input_tokens for j in judgements]),
        "output_tokens": _sum([j.output_tokens for j in judgements]),
        "cost_usd": float(sum(cost)) if cost else None,
        "cost_per_1k_usd": _number(per_1k.value),
    }


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None


def _step(step: StepScore) -> Document:
    return {
        "free": {"accuracy": _figures(step.free)},
        "given_gold": {"accuracy": _figures(step.given_gold)},
        "first_failures": step.first_failures,
        "hazard": _figures(step.hazard),
        "gain_if_perfect": None,
    }


def _compounding(found: Compounding | None) -> Json:
    if found is None:
        return None
    return {
        "product_of_steps": found.product_of_steps,
        "product_given_gold": found.product_given_gold,
        "all_right": _figures(found.all_right),
        "end_to_end": _figures(found.end_to_end),
        "dependence_gap": found.dependence_gap,
    }


def _pair(pair: Pair) -> Document:
    return {
        "a": pair.a,
        "b": pair.b,
        "metric": pair.metric,
        "difference": _figures(pair.difference),
        "p_value": pair.p_value,
        "p_adjusted": pair.p_adjusted,
        "distinguished": pair.distinguished,
        "n_needed": pair.n_needed,
    }
