"""Golds that no answer can equal: an undeclared label, a text where a number is due, a letter too far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.answer_types import OneOf
from evalspec.language.program import Program, Step
from evalspec.text.diagnostics import Diagnostic, Label, problem
from evalspec.text.source import DataLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded, Row
    from evalspec.text.source import Span

SHOWN = 5


def golds_can_be_answered(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """An error at the line of each gold that no answer can equal; the first few, then how many more."""
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        for step in task.steps:
            if loaded is not None and step.gold is not None:
                yield from _of_step(step, loaded)


def _of_step(step: Step, loaded: Loaded) -> Iterable[Diagnostic]:
    if step.gold is None or (isinstance(step.answer, OneOf) and not step.answer.labels):
        return
    golds = [(row, step.gold(row.values)) for row in loaded.rows]
    if isinstance(step.answer, OneOf):
        # A declared label, as most golds are, is sound; where all are, no reader of answers is loaded.
        declared = frozenset(step.answer.labels)
        golds = [(row, gold) for row, gold in golds if not (isinstance(gold, str) and gold in declared)]
    if not golds:
        return
    from evalspec.answers.judge import valid_gold

    found = ((row, valid_gold(step, gold, row.values)) for row, gold in golds)
    wrong = [(row, fault) for row, fault in found if fault is not None]
    if len(wrong) > SHOWN:
        yield _many(step.gold.at, wrong, len(loaded.rows))
        return
    for row, fault in wrong:
        at = DataLine(row.file, row.line)
        yield problem("E0615", at, f"the gold {fault}", "mend the data, or the answer type")


def _many(at: Span, wrong: Sequence[tuple[Row, str]], total: int) -> Diagnostic:
    """Many wrong golds are one mistake: the column is another, or the answer type."""
    return problem(
        "E0615",
        at,
        f"{len(wrong):,} of {total:,} golds cannot be answered",
        "is this the right column, and the right answer type?",
        labels=[
            Label(at=DataLine(row.file, row.line), message=f"the gold {fault}") for row, fault in wrong[:3]
        ],
    )
