"""What a run found, example by example: what is kept of it, so that runs can be compared later.

Scoring a run again needs its spec and data as they were. These figures do not: they tell for each example
what it contributed to each metric, and how the examples stand for production.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.language.metric_names import metric_named
from evalspec.score.contributions import contributions
from evalspec.score.drift import kept_drift
from evalspec.score.weighing import Design
from evalspec.score.wording import document, items, number

if TYPE_CHECKING:
    from evalspec.score.results import Document
    from evalspec.score.score import CandidateScores, TaskScores
    from evalspec.text.values import Json

BESIDE = ("accuracy", "cost_per_1k", "output_tokens")  # told of every run, whatever it is ranked by


def kept_figures(scored: Sequence[TaskScores]) -> Document:
    """The figures of every task, as they are kept."""
    return {"tasks": {scores.planned.task.name: _task(scores) for scores in scored}}


def _task(scores: TaskScores) -> Document:
    task, rows = scores.planned.task, scores.planned.rows
    first = task.rank[0]
    told = dict.fromkeys((first, *task.report, *BESIDE))
    any_candidate = next(iter(scores.candidates.values()))
    places = {row.id: i for i, row in enumerate(rows)}
    return {
        "ranked_by": first,
        "direction": metric_named(first).direction.value,
        "unit": task.costs.unit if task.costs is not None else None,
        "examples": [row.id for row in rows],
        "subsets": {
            name: [places[e.judgement.row.id] for e in part.examples]
            for name, part in any_candidate.subsets.items()
        },
        "design": _design(scores.design, list(places)),
        "candidates": {
            name: _candidate(scores.candidates[name], list(told), places)
            | kept_drift(scores.candidates[name], scores.standings.get(name), i + 1, places)
            for i, name in enumerate(scores.order)
        },
    }


def _design(design: Design, ids: Sequence[str]) -> Document:
    return {
        "weight": None if design.weight is None else [design.weight[i] for i in ids],
        "cell": None if design.cell is None else [design.cell[i] for i in ids],
        "shares": {str(name): share for name, share in design.shares.items()},
        "cluster": None if design.cluster is None else [str(design.cluster[i]) for i in ids],
    }


def _candidate(scores: CandidateScores, told: Sequence[str], places: Mapping[str, int]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for metric in told:
        column = contributions(metric, scores.examples)
        if column is None or all(math.isnan(value) for value in column):
            continue
        values: list[Json] = [None] * len(places)
        for example, value in zip(scores.examples, column.tolist(), strict=True):
            values[places[example.judgement.row.id]] = None if math.isnan(value) else value
        found[metric] = values
    return {"served_models": list(scores.judged.served_models), "metrics": found}


def design_in(task: Mapping[str, Json]) -> Design:
    """How the examples of a kept task stand for production."""
    found = document(task.get("design"))
    ids = [str(i) for i in items(task.get("examples"))]
    weight = {i: number(w) or 0.0 for i, w in _by_id(ids, found.get("weight"))}
    cell = {i: str(c) for i, c in _by_id(ids, found.get("cell"))}
    cluster: dict[str, Hashable] = {i: str(c) for i, c in _by_id(ids, found.get("cluster"))}
    shares: dict[Hashable, float] = {n: number(s) or 0.0 for n, s in document(found.get("shares")).items()}
    return Design(weight=weight or None, cell=cell or None, shares=shares, cluster=cluster or None)


def _by_id(ids: Sequence[str], values: Json) -> Iterator[tuple[str, Json]]:
    return zip(ids, items(values), strict=False)
