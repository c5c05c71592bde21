"""A server and a run over it in pretended time: an `Endpoint` is asked as `asking` asks it, without a clock.

What takes a minute at a real server takes some milliseconds here, and comes out the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count

from evalspec.models.allowances import Allowance, Counted
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.run.endpoints import Endpoint, Turn
from evalspec.run.retry import Patience, next_wait

OK = Answer(response="ok")
NETWORK_S = 0.001  # there, and as long back


@dataclass(slots=True, kw_only=True)
class Server:
    """One that takes `delay_s` for an answer, and refuses what is beyond its limits, as hosted ones do.

    It works on `slots` at once and lets the rest wait. `windows` counts requests by the whole minute instead
    of by a bucket that fills evenly. With `tells_wait` a refusal says when to come again, with
    `tells_left` an answer says what is left.
    """

    delay_s: float
    in_flight: int | None = None
    per_minute: float | None = None
    burst: float = 20.0
    slots: int | None = None
    windows: bool = False
    tells_wait: bool = True
    tells_left: bool = False
    busy: int = 0
    served: int = 0
    refused_busy: int = 0
    refused_rate: int = 0
    level: float = 0.0
    filled_s: float = 0.0
    first_s: float | None = None
    last_s: float = 0.0
    waited_s: float = 0.0
    free_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.level = (self.per_minute or 0.0) if self.windows else self.burst

    @property
    def refused(self) -> int:
        return self.refused_busy + self.refused_rate

    @property
    def share_used(self) -> float:
        """What was served of what could have been between the first request and the last."""
        took = self.last_s - (self.first_s or 0.0)
        by_rate = self.burst + took * (self.per_minute or 1e9) / 60
        by_places = took / self.delay_s * (self.in_flight or 1e9)
        return self.served / min(by_rate, by_places)

    def take(self, now: float) -> tuple[float, Answer | Failure]:
        """In how many seconds an answer or a refusal is on its way back, and which."""
        self.first_s = now if self.first_s is None else self.first_s
        self.last_s = now
        if self.in_flight is not None and self.busy >= self.in_flight:
            self.refused_busy += 1
            return 0.0, refused(None)
        if self.per_minute is not None and (wait := self._wait(now)) > 0:
            self.refused_rate += 1
            return 0.0, refused(wait if self.tells_wait else None)
        self.busy += 1
        return self._worked_on(now) - now, replace(OK, told=self._told(now)) if self.tells_left else OK

    def _told(self, now: float) -> tuple[Allowance, ...]:
        limit = (self.per_minute or 0.0) if self.windows else self.burst
        full_s = 60 - now % 60 if self.windows else (limit - self.level) * 60 / (self.per_minute or 1.0)
        return (Allowance(Counted.REQUESTS, limit, float(int(self.level)), full_s),)

    def _worked_on(self, now: float) -> float:
        """When it is done: where all slots are taken, it waits for the first that gets free."""
        begun = now
        if self.slots is not None:
            begun = max(now, heappop(self.free_s)) if len(self.free_s) == self.slots else now
            heappush(self.free_s, begun + self.delay_s)
        self.waited_s += begun - now
        return begun + self.delay_s

    def answered(self) -> None:
        self.busy -= 1
        self.served += 1

    def _wait(self, now: float) -> float:
        per_s = (self.per_minute or 0.0) / 60
        if self.windows and now // 60 > self.filled_s // 60:
            self.level = self.per_minute or 0.0
        elif not self.windows:
            self.level = min(self.burst, self.level + (now - self.filled_s) * per_s)
        self.filled_s = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return 60 - now % 60 if self.windows else (1 - self.level) / per_s


def refused(wait_s: float | None) -> Failure:
    return Failure(kind=FailureKind.RATE_LIMITED, message="HTTP 429", status=429, wait_s=wait_s)


@dataclass(slots=True)
class _Worker:
    attempt: int = 0
    began_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Run:
    """A run of one candidate over so many requests; `given_up` are those that were lost."""

    endpoint: Endpoint
    server: Server
    left: int
    now: float = 0.0
    given_up: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: count[int] = field(default_factory=count)
    _waiting: list[_Worker] = field(default_factory=list)
    _workers: int = 0
    _due: float = 0.0

    def go(self) -> None:
        """Asks everything."""
        self.left -= 1
        first = _Worker()
        self._workers = 1
        self._waiting.append(first)
        self._admit()
        while self._events:
            self.now, _, do = heappop(self._events)
            do()
            self._hire()
            self._admit()

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        heappush(self._events, (self.now + seconds, next(self._number), do))

    def _hire(self) -> None:
        if self.server.served == 0:  # the first call goes alone
            return
        while self._workers < self.endpoint.limit and self.left:
            self._workers += 1
            self._next(_Worker())

    def _next(self, worker: _Worker) -> None:
        if self.left:
            self.left -= 1
            worker.attempt = 0
            self._waiting.append(worker)

    def _admit(self) -> None:
        while self._waiting and not self.endpoint.full:
            if (wait := self.endpoint.wait(self.now)) > 0:
                self._look_again(wait)
                return
            self._send(self._waiting.pop(0), self.endpoint.enter(self.now))

    def _look_again(self, wait: float) -> None:
        due = self.now + max(wait, 1e-6)
        if not self.now < self._due <= due:
            self._due = due
            self._after(due - self.now, lambda: None)

    def _send(self, worker: _Worker, turn: Turn) -> None:
        worker.attempt += 1
        worker.began_s = self.now if worker.attempt == 1 else worker.began_s
        self._after(NETWORK_S, lambda: self._arrived(worker, turn))

    def _arrived(self, worker: _Worker, turn: Turn) -> None:
        seconds, reply = self.server.take(self.now)

        def back() -> None:
            if isinstance(reply, Answer):
                self.server.answered()
            self._after(NETWORK_S, lambda: self._came(worker, turn, reply))

        self._after(seconds, back)

    def _came(self, worker: _Worker, turn: Turn, reply: Answer | Failure) -> None:
        wait = None
        if isinstance(reply, Failure):
            elapsed = self.now - worker.began_s
            wait = next_wait(reply, worker.attempt, elapsed, self.chance.random(), Patience())
            if wait is not None and reply.wait_s:
                self.endpoint.pause(wait, self.now)
        self.endpoint.leave("m", turn, reply, self.now)
        if isinstance(reply, Failure) and wait is not None:
            self._after(0.0 if reply.wait_s else wait, lambda: self._waiting.append(worker))
            return
        self.given_up += isinstance(reply, Failure)
        self._next(worker)


def ask(server: Server, rows: int, *, first: int = 20, most: int = 200, seed: int = 1) -> Run:
    """A run over so many requests, from its beginning to its end."""
    chance = random.Random(seed)
    run = Run(endpoint=Endpoint(first=first, most=most, now=0.0), server=server, left=rows, chance=chance)
    run.go()
    return run
