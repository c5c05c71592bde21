"""Diagnostics in the forms that people, editors and CI jobs read.

The end of the way for what every front stage says. Gives text and prints nothing; the order is the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import assert_never

from evalspec.report.annotated import Paper, annotated
from evalspec.report.closing import applied_line, closing_lines, refused_line, summary_line
from evalspec.report.glyphs import visible
from evalspec.report.marks import secrets_of
from evalspec.report.secrets import masked
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import DataLine

__all__ = ["Form", "applied_line", "closing_lines", "refused_line", "render", "summary_line"]


class Form(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


SHOWN_ALIKE = 3  # faults of one kind in one data file that are shown; the others are counted


def render(
    diagnostics: Sequence[Diagnostic], form: Form, *, colour: bool = False, width: int | None = None
) -> str:
    """The diagnostics in one form, ending in a line break; of none, nothing or a document without any.

    `colour` (ANSI) and `width` (the terminal's, in cells; None where there is none, as in a pipe) matter to
    `text` alone, where faults of one kind in a data file are counted behind the third. Control characters are
    escaped in every form, and secrets (code E0440, or what looks like a key) are masked.
    """
    said = masked(diagnostics)
    match form:
        case Form.TEXT:
            paper = Paper(secrets=secrets_of(diagnostics), width=width, colour=colour)
            shown = [annotated(d, paper, alike) for d, alike in _alike_counted(said)]
            return "\n\n".join(shown) + "\n" if shown else ""
        case Form.CONCISE:
            return "".join(f"{_concise(d)}\n" for d in said)
        case Form.GITHUB:
            from evalspec.report.github import github_commands

            return github_commands(said)
        case Form.JSON:
            from evalspec.report.diagnostics_json import json_document

            return json_document(said)
        case Form.SARIF:
            from evalspec.report.sarif import sarif_document

            return sarif_document(said)
        case _:
            assert_never(form)


def _alike_counted(diagnostics: Sequence[Diagnostic]) -> Iterator[tuple[Diagnostic, int]]:
    """Those to show, the last one of many alike with the number of those that are not."""
    total = Counter(_kind(d) for d in diagnostics if isinstance(d.at, DataLine))
    seen: Counter[tuple[str, str]] = Counter()
    for diagnostic in diagnostics:
        kind = _kind(diagnostic)
        seen[kind] += isinstance(diagnostic.at, DataLine)
        if not isinstance(diagnostic.at, DataLine) or total[kind] <= SHOWN_ALIKE + 1:
            yield diagnostic, 0
        elif seen[kind] <= SHOWN_ALIKE:
            yield diagnostic, total[kind] - SHOWN_ALIKE if seen[kind] == SHOWN_ALIKE else 0


def _kind(diagnostic: Diagnostic) -> tuple[str, str]:
    return diagnostic.at.file, diagnostic.code


def _concise(diagnostic: Diagnostic) -> str:
    line, column = diagnostic.at.begin
    place = f"{visible(diagnostic.at.file)}:{line}:{column}"
    return f"{place}: {diagnostic.severity.value}[{diagnostic.code}]: {visible(diagnostic.message)}"
