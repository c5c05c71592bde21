"""The plan: which candidates are asked about which examples. Values only; nothing is sent here.

Requests are not listed in it, because what a later step asks depends on what was answered before;
`conversations.py` makes them as they are due, in the same way for asking and for scoring again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING

from evalspec.data.draw import Drawn, draw_shots
from evalspec.language.candidates import Baseline, Combination, ModelSpec, Recorded, by_variant
from evalspec.language.expressions import holds
from evalspec.language.program import Program, Shots, Step, Subset, Task
from evalspec.models.images import Album
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.data.rows import Loaded, Row
    from evalspec.text.diagnostics import Diagnostic


class Passing(StrEnum):
    """How a chain is run: each step reads what was really said, or the gold of the steps before it."""

    FREE = "free"
    GIVEN_GOLD = "given_gold"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """A task with its candidates, its examples, and the subsets that they are judged on."""

    task: Task
    candidates: tuple[ModelSpec, ...]
    rows: tuple[Row, ...]
    subsets: tuple[Subset, ...]
    shots: Mapping[str, Drawn] = field(default_factory=dict)  # by step
    album: Album | None = None  # where its images lie

    def passings(self, candidate: ModelSpec) -> tuple[Passing, ...]:
        """How the candidate runs: given gold only where a step reads another, and never from records."""
        reading = any(step.reads for step in self.task.steps)
        if reading and not isinstance(candidate.use, Recorded):
            return (Passing.FREE, Passing.GIVEN_GOLD)
        return (Passing.FREE,)

    def samples(self, candidate: ModelSpec, passing: Passing = Passing.FREE) -> int:
        """How many samples are taken of each example: the most that a step which it runs asks for."""
        free = passing is Passing.FREE
        return max((samples_at(s, candidate) for s in self.task.steps if free or s.reads), default=1)

    @property
    def samples_asked(self) -> int:
        """How many samples are taken of each example where a candidate may answer now this, now that."""
        return max(step.samples for step in self.task.steps)


def samples_at(step: Step, candidate: ModelSpec) -> int:
    """How often a step asks a candidate the same: once where it always answers the same."""
    return 1 if isinstance(candidate.at_step(step.name).use, Baseline) else step.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run asks, of whom, about what."""

    program: Program
    data: Mapping[str, Loaded]
    tasks: tuple[PlannedTask, ...]
    selection: Selection
    seed: int
    race: bool = False  # whether candidates that are certainly beaten are asked no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of a spec is run: models, tasks, one subset, at most so many examples. Empty means all.

    A model's name means all its prompt variants, `model/variant` one of them.
    """

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    subset: str | None = None
    limit: int | None = None

    @property
    def narrows(self) -> bool:
        """Whether less than the whole spec is run."""
        return self != Selection()


class EmptySelection(ValueError):
    """The selection leaves nothing to run, or names what is not there; the message says which."""


def build_plan(program: Program, data: Mapping[str, Loaded], selection: Selection, seed: int = 0) -> Plan:
    """The plan for what is selected of a program. Raises EmptySelection."""
    _known(selection.models, _candidate_names(program), "model")
    _known(selection.tasks, {**program.tasks, **program.decisions}, "task")
    if selection.limit is not None and selection.limit < 1:
        raise EmptySelection("the selection leaves nothing to run: its limit is below 1")
    if selection.subset is not None:
        _known((selection.subset,), {s.name: s for s in program.subsets}, "subset")
    chosen = _tasks(selection, program)
    tasks = [_planned(t, program, data, selection, seed) for t in program.tasks.values() if t.name in chosen]
    kept = tuple(t for t in tasks if t.candidates and t.rows)
    if not kept:
        raise EmptySelection("the selection leaves nothing to run")
    return Plan(program=program, data=data, tasks=kept, selection=selection, seed=seed)


def _tasks(selection: Selection, program: Program) -> frozenset[str]:
    """The tasks that are selected: by their names, or by that of a decision over them."""
    if not selection.tasks:
        return frozenset(program.tasks)
    weighed = [
        t for name in selection.tasks if name in program.decisions for t in program.decisions[name].weights
    ]
    return frozenset((*weighed, *selection.tasks))


def not_runnable(plan: Plan) -> tuple[Diagnostic, ...]:
    """What the selected tasks and candidates ask for that `run` cannot do yet."""
    tasks = {planned.task.name for planned in plan.tasks}
    models = {candidate.model for planned in plan.tasks for candidate in planned.candidates}
    chosen = {"model": models, "task": tasks, "chain": tasks}
    return tuple(
        later.said
        for later in plan.program.later
        if later.kind not in chosen or later.name in chosen[later.kind]
    )


def _candidate_names(program: Program) -> Mapping[str, object]:
    """Every name that selects candidates: those of models, and those of their variants."""
    found = dict(program.models)
    for spec in program.models.values():
        found |= {c.name: c for c in by_variant(spec, program.variants)}
    return found


def _known(names: Sequence[str], known: Mapping[str, object], kind: str) -> None:
    for name in names:
        if name not in known:
            raise EmptySelection(f"there is no {kind} `{name}`; known: {', '.join(known) or 'none'}")


def _planned(
    task: Task, program: Program, data: Mapping[str, Loaded], selection: Selection, seed: int
) -> PlannedTask:
    subsets = tuple(s for s in program.subsets if s.dataset == task.dataset)
    rows: Sequence[Row] = data[task.dataset].rows
    if selection.subset is not None:
        chosen = [s for s in subsets if s.name == selection.subset]
        rows = [row for row in rows if any(holds(s.where, row.values) for s in chosen)]
    if selection.limit is not None:
        rows = sample(rows, selection.limit, seed)
    every = [c for m in task.models for c in by_variant(program.models[m], task.variants)]
    if task.assign:
        every = combinations(task, program.models)
    candidates = tuple(c for c in every if _selected(c, selection))
    return PlannedTask(
        task=replace(task, models=tuple(dict.fromkeys(c.model for c in candidates))),
        candidates=candidates,
        rows=tuple(rows),
        subsets=subsets,
        shots={step.name: _drawn(step.shots, program, data) for step in task.steps if step.shots is not None},
        album=Album.of(program.datasets[task.dataset]) if any(s.images for s in task.steps) else None,
    )


def combinations(task: Task, models: Mapping[str, ModelSpec]) -> list[ModelSpec]:
    """The candidates that `assign` makes: one model for each step, named `mini+opus` in step order.

    A step with one model only stands in no name, unless all are such.
    """
    choices = [task.assign.get(step.name) or task.models for step in task.steps]
    found = []
    for chosen in product(*choices):
        several = [m for m, of in zip(chosen, choices, strict=True) if len(of) > 1]
        by_step = {step.name: models[m] for step, m in zip(task.steps, chosen, strict=True)}
        name = "+".join(several or dict.fromkeys(chosen))
        found.append(ModelSpec(name=name, at=task.at, use=Combination(steps=by_step)))
    return found


def _selected(candidate: ModelSpec, selection: Selection) -> bool:
    return not selection.models or bool({candidate.name, candidate.model} & set(selection.models))


def _drawn(shots: Shots, program: Program, data: Mapping[str, Loaded]) -> Drawn:
    return draw_shots(shots, data[shots.of].rows, program.datasets[shots.of].label)


def sample(rows: Sequence[Row], n: int, seed: int) -> list[Row]:
    """At most n of the rows, in their order, chosen by their ids and the seed alone.

    A larger n keeps what a smaller one chose, and the order of the file does not matter.
    """
    chosen = sorted(rows, key=lambda row: hashlib.sha256(f"{seed}:{row.id}".encode()).digest())[:n]
    ids = {row.id for row in chosen}
    return [row for row in rows if row.id in ids]
