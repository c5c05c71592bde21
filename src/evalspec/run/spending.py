"""The money of a run: before an attempt goes out its worst case is held back, and behind it settled.

So no cap is ever passed, whatever is in flight. A cap counts what this run and all other runs of the spec
that live at the same time spend; an attempt of which nobody knows what it cost (a reset, a timeout, an
answer without usage) counts with its worst case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

import anyio

from evalspec.language.candidates import Combination, Hosted
from evalspec.models.ceilings import worst_case
from evalspec.models.model import Answer, Failure, Request
from evalspec.run.events import Answered, Event, FromStore
from evalspec.store.ledger import Committed, Ledger
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Program
    from evalspec.text.values import Json

LOOK_AGAIN_S = 0.05  # what other processes settle is looked for, what this one settles is known at once
NOTHING = Committed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most so many dollars for some models together, None for all; `said` is how it was written."""

    usd: Decimal
    models: frozenset[str] | None
    said: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Dollars held back for an attempt of a model."""

    model: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Spent:
    """Why an attempt is not made: what it may cost, and what is left of which cap."""

    cap: Cap
    needed: Decimal
    left: Decimal

    @property
    def message(self) -> str:
        left = f"{dollars(max(self.left, Decimal(0)))} of {dollars(self.cap.usd)} is left"
        return f"the money is spent: a request may cost {dollars(self.needed)}, and {left} ({self.cap.said})"


def dollars(value: Decimal) -> str:
    """An amount in cents, or with three digits where it is less than one: `$4.20`, `$0.00312`."""
    if value >= 1 or value == round(value, 2):
        return f"${value:,.2f}"
    return "$" + f"{value:.12f}"[: 4 - value.adjusted()].rstrip("0")


def caps_of(program: Program, most: Decimal | None) -> tuple[Cap, ...]:
    """The caps of a program's limits, and that of `--max-spend`."""
    found = [
        Cap(usd=usd, models=_meant(program, target), said=_written(target, usd))
        for target, usd in program.limits.spend.items()
    ]
    if most is not None:
        found.append(Cap(usd=most, models=None, said=f"--max-spend {most}"))
    return tuple(found)


def _meant(program: Program, target: str) -> frozenset[str] | None:
    """The models that a limit on a model, a provider or (empty) on all means."""
    if not target or target in program.models:
        return frozenset({target}) if target else None
    models = program.models.items()
    return frozenset(n for n, m in models if isinstance(m.use, Hosted) and m.use.provider == target)


def _written(target: str, usd: Decimal) -> str:
    return f"limits {{ spend{f'({target})' if target else ''} <= ${usd} }}"


class Purse:
    """What may still be spent. `specs` are the candidates by name, with the models that run their steps."""

    def __init__(
        self, specs: Mapping[str, ModelSpec], caps: tuple[Cap, ...], ledger: Ledger | None = None
    ) -> None:
        self._specs = specs
        self._caps = caps
        self._ledger = ledger
        self.short: dict[str, Spent] = {}  # the candidates that ran out of money
        self._own: dict[str, Committed] = {}
        self._settled = anyio.Event()

    async def take(self, candidate: str, request: Request, stopped: Callable[[], bool]) -> Hold | Spent:
        """Holds back the worst case of an attempt, once what is in flight leaves room for it.

        Spent where it would not fit even if all that is in flight cost nothing, or when `stopped` turns true.
        """
        spec = self._specs[candidate].at_step(request.step)
        worst = worst_case(spec.use, request) if isinstance(spec.use, Hosted) else None
        hold = Hold(spec.model, worst if worst is not None else Decimal(0))
        while True:
            short = self._try(hold)
            if short is None:
                return hold
            if short.left < short.needed:
                self.short.setdefault(candidate, short)
            if short.left < short.needed or stopped():
                return short
            with anyio.move_on_after(LOOK_AGAIN_S):
                await self._settled.wait()

    def settle(self, hold: Hold, reply: Answer | Failure | None) -> None:
        """Gives back what an attempt did not cost; with no reply (it was dropped) it may have cost all."""
        cost = _cost(reply)
        before = self._own.get(hold.model, NOTHING)
        after = Committed(before.spent + (hold.usd if cost is None else cost), before.held - hold.usd)
        with self._locked():
            self._commit(hold.model, after)
        self._settled.set()
        self._settled = anyio.Event()

    def held(self, candidate: str, usd: Decimal) -> Hold:
        """A part of what is held back for a candidate."""
        return Hold(self._specs[candidate].model, usd)

    def hold_again(self, candidate: str, usd: Decimal) -> None:
        """Holds back what a run before this one sent and did not hear of, whatever a cap leaves room for."""
        model = self._specs[candidate].model
        with self._locked():
            before = self._own.get(model, NOTHING)
            self._commit(model, Committed(before.spent, before.held + usd))

    def _try(self, hold: Hold) -> Spent | None:
        """Holds the money back, or says by which cap there is not enough, and how much but for holds."""
        with self._locked() as others:
            for cap in self._caps:
                if cap.models is not None and hold.model not in cap.models:
                    continue
                committed = self._under(cap, others)
                if committed.spent + committed.held + hold.usd > cap.usd:
                    return Spent(cap, hold.usd, cap.usd - committed.spent)
            before = self._own.get(hold.model, NOTHING)
            self._commit(hold.model, Committed(before.spent, before.held + hold.usd))
        return None

    def _under(self, cap: Cap, others: Mapping[bytes, Committed]) -> Committed:
        total = NOTHING
        for model in cap.models if cap.models is not None else self._models:
            total += self._own.get(model, NOTHING)
            if self._ledger is not None:
                total += others.get(self._ledger.purpose(model), NOTHING)
        return total

    @property
    def _models(self) -> frozenset[str]:
        return frozenset(model for spec in self._specs.values() for model in models_of(spec))

    @contextmanager
    def _locked(self) -> Iterator[Mapping[bytes, Committed]]:
        if self._ledger is None:
            yield {}
            return
        with self._ledger.locked():
            yield self._ledger.others()

    def _commit(self, model: str, committed: Committed) -> None:
        self._own[model] = committed
        if self._ledger is not None:
            self._ledger.write(self._ledger.purpose(model), committed)


def models_of(spec: ModelSpec) -> tuple[str, ...]:
    """The models that are asked for a candidate: itself, or those of its steps."""
    members = spec.use.steps.values() if isinstance(spec.use, Combination) else (spec,)
    return tuple(member.model for member in members)


def _cost(reply: Answer | Failure | None) -> Decimal | None:
    """What an attempt cost; None where it may have cost anything. A refusal costs nothing."""
    match reply:
        case Answer(cost_usd=cost):
            return cost
        case Failure(status=int(status)) if status >= 300:
            return Decimal(0)
        case _:
            return None


@dataclass(slots=True)
class Bill:
    """What answers cost, as far as it is known: all that a run rests on, and those that it asked itself.

    Call it with each event.
    """

    HEARS: ClassVar = (Answered, FromStore)
    worth: Decimal | None = None
    asked: Decimal | None = None
    by_candidate: dict[str, Decimal] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case Answered(candidate, Decimal() as cost):
                self.asked = (self.asked or Decimal(0)) + cost
                self.by_candidate[candidate] = self.by_candidate.get(candidate, Decimal(0)) + cost
                self.worth = (self.worth or Decimal(0)) + cost
            case FromStore(_, Decimal() as cost):
                self.worth = (self.worth or Decimal(0)) + cost
            case _:
                pass


def with_bill(run: dict[str, Json], bill: Bill) -> dict[str, Json]:
    """A run's record with its money: what all its answers cost, whenever asked, and what it spent itself."""
    requests = run.get("requests")
    own = dict(requests) if isinstance(requests, dict) else {}
    worth, asked = (None if value is None else float(value) for value in (bill.worth, bill.asked))
    return {**run, "requests": {**own, "spent_usd": asked}, "spend_usd": worth}
