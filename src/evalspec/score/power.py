"""How fine a set can tell candidates apart: before a run from guesses, after it from what was seen.

Both are closed forms over counts; nothing is drawn. The alpha of .05 is shared among all comparisons of a
task, as the pairs of a run are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalspec import metrics
from evalspec.language.expressions import holds
from evalspec.metrics.power import GUESSES
from evalspec.score.contributions import FLAGS
from evalspec.score.judged import judge
from evalspec.score.ranking import ALPHA, POWER
from evalspec.score.stakes import stakes_of
from evalspec.score.weighing import PLAIN, Design, design_of, weights_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Dataset
    from evalspec.metrics import Estimate
    from evalspec.plan.plan import PlannedTask
    from evalspec.score.ranking import Pair
    from evalspec.score.score import TaskScores

OF_COSTS = ("expected_cost", "total_cost")
OF_ACCURACY = ("accuracy", "end_to_end", "exact", "contains")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A figure under a guess of the share of examples on which exactly one of two candidates is right.

    `accuracy` is the smallest difference of accuracies that would be told apart, `cost` that of costs; None
    where no difference would, with `why`.
    """

    discordant: float
    accuracy: float | None
    cost: float | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """All examples, or those of a subset. `effective` is what weights and clusters leave of them."""

    subset: str | None
    n: int
    effective: int
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How many examples it takes to tell a difference apart, under a guess; None with `why`."""

    metric: str
    difference: float
    discordant: float
    n: int | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a task's set can tell apart.

    `spread` is what a wrong answer costs more than a right one, in `unit`. `why`: nothing can be foretold.
    """

    task: str
    ranked_by: str
    unit: str | None
    candidates: tuple[str, ...]
    contrasts: int
    spread: float | None
    scopes: tuple[Scope, ...]
    wanted: tuple[Wanted, ...]
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A difference that is asked about: `share` of accuracy, else in the unit of costs."""

    value: float
    share: bool


def forecast(planned: PlannedTask, dataset: Dataset | None, asked: Asked | None = None) -> Forecast:
    """What the examples of a task can tell apart, by the guesses of discordance."""
    names = tuple(c.name for c in planned.candidates)
    contrasts = max(1, math.comb(len(names), 2))
    task, rank = planned.task, planned.task.rank[0]
    unit = task.costs.unit if task.costs is not None else None
    flags = rank in (*OF_ACCURACY, *OF_COSTS) or rank not in planned.task.final.scores
    why = None if flags else f"{rank} has no share of right answers to guess by; a run tells its spread"
    spread = _spread(planned) if task.costs is not None else None
    scopes = _scopes(planned, design_of(dataset, planned.rows), contrasts, spread) if flags else ()
    return Forecast(
        task=task.name,
        ranked_by=rank,
        unit=unit,
        candidates=names,
        contrasts=contrasts,
        spread=spread,
        scopes=tuple(scopes),
        wanted=tuple(_wanted(asked, rank, contrasts, spread)) if asked is not None and flags else (),
        why=why,
    )


def smallest(n: int, discordant: float, contrasts: int) -> Estimate:
    """The smallest difference in accuracy that so many examples tell apart among so many comparisons."""
    return metrics.minimum_detectable_difference(n, discordant, power=POWER, alpha=ALPHA / contrasts)


def _scopes(planned: PlannedTask, design: Design, contrasts: int, spread: float | None) -> Iterator[Scope]:
    parts = [(s.name, [r for r in planned.rows if holds(s.where, r.values)]) for s in planned.subsets]
    for name, rows in ((None, list(planned.rows)), *parts):
        effective = effective_number(design, rows)
        told = tuple(_told(effective, guess, contrasts, spread) for guess in GUESSES)
        yield Scope(subset=name, n=len(rows), effective=effective, told=told)


def _told(n: int, discordant: float, contrasts: int, spread: float | None) -> Told:
    found = smallest(n, discordant, contrasts)
    cost = None if found.value is None or spread is None else found.value * spread
    return Told(discordant=discordant, accuracy=found.value, cost=cost, why=found.why)


def effective_number(design: Design, rows: Sequence[Row]) -> int:
    """What examples are worth: with weights (Σw)²/Σw² (Kish), and at most one for each cluster."""
    w = weights_of(design, rows)
    squares = float((w**2).sum())
    n = int(float(w.sum()) ** 2 / squares + 1e-9) if squares else 0
    return n if design.cluster is None else min(n, len({design.unit(row) for row in rows}))


def _spread(planned: PlannedTask) -> float | None:
    """What a wrong answer costs more than a right one: the root mean square over examples and labels."""
    judged = judge(planned, planned.candidates[0], ())
    gaps = [
        (wrong - stakes.right) ** 2
        for stakes in stakes_of(planned.task, judged.judgements)
        for wrong in stakes.wrong
    ]
    known = [gap for gap in gaps if math.isfinite(gap)]
    return math.sqrt(math.fsum(known) / len(known)) or None if known else None


def _wanted(asked: Asked, rank: str, contrasts: int, spread: float | None) -> Iterator[Wanted]:
    """How many examples the difference takes. A difference of costs is one of accuracies times the spread."""
    if not asked.share and spread is None:
        return
    metric = "accuracy" if asked.share else (rank if rank in OF_COSTS else "expected_cost")
    delta = asked.value if asked.share else asked.value / (spread or 1.0)
    for discordant in GUESSES:
        impossible = abs(delta) > discordant
        size = metrics.sample_size(
            delta if not impossible else 1.0, discordant, power=POWER, alpha=ALPHA / contrasts
        )
        yield Wanted(metric=metric, difference=asked.value, discordant=discordant, n=size.value, why=size.why)


# ── after a run ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Two candidates of a run on one metric, with what was seen of their noise.

    `discordant` is the share of examples on which exactly one is right, None for metrics that are no such
    share; `sd` that of the differences. `smallest` is the least difference that these examples would tell
    apart with such noise; `n_needed` as in results.json.
    """

    pair: Pair
    n: int
    discordant: float | None
    sd: float | None
    smallest: float | None


def seen(scores: TaskScores) -> tuple[Seen, ...]:
    """What a run's pairs say about how fine its set can tell."""
    by_metric = {pair.metric: 0 for pair in scores.pairs}
    for pair in scores.pairs:
        by_metric[pair.metric] += 1
    return tuple(_seen(pair, by_metric[pair.metric], scores.design) for pair in scores.pairs)


def _seen(pair: Pair, contrasts: int, design: Design = PLAIN) -> Seen:
    difference = pair.difference
    n, value, alpha = difference.n, difference.value or 0.0, ALPHA / contrasts
    sd = None if difference.se is None else difference.se * math.sqrt(n)
    flags = pair.metric in FLAGS and design.plain
    # se² = (ψ - δ²)/(n - 1) for differences of -1, 0 and 1
    discordant = min(1.0, (difference.se or 0.0) ** 2 * (n - 1) + value * value) if flags else None
    least: Estimate | None = None
    if discordant:
        least = metrics.minimum_detectable_difference(n, discordant, power=POWER, alpha=alpha)
    elif discordant is None and sd is not None:
        least = metrics.minimum_detectable_cost(n, sd, power=POWER, alpha=alpha)
    return Seen(
        pair=pair,
        n=n,
        discordant=discordant,
        sd=sd,
        smallest=None if least is None else least.value,
    )
