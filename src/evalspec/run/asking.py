"""One request, one reply: from the store, from the same request on its way, or from the candidate.

The only place where attempts are made, counted and made again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from functools import partial
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from evalspec.models.faults import EvalspecFault
from evalspec.models.model import Answer, Failure, FailureKind, Model, Request
from evalspec.run.events import Answered, CandidateStopped, Event, FromStore, GivenUp, Planned, Retried, Sent
from evalspec.run.gates import is_remote
from evalspec.run.opening import Opening
from evalspec.run.retry import Patience, next_wait
from evalspec.run.shelving import Kept, Shelf
from evalspec.run.spending import Spent
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.run.gates import Gate
    from evalspec.run.spending import Purse
    from evalspec.store.faults import StoreFault
    from evalspec.store.store import Store

Reply = Answer | Failure
Tell = Callable[[Event], None]

OTHER_PROCESS_S = 0.05  # how often to look whether another process has got its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Which kept replies count: those since a time, and failures unless they are to be asked again."""

    since: datetime | None = None
    retry_errors: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """A candidate on its way through a run: its name, how it is asked, and its way out."""

    name: str
    model: Model
    gate: Gate
    purse: Purse | None = None


class _Place(Enum):
    """What this run knows of a request whose reply it does not hold itself."""

    MET = auto()  # it came up, and nobody was asked
    KEPT = auto()  # its reply is in the store


@dataclass(slots=True)
class _Flight:
    """A request that is being asked, for those who ask the same and wait for it; `brief` of its key."""

    key: str
    brief: bytes
    landed: anyio.Event | None = None  # seldom: an event for each request costs more than this book-keeping
    reply: Reply | None = None

    async def wait(self) -> None:
        self.landed = self.landed or anyio.Event()
        await self.landed.wait()

    def land(self) -> None:
        if self.landed is not None:
            self.landed.set()


class Desk:
    """Where a run's requests are asked, each distinct one once.

    `fault` is what broke the asking off: after it nothing is sent, and it is for the caller to raise.
    """

    def __init__(
        self, lanes: Iterable[Lane], store: Store | None, keeping: Keeping, patience: Patience, tell: Tell
    ) -> None:
        self.fault: EvalspecFault | None = None
        self._lanes = tuple(lanes)
        self._store = store
        self._keeping = keeping
        self._patience = patience
        self._tell = tell
        self._flights: dict[str, _Flight] = {}
        self._known: dict[bytes, Reply | _Place] = {}  # by `_brief` of the key
        self._given_up: Counter[str] = Counter()  # by candidate, since the last sign of life
        self._lived_s: dict[str, float] = {}  # when a candidate last answered
        self._useless: set[str] = set()  # candidates that rejected their first requests
        self.shelf = Shelf(store) if store is not None else None
        self._opening = Opening(lane.name for lane in self._lanes if is_remote(lane.model.endpoint))

    def shut(self, reason: str) -> None:
        """Sends nothing more to anyone; what is on its way still arrives and is kept."""
        for lane in self._lanes:
            lane.gate.shut(reason)
        self._opening.shut()

    def finished(self, lane: Lane) -> None:
        """A candidate has nothing to ask any more."""
        self._opening.left(lane.name)

    def idle(self, lane: Lane) -> None:
        """A candidate has nothing to ask until others have gone on."""
        self._opening.put_off(lane.name)

    async def ask(self, lane: Lane, request: Request) -> Reply:
        """The reply to a request, kept if it is of that kind; NOT_ASKED where the gate was shut before."""
        try:
            key = lane.model.key(request)
            if key is None:
                return await self._attempts(lane, request, _silently)
            return await self._once(lane, key, request)
        except EvalspecFault as fault:
            return self._break_off(fault)

    async def _once(self, lane: Lane, key: str, request: Request) -> Reply:
        while (flight := self._flights.get(key)) is not None:
            await flight.wait()
            if flight.reply is not None and _holds_for_all(flight.reply):
                return flight.reply
        flight = self._flights[key] = _Flight(key, _brief(key))
        try:
            flight.reply = await self._settle(lane, flight, request)
        finally:
            del self._flights[key]
            flight.land()
        return flight.reply

    async def _settle(self, lane: Lane, flight: _Flight, request: Request) -> Reply:
        known = self._known.get(flight.brief)
        if isinstance(known, Answer | Failure):
            return known
        if known is None:
            self._tell(Planned(lane.name))
            self._known[flight.brief] = _Place.MET
        if self.shelf is not None:
            return await self._settle_with(self.shelf, lane, flight, request)
        reply = await self._attempts(lane, request, self._tell)
        self._remember(flight, reply)
        return reply

    async def _settle_with(self, shelf: Shelf, lane: Lane, flight: _Flight, request: Request) -> Reply:
        store = shelf.store
        kept = await self._kept_or_claimed(store, lane, flight)
        if kept is not None:
            if self._known[flight.brief] is not _Place.KEPT:
                self._tell(FromStore(lane.name, kept.cost_usd if isinstance(kept, Answer) else None))
            self._known[flight.brief] = _Place.KEPT
            return kept
        laid = False
        try:
            reply = await self._attempts(lane, request, self._tell)
            self._remember(flight, reply)
            if isinstance(reply, Answer) or self._is_final(lane, reply):
                shelf.lay(Kept(flight.key, lane.name, request, reply, partial(self._kept_at_last, flight)))
                laid = True
                if shelf.full:
                    await shelf.room()
        finally:
            if not laid:
                store.release(flight.key)
        return reply

    def _is_final(self, lane: Lane, failure: Failure) -> bool:
        """Whether a failure says something of its request alone, and will say so for ever."""
        return failure.kind is FailureKind.REJECTED and lane.name not in self._useless

    async def _kept_or_claimed(self, store: Store, lane: Lane, flight: _Flight) -> Reply | None:
        """The kept reply, or None when it is this process that asks (or, its gate shut, does not)."""
        while True:
            claimed = store.claim(flight.key)
            kept = self._kept(store, flight)
            if kept is not None and claimed:
                store.release(flight.key)
            if kept is not None or claimed or lane.gate.shut_by is not None:
                return kept
            await lane.gate.rest(OTHER_PROCESS_S)

    def _kept(self, store: Store, flight: _Flight) -> Reply | None:
        if self._known.get(flight.brief) is _Place.KEPT:
            return store.get(flight.key)
        if store.holds_only_ours:
            return None
        reply = store.get(flight.key, since=self._keeping.since)
        return None if self._keeping.retry_errors and isinstance(reply, Failure) else reply

    def _kept_at_last(self, flight: _Flight, fault: StoreFault | None) -> None:
        if fault is None:
            self._known[flight.brief] = _Place.KEPT
        else:
            # The reply itself is good, is remembered, and counts in the results of this run.
            self._break_off(fault)
        if self._store is not None:
            self._store.release(flight.key)

    def _remember(self, flight: _Flight, reply: Reply) -> None:
        if _holds_for_all(reply):
            self._known[flight.brief] = reply

    async def _attempts(self, lane: Lane, request: Request, tell: Tell) -> Reply:
        began: float | None = None
        attempt, few, last = 0, 0, ""
        reply: Reply | None
        first = not self._opening.over and await self._opening.enter(lane.name)
        while True:
            turn = await lane.gate.enter(request)
            if turn is None:
                self._opening.left(lane.name)
                return _not_asked(lane, last)
            began = turn.sent_s if began is None else began
            attempt += 1
            try:
                if lane.purse is None:
                    tell(Sent(lane.name, attempt))
                    reply = await lane.model.ask(request)
                else:
                    reply = await _paid(lane, lane.purse, request, partial(tell, Sent(lane.name, attempt)))
            except BaseException:  # cancelled, or out of order
                lane.gate.leave(turn, None)
                raise
            few += isinstance(reply, Failure) and reply.attempts is not None
            wait = None if isinstance(reply, Answer) else self._wait(lane, reply, attempt, few, began)
            paused = isinstance(reply, Failure) and reply.kind is FailureKind.RATE_LIMITED and reply.wait_s
            lane.gate.leave(turn, reply, pause_s=wait if paused else None)
            if lane.gate.waiting:
                await anyio.lowlevel.cancel_shielded_checkpoint()  # whoever got the place sends first
            if reply is None:
                self._opening.left(lane.name)
                return _not_asked(lane, last)
            useless = first and self._opening.heard(lane.name, reply)
            if isinstance(reply, Answer):
                self._given_up[lane.name] = 0
                self._lived_s[lane.name] = monotonic()
                tell(Answered(lane.name, reply.cost_usd))
                return reply
            if wait is None:
                self._give_up(lane, reply, tell, useless=useless)
                return reply
            last = f"; the last of {attempt} attempts: {reply.message}"
            tell(Retried(lane.name, reply, wait))
            if not paused:
                await lane.gate.rest(wait)

    def _wait(self, lane: Lane, reply: Reply | None, attempt: int, few: int, began: float) -> float | None:
        """The seconds to the next attempt; `few` failed in a way that is worth few."""
        if not isinstance(reply, Failure):
            return None
        living = self._lived_s.get(lane.name, began) > began
        chance = random.random()  # noqa: S311  jitter
        elapsed_s = monotonic() - began
        return next_wait(reply, attempt, elapsed_s, chance, self._patience, few=few, living=living)

    def _give_up(self, lane: Lane, failure: Failure, tell: Tell, *, useless: bool) -> None:
        tell(GivenUp(lane.name, failure))
        # Whoever rejects a request is alive.
        self._given_up[lane.name] = self._given_up[lane.name] + 1 if failure.kind.worth_retrying else 0
        down = self._given_up[lane.name] >= self._patience.given_up
        if useless:
            self._useless.add(lane.name)
        if (failure.kind.stops_candidate or down or useless) and lane.gate.shut_by is None:
            lane.gate.shut(f"`{lane.name}` is not asked any more: {failure.message}")
            tell(CandidateStopped(lane.name, failure))

    def _break_off(self, fault: EvalspecFault) -> Failure:
        self.fault = self.fault or fault
        self.shut(f"the asking broke off: {fault}")
        return Failure(kind=FailureKind.NOT_ASKED, message=f"the asking broke off: {fault}")


async def _paid(lane: Lane, purse: Purse, request: Request, on_sent: Callable[[], None]) -> Reply | None:
    """One attempt, its money held back while it lasts; None where there is no money for it."""
    hold = await purse.take(lane.name, request, lambda: lane.gate.shut_by is not None)
    if isinstance(hold, Spent):
        lane.gate.shut(hold.message)
        return None
    reply: Reply | None = None
    try:
        on_sent()
        reply = await lane.model.ask(request)
    finally:
        purse.settle(hold, reply)
    return reply


def _not_asked(lane: Lane, last: str) -> Failure:
    reason = lane.gate.shut_by.message if lane.gate.shut_by is not None else "not asked"
    return Failure(kind=FailureKind.NOT_ASKED, message=reason + last)


def _brief(key: str) -> bytes:
    """A key in 16 bytes: a run holds each that it met until its end."""
    return blake2b(key.encode(), digest_size=16).digest()


def _holds_for_all(reply: Reply) -> bool:
    """Whether a reply says something of the request, and not of the candidate's key or of this moment."""
    if isinstance(reply, Answer):
        return True
    return reply.kind is not FailureKind.NOT_ASKED and not reply.kind.stops_candidate


def _silently(event: Event) -> None:
    """Recorded answers are looked up, not asked, and so not counted."""
