"""Golds that no answer can equal: an undeclared label, a text where a number is due, a letter too far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.answers.judge import valid_gold
from evalspec.language.program import OneOf, Program, Step
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import DataLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded

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
    wrong = 0
    for row in loaded.rows:
        fault = valid_gold(step, step.gold(row.values), row.values)
        if fault is None:
            continue
        wrong += 1
        if wrong <= SHOWN:
            yield problem("E0615", DataLine(row.file, row.line), f"the gold {fault}",
                          "mend the data, or the answer type")  # fmt: skip
    if wrong > SHOWN:
        yield problem("E0615", step.gold.at, f"{wrong - SHOWN} more golds cannot be answered",
                      "is this the right column, and the right answer type?")  # fmt: skip
