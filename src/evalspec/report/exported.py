"""Answers in the recorded form: what `export` writes and `recorded("…")` reads back to the same figures.

From traces to rows. What a recorded answer cannot tell again by itself (a confidence from token
probabilities or votes, an outcome) stands in fields of its own; each row is read back before it is given
out, so that one which would not say the same is known and counted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.answers.finding import spelt
from evalspec.answers.judge import is_right
from evalspec.answers.reading import Outcome, Reading, read
from evalspec.language.privacy import MASK
from evalspec.language.program import ConfidenceSource
from evalspec.models.model import Answer, Failure
from evalspec.models.recorded_rows import READ, BadRow, read_row
from evalspec.plan.plan import Passing
from evalspec.score.judged import gold_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.privacy import Privacy
    from evalspec.language.program import Step
    from evalspec.plan.conversations import StepTrace, Trace
    from evalspec.plan.plan import PlannedTask
    from evalspec.text.values import Json

Fields = dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One answer to one step of one sample of one example.

    `fields` are the recorded form. `answer` is what was read and `right` whether it is right, for people;
    `alike` tells whether reading the fields back says the same.
    """

    fields: Mapping[str, Json]
    answer: str | None
    right: bool | None
    alike: bool


def exported(
    planned: PlannedTask, candidate: ModelSpec, traces: Sequence[Trace], private: Privacy
) -> Iterator[Exported]:
    """What a candidate answered in a task, in the order asked. What was never asked has no row."""
    for trace in traces:
        if trace.visit.passing is not Passing.FREE:
            continue
        row = planned.rows[trace.visit.example]
        for said in trace.steps:
            unasked = said.reply is None and said.reading.outcome is not Outcome.ERROR
            if unasked or said.reading.outcome is Outcome.NOT_ASKED:
                continue
            step = planned.task.step(said.step)
            place: Fields = {"id": row.id, "task": planned.task.name, "model": candidate.model}
            place |= {name: v for name, v in (("step", step.name), ("prompt", candidate.variant)) if v}
            for sample in _samples(planned, candidate, step, trace.visit.sample):
                yield _row({**place, **sample}, said, step, row, private)


def _samples(
    planned: PlannedTask, candidate: ModelSpec, step: Step, number: int
) -> Iterator[Mapping[str, Json]]:
    """Which samples an answer stands for: a step asked once for all of them, as one that always says the
    same does in a step asked several times."""
    if step.samples == 1:
        yield from () if number else ({},)
    elif planned.samples(candidate) > 1:
        yield {"sample": number}
    else:
        yield from ({"sample": n} for n in range(step.samples))


def _row(place: Fields, said: StepTrace, step: Step, row: Row, private: Privacy) -> Exported:
    fields = {**place, **_said(said, step, private), **_told(said, private)}
    spread = _log_probabilities(said.reading)
    told = {**fields, "label_logprobs": spread} if spread else fields
    alike = _reads_alike(told, said.reading, step, row)
    if not alike and spread and _reads_alike(fields, said.reading, step, row):
        told, alike = fields, said.reading.distribution is None
    shown = said.reading.value is not None and not private.hides_value(step)
    answer = spelt(said.reading.value) if shown and said.reading.value is not None else None
    right = None
    if step.gold is not None:
        right = is_right(step, said.reading, gold_of(step, row), row.values)
    return Exported(fields=told, answer=answer, right=right, alike=alike)


def _said(said: StepTrace, step: Step, private: Privacy) -> Fields:
    """The response and what became of it. Of a hidden response the label that it says, if it says one."""
    outcome = said.reading.outcome
    if outcome is Outcome.ERROR:
        why = said.reply.message if isinstance(said.reply, Failure) else said.reading.why
        return {"error": MASK if private.hides_responses else why or "the call failed"}
    found: Fields = {"outcome": outcome.value}
    if isinstance(said.reply, Answer):
        response = said.reply.response
        if private.hides_responses:
            known = said.reading.value is not None and not private.hides_value(step)
            response = spelt(said.reading.value) if known and said.reading.value is not None else MASK
        found["response"] = response
    if said.reading.confidence is not None:
        found["confidence"] = said.reading.confidence
    return found


def _told(said: StepTrace, private: Privacy) -> Fields:
    """Time, tokens, money and who answered; of a vote, what all its replies took together."""
    if not isinstance(said.reply, Answer):
        return {}
    counted = [r for r in said.replies if isinstance(r, Answer)]
    latencies = [r.latency_ns for r in counted if r.latency_ns is not None]
    prices = [r.cost_usd for r in counted if r.cost_usd is not None]
    found: Fields = {
        "latency_s": max(latencies) / 1e9 if latencies and len(latencies) == len(counted) else None,
        "first_token_s": None if said.reply.first_token_ns is None else said.reply.first_token_ns / 1e9,
        "input_tokens": _total([r.input_tokens for r in counted]),
        "output_tokens": _total([r.output_tokens for r in counted]),
        "cost_usd": float(sum(prices)) if prices and len(prices) == len(counted) else None,
        "finish_reason": said.reply.finish_reason,
        "at": said.reply.at,
        "served_model": said.reply.served_model,
        "system_fingerprint": said.reply.system_fingerprint,
    }
    kept = {} if private.hides_responses else said.reply.extra
    more = {name: value for name, value in kept.items() if name not in READ and name != "prompt"}
    return {**{name: value for name, value in found.items() if value is not None}, **more}


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _log_probabilities(reading: Reading) -> dict[str, Json] | None:
    """The distribution as logarithms; labels without any probability are left out."""
    if reading.distribution is None:
        return None
    return {label: math.log(p) for label, p in reading.distribution.items() if p > 0}


def _reads_alike(fields: Fields, was: Reading, step: Step, row: Row) -> bool:
    """Whether the row, read as a recorded one, says what was said."""
    try:
        held = read_row(line_of(fields).encode("utf-8")).held
    except BadRow:
        return False
    if held is None:
        return False
    now = read(step, held, source=ConfidenceSource.OWN, row=row.values)
    same_spread = (now.distribution is None) is (was.distribution is None)
    return (now.outcome, now.value, now.confidence) == (
        was.outcome,
        was.value,
        was.confidence,
    ) and same_spread


def line_of(fields: Mapping[str, Json]) -> str:
    """A row as a line of JSON, safe to write as UTF-8 whatever a model said."""
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
