"""What a plan will cost: requests that are known now, those that depend on answers, tokens, money."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.language.candidates import (
    Cascade,
    Hosted,
    Http,
    ModelSpec,
    PythonFunction,
    Use,
    Vote,
    in_batches,
)
from evalspec.language.sandbox import RenderFault
from evalspec.models.model import Request
from evalspec.plan.conditions import runs_given
from evalspec.plan.conversations import gold_value
from evalspec.plan.expecting import (
    Known,
    Reckoned,
    at_worst,
    dollars_expected,
    input_tokens,
    seconds_expected,
    usual_of,
)
from evalspec.plan.plan import Passing, PlannedTask, samples_at
from evalspec.plan.requests import build_request, questions, times_asked
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.program import Step

Keyer = Callable[[Request], str | None]
Kept = Callable[[Collection[str]], set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One candidate's part of a plan.

    `requests` are the distinct ones known now, each of its samples and of its perturbed forms being one;
    `kept` are those of them that the store answers, `later` at most how many more depend on answers. Tokens
    are rough. `worst_usd` is the money for what is still to be asked, were every answer as long as it may
    be, and every prompt a token for each byte: no run costs more but for retried attempts. `expected_usd` is
    the money, and `work_s` the time of all requests one after the other, if answers are as usual. None where
    a price or a limit is not known; nobody knows how long a batch takes.
    """

    examples: int
    requests: int
    kept: int | None
    later: int
    input_tokens: int
    worst_usd: Decimal | None
    expected_usd: Decimal | None
    work_s: Decimal | None
    faults: tuple[tuple[str, str], ...]  # (example, why its prompt cannot be rendered)


def estimate(
    planned: PlannedTask,
    candidate: ModelSpec,
    key_of: Keyer,
    kept: Kept | None,
    known: Known = lambda candidate: None,
) -> Estimate:
    """What one candidate will be asked in one task.

    `kept` tells which keys the store answers, `known` what a candidate's answers were like so far.
    """
    distinct: dict[object, Request] = {}
    twins: list[Request] = []
    faults: list[tuple[str, str]] = []
    for request in known_requests(planned, candidate, faults):
        key = key_of(request)
        distinct[key if key is not None else (request.step, request.example, request.sample)] = request
        if planned.task.step(request.step).reads:
            twins.append(request)
    keys = {key for key in distinct if isinstance(key, str)}
    have = kept(keys) if kept is not None and (keys or not distinct) else None
    later = sum(_later(planned, step, candidate) for step in planned.task.steps)
    times = {step.name: forms(step) for step in planned.task.steps}
    due = [(r, times[r.step] - (key in (have or ()))) for key, r in distinct.items()]
    given = [(r, times[r.step] * _repeated(planned, r.step, candidate)) for r in twins]
    asked = _Asked(planned, candidate, due, given)
    return Estimate(
        examples=len(planned.rows),
        requests=sum(times[request.step] for request in distinct.values()),
        kept=len(have) if have is not None else None,
        later=later,
        input_tokens=sum(input_tokens(r) * times[r.step] for r in distinct.values() if r.messages),
        worst_usd=asked.added_up(lambda step: at_worst),
        expected_usd=asked.added_up(lambda step: dollars_expected(usual_of(candidate, step, known))),
        work_s=None
        if in_batches(candidate)
        else asked.added_up(lambda step: seconds_expected(usual_of(candidate, step, known))),
        faults=tuple(faults),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a candidate is still asked in a task: `due` is known, `twins` stand for the rest."""

    planned: PlannedTask
    candidate: ModelSpec
    due: Sequence[Counted]
    twins: Sequence[Counted]

    def added_up(self, reckoned: Callable[[Step], Reckoned]) -> Decimal | None:
        """The sum over all requests; None where that of one is not known.

        What depends on answers is reckoned like the same question given gold, its twin; without one it
        cannot be told.
        """
        total = Decimal(0)
        for step in self.planned.task.steps:
            member = self.candidate.at_step(step.name)
            if not isinstance(member.use, Hosted):
                part = _of_others(member.use)
            else:
                part = self._of_step(step, member, reckoned(step))
            if part is None:
                return None
            total += part
        return total

    def _of_step(self, step: Step, member: ModelSpec, reckoned: Reckoned) -> Decimal | None:
        due, twins = ([c for c in counted if c[0].step == step.name] for counted in (self.due, self.twins))
        if sum(times for _, times in twins) < _later(self.planned, step, self.candidate):
            return None
        total = Decimal(0)
        for request, times in (*due, *twins):
            part = reckoned(member, request) if times else Decimal(0)
            if part is None:
                return None
            total += times * part
        return total


def _of_others(use: Use) -> Decimal | None:
    """What a candidate behind no endpoint costs: nothing here, and nobody knows where others are asked."""
    return None if isinstance(use, Http | PythonFunction) else Decimal(0)


def known_requests(
    planned: PlannedTask, candidate: ModelSpec, faults: list[tuple[str, str]]
) -> Iterator[Request]:
    """The requests that depend on no answer: steps that read no other, and given gold all that have it."""
    if isinstance(candidate.use, Cascade | Vote):
        return  # made of answers that are asked for anyway
    golden = Passing.GIVEN_GOLD in planned.passings(candidate)
    asked = questions(planned, candidate)
    for row in planned.rows:
        for step in planned.task.steps:
            golds = {name: gold_value(planned.task.step(name), row) for name in step.reads}
            if (step.reads and not golden) or not runs_given(step, row, golds):
                continue
            try:
                request = build_request(planned, asked[step.name], row, golds)
            except RenderFault as fault:
                faults.append((row.id, str(fault)))
                continue
            yield from (replace(request, sample=n) for n in range(times_asked(step, candidate)))


def forms(step: Step) -> int:
    """In how many forms a step asks about one example: as it is, and each changed form."""
    return 1 + len(step.perturb)


def _later(planned: PlannedTask, step: Step, candidate: ModelSpec) -> int:
    """At most how many requests of a step depend on answers: one for each sample of the chain that it reads,
    however often it asks about one of them itself."""
    if not step.reads:
        return 0
    votes = times_asked(step, candidate) // samples_at(step, candidate)
    return planned.samples(candidate) * votes * forms(step) * len(planned.rows)


def _repeated(planned: PlannedTask, name: str, candidate: ModelSpec) -> int:
    """How many times more a step asks than given gold, where its question is the same for all samples."""
    return planned.samples(candidate) // samples_at(planned.task.step(name), candidate)


Counted = tuple[Request, int]  # a request and how often it is asked
