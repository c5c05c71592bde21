"""One example as a person looks at it: its row, the prompt, and what each candidate made of it.

Made to be read on one screen: long texts are shortened in their middle, every line fits the width, and
whatever would act on a terminal is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.answers.finding import spelt
from evalspec.language.privacy import MASK, OPEN, Privacy
from evalspec.models.model import Answer, Failure
from evalspec.plan.conversations import requests_of
from evalspec.plan.plan import Passing, PlannedTask
from evalspec.report.glyphs import visible
from evalspec.report.wrapping import wrapped
from evalspec.score.judged import gold_of
from evalspec.score.wording import percent, plain
from evalspec.text.units import short_duration
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.models.model import Message
    from evalspec.plan.conversations import StepTrace, Trace
    from evalspec.score.judged import Judgement
    from evalspec.score.measures import Example

WIDTH = 100
NARROWEST = 40
LONGEST = 800  # code points of a text; a screen holds a few of them
SHORT = 300  # of a cell that no prompt repeats
INDENT = " " * 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An example with what each candidate said about it."""

    planned: PlannedTask
    row: Row
    examples: Mapping[str, Example]
    traces: Mapping[str, Sequence[Trace]]
    private: Privacy = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How wide the lines are, and whether texts are shown whole."""

    width: int = WIDTH
    whole: bool = False


def render_example(shown: Shown, form: Form | None = None) -> str:
    """The example as text."""
    form = form if form is not None else Form()
    row, task = shown.row, shown.planned.task
    lines = [f"── {visible(task.name)} · {visible(row.id)} · {visible(row.file)}:{row.line}"]
    every = [(name, sample) for name, example in shown.examples.items() for sample in example.samples]
    prompts = [dict(_prompts(name, sample, shown)) for name, sample in every]
    asked = "\n".join(text for steps in prompts for text in steps.values())
    for column, value in row.values.items():
        lines += _cell(column, MASK if column in shown.private.columns else value, asked, form)
    hidden = shown.private.hides(task.final.gold)
    lines += _field("gold", MASK if hidden else gold_of(task.final, row), form)
    told: set[str] = set()
    for (name, sample), own in zip(every, prompts, strict=True):
        lines += _candidate(name, sample, shown, own, told, form)
    return "\n".join([*lines, "", ""])


def _cell(name: str, value: object, asked: str, form: Form) -> list[str]:
    """A column, shorter where a prompt below shows all of it anyway."""
    text = "-" if value is None else str(value)
    if not form.whole and len(text) > SHORT and text in asked:
        return _field(name, _middle_out(text, SHORT // 3), form)
    return _field(name, value, form)


def _field(name: str, value: object, form: Form) -> list[str]:
    """A text under its name, in lines that fit."""
    text = str(value) if value is not None else "-"
    shown = text if form.whole else _middle_out(text, LONGEST)
    width = max(form.width, NARROWEST)
    lines: list[str] = []
    for line in shown.split("\n"):
        first = f"   {visible(name)}: " if not lines else INDENT
        if line:
            lines += wrapped(visible(line), width, first=first, rest=INDENT)
        else:
            lines.append(first.rstrip())
    return lines


def _middle_out(text: str, longest: int) -> str:
    """The text with its middle left out where it is long: how it begins and ends tells most."""
    if len(text) <= longest * 5 // 4:  # to leave out a few characters gains nothing
        return text
    begin, end = longest * 2 // 3, longest // 3
    return f"{text[:begin]} […{len(text) - begin - end:,} characters…] {text[-end:]}"


def _candidate(
    name: str, example: Example, shown: Shown, prompts: Mapping[str, str], told: set[str], form: Form
) -> Iterator[str]:
    """What a candidate made of the example; prompts that were `told` for another one are not repeated."""
    width = max(form.width, NARROWEST)
    yield from wrapped(f" > {_verdict(name, example, shown)}", width, rest=INDENT)
    steps = [s for trace in _traces(name, example, shown) for s in trace.steps]
    for step in steps:
        prompt = prompts.get(step.step, "")
        if prompt and prompt not in told:
            told.add(prompt)
            yield from _field("asked", prompt, form)
        yield from _step(step, shown, form, several=len(steps) > 1)
    if used := ", ".join(_used(example)):
        yield f"   took: {used}"


def _verdict(name: str, example: Example, shown: Shown) -> str:
    """The answer in one line: what was read, whether it is right, how sure it is, what it costs."""
    judgement = example.judgement
    value = judgement.reading.value
    answer = visible(_middle_out(spelt(value), SHORT)) if value is not None else judgement.outcome.value
    if value is not None and shown.private.hides_value(shown.planned.task.final):
        answer = MASK
    count = len(shown.examples[name].samples)
    which = f", sample {judgement.sample + 1} of {count}" if count > 1 else ""
    return f"{visible(name)}{which}: {answer} ({_told(judgement)}{_sure(example)}{_cost(example, shown)})"


def _told(judgement: Judgement) -> str:
    """Whether it is right, by which fields it is not, and its degrees where scores are such."""
    if not judgement.heard:
        return "not heard"
    degrees = [f"{name} {float(s):.2f}" for name, s in judgement.scores.items() if not isinstance(s, bool)]
    wrong = [name for name, right in judgement.fields.items() if not right]
    verdict = {True: ["right"], False: ["WRONG"], None: []}[judgement.right]
    if 0 < len(wrong) < len(judgement.fields):
        verdict = [f"WRONG in {', '.join(wrong)}"]
    return visible(", ".join([*verdict, *degrees]) or "not judged")


def _sure(example: Example) -> str:
    judgement = example.judgement
    if judgement.confidence is None:
        return ""
    source = judgement.reading.source
    by = f" ({source.value})" if source is not None and source.value != "own" else ""
    return f", {percent(judgement.confidence)} sure{by}"


def _cost(example: Example, shown: Shown) -> str:
    decision, costs = example.decision, shown.planned.task.costs
    if decision is None or costs is None:
        return ""
    withheld = "handed over, " if decision.withheld else ""
    return f"; {withheld}costs {plain(decision.cost)} {visible(costs.unit)}"


def _used(example: Example) -> Iterator[str]:
    """What the answer took: time, tokens, money."""
    judgement = example.judgement
    if judgement.latency_ns is not None and judgement.input_tokens is not None:
        yield short_duration(judgement.latency_ns / 1e9)
    if judgement.input_tokens is not None and judgement.output_tokens is not None:
        yield f"{judgement.input_tokens:,} tokens in and {judgement.output_tokens:,} out"
    if judgement.cost_usd is not None:
        yield f"${judgement.cost_usd:.6f}".rstrip("0").rstrip(".")


def _traces(name: str, example: Example, shown: Shown) -> list[Trace]:
    """How a candidate came to a sample of the example, as it was really asked."""
    free = [t for t in shown.traces[name] if t.visit.passing is Passing.FREE]
    return [t for t in free if t.visit.sample == example.judgement.sample]


def _prompts(name: str, example: Example, shown: Shown) -> Iterator[tuple[str, str]]:
    """The messages of each step, as one text; none for candidates that read the data themselves."""
    candidate = next(c for c in shown.planned.candidates if c.name == name)
    for trace in _traces(name, example, shown):
        for step, request in requests_of(shown.planned, candidate, trace).items():
            told = "\n".join(line for m in request.messages for line in _lines_of(m))
            yield step, MASK if step in shown.private.messages else told


def _lines_of(message: Message) -> Iterator[str]:
    yield f"[{message.role}] {message.content}"
    yield from (f"[image] {image.label}" for image in message.images)


def _step(step: StepTrace, shown: Shown, form: Form, *, several: bool) -> Iterator[str]:
    width = max(form.width, NARROWEST)
    if several:
        value = step.reading.value
        answer = (
            visible(_middle_out(spelt(value), SHORT)) if value is not None else step.reading.outcome.value
        )
        if value is not None and shown.private.hides_value(shown.planned.task.step(step.step)):
            answer = MASK
        yield from wrapped(f"   step {visible(step.step)}: {answer}", width, rest=INDENT)
    if step.reading.why is not None:
        why = MASK if shown.private.hides_responses else visible(step.reading.why)
        yield from wrapped(f"   why: {why}", width, rest=INDENT)
    if isinstance(step.reply, Failure):
        failed = MASK if shown.private.hides_responses else visible(step.reply.message)
        yield from wrapped(f"   failed: {failed}", width, rest=INDENT)
    if isinstance(step.reply, Answer) and step.reply.response != _said(step):
        yield from _field("said", MASK if shown.private.hides_responses else step.reply.response, form)


def _said(step: StepTrace) -> str:
    value = step.reading.value
    return spelt(value) if value is not None else ""
