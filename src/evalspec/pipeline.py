"""The whole program on one screen: text → tree → program → plan → answers → scores → results.

Each stage is a function from one value to the next. Here, and in `cli`, it is decided to stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.check import Checked, check
from evalspec.syntax.parse import parse
from evalspec.text.diagnostics import Diagnostic, errors, in_order, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from evalspec.plan.conversations import Trace
    from evalspec.plan.plan import Plan
    from evalspec.score.results import Document, Results

LARGEST_SPEC = 5_000_000
ZIP = b"PK\x03\x04"


class SpecFault(Exception):
    """A spec cannot be run as written; `diagnostics` say why."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(f"{len(errors(diagnostics))} errors")
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Front:
    """A spec as far as it was understood, with everything that is said about it."""

    source: Source
    checked: Checked | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ready(self) -> Checked:
        """The checked program; raises SpecFault where there are errors."""
        if self.checked is None or errors(self.diagnostics):
            raise SpecFault(self.diagnostics)
        return self.checked


def check_file(path: Path, *, read_data: bool = True) -> Front:
    """Text to Program: everything that is wrong with a spec and its data. Never raises for what they hold."""
    source, fault = read_source(path)
    if fault is not None:
        return Front(source, None, (fault,))
    return check_source(source, read_data=read_data)


def check_source(source: Source, *, read_data: bool = True) -> Front:
    """The same for a text that is held in memory."""
    file, broken = parse(source)
    checked, wrong = check(file, read_data=read_data)
    return Front(source, checked, in_order((*broken, *wrong)))


def read_source(path: Path) -> tuple[Source, Diagnostic | None]:
    """A spec's text, or why it has none."""
    empty = Source(name=str(path), text="", path=path)
    nowhere = Span(empty, 0, 0)
    try:
        raw = path.read_bytes() if path.stat().st_size <= LARGEST_SPEC else None
    except OSError as fault:
        return empty, problem("E0211", nowhere, f"the spec cannot be read: {fault.strerror or fault}")
    if raw is None:
        return empty, problem(
            "E0110", nowhere, "the spec is larger than 5 MB", "is this a spec, or its data?"
        )
    if raw.startswith(ZIP) or b"\0" in raw[:1024]:
        return empty, problem("E0110", nowhere, "this is a binary file and no spec",
                              "another tool writes logs that end in `.eval` too; a spec is text")  # fmt: skip
    try:
        return Source(name=str(path), text=raw.decode("utf-8-sig"), path=path), None
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        message = f"the spec is not UTF-8: line {line} holds byte 0x{raw[fault.start]:02x}"
        return empty, problem("E0110", nowhere, message, "save it as UTF-8")


def score(plan: Plan, traces: Mapping[tuple[str, str], Sequence[Trace]], run: Document) -> Results:
    """Answers to Results: judged, priced, measured, compared and ranked."""
    from evalspec.score.judged import judge
    from evalspec.score.results import build_results
    from evalspec.score.score import score_task

    scored = []
    for planned in plan.tasks:
        judged = [judge(planned, c, traces.get((planned.task.name, c.name), ())) for c in planned.candidates]
        scored.append(score_task(planned, judged, plan.seed))
    return build_results(plan, run, scored)
