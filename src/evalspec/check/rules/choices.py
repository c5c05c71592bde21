"""Choices whose texts repeat: whichever letter is named, the other would be as right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.answer_types import LetterOf
from evalspec.language.functions import is_missing, to_text
from evalspec.text.diagnostics import Diagnostic, Label, problem
from evalspec.text.source import DataLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded, Row
    from evalspec.language.program import Program


def choices_differ(declared: Declared, program: Program, data: Mapping[str, Loaded]) -> Iterable[Diagnostic]:
    """A warning where an example offers the same text under two letters."""
    told: set[tuple[str, tuple[str, ...]]] = set()
    for task in program.tasks.values():
        loaded = data.get(task.dataset)
        for step in task.steps:
            if loaded is None or not isinstance(step.answer, LetterOf):
                continue
            columns = step.answer.columns
            if (task.dataset, columns) not in told:
                told.add((task.dataset, columns))
                yield from _repeating(loaded.rows, columns)


def _repeating(rows: Sequence[Row], columns: tuple[str, ...]) -> Iterable[Diagnostic]:
    found = [(row, pair) for row in rows if (pair := _same(row, columns)) is not None]
    if not found:
        return
    first, (one, other) = found[0]
    count = f"{len(found):,} of {len(rows):,} examples offer" if len(found) > 1 else "an example offers"
    labels = [Label(at=DataLine(r.file, r.line), message="another") for r, _ in found[1:3]]
    yield problem(
        "W0610",
        DataLine(first.file, first.line),
        f"{count} the same text twice: here as `{one}` and `{other}`",
        "a model that names the one is marked wrong where the gold is the other",
        labels=labels,
    )


def _same(row: Row, columns: tuple[str, ...]) -> tuple[str, str] | None:
    """Two columns that hold the same text, but for case and blanks at the ends."""
    seen: dict[str, str] = {}
    for column in columns:
        value = row.values.get(column)
        if is_missing(value):
            continue
        text = str(to_text(value)).strip().casefold()
        if text in seen:
            return seen[text], column
        seen[text] = column
    return None
