"""What a plan will cost: requests that are known now, those that depend on answers, tokens, money."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evalspec.language.candidates import Hosted, ModelSpec, Price
from evalspec.language.sandbox import RenderFault
from evalspec.models.model import Request
from evalspec.models.prices import price_of
from evalspec.plan.conversations import build_request, gold_value
from evalspec.plan.plan import Passing, PlannedTask

CHARACTERS_A_TOKEN = 4  # a rule of thumb for English; only estimates rest on it

Keyer = Callable[[Request], str | None]
Kept = Callable[[Collection[str]], set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One candidate's part of a plan.

    `requests` are the distinct ones known now, `kept` those of them that the store answers, `later` at
    most how many more depend on answers. Tokens are rough. `worst_usd` is the money for what is still to
    be asked, were every answer as long as it may be; None where a price or a limit is not known.
    """

    examples: int
    requests: int
    kept: int | None
    later: int
    input_tokens: int
    worst_usd: Decimal | None
    faults: tuple[tuple[str, str], ...]  # (example, why its prompt cannot be rendered)


def estimate(planned: PlannedTask, candidate: ModelSpec, key_of: Keyer, kept: Kept | None) -> Estimate:
    """What one candidate will be asked in one task. `kept` tells which keys the store answers."""
    distinct: dict[object, Request] = {}
    twins: list[Request] = []
    faults: list[tuple[str, str]] = []
    for request in known_requests(planned, candidate, faults):
        key = key_of(request)
        distinct[key if key is not None else (request.step, request.example)] = request
        if planned.task.step(request.step).reads:
            twins.append(request)
    keys = {key for key in distinct if isinstance(key, str)}
    have = kept(keys) if kept is not None and (keys or not distinct) else None
    later = sum(bool(step.reads) for step in planned.task.steps) * len(planned.rows)
    hosted = candidate.use if isinstance(candidate.use, Hosted) else None
    due = [request for key, request in distinct.items() if key not in (have or ())]
    return Estimate(
        examples=len(planned.rows),
        requests=len(distinct),
        kept=len(have) if have is not None else None,
        later=later,
        input_tokens=sum(_tokens(r) for r in distinct.values()) if hosted else 0,
        worst_usd=_worst(hosted, due, twins, later) if hosted else Decimal(0),
        faults=tuple(faults),
    )


def known_requests(
    planned: PlannedTask, candidate: ModelSpec, faults: list[tuple[str, str]]
) -> Iterator[Request]:
    """The requests that depend on no answer: steps that read no other, and given gold all that have it."""
    golden = Passing.GIVEN_GOLD in planned.passings(candidate)
    for row in planned.rows:
        for step in planned.task.steps:
            golds = {name: gold_value(planned.task.step(name), row) for name in step.reads}
            if step.reads and (not golden or None in golds.values()):
                continue
            try:
                yield build_request(planned, step, candidate, row, golds)
            except RenderFault as fault:
                faults.append((row.id, str(fault)))


def _tokens(request: Request) -> int:
    return sum(len(m.content) for m in request.messages) // CHARACTERS_A_TOKEN + 1


def _worst(use: Hosted, due: Sequence[Request], twins: Sequence[Request], later: int) -> Decimal | None:
    """The money if every answer is as long as `max_tokens` allows; None without a price or that limit.

    What depends on answers is reckoned like the same question given gold, its twin; without one it cannot
    be told.
    """
    price: Price | None = price_of(use)
    if price is None or len(twins) < later:
        return None
    each = [(_tokens(r), _output_limit(r.parameters)) for r in (*due, *twins)]
    known = [limit for _, limit in each if limit is not None]
    if len(known) < len(each):
        return None
    return (price.input * sum(tokens for tokens, _ in each) + price.output * sum(known)) / price.per


def _output_limit(parameters: Mapping[str, object]) -> int | None:
    for name in ("max_tokens", "max_completion_tokens"):
        limit = parameters.get(name)
        if isinstance(limit, int):
            return limit
    return None
