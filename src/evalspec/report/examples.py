"""One example as a person looks at it: its row, the prompt, and what each candidate made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.models.model import Answer, Failure
from evalspec.plan.conversations import requests_of
from evalspec.plan.plan import Passing, PlannedTask
from evalspec.report.glyphs import visible
from evalspec.score.judged import gold_of
from evalspec.score.wording import percent, plain
from evalspec.text.values import dataclass

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
    told: set[str] = set()
    for name, example in shown.examples.items():
        lines += _candidate(name, example, shown, told)
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


def _candidate(name: str, example: Example, shown: Shown, told: set[str]) -> list[str]:
    """What a candidate made of the example; prompts that were `told` for another one are not repeated."""
    judgement = example.judgement
    verdict = {True: "right", False: "WRONG", None: "not heard"}[judgement.right]
    said = "" if judgement.confidence is None else f", {percent(judgement.confidence)} sure"
    value = judgement.reading.value
    answer = visible(str(value)) if value is not None else judgement.outcome.value
    lines = [f" > {visible(name)}: {answer} ({verdict}{said}{_cost(example, shown)})"]
    free = [t for t in shown.traces[name] if t.visit.passing is Passing.FREE]
    steps = [s for t in free for s in t.steps]
    prompts = {step: prompt for t in free for step, prompt in _prompts(name, t, shown).items()}
    for step in steps:
        prompt = prompts.get(step.step, "")
        if prompt and prompt not in told:
            told.add(prompt)
            lines += _field("asked", prompt)
        lines += _step(step, several=len(steps) > 1)
    return lines


def _cost(example: Example, shown: Shown) -> str:
    decision, costs = example.decision, shown.planned.task.costs
    if decision is None or costs is None:
        return ""
    withheld = "handed over, " if decision.withheld else ""
    return f"; {withheld}costs {plain(decision.cost)} {visible(costs.unit)}"


def _prompts(name: str, trace: Trace, shown: Shown) -> Mapping[str, str]:
    """The messages of each step, as one text; empty for candidates that read the data themselves."""
    candidate = next(c for c in shown.planned.candidates if c.name == name)
    requests = requests_of(shown.planned, candidate, trace)
    return {
        step: "\n".join(f"[{m.role}] {m.content}" for m in request.messages)
        for step, request in requests.items()
    }


def _step(step: StepTrace, *, several: bool) -> list[str]:
    lines = []
    if several:
        value = step.reading.value
        answer = visible(str(value)) if value is not None else step.reading.outcome.value
        lines.append(f"   step {step.step}: {answer}")
    if step.reading.why is not None:
        lines.append(f"   why: {visible(step.reading.why)}")
    if isinstance(step.reply, Failure):
        lines.append(f"   failed: {visible(step.reply.message)}")
    if isinstance(step.reply, Answer) and step.reply.response != str(step.reading.value):
        lines += _field("said", step.reply.response)
    return lines
