"""What the latency passes of a plan will ask: told before anyone is asked, exact but for the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.plan.expecting import Known, at_worst, dollars_expected, input_tokens, usual_of
from evalspec.run.arrivals import Load, load_of
from evalspec.run.latency_asked import asked_of, is_chain, turns, under_load
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.models.model import Request
    from evalspec.plan.expecting import Reckoned
    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.arrivals import Block
    from evalspec.text.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a task's pass asks of each of its candidates, and how long it takes at least.

    `requests` is None under a load in flight, where it depends on how quickly they are answered; of a chain
    it is the most that its steps can come to (`at_most`). Tokens and dollars are those of all candidates
    together, None where they are not known, as those of a chain are not.
    """

    load: Load
    candidates: tuple[str, ...]
    seconds: float
    requests: int | None
    input_tokens: int | None
    expected_usd: Decimal | None
    worst_usd: Decimal | None
    at_most: bool = False

    def as_json(self) -> dict[str, Json]:
        """The pass in the form of a plan file."""
        return {
            "load": self.load.said,
            "candidates": list(self.candidates),
            "requests_each": self.requests,
            "seconds": self.seconds,
            "input_tokens_about": self.input_tokens,
            "expected_usd": None if self.expected_usd is None else float(self.expected_usd),
            "worst_usd": None if self.worst_usd is None else float(self.worst_usd),
        }


def expected_passes(plan: Plan, known: Known) -> Mapping[str, Expected]:
    """The passes of a plan by task. `known` tells what a candidate's answers were like so far."""
    return dict(_each(plan, known))


def _each(plan: Plan, known: Known) -> Iterator[tuple[str, Expected]]:
    for planned in plan.tasks:
        load, candidates = load_of(planned.task.budgets), under_load(planned)
        if load is not None and candidates:
            yield planned.task.name, _expected(planned, load, plan.seed, known)


def _expected(planned: PlannedTask, load: Load, seed: int, known: Known) -> Expected:
    candidates = under_load(planned)
    blocks = turns(planned, load, candidates, seed)
    asked = asked_of(planned, candidates, blocks, seed) if load.open_loop else {}
    counted = [(c, _times(asked.get(c.name, ()), c.name, blocks)) for c in candidates]
    step, chain = planned.task.final, is_chain(planned)
    known_all = bool(asked) and not chain
    usual = {c.name: dollars_expected(usual_of(c, step, known)) for c in candidates}
    return Expected(
        load=load,
        candidates=tuple(c.name for c in candidates),
        seconds=max(b.ends_ns for b in blocks) / 1e9,
        requests=sum(n for _, n in counted[0][1]) * len(planned.task.steps) if load.open_loop else None,
        input_tokens=sum(input_tokens(r) * n for _, own in counted for r, n in own) if known_all else None,
        expected_usd=_sum([_dollars(c, own, usual[c.name]) for c, own in counted]) if known_all else None,
        worst_usd=_sum([_dollars(c, own, at_worst) for c, own in counted]) if known_all else None,
        at_most=chain,
    )


def _times(
    requests: Sequence[Request], candidate: str, blocks: Sequence[Block]
) -> Sequence[tuple[Request, int]]:
    """How often each request is sent."""
    if not requests:
        return ()
    numbers = Counter(
        a.number % len(requests) for b in blocks if b.candidate == candidate for a in b.arrivals
    )
    return [(requests[i], n) for i, n in numbers.items()]


def _dollars(spec: ModelSpec, counted: Sequence[tuple[Request, int]], reckoned: Reckoned) -> Decimal | None:
    return _sum([None if (usd := reckoned(spec, r)) is None else usd * n for r, n in counted])


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None
