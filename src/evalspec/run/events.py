"""What happens while asking, as small values, and the counts that results carry.

Requests without a key (recorded answers) are looked up and not asked: of them only `Finished` and `Left`
tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar, get_args

from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from decimal import Decimal

    from evalspec.models.model import Failure


@dataclass(frozen=True, slots=True)
class Planned:
    """A request came up that this run has not met before."""

    candidate: str


@dataclass(frozen=True, slots=True)
class FromStore:
    """Its reply was kept already; what it cost then, in dollars, where that is known."""

    candidate: str
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt went out; the first is number 1."""

    candidate: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt brought the answer; what it cost in dollars, where that is known."""

    candidate: str
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt failed and there will be another one after a wait in seconds."""

    candidate: str
    failure: Failure
    wait_s: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An attempt failed, and it was the last."""

    candidate: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class CandidateStopped:
    """A candidate is not asked any more, because of this."""

    candidate: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Finished:
    """A job has its result, good or bad."""

    candidate: str


@dataclass(frozen=True, slots=True)
class Left:
    """A job was not asked to its end: its candidate, or the run, was stopped before."""

    candidate: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that whoever waits wants to know, in words."""

    candidate: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How far the latency pass of a task is, under a `load` as it is written, which lasts so many seconds.

    `candidate` is whose turn it is; the figures are those of all candidates: arrivals attended of so many
    (None: nobody knows beforehand), failures, timeouts, dollars as far as they are known. `over`: this is
    the end.
    """

    candidate: str
    task: str
    load: str
    seconds: float
    requests: int | None
    attended: int = 0
    failed: int = 0
    timed_out: int = 0
    spent: Decimal | None = None
    over: bool = False


Event = (
    Planned | FromStore | Sent | Answered | Retried | GivenUp | CandidateStopped | Finished | Left | Noted
    | Measured
)  # fmt: skip


@dataclass(slots=True)
class Counts:
    """The requests of a run: distinct ones planned, attempts, those beyond the first, kept ones, given up."""

    planned: int = 0
    sent: int = 0
    retried: int = 0
    from_store: int = 0
    failed: int = 0

    def as_json(self) -> dict[str, int]:
        """The counts by their names in results.json."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}


Listener = Callable[[Event], None]


def told_apart(listeners: Iterable[Listener]) -> Mapping[type, tuple[Listener, ...]]:
    """Who hears which kind of event, in their order: those whose `HEARS` names it, and those without one."""
    kinds: tuple[type, ...] = get_args(Event)
    every = tuple(listeners)
    return {k: tuple(one for one in every if k in getattr(one, "HEARS", kinds)) for k in kinds}


@dataclass(slots=True)
class Counter:
    """Counts events: `total`, and `by_candidate`. Call it with each event."""

    HEARS: ClassVar = (Planned, FromStore, Sent, GivenUp)
    _by_candidate: dict[str, Counts] = field(default_factory=dict)

    @property
    def by_candidate(self) -> Mapping[str, Counts]:
        return self._by_candidate

    @property
    def total(self) -> Counts:
        every = self._by_candidate.values()
        return Counts(*(sum(getattr(own, entry.name) for own in every) for entry in fields(Counts)))

    def __call__(self, event: Event) -> None:
        own = self._by_candidate.get(event.candidate)
        if own is None:
            own = self._by_candidate[event.candidate] = Counts()
        _count(own, event)


def _count(counts: Counts, event: Event) -> None:
    match event:
        case Planned():
            counts.planned += 1
        case FromStore():
            counts.from_store += 1
        case Sent(attempt=attempt):
            counts.sent += 1
            counts.retried += attempt > 1
        case GivenUp():
            counts.failed += 1
        case _:  # says nothing of how many there are
            pass
