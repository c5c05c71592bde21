"""What a plan will cost: requests that are known now, those that depend on answers, tokens, money."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from evalspec.language.program import Hosted, ModelSpec, Price
from evalspec.language.sandbox import RenderFault
from evalspec.models.model import Request
from evalspec.models.prices import price_of
from evalspec.plan.conversations import build_request, gold_value
from evalspec.plan.plan import Passing, PlannedTask

CHARACTERS_A_TOKEN = 4  # a rule of thumb for English; only estimates rest on it

Keyer = Callable[[Request], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One candidate's part of a plan.

    `requests` are the distinct ones known now, `kept` those of them that the store answers, `later` at
    most how many more depend on answers. Tokens are rough; money is None where a price is not known.
    """

    examples: int
    requests: int
    kept: int | None
    later: int
    input_tokens: int
    worst_usd: Decimal | None
    faults: tuple[tuple[str, str], ...]  # (example, why its prompt cannot be rendered)


def estimate(
    planned: PlannedTask, candidate: ModelSpec, key_of: Keyer, kept: Callable[[Collection[str]], set[str]] | None
) -> Estimate:
    """What one candidate will be asked in one task. `kept` tells which keys the store answers."""
    distinct: dict[object, Request] = {}
    keys: set[str] = set()
    faults: list[tuple[str, str]] = []
    for request in known_requests(planned, candidate, faults):
        key = key_of(request)
        distinct[key if key is not None else (request.step, request.example)] = request
        if key is not None:
            keys.add(key)
    later = sum(bool(step.reads) for step in planned.task.steps) * len(planned.rows)
    hosted = candidate.use if isinstance(candidate.use, Hosted) else None
    tokens = sum(_tokens(r) for r in distinct.values()) if hosted else 0
    return Estimate(
        examples=len(planned.rows),
        requests=len(distinct),
        kept=len(kept(keys)) if kept is not None and (keys or not distinct) else None,
        later=later,
        input_tokens=tokens,
        worst_usd=_worst(hosted, distinct.values(), tokens) if hosted else Decimal(0),
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
                yield build_request(planned.task, step, candidate, row, golds)
            except RenderFault as fault:
                faults.append((row.id, str(fault)))


def _tokens(request: Request) -> int:
    return sum(len(m.content) for m in request.messages) // CHARACTERS_A_TOKEN + 1


def _worst(use: Hosted, requests: Collection[Request], input_tokens: int) -> Decimal | None:
    """The money if every answer is as long as `max_tokens` allows; None without a price or that limit."""
    price: Price | None = price_of(use)
    limits = [_output_limit(r.parameters) for r in requests]
    known = [limit for limit in limits if limit is not None]
    if price is None or len(known) < len(limits):
        return None
    return (price.input * input_tokens + price.output * sum(known)) / price.per


def _output_limit(parameters: Mapping[str, object]) -> int | None:
    for name in ("max_tokens", "max_completion_tokens"):
        limit = parameters.get(name)
        if isinstance(limit, int):
            return limit
    return None
