"""Recorded answers: rows that cannot be read, rows that are passed over, and files about other examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import ModelSpec, Recorded
from evalspec.language.program import Program
from evalspec.models.recorded import RecordedTable, read_recorded
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import DataLine
from evalspec.text.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded

SHOWN = 10


def recorded_answers_fit(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """An error at the line of each recorded row that cannot be read; a word about those that are not used.

    Nothing is said where the data were not read (`--no-data`).
    """
    for name, spec in program.models.items():
        used_in = [data[t.dataset] for t in program.tasks.values() if name in t.models and t.dataset in data]
        if isinstance(spec.use, Recorded) and used_in:
            yield from _of_model(spec, spec.use, program, used_in)


def _of_model(
    spec: ModelSpec, use: Recorded, program: Program, used_in: Iterable[Loaded]
) -> Iterable[Diagnostic]:
    tasks, variants = frozenset(program.tasks), program.variants
    table, faults = read_recorded(use.files, model=use.model or spec.name, tasks=tasks, variants=variants)
    for fault in faults[:SHOWN]:
        at = DataLine(fault.file, fault.line) if fault.line else spec.at
        yield problem(
            "E0616",
            at,
            f"this recorded answer cannot be used: {fault.message}",
            "mend the line, or take it out",
        )
    if table.unusable > SHOWN:
        more = f"{table.unusable - SHOWN:,} more recorded answers cannot be used"
        yield problem("E0616", spec.at, more, "is this the right file?")
    if not faults:
        yield from _unused(spec, table, used_in)


def _unused(spec: ModelSpec, table: RecordedTable, used_in: Iterable[Loaded]) -> Iterable[Diagnostic]:
    ids = {row.id for loaded in used_in for row in loaded.rows}
    answered = {example for _, _, _, example, _ in table.answers}
    if not ids & answered:
        about = f"the recorded answers of `{spec.name}` are about none of the {counted(len(ids), 'example')}"
        way_out = "they are matched by `id`; does the dataset have `id = COLUMN`?"
        yield problem("W0617", spec.at, about, way_out)
    skipped = table.skipped
    if skipped.total:
        told = {
            "of other models": skipped.other_model,
            "of other tasks": skipped.other_task,
            "of other prompts": skipped.other_prompt,
            "of changed examples": skipped.perturbed,
            "of latency passes": skipped.under_load,
        }
        listed = ", ".join(f"{n:,} {what}" for what, n in told.items() if n)
        yield problem("N0618", spec.at, f"recorded rows are passed over: {listed}")
