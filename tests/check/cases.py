"""The golden cases: a spec, and below it what `check` says about it, one mistake in each.

The part under the mark is written by `pytest tests/check --update` and then read by a person: one
diagnostic for one mistake, at the right place, in a sentence that can be understood, with a way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.pipeline import check_source
from evalspec.report.diagnostics import Form, render
from evalspec.text.source import Source

if TYPE_CHECKING:
    from evalspec.text.diagnostics import Diagnostic

FOLDER = Path(__file__).parents[1] / "cases"
MARK = "\n#### says\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A spec with what is expected of it."""

    path: Path
    spec: str
    expected: str

    @property
    def source(self) -> Source:
        return Source(name=self.path.name, text=self.spec, path=self.path)

    def write(self, found: str) -> None:
        """Makes `found` what is expected."""
        self.path.write_text(self.spec + (MARK + found if found else ""), encoding="utf-8")


def read_case(path: Path) -> Case:
    spec, _, expected = path.read_text(encoding="utf-8").partition(MARK)
    return Case(path, spec, expected)


@cache
def every_case() -> tuple[Case, ...]:
    """All cases of `check`, in the order of their names."""
    return tuple(read_case(path) for path in sorted((FOLDER / "check").glob("*.eval")))


@cache
def said_of(case: Case) -> tuple[Diagnostic, ...]:
    return check_source(case.source).diagnostics


def as_comment(diagnostics: tuple[Diagnostic, ...]) -> str:
    """Diagnostics as they stand under the mark: each on a line, labels and ways out below it."""
    return "".join(f"# {line}\n" for diagnostic in diagnostics for line in _lines(diagnostic))


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    yield render([diagnostic], Form.CONCISE).rstrip("\n").split(":", 1)[1]
    for label in diagnostic.labels:
        line, column = label.at.begin
        yield f"    {line}:{column}: {label.message}"
    if diagnostic.here:
        yield f"    here: {diagnostic.here}"
    for help_line in diagnostic.help:
        yield f"    help: {help_line}"
    for fix in diagnostic.fixes:
        yield f"    fix: {fix.message}"
