"""Scores that name what there is not: a judge's model, what it is compared with, people's ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.judging import Judge, Prefer, Similarity, TextScore
from evalspec.text.diagnostics import Diagnostic, did_you_mean, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program
    from evalspec.text.source import Span

RATED = ("id", "response", "rating")  # the columns of people's ratings


def judges_are_declared(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """An error for each model or dataset that a score names and the file does not have, and for ratings
    without the columns by which they are matched."""
    for task in program.tasks.values():
        for step in task.steps:
            for score in (step.score, *step.scores.values()):
                yield from _of_score(score, declared, program)


def _of_score(score: TextScore, declared: Declared, program: Program) -> Iterable[Diagnostic]:
    for kind, name, at in _named(score):
        known = declared.names[kind]
        if name not in known:
            help_line, fixes = did_you_mean(name, known, at=at)
            declare = "" if help_line else f"declare it: `{kind} {name} {{ … }}`"
            yield problem("E0201", at, f"there is no {kind} `{name}`", help_line, declare, fixes=fixes)
    if isinstance(score, Judge) and score.checked_against is not None and score.checked_at is not None:
        columns = program.column_types.get(score.checked_against)
        missing = [name for name in RATED if columns is not None and name not in columns]
        if missing:
            said = f"dataset `{score.checked_against}` has no column `{missing[0]}`"
            way_out = f"ratings are read from the columns {', '.join(f'`{name}`' for name in RATED)}"
            yield problem("E0203", score.checked_at, said, way_out)


def _named(score: TextScore) -> Iterator[tuple[str, str, Span]]:
    """The kind, name and place of everything that a score names."""
    match score:
        case Judge() | Similarity():
            yield "model", score.model, score.at
        case Prefer():
            yield "model", score.model, score.at
            yield "model", score.against, score.against_at
        case _:
            pass
    if isinstance(score, Judge) and score.checked_against is not None and score.checked_at is not None:
        yield "dataset", score.checked_against, score.checked_at
