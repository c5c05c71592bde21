"""Decisions in the form of results.json: shaped like a task, so that whatever reads tasks reads them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.answers.reading import Outcome
from evalspec.language.metric_names import metric_named
from evalspec.score.result_figures import Document, agreed, figures, metrics_json, pair_json

if TYPE_CHECKING:
    from evalspec.language.program import Program
    from evalspec.score.overall import DecisionScores, Overall
    from evalspec.score.score import TaskScores
    from evalspec.text.values import Json


def decision_json(scores: DecisionScores, program: Program, seed: int) -> Document:
    """A decision as a document."""
    first = scores.decision.rank[0]
    return {
        "kind": "decision",
        "ranked_by": first,
        "direction": metric_named(first).direction.value,
        "unit": scores.unit,
        "report": list(scores.decision.report),
        "weights": dict(scores.decision.weights),
        "order": list(scores.order),
        "examples": sum(len(t.planned.rows) for t in scores.tasks.values()),
        "candidates": {
            name: _candidate(scores, scores.candidates[name], place)
            for place, name in enumerate(scores.order, 1)
        },
        "pairs": [pair_json(p) for p in scores.pairs],
        "leaderboards": agreed(program.leaderboards, first, scores.candidates, seed),
        "crossovers": [],
    }


def _candidate(scores: DecisionScores, overall: Overall, place: int) -> Document:
    standing = scores.standings.get(overall.name)
    some = next(iter(overall.tasks.values())).judged
    outcomes = [c.outcomes for c in overall.tasks.values()]
    empty: dict[str, Json] = {
        "fields": {},
        "subsets": {},
        "budgets": [],
        "no_worse_than": [],
        "requirements": [],
        "steps": {},
    }
    absent = ("confusion", "calibration", "policy", "latency", "compounding")
    return {
        "model": some.candidate.model,
        "prompt": some.candidate.variant or None,
        "served_models": [*sorted({m for c in overall.tasks.values() for m in c.judged.served_models})],
        "rank": place if overall.ranked and overall.viable else None,
        "rank_low": standing.low if standing else None,
        "rank_high": standing.high if standing else None,
        "in_the_running": bool(standing and standing.in_the_running and overall.viable),
        "p_best": standing.p_best if standing else None,
        "viable": overall.viable,
        "reasons": list(overall.reasons),
        "samples": max(c.judged.samples for c in overall.tasks.values()),
        "outcomes": {o.value: sum(own.get(o.value, 0) for own in outcomes) for o in Outcome},
        "confidence": {"source": None, "n": 0, "missing": 0},
        "metrics": metrics_json(overall.metrics, None),
        "tasks": {name: _in_task(task, overall.name) for name, task in scores.tasks.items()},
        "usage": dict.fromkeys(("input_tokens", "output_tokens", "cost_usd", "cost_per_1k_usd")),
        **dict.fromkeys(absent),
        **empty,
    }


def _in_task(task: TaskScores, name: str) -> Document:
    """A candidate's figure in one task, by the metric that the task is ranked by."""
    candidate, metric = task.candidates[name], task.planned.task.rank[0]
    rank = task.order.index(name) + 1 if candidate.ranked and candidate.viable else None
    return {"metric": metric, **figures(candidate.metrics[metric]), "rank": rank}
