"""Results: everything that a run found, in the form of results.json, which is the contract.

Tables and sentences are made from this form alone, so that a results file says as much as a run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.answers.reading import Outcome
from evalspec.language.candidates import Recorded, is_simulated
from evalspec.language.metric_names import metric_named
from evalspec.models.vendors import UNRELIABLE, behind_litellm
from evalspec.score.calibration_details import details_json
from evalspec.score.crossovers import crossovers_json
from evalspec.score.durations import durations
from evalspec.score.latency_results import parts_json, times_json
from evalspec.score.loaded import load_json, under_load
from evalspec.score.measures import each_sample
from evalspec.score.overall_results import decision_json
from evalspec.score.policy_results import policy_json
from evalspec.score.raced_results import ended_json, race_json
from evalspec.score.result_figures import Document, agreed, figures, metrics_json, number, pair_json
from evalspec.text.values import Json, dataclass, field

__all__ = ["Document", "Results", "build_results"]

if TYPE_CHECKING:
    from evalspec.language.program import Task
    from evalspec.plan.plan import Plan
    from evalspec.score.chains import Compounding, StepScore
    from evalspec.score.overall import DecisionScores
    from evalspec.score.ranking import Standing
    from evalspec.score.score import Calibration, CandidateScores, TaskScores

FORMAT = "evalspec.results/1"


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


def build_results(
    plan: Plan, run: Document, scored: Sequence[TaskScores], decided: Sequence[DecisionScores] = ()
) -> Results:
    """The document of a run."""
    tasks: Document = {s.planned.task.name: _task(s, plan) for s in scored}
    tasks |= {d.decision.name: decision_json(d, plan.program, plan.seed) for d in decided}
    return Results({"format": FORMAT, "run": run, "tasks": tasks})


def _task(scores: TaskScores, plan: Plan) -> Document:
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
            name: ended_json(
                _candidate(scores.candidates[name], task, scores.standings.get(name), i + 1),
                scores.candidates[name].stopped,
                i + 1,
            )
            for i, name in enumerate(scores.order)
        },
        "pairs": [pair_json(p) for p in scores.pairs],
        "leaderboards": agreed(plan.program.leaderboards, first, scores.candidates, plan.seed),
        "crossovers": crossovers_json(scores.order, scores.candidates),
        **_race(scores),
    }


def _race(scores: TaskScores) -> Document:
    """What a race saved; nothing where there was none."""
    if scores.raced is None:
        return {}
    n = len(scores.planned.rows)
    left_out = [c.outcomes[Outcome.NOT_ASKED.value] // c.judged.samples for c in scores.candidates.values()]
    return {"race": race_json(scores.raced, n * len(left_out) - sum(left_out), n * len(left_out))}


def _candidate(scores: CandidateScores, task: Task, standing: Standing | None, place: int) -> Document:
    judged = scores.judged
    return {
        "model": judged.candidate.model,
        "prompt": judged.candidate.variant or None,
        **({"simulated": True} if is_simulated(judged.candidate) else {}),
        "served_models": list(judged.served_models),
        "rank": place if scores.ranked and scores.viable else None,
        "rank_low": standing.low if standing else None,
        "rank_high": standing.high if standing else None,
        "in_the_running": bool(standing and standing.in_the_running and scores.viable),
        "p_best": standing.p_best if standing else None,
        "viable": scores.viable,
        "reasons": list(scores.reasons),
        "samples": judged.samples,
        "outcomes": dict(scores.outcomes),
        "confidence": _confidence(scores),
        "metrics": metrics_json(scores.metrics, scores.calibration),
        "fields": {name: figures(e) for name, e in scores.fields.items()},
        "subsets": {
            name: {"n": len(part.examples), "metrics": metrics_json(part.metrics, None)}
            for name, part in scores.subsets.items()
        },
        "confusion": _confusion(scores),
        "calibration": _calibration(scores.calibration),
        "policy": policy_json(scores.policy),
        "latency": _latency(scores, task),
        **_clauses(scores),
        "usage": _usage(scores),
        "steps": {name: _step(step) for name, step in scores.steps.items()},
        "compounding": _compounding(scores.compounding),
    }


def _clauses(scores: CandidateScores) -> Document:
    """What is demanded of a candidate, and whether it is so."""
    return {
        "budgets": [
            {"clause": b.clause, "verdict": b.verdict.value, **figures(b.estimate)} for b in scores.budgets
        ],
        "no_worse_than": [
            {"model": m.model, "clause": m.clause, "verdict": m.verdict.value, **figures(m.estimate)}
            for m in scores.margins
        ],
        "requirements": [
            {"clause": r.clause, "verdict": r.verdict.value, **figures(r.estimate)}
            for r in scores.requirements
        ],
    }


def _confidence(scores: CandidateScores) -> Document:
    """How many answers have a confidence, and how many have none."""
    answers = [j for j in scores.judged.judgements if j.outcome is Outcome.ANSWERED]
    known = sum(j.confidence is not None for j in answers)
    return {"source": scores.judged.source, "n": known, "missing": len(answers) - known}


# ── figures ───────────────────────────────────────────────────────────────────────────────────────


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
        "slope": figures(calibration.slope),
        "intercept": figures(calibration.intercept),
        **details_json(calibration.details),
    }


def _latency(scores: CandidateScores, task: Task) -> Json:
    loaded = under_load(task, scores.judged.candidate, scores.judged.passed)
    measured_apart = load_json(task, loaded) if loaded is not None else None
    if measured_apart is not None:
        return measured_apart | _doubtful(scores)
    heard = [e for e in each_sample(scores.examples) if e.judgement.heard]
    timed = durations(heard)
    if not timed.n:
        return None
    candidate = scores.judged.candidate
    recorded = "recorded" if isinstance(candidate.use, Recorded) else "under_run"
    measured = "simulated" if is_simulated(candidate) else recorded
    told: Document = {"measured": measured, "service": times_json(timed), **parts_json(task, heard)}
    return told | {"queue": None} | _doubtful(scores)


def _doubtful(scores: CandidateScores) -> Document:
    """That latencies are not the model's own, where they are not."""
    return {"note": UNRELIABLE} if behind_litellm(scores.judged.candidate) else {}


def _usage(scores: CandidateScores) -> Json:
    judgements = scores.judged.judgements
    cost = [j.cost_usd for j in judgements if j.cost_usd is not None]
    per_1k = scores.metrics["cost_per_1k"]
    return {
        "input_tokens": _sum([j.input_tokens for j in judgements]),
        "output_tokens": _sum([j.output_tokens for j in judgements]),
        "cost_usd": float(sum(cost)) if cost else None,
        "cost_per_1k_usd": number(per_1k.value),
    }


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None


def _step(step: StepScore) -> Document:
    return {
        "free": {"accuracy": figures(step.free)},
        "given_gold": {"accuracy": figures(step.given_gold)},
        "first_failures": step.first_failures,
        "hazard": figures(step.hazard),
        "gain_if_perfect": None,
    }


def _compounding(found: Compounding | None) -> Json:
    if found is None:
        return None
    return {
        "product_of_steps": found.product_of_steps,
        "product_given_gold": found.product_given_gold,
        "all_right": figures(found.all_right),
        "end_to_end": figures(found.end_to_end),
        "dependence_gap": found.dependence_gap,
    }
