"""Two runs held against each other: each candidate on the examples that both runs have, and each subset.

The later run minus the earlier one. A candidate has become worse where the paired difference of the ranked
metric is on the wrong side and its p-value, adjusted by Holm over all candidates of all tasks, is at most
5 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.language.metric_names import Direction, metric_named
from evalspec.score.contributions import FLAGS, Column
from evalspec.score.differences import compared_by, difference, redrawn, weights_where
from evalspec.score.drift import Drift, Shared, drift
from evalspec.score.kept import design_in
from evalspec.score.ranking import ALPHA
from evalspec.score.wording import document, items, names, number
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.metrics import Estimate
    from evalspec.score.weighing import Design
    from evalspec.text.values import Json

    Found = Mapping[str, Json]


class Change(StrEnum):
    """What became of a candidate from one run to the next."""

    WORSE = "worse"
    BETTER = "better"
    UNDECIDED = "no difference found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A metric in both runs, on `n` examples that both have; `p_adjusted` where it is what ranks."""

    metric: str
    n: int
    before: float
    after: float
    difference: Estimate
    p_value: float
    p_adjusted: float | None = None

    @property
    def change(self) -> Change:
        """Whether it is worse or better beyond chance, by the adjusted p-value where there is one."""
        p, moved = self.p_adjusted if self.p_adjusted is not None else self.p_value, self.difference.value
        if p > ALPHA or not moved:
            return Change.UNDECIDED
        higher = metric_named(self.metric).direction is Direction.MAX
        return Change.BETTER if (moved > 0) == higher else Change.WORSE


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateMove:
    """A candidate in both runs: the ranked metric first, then others, and the ranked one on each subset."""

    name: str
    moves: tuple[Move, ...]
    subsets: Mapping[str, Move]
    served_before: tuple[str, ...]
    served_after: tuple[str, ...]
    drift: Drift

    @property
    def ranked(self) -> Move:
        """What it is ranked by."""
        return self.moves[0]

    @property
    def change_found(self) -> bool:
        """Whether some metric is better or worse beyond chance."""
        return any(move.change is not Change.UNDECIDED for move in self.moves)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMove:
    """A task in both runs. `gone` and `come` are candidates that only one run has."""

    name: str
    metric: str
    unit: str | None
    examples: int
    candidates: tuple[CandidateMove, ...]
    gone: tuple[str, ...]
    come: tuple[str, ...]
    why: str | None = None  # why nothing can be compared


def compare(before: Found, after: Found, seed: int = 0) -> tuple[TaskMove, ...]:
    """The tasks that both runs have, by their kept figures."""
    old, new = document(before.get("tasks")), document(after.get("tasks"))
    found = [_task(name, document(old[name]), document(new[name]), seed) for name in new if name in old]
    ranked = [candidate.ranked for task in found for candidate in task.candidates]
    adjusted = iter(metrics.holm([move.p_value for move in ranked]).tolist() if ranked else ())
    return tuple(
        replace(task, candidates=tuple(_adjusted(c, next(adjusted)) for c in task.candidates))
        for task in found
    )


def _adjusted(candidate: CandidateMove, p: float) -> CandidateMove:
    first, *others = candidate.moves
    return replace(candidate, moves=(replace(first, p_adjusted=p), *others))


def _task(name: str, old: Found, new: Found, seed: int) -> TaskMove:
    metric = str(new["ranked_by"])
    there = {i: place for place, i in enumerate(names(old["examples"]))}
    shared = [(i, there[i], place) for place, i in enumerate(names(new["examples"])) if i in there]
    ids, places = tuple(i for i, _, _ in shared), [(a, b) for _, a, b in shared]
    both = Shared(ids, [a for a, _ in places], [b for _, b in places], design_in(new), seed)
    ours, theirs = document(new["candidates"]), document(old["candidates"])
    moved = [_candidate(n, document(theirs[n]), document(ours[n]), _Task(metric, new, both))
             for n in ours if n in theirs]  # fmt: skip
    found = tuple(candidate for candidate in moved if candidate is not None)
    why = None
    if not ids:
        why = "the runs have no example in common"
    elif moved and not found:
        why = f"{metric} is no mean over examples, or one of the runs does not have it"
    return TaskMove(
        name=name,
        metric=metric,
        unit=str(new["unit"]) if new.get("unit") is not None else None,
        examples=len(ids),
        candidates=found,
        gone=tuple(n for n in theirs if n not in ours),
        come=tuple(n for n in ours if n not in theirs),
        why=why,
    )


@dataclass(frozen=True, slots=True)
class _Task:
    metric: str
    found: Found
    both: Shared


def _candidate(name: str, old: Found, new: Found, task: _Task) -> CandidateMove | None:
    told = document(new["metrics"])
    order = dict.fromkeys((task.metric, *told))
    moves = [m for metric in order if (m := _move(metric, old, new, task.both)) is not None]
    if not moves or moves[0].metric != task.metric:
        return None
    return CandidateMove(
        name=name,
        moves=tuple(moves),
        subsets=dict(_subsets(old, new, task)),
        served_before=names(old.get("served_models")),
        served_after=names(new.get("served_models")),
        drift=drift(old, new, task.both),
    )


def _subsets(old: Found, new: Found, task: _Task) -> Iterator[tuple[str, Move]]:
    both = task.both
    for subset, members in document(task.found.get("subsets")).items():
        inside = set(items(members))
        kept = [i for i, place in enumerate(both.new) if place in inside]
        part = Shared(
            tuple(both.ids[i] for i in kept), [both.old[i] for i in kept], [both.new[i] for i in kept],
            replace(both.design, cell=None), both.seed,
        )  # fmt: skip
        move = _move(task.metric, old, new, part)
        if move is not None:
            yield subset, move


def _move(metric: str, old: Found, new: Found, both: Shared) -> Move | None:
    """A metric's move on these examples; None where not both runs tell it, or nothing finished in both."""
    then, now = (_column(run, metric, at) for run, at in ((old, both.old), (new, both.new)))
    if then is None or now is None:
        return None
    finished = ~np.isnan(then) & ~np.isnan(now)
    if not finished.any():
        return None
    then, now = (np.where(finished, column, math.nan) for column in (then, now))
    design, rows = compared_by(metric, both.design), both.rows
    told = difference(design, rows, now, then, metric=metric)
    weights = weights_where(design, rows, finished)
    w = (np.ones(len(rows)) if weights is None else weights)[finished]
    old_mean, new_mean = (float(np.average(column[finished], weights=w)) for column in (then, now))
    return Move(
        metric=metric,
        n=int(finished.sum()),
        before=old_mean,
        after=new_mean,
        difference=told,
        p_value=_p_value(metric, now - then, both, design),
    )


def _p_value(metric: str, d: Column, both: Shared, design: Design) -> float:
    known = d[~np.isnan(d)]
    if metric in FLAGS and design.plain and bool(np.isin(known, (-1.0, 0.0, 1.0)).all()):
        return float(metrics.mcnemar_midp(int((known > 0).sum()), int((known < 0).sum())))
    return float(metrics.sign_flips(redrawn(design, both.rows, d[:, None]), both.seed)[0])


def _column(candidate: Found, metric: str, at: Sequence[int]) -> Column | None:
    values = items(document(candidate.get("metrics")).get(metric))
    if not values or max(at, default=-1) >= len(values):
        return None
    found = [number(values[place]) for place in at]
    return np.array([math.nan if v is None else v for v in found], dtype=np.float64)
