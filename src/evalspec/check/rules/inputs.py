"""Inputs that stand in the data twice: with different labels, or in training and scored rows alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.data.audit import same_input_other_label
from evalspec.language.answer_types import LetterOf
from evalspec.language.candidates import Baseline
from evalspec.language.program import Program, Step, Task
from evalspec.models.classifiers import without_scored
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded


def equal_inputs_agree(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning where equal inputs, in the columns that prompts or baselines read, have different labels."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for task in program.tasks.values():
        loaded, label = data.get(task.dataset), program.datasets[task.dataset].label
        columns = _read_columns(task, program, loaded)
        if loaded is None or label is None or not columns or (task.dataset, columns) in seen:
            continue
        seen.add((task.dataset, columns))
        found = same_input_other_label(loaded, columns, label)
        if found is not None:
            yield found


def _read_columns(task: Task, program: Program, loaded: Loaded | None) -> tuple[str, ...]:
    names = {name for step in task.steps for name in _read_by(step)}
    for model in task.models:
        use = program.models[model].use
        if isinstance(use, Baseline):
            names |= set(use.columns)
    return tuple(sorted(names & set(loaded.types))) if loaded is not None else ()


def _read_by(step: Step) -> Iterator[str]:
    """What a step is sent of a row, by the names of columns (and others, which templates read)."""
    for _, prompt in step.templates:
        yield from (*prompt.names, *prompt.members)
        if isinstance(step.answer, LetterOf) and "choices" in prompt.names:
            yield from step.answer.columns
    yield from step.images
    yield from (c for c in (step.messages_column, step.shots.by if step.shots else None) if c is not None)


def training_rows_are_not_scored(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning where training rows are scored rows: they are left out of the training."""
    told: set[tuple[str, str]] = set()
    for task in program.tasks.values():
        for name in task.models:
            spec = program.models[name]
            use = spec.use
            if not isinstance(use, Baseline) or (use.train, task.dataset) in told or not use.columns:
                continue
            train, scored = data.get(use.train), data.get(task.dataset)
            if train is None or scored is None:
                continue
            told.add((use.train, task.dataset))
            kept, dropped = without_scored(
                [r.values for r in train.rows], [r.values for r in scored.rows], use.columns
            )
            if dropped and not kept:
                yield problem(
                    "E0431",
                    spec.at,
                    f"every row of `{use.train}` is also scored, so that none is left to learn from",
                    "train on other rows",
                )
            elif dropped:
                yield problem(
                    "W0431",
                    spec.at,
                    f"{dropped} training rows of `{use.train}` are scored rows too and are left out",
                    "keep training and scored rows apart",
                )
