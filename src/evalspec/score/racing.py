"""A task as a race: the order of its examples, what each answer costs within known bounds, and the verdicts.

Everything here is known before anyone is asked, but for the answers: the seed orders the examples, the
declared costs bound the differences. The arithmetic of the evidence is `run/racing.py`'s.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec.language.expressions import holds
from evalspec.language.metric_names import Direction, figure_in, metric_named
from evalspec.language.racing import FROM_0_TO_1, RACED, why_no_race
from evalspec.metrics.evidence import Lap
from evalspec.run.racing import Course, Stopped, run_heat
from evalspec.score.contributions import contributions
from evalspec.score.decisions import Decision, decide
from evalspec.score.judged import judge
from evalspec.score.measures import Example
from evalspec.score.policy import prices_for
from evalspec.score.stakes import stakes_of
from evalspec.score.weighing import Design, design_of
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Bound, Subset, Task
    from evalspec.plan.conversations import Trace
    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.score.contributions import Column
    from evalspec.score.prices import Prices

LEAST_LAP = 20
MOST_LAPS = 50
EQUAL = "all its answers would cost the same"

Traces = Mapping[tuple[str, str], Sequence["Trace"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """What a race came to in a task: who was stopped; or why the task was not raced."""

    stopped: Mapping[str, Stopped] = field(default_factory=dict)
    lap: int | None = None
    why: str | None = None


def race_off(plan: Plan, traces: Traces) -> tuple[Traces, Mapping[str, Raced]]:
    """The verdicts of a raced plan on the answers that there are, and the traces without what a stopped
    candidate was asked, or could have been, behind its end. Nothing changes where the plan is not raced."""
    if not plan.race:
        return traces, {}
    found: dict[str, Raced] = {}
    left = dict(traces)
    for planned in plan.tasks:
        name, course = planned.task.name, course_of(plan, planned)
        if isinstance(course, str):
            found[name] = Raced(why=course)
            continue
        own = {c: traces.get((name, c), ()) for c in course.visits}
        heat = run_heat(course, own)
        found[name] = Raced(stopped=dict(heat.stopped), lap=course.lap)
        for candidate, end in heat.stopped.items():
            asked = frozenset(course.order[: end.n])
            left[name, candidate] = [t for t in own[candidate] if t.visit.example in asked]
    return left, found


def courses_of(plan: Plan) -> list[Course]:
    """The races of a plan, task by task; none where it is not raced."""
    found = [course_of(plan, planned) for planned in plan.tasks] if plan.race else []
    return [course for course in found if isinstance(course, Course)]


def course_of(plan: Plan, planned: PlannedTask) -> Course | str:
    """A task as a race, or why it is none."""
    task, names = planned.task, [c.name for c in planned.candidates]
    why = why_no_race(task, len(names), plan.program)
    if why is not None:
        return why
    design = design_of(plan.program.datasets[task.dataset], planned.rows)
    field_of = _Field.of(planned, design)
    if not field_of.width > 0:
        return EQUAL
    gates, certain = _gates(planned, field_of)
    lap = max(LEAST_LAP, -(-len(planned.rows) // MOST_LAPS))
    reference = {b.model for b in task.no_worse_than}
    return Course(
        task=task.name,
        order=order_of(planned, plan.seed),
        lap=lap,
        visits={
            c.name: sum(planned.samples(c, passing) for passing in planned.passings(c))
            for c in planned.candidates
        },
        run=_Runner(planned=planned, field=field_of, gates=gates).lap,
        clauses=tuple(gate.clause for gate in gates),
        certain=certain,
        kept=frozenset(c.name for c in planned.candidates if c.model in reference or c.name in reference),
    )


# ── the order ─────────────────────────────────────────────────────────────────────────────────────


def order_of(planned: PlannedTask, seed: int) -> tuple[int, ...]:
    """The examples in a random order by the seed and their ids, subsets interleaved by their shares.

    Examples that stand in the same subsets are spread evenly over the whole order, from a place on that
    chance decides, so that every beginning of it looks like the set.
    """
    strata: dict[tuple[bool, ...], list[tuple[float, int]]] = {}
    for i, row in enumerate(planned.rows):
        inside = tuple(holds(s.where, row.values) for s in planned.subsets)
        strata.setdefault(inside, []).append((_chance(seed, row.id), i))
    places: list[tuple[float, float, int]] = []
    for inside, own in strata.items():
        offset = _chance(seed, f"stratum {inside}")
        places += [((k + offset) / len(own), chance, i) for k, (chance, i) in enumerate(sorted(own))]
    return tuple(i for _, _, i in sorted(places))


def _chance(seed: int, text: str) -> float:
    digest = hashlib.sha256(f"race {seed}:{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * 2.0**-64


# ── what an answer costs ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """What is known of a task's figures beforehand: the bounds of its costs, and what examples stand for."""

    task: Task
    low: float
    high: float
    weight: Mapping[str, float] | None  # in shares of the largest
    prices: Prices | None  # where it is costs that are raced

    @classmethod
    def of(cls, planned: PlannedTask, design: Design) -> _Field:
        task = planned.task
        low, high, prices = 0.0, 1.0, None
        if task.costs is not None and task.rank[0] not in FROM_0_TO_1:
            unasked = judge(planned, planned.candidates[0], ()).judgements
            # The labels' shares, by which a bare confidence is spread, are those of the whole set.
            prices = prices_for(task, unasked, design)
            stakes = [cost for own in stakes_of(task, unasked, every=True) for cost in own.all]
            low, high = min(stakes, default=0.0), max(stakes, default=0.0)
        top = max(design.weight.values(), default=0.0) if design.weight is not None else 0.0
        weight = {i: w / top for i, w in design.weight.items()} if design.weight and top else None
        return cls(task=task, low=low, high=high, weight=weight, prices=prices)

    @property
    def width(self) -> float:
        """How far apart two figures can lie."""
        return self.high - self.low

    def bounds_of(self, metric: str) -> tuple[float, float]:
        """The least and the largest figure of a metric."""
        return (0.0, 1.0) if metric in FROM_0_TO_1 else (self.low, self.high)

    def weighed(self, figures: Column, rows: Sequence[Row]) -> Column:
        """Figures by how much their examples stand for."""
        if self.weight is None:
            return figures
        weighed: Column = figures * np.array([self.weight[row.id] for row in rows])
        return weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """A bound that puts a candidate out, and how far each example lies on its wrong side (-1 to 1)."""

    clause: str
    failing: Callable[[Sequence[Example]], Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runner:
    """What the answers of a lap say, judged as the whole set is."""

    planned: PlannedTask
    field: _Field
    gates: tuple[_Gate, ...]

    def lap(self, name: str, own: Sequence[int], traces: Sequence[Trace]) -> Lap:
        """What a candidate's answers to some examples add to the evidence."""
        examples = self._examples(name, own, traces)
        metric = self.field.task.rank[0]
        figures = contributions(metric, examples)
        if figures is None:  # a score that this task does not have at any of these examples
            figures = np.full(len(examples), math.nan)
        sign = -1 if metric_named(metric).direction is Direction.MAX else 1
        rows = [e.judgement.row for e in examples]
        loss = self.field.weighed(sign * (figures - self.field.low) / self.field.width, rows)
        failing = (self.field.weighed(gate.failing(examples), rows) for gate in self.gates)
        return Lap(loss=loss, failing=tuple(failing))

    def _examples(self, name: str, own: Sequence[int], traces: Sequence[Trace]) -> tuple[Example, ...]:
        (candidate,) = [c for c in self.planned.candidates if c.name == name]
        place = {example: i for i, example in enumerate(own)}
        part = replace(self.planned, rows=tuple(self.planned.rows[i] for i in own))
        moved = [replace(t, visit=replace(t.visit, example=place[t.visit.example])) for t in traces]
        return self._priced(part, candidate, moved)

    def _priced(
        self, part: PlannedTask, candidate: ModelSpec, traces: Sequence[Trace]
    ) -> tuple[Example, ...]:
        judged, task = judge(part, candidate, traces), self.field.task
        decisions: Sequence[Decision | None] = [None] * len(judged.judgements)
        if self.field.prices is not None:
            decisions = decide(judged.judgements, self.field.prices, task.abstain)
        found = [Example(j, d) for j, d in zip(judged.judgements, decisions, strict=True)]
        together = (found[i : i + judged.samples] for i in range(0, len(found), judged.samples))
        return tuple(replace(first, others=tuple(others)) if others else first for first, *others in together)


# ── the bounds that put a candidate out ───────────────────────────────────────────────────────────


def _gates(planned: PlannedTask, field_of: _Field) -> tuple[tuple[_Gate, ...], bool]:
    """The bounds that can be watched by example, and whether they are all that put a candidate out."""
    task = planned.task
    subsets = {s.name: s for s in planned.subsets}
    wanted: list[_Gate | None] = []
    if task.exclude:
        wanted += [_of_requirement(b, subsets, field_of) for b in task.requirements]
    if task.budgets is not None and task.budgets.exclude:
        loaded = task.budgets.rate_per_s is not None or task.budgets.in_flight is not None
        wanted += [None if loaded else _of_budget(b) for b in task.budgets.bounds]
    wanted += [None for margins in task.no_worse_than for _ in margins.margins]
    known = tuple(gate for gate in wanted if gate is not None)
    return known, len(known) == len(wanted)


def _of_requirement(bound: Bound, subsets: Mapping[str, Subset], field_of: _Field) -> _Gate | None:
    subset = subsets.get(bound.subset) if bound.subset is not None else None
    if bound.label is not None or bound.step is not None or bound.metric not in RACED:
        return None
    if (bound.subset is not None and subset is None) or (subset is not None and subset.macro):
        return None
    if bound.metric == "expected_cost" and field_of.task.rank[0] != "expected_cost":
        return None  # its policy may look at all answers together
    low, high = field_of.bounds_of(bound.metric)
    width = max(high, bound.value) - min(low, bound.value)
    sign = 1 if bound.operator in ("<=", "<") else -1

    def failing(examples: Sequence[Example]) -> Column:
        figures = contributions(bound.metric, examples)
        if figures is None:
            return np.full(len(examples), math.nan)
        inside = [subset is None or holds(subset.where, e.judgement.row.values) for e in examples]
        return np.where(inside, sign * (figures - bound.value) / width, math.nan)

    return _Gate(clause=bound.clause, failing=failing) if width > 0 else None


def _of_budget(bound: Bound) -> _Gate | None:
    """Of a percentile: the share that lies beyond it may be no more than what the percentile leaves."""
    q = figure_in(bound.metric, "percentile")
    if q is None or bound.label is not None or bound.step is not None:
        return None

    def failing(examples: Sequence[Example]) -> Column:
        return np.array([_beyond(e, bound) - (1 - q / 100) for e in examples])

    return _Gate(clause=bound.clause, failing=failing)


def _beyond(example: Example, bound: Bound) -> float:
    """The share of an example's samples that took longer; NaN where none was measured."""
    found = []
    for judgement in (s.judgement for s in example.samples):
        if judgement.timed_out:
            found.append(1.0)
        elif judgement.heard and judgement.latency_ns is not None:
            found.append(float(judgement.latency_ns / 1e9 > bound.value))
    return math.fsum(found) / len(found) if found else math.nan
