"""Decisions over several tasks: each candidate's figures put together by the tasks' weights, and ranked.

A mean such as accuracy or expected cost is the weighted mean of the tasks' means; examples that several
tasks share are one draw. The win rate is told from the order within each task.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.language.metric_names import Direction, metric_named
from evalspec.metrics import Estimate
from evalspec.score.contributions import FLAGS, contributions
from evalspec.score.measures import undefined
from evalspec.score.ranking import ALPHA, SINGLE, Pair, Standing, badness, n_needed
from evalspec.score.weighing import weights_of
from evalspec.score.wins import WIN_RATE, win_rates
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import Decision, Program
    from evalspec.score.score import CandidateScores, TaskScores

Floats = NDArray[np.float64]
NO_INTERVAL = "a weighted mean of figures that are no means has no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """A candidate over all tasks of a decision: its figures, and what it is in each task."""

    name: str
    tasks: Mapping[str, CandidateScores]
    metrics: Mapping[str, Estimate]
    reasons: tuple[str, ...]
    ranked: bool

    @property
    def model(self) -> str:
        """The model's own name, without its prompt variant."""
        return next(iter(self.tasks.values())).model

    @property
    def variant(self) -> str:
        """The prompt variant it was asked with in the first task."""
        return next(iter(self.tasks.values())).variant

    @property
    def viable(self) -> bool:
        """Whether nothing speaks against it in any task."""
        return not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionScores:
    """A decision: its candidates, their order, and what separates them."""

    decision: Decision
    tasks: Mapping[str, TaskScores]
    candidates: Mapping[str, Overall]
    order: tuple[str, ...]
    standings: Mapping[str, Standing]
    pairs: tuple[Pair, ...]

    @property
    def unit(self) -> str | None:
        """The unit of the costs, where all tasks have the same."""
        units = {t.planned.task.costs.unit if t.planned.task.costs else None for t in self.tasks.values()}
        return next(iter(units)) if len(units) == 1 else None


def decide_over(program: Program, scored: Sequence[TaskScores], seed: int) -> tuple[DecisionScores, ...]:
    """Every decision of which all tasks were run, with the candidates that all of them have."""
    by_name = {s.planned.task.name: s for s in scored}
    found = (
        _decision(d, by_name, seed) for d in program.decisions.values() if set(d.weights) <= set(by_name)
    )
    return tuple(d for d in found if d is not None)


def _decision(decision: Decision, scored: Mapping[str, TaskScores], seed: int) -> DecisionScores | None:
    tasks = {name: scored[name] for name in decision.weights}
    first = next(iter(tasks.values()))
    names = [
        name
        for name, c in first.candidates.items()
        if all(name in t.candidates for t in tasks.values())
        and (c.model in decision.models or any(t.planned.task.assign for t in tasks.values()))
    ]
    if not names:
        return None
    wins, p_best = win_rates(decision.weights, tasks, names, seed)
    candidates = {name: _overall(name, decision, tasks, wins[name]) for name in names}
    metric = decision.rank[0]
    ranked = [n for n in names if candidates[n].ranked and candidates[n].metrics[metric].value is not None]
    viable = [n for n in ranked if candidates[n].viable]
    matrix = _matrix(metric, decision, tasks, viable)
    return DecisionScores(
        decision=decision,
        tasks=tasks,
        candidates=candidates,
        order=tuple(sorted(names, key=lambda n: _place(candidates[n], decision.rank))),
        standings=_standings(metric, viable, matrix, p_best, seed),
        pairs=_pairs(metric, viable, matrix, seed),
    )


def _place(candidate: Overall, rank: Sequence[str]) -> tuple[object, ...]:
    figures = tuple(badness(metric, candidate.metrics[metric]) for metric in rank)
    return (not candidate.ranked, not candidate.viable, *figures)


def _overall(name: str, decision: Decision, tasks: Mapping[str, TaskScores], wins: Estimate) -> Overall:
    own = {task: scores.candidates[name] for task, scores in tasks.items()}
    wanted = dict.fromkeys((*decision.rank, *decision.report, "accuracy", "error_rate"))
    return Overall(
        name=name,
        tasks=own,
        metrics={m: wins if m == WIN_RATE else _combined(m, decision, tasks, own) for m in wanted},
        reasons=tuple(f"{task}: {reason}" for task, c in own.items() for reason in c.reasons),
        ranked=all(c.ranked for c in own.values()),
    )


# ── one figure over all tasks ─────────────────────────────────────────────────────────────────────


def _combined(
    metric: str, decision: Decision, tasks: Mapping[str, TaskScores], own: Mapping[str, CandidateScores]
) -> Estimate:
    figures = {task: c.metrics.get(metric) for task, c in own.items()}
    for task, figure in figures.items():
        if figure is None or figure.value is None:
            why = "not measured" if figure is None else figure.why or "no data"
            return undefined(f"{task}: {why}")
    columns = {task: contributions(metric, c.examples) for task, c in own.items()}
    if any(column is None for column in columns.values()):
        value = sum(decision.weights[t] * (f.value or 0.0) for t, f in figures.items() if f is not None)
        n = sum(f.n for f in figures.values() if f is not None)
        return Estimate(value=value, low=None, high=None, n=n, why=NO_INTERVAL)
    drawn = [_drawn(tasks[task], own[task], column) for task, column in columns.items() if column is not None]
    weighted = any(t.design.weighted for t in tasks.values())
    return metrics.combined_mean(
        [values for values, _, _ in drawn],
        [units for _, units, _ in drawn],
        np.array([decision.weights[task] for task in columns]),
        flags=metric in FLAGS and all(set(values.tolist()) <= {0.0, 1.0} for values, _, _ in drawn),
        weights=[w for _, _, w in drawn] if weighted else None,
    )


def _drawn(
    task: TaskScores, candidate: CandidateScores, column: Floats, kept: NDArray[np.bool_] | None = None
) -> tuple[Floats, list[Hashable], Floats]:
    """The figures that are there, what was drawn for each (an example, or its cluster), and weights."""
    at = np.flatnonzero(~np.isnan(column) if kept is None else kept).tolist()
    rows = [candidate.examples[i].judgement.row for i in at]
    cluster, dataset = task.design.cluster, task.planned.task.dataset
    units: list[Hashable] = [(dataset, row.id if cluster is None else cluster[row.id]) for row in rows]
    return column[at], units, weights_of(task.design, rows)


# ── who is ahead ──────────────────────────────────────────────────────────────────────────────────


def _matrix(
    metric: str, decision: Decision, tasks: Mapping[str, TaskScores], names: Sequence[str]
) -> Floats | None:
    """Units × candidates, so that the means of the columns are the figures and their spread is right.

    Of each task only the examples that all candidates finished. None for metrics that are no means.
    """
    found: dict[str, tuple[float, dict[Hashable, float]]] = {}
    columns = {
        (task, name): contributions(metric, scores.candidates[name].examples)
        for task, scores in tasks.items()
        for name in names
    }
    if not names or any(column is None for column in columns.values()):
        return None
    known = {key: column for key, column in columns.items() if column is not None}
    kept = {t: np.all([~np.isnan(known[t, name]) for name in names], axis=0) for t in tasks}
    if not all(k.any() for k in kept.values()):
        return None
    for name in names:
        drawn = [_drawn(s, s.candidates[name], known[t, name], kept[t]) for t, s in tasks.items()]
        found[name] = metrics.influences(
            [values for values, _, _ in drawn],
            [units for _, units, _ in drawn],
            np.array([decision.weights[task] for task in tasks]),
            [w for _, _, w in drawn],
        )
    units = list(next(iter(found.values()))[1])
    return np.array([[theta + len(units) * moved[u] for theta, moved in found.values()] for u in units])


def _standings(
    metric: str, names: Sequence[str], matrix: Floats | None, p_best: Mapping[str, float], seed: int
) -> Mapping[str, Standing]:
    if len(names) == 1:
        return {names[0]: SINGLE}
    if matrix is None:
        told = p_best if metric == WIN_RATE else {}
        return {
            name: Standing(low=None, high=None, in_the_running=True, p_best=told.get(name)) for name in names
        }
    higher = metric_named(metric).direction is Direction.MAX
    ranks = metrics.rank_intervals(matrix, higher_is_better=higher, seed=seed)
    return {
        name: Standing(low=r.rank_low, high=r.rank_high, in_the_running=r.in_the_running, p_best=r.p_best)
        for name, r in zip(names, ranks, strict=True)
    }


def _pairs(metric: str, names: Sequence[str], matrix: Floats | None, seed: int) -> tuple[Pair, ...]:
    """Every pair's difference, p-values adjusted by Holm; none for metrics that are no means."""
    if matrix is None or len(names) < 2:
        return ()
    places = list(combinations(range(len(names)), 2))
    apart = np.column_stack([matrix[:, i] - matrix[:, j] for i, j in places])
    p_values = metrics.sign_flips(apart, seed).tolist()
    found = [metrics.paired_difference(matrix[:, i], matrix[:, j]) for i, j in places]
    return tuple(
        Pair(
            a=names[i],
            b=names[j],
            metric=metric,
            difference=difference,
            p_value=p_value,
            p_adjusted=float(q),
            distinguished=bool(q <= ALPHA),
            n_needed=None if q <= ALPHA else n_needed(difference, len(places)),
        )
        for (i, j), difference, p_value, q in zip(
            places, found, p_values, metrics.holm(p_values), strict=True
        )
    )
