"""Traces to judgements: for each example what was said end to end, and whether it was right.

The first step of scoring. Everything behind it looks at judgements and no longer at replies.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from evalspec.answers.judge import fields_right, gold_label, is_right, text_scores
from evalspec.answers.reading import Outcome, Reading, labels_of
from evalspec.answers.votes import ballot
from evalspec.language.answer_types import TextAnswer
from evalspec.language.candidates import ModelSpec
from evalspec.language.judging import Matches, named_scores
from evalspec.language.program import Step, Task
from evalspec.models.model import Answer
from evalspec.plan.plan import Passing, PlannedTask
from evalspec.score.timing import Timing, timing_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.plan.conversations import Reply, StepTrace, Trace
    from evalspec.run.under_load import Passed

UNHEARD = (Outcome.ERROR, Outcome.NOT_ASKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One sample of one example of one candidate, end to end.

    `right` is None where the candidate was not heard (`error`, `not_asked`), or nothing says what is right.
    `truth` and `answer` are labels where the answer type has them; `scores` those of a text, `fields` the
    verdicts on the fields of an object, by their names. `ballot` is equal for two samples that say the same.
    Tokens and costs are sums over all replies of the steps that were asked; latency, in nanoseconds, over
    the steps, of which one that is put to the vote takes as long as its longest reply. `timed_out` tells
    that a step ran out of its time. `skipped` are the steps that did not run, by their own condition.
    `constant`: the candidate always answers the same, so that its one sample tells of all.
    """

    row: Row
    sample: int = 0
    constant: bool = False
    reading: Reading
    ballot: str = ""
    right: bool | None
    truth: str | None
    answer: str | None
    abstaining_is_right: bool
    confidence: float | None
    distribution: Mapping[str, float] | None
    latency_ns: int | None
    timed_out: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    steps_right: Mapping[str, bool | None]
    skipped: frozenset[str]
    given_gold_right: Mapping[str, bool | None]
    scores: Mapping[str, bool | float]
    fields: Mapping[str, bool]
    timing: Timing | None = None  # only where a budget asks for it

    @property
    def outcome(self) -> Outcome:
        return self.reading.outcome

    @property
    def heard(self) -> bool:
        """Whether the example counts in quality figures."""
        return self.reading.outcome not in UNHEARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All examples of one candidate in the order of the data, of each its samples; and who served them.

    `samples` is how many each example has.
    """

    candidate: ModelSpec
    judgements: tuple[Judgement, ...]
    served_models: tuple[str, ...]
    source: str | None
    samples: int = 1
    fingerprints: tuple[str, ...] = ()  # of the systems that served them, where they tell
    passed: Passed | None = None  # what the latency pass of its task measured of it


def judge(planned: PlannedTask, candidate: ModelSpec, traces: Iterable[Trace]) -> Judged:
    """The judgements of a candidate, from its traces in any order. Without a trace, one was not asked."""
    samples = planned.samples(candidate)
    # Where the steps that read others are asked once, what they make of gold is the same in every sample.
    given = min(samples, planned.samples(candidate, Passing.GIVEN_GOLD))
    constant = samples < planned.samples_asked
    free: list[Trace | None] = [None] * (len(planned.rows) * samples)
    golds: dict[tuple[int, int], Trace] = {}
    served: set[tuple[str, str]] = set()
    for trace in traces:
        visit = trace.visit
        if visit.passing is Passing.FREE:
            free[visit.example * samples + visit.sample] = trace
            served.update(_served(trace))
        else:
            golds[visit.example, visit.sample] = trace
    judgements: list[Judgement] = []
    for place in range(len(free)):
        i, n = divmod(place, samples)
        sample = _Sample(planned.rows[i], n, constant)
        judgements.append(_judgement(planned.task, sample, free[place], golds.get((i, n % given))))
        free[place] = None  # nothing else needs it: of a hundred thousand, either the trace or the judgement
    sources = {
        j.reading.source for j in judgements if j.confidence is not None and j.reading.source is not None
    }
    return Judged(
        candidate=candidate,
        judgements=tuple(judgements),
        served_models=tuple(sorted({model for model, _ in served if model})),
        fingerprints=tuple(sorted({fingerprint for _, fingerprint in served if fingerprint})),
        source=", ".join(sorted(sources)) or None,
        samples=samples,
    )


def _served(trace: Trace) -> Iterator[tuple[str, str]]:
    """The models that answered on a visit, as the servers name them, and the systems' fingerprints."""
    for step in trace.steps:
        for reply in step.replies:
            if isinstance(reply, Answer):
                yield reply.served_model or "", reply.system_fingerprint or ""


NOT_ASKED = Reading(outcome=Outcome.NOT_ASKED, why="not asked yet")
NO_STEP = Reading(outcome=Outcome.NO_ANSWER, why="the step that answers did not run")
NO_SCORES: Mapping[str, bool | float] = {}
NO_FIELDS: Mapping[str, bool] = {}


# A hundred thousand judgements say the same few things: one object for each thing said.
@lru_cache(maxsize=1024)
def _verdicts(each: tuple[tuple[str, bool | None], ...]) -> Mapping[str, bool | None]:
    return dict(each)


@lru_cache(maxsize=1024)
def _names(each: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Which example it is, which sample of it, and whether there can be no other."""

    row: Row
    number: int
    constant: bool


def _judgement(task: Task, place: _Sample, free: Trace | None, given_gold: Trace | None) -> Judgement:
    row = place.row
    said = {s.step: s for s in free.steps} if free is not None else {}
    final = _answering(task, said)
    reading = final.reading if final is not None else (NOT_ASKED if free is None else NO_STEP)
    step = task.final
    gold = gold_of(step, row)
    answer = _label(step, reading, row)
    right = is_right(step, reading, gold, row.values)
    steps_right = {s.name: _step_right(s, said.get(s.name), row) for s in task.steps if s is not step}
    steps_right[step.name] = right if step.name in said and _has_gold(step) else None
    replies = [reply for s in said.values() for reply in _counted(s)]
    return Judgement(
        row=row,
        sample=place.number,
        constant=place.constant,
        reading=reading,
        ballot=ballot(step, reading) if answer is None else sys.intern(ballot(step, reading)),
        right=right,
        truth=gold_label(step, gold, row.values, answer=answer),
        answer=answer,
        abstaining_is_right=step.gold is not None and _null_is_right(gold),
        confidence=_confidence(task, said),
        distribution=reading.distribution if task.chain_confidence == "last" else None,
        latency_ns=_total([_latency(s) for s in said.values() if s.replies]),
        timed_out=any(s.reading.outcome is Outcome.TIMEOUT for s in said.values()),
        input_tokens=_total([r.input_tokens if isinstance(r, Answer) else None for r in replies]),
        output_tokens=_total([r.output_tokens if isinstance(r, Answer) else None for r in replies]),
        cost_usd=_cost(replies),
        steps_right=_verdicts(tuple(steps_right.items())),
        skipped=_names(tuple(s.name for s in task.steps if s.name not in said) if said else ()),
        given_gold_right=_verdicts(tuple(_given_gold(task, row, steps_right, given_gold).items())),
        scores=text_scores(step, reading, gold) or NO_SCORES,
        fields=fields_right(step, reading, gold) or NO_FIELDS,
        timing=timing_of(task, tuple(said.values()), _latency),
    )


def _answering(task: Task, said: Mapping[str, StepTrace]) -> StepTrace | None:
    """The step that answers: the one named, or where it did not run, the last that did."""
    names = (task.answer_of, *task.stand_ins)
    return next((said[name] for name in names if name in said), None)


def _null_is_right(gold: object) -> bool:
    return gold is None or (isinstance(gold, list) and None in gold)


def gold_of(step: Step, row: Row) -> object:
    """The gold of a step for a row; None where the step has none, or where abstaining is right."""
    return step.gold(row.values) if step.gold is not None else None


def _label(step: Step, reading: Reading, row: Row) -> str | None:
    if reading.outcome is not Outcome.ANSWERED or not labels_of(step, row.values):
        return None
    return str(reading.value)


def _confidence(task: Task, said: Mapping[str, StepTrace]) -> float | None:
    """The confidence of the answer: the last step's, or what the chain makes of all that ran."""
    final = _answering(task, said)
    if final is None or final.reading.outcome is not Outcome.ANSWERED:
        return None
    if task.chain_confidence == "last":
        return final.reading.confidence
    each = [s.reading.confidence for s in said.values() if s.reply is not None]
    known = [c for c in each if c is not None]
    if len(known) < len(each):
        return None
    return math.prod(known) if task.chain_confidence == "product" else min(known)


def _step_right(step: Step, trace: StepTrace | None, row: Row) -> bool | None:
    if trace is None or not _has_gold(step):
        return None
    return is_right(step, trace.reading, gold_of(step, row), row.values)


def _has_gold(step: Step) -> bool:
    """Whether anything tells right from wrong: a gold, or patterns that need none."""
    if step.gold is not None or not isinstance(step.answer, TextAnswer):
        return step.gold is not None
    return all(isinstance(score, Matches) for score in named_scores(step.score, step.scores).values())


def _given_gold(
    task: Task, row: Row, free: Mapping[str, bool | None], given_gold: Trace | None
) -> Mapping[str, bool | None]:
    """Each step's verdict given gold. A step that reads no other is the same both ways."""
    golden = {s.step: s for s in given_gold.steps} if given_gold is not None else {}
    return {s.name: _step_right(s, golden.get(s.name), row) if s.reads else free[s.name] for s in task.steps}


def _counted(step: StepTrace) -> Sequence[Reply]:
    """The replies that a step's price and time are told by: of a vote, the answers that were counted."""
    if not step.ballots:
        return step.replies
    return [r for r in step.ballots if isinstance(r, Answer)] or step.replies


def _latency(step: StepTrace) -> int | None:
    """How long a step took. Replies that are put to the vote can be asked for all at once."""
    if not step.ballots:
        return step.reply.latency_ns if isinstance(step.reply, Answer) else None
    each = [r.latency_ns if isinstance(r, Answer) else None for r in _counted(step)]
    known = [ns for ns in each if ns is not None]
    return max(known) if known and len(known) == len(each) else None


def _total(parts: Sequence[int | None]) -> int | None:
    """The sum where every part is known."""
    known = [p for p in parts if p is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _cost(replies: Sequence[Reply]) -> Decimal | None:
    known = [r.cost_usd for r in replies if isinstance(r, Answer) and r.cost_usd is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(replies) else None
