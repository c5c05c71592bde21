"""One example as a person looks at it: its row, the prompt, and what each candidate made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalspec.models.model import Answer, Failure
from evalspec.plan.plan import Passing, PlannedTask
from evalspec.report.glyphs import visible
from evalspec.score.judged import gold_of
from evalspec.score.wording import percent, plain

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.plan.conversations import StepTrace, Trace
    from evalspec.score.measures import Example

WIDTH = 100
LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An example with what each candidate said about it."""

    planned: PlannedTask
    row: Row
    examples: Mapping[str, Example]
    traces: Mapping[str, Sequence[Trace]]


def render_example(shown: Shown) -> str:
    """The example as text."""
    row, task = shown.row, shown.planned.task
    lines = [f"── {visible(task.name)} · {visible(row.id)} · {visible(row.file)}:{row.line}"]
    for column, value in row.values.items():
        lines += _field(column, value)
    lines += _field("gold", gold_of(task.final, row))
    for name, example in shown.examples.items():
        lines += _candidate(name, example, shown)
    return "\n".join([*lines, "", ""])


def _field(name: str, value: object) -> list[str]:
    text = str(value) if value is not None else "-"
    clipped = text if len(text) <= LONGEST else text[:LONGEST] + f"… ({len(text):,} characters)"
    head, indent = f"   {visible(name)}: ", " " * 6
    lines: list[str] = []
    for line in clipped.split("\n"):
        before = head if not lines else indent
        wrapped = textwrap.wrap(visible(line), WIDTH - 6, initial_indent=before, subsequent_indent=indent)
        lines += wrapped or [before.rstrip() if not lines else ""]
    return lines


def _candidate(name: str, example: Example, shown: Shown) -> list[str]:
    judgement, decision = example.judgement, example.decision
    verdict = {True: "right", False: "WRONG", None: "not heard"}[judgement.right]
    said = "" if judgement.confidence is None else f", {percent(judgement.confidence)} sure"
    unit = shown.planned.task.costs.unit if shown.planned.task.costs is not None else ""
    cost = ""
    if decision is not None:
        withheld = "handed over, " if decision.withheld else ""
        cost = f"; {withheld}costs {plain(decision.cost)} {unit}"
    value = judgement.reading.value
    answer = visible(str(value)) if value is not None else judgement.outcome.value
    lines = [f" > {visible(name)}: {answer} ({verdict}{said}{cost})"]
    steps = [s for t in shown.traces[name] if t.visit.passing is Passing.FREE for s in t.steps]
    for step in steps:
        lines += _step(step, several=len(steps) > 1)
    return lines


def _step(step: StepTrace, *, several: bool) -> list[str]:
    lines = []
    head = f"step {step.step}: " if several else ""
    if several:
        value = step.reading.value
        lines.append(f"   {head}{visible(str(value)) if value is not None else step.reading.outcome.value}")
    if step.reading.why is not None:
        lines.append(f"   why: {visible(step.reading.why)}")
    if isinstance(step.reply, Failure):
        lines.append(f"   failed: {visible(step.reply.message)}")
    if isinstance(step.reply, Answer) and step.reply.response != str(step.reading.value):
        lines += _field("said", step.reply.response)
    return lines
