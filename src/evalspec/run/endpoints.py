"""One endpoint of a run: what is in flight to it, what it said, and how that changes its pace.

Between the gates, which ask for places, and `adapting`, which decides. Keeps the figures that a run's
record tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from evalspec.models.allowances import Counted
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.run import allowing
from evalspec.run.adapting import (
    FEW,
    Pace,
    Refusal,
    Round,
    after_acceptance,
    after_first_call,
    after_quick_answer,
    after_refusal,
    after_round,
    begin,
    quick,
)
from evalspec.run.pacing import Bucket, Pause, drawn, paused, wait_to_send

if TYPE_CHECKING:
    from evalspec.models.allowances import Allowance
    from evalspec.run.allowing import Left
    from evalspec.text.values import Json

BROKEN = (FailureKind.TRANSIENT, FailureKind.TIMEOUT)
ALL_TOLD = 64  # of a round, so many times for each candidate tell enough


class Turn(NamedTuple):
    """Leave to send one attempt: since when, how many were in flight with it, the how manieth it is, the
    tokens it was thought to take where these are limited, and those of all until then with its own."""

    sent_s: float
    in_flight: int
    number: int
    tokens: float = 0.0
    tokens_so_far: float = 0.0


class Endpoint:
    """How an endpoint is asked at this moment. `on_wider` are called when it takes more at once."""

    def __init__(self, *, first: int, most: int, now: float) -> None:
        self.on_wider: list[Callable[[], None]] = []
        self.pace = begin(first, most, now)
        self.limit = self.pace.limit
        self.used = 0
        self._first = self.limit
        self._pause = Pause()
        self._learnt: Bucket | None = None
        self._sent = 0
        self._tokens_sent = 0.0
        self._left: dict[Counted, Left] = {}
        self._heard = 0  # the number of the last request whose answer told what is left
        self._counted_from = 0  # the number of the request behind `Pace.counted_from_s`
        self._refused_since = 0
        self._answers = 0
        self._waits = 0
        self._waited_s = 0.0
        self._peak = 0
        self._begin_round(now)

    @property
    def full(self) -> bool:
        return self.used >= self.limit

    @property
    def counts_tokens(self) -> bool:
        """Whether the server tells how many tokens are left."""
        return len(self._left) > (Counted.REQUESTS in self._left)

    def wait(self, now: float, tokens: float = 0.0) -> float:
        """The seconds until one more may be sent, which is thought to take so many tokens; 0 for now."""
        if self._learnt is None and not self._left:
            return max(0.0, self._pause.until - now)
        wait = wait_to_send(self._pause, () if self._learnt is None else (self._learnt,), now)
        for counted, left in self._left.items():
            wait = max(wait, allowing.wait_for(left, now, _amount(counted, tokens)))
        return wait

    def enter(self, now: float, tokens: float = 0.0) -> Turn:
        """Takes a place, and what the request is thought to take of what is left."""
        self.used += 1
        if self.used > self._peak:
            self._peak = self.used
        if self._learnt is not None:
            self._learnt = drawn(self._learnt, now)
        for counted, left in self._left.items():
            self._left[counted] = allowing.drawn(left, now, _amount(counted, tokens))
        self._sent += 1
        self._tokens_sent += tokens
        return Turn(now, self.used, self._sent, tokens, self._tokens_sent)

    def pause(self, seconds: float, now: float) -> None:
        """Lets nothing out for a while, beside the pauses there are."""
        after = paused(self._pause, seconds, now)
        self._waited_s += after.until - max(self._pause.until, now)
        self._waits += 1
        self._pause = after

    def leave(self, candidate: str, turn: Turn, reply: Answer | Failure | None, now: float) -> None:
        """Gives a place back, and learns from what came; None where the attempt was dropped."""
        sent_s, in_flight = turn.sent_s, turn.in_flight
        self.used -= 1
        if reply is None:
            return
        refused = isinstance(reply, Failure) and reply.kind is FailureKind.RATE_LIMITED
        if isinstance(reply, Answer):
            self._answered(candidate, in_flight, now - sent_s, now)
            if reply.told and turn.number > self._heard:
                self._hear(turn, reply.told, now)
            if candidate not in self.pace.unloaded_s:
                self.pace = after_first_call(self.pace, candidate, now - sent_s)
            if sent_s >= self._round_from_s:
                times = self._times.setdefault(candidate, [])
                if len(times) < ALL_TOLD:
                    times.append(now - sent_s)
        elif refused:
            self._refused(turn, now)
        elif reply.kind in BROKEN:
            self._broken = True
        self._replies += sent_s >= self._round_from_s
        if self._replies >= self._round_of:
            self._end_round(now)

    def as_json(self) -> dict[str, Json]:
        """What the limiter did, as a run's record tells it."""
        pace = self.pace
        return {
            "start": self._first,
            "highest": pace.highest,
            "final": pace.limit,
            "refusals": pace.refusals,
            "episodes": pace.episodes,
            "slowdowns": pace.slowdowns,
            "waits": self._waits,
            "waited_s": round(self._waited_s, 3),
            "learnt_per_min": None if pace.per_s is None else round(pace.per_s * 60, 1),
            "told": {
                counted.name.lower(): {
                    "limit": left.limit,
                    "per_min": None if left.by_window else _per_min(left),
                }
                for counted, left in self._left.items()
            },
        }

    def _answered(self, candidate: str, in_flight: int, took_s: float, now: float) -> None:
        self._answers += 1
        pace = self.pace
        if in_flight > pace.proven or pace.searching:
            pace = after_acceptance(pace, in_flight)
        if pace.doubling and quick(pace, candidate, took_s):
            pace = after_quick_answer(pace, in_flight)
        if pace is not self.pace:
            self._follow(pace, now)

    def _hear(self, turn: Turn, told: Iterable[Allowance], now: float) -> None:
        self._heard = turn.number
        requests, tokens = self._sent - turn.number, self._tokens_sent - turn.tokens_so_far
        for allowance in told:
            counted, before = allowance.counted, self._left.get(allowance.counted)
            since = requests if counted is Counted.REQUESTS else _amount(counted, tokens)
            self._left[counted] = allowing.heard(before, allowance, since, turn.sent_s, now)

    def _refused(self, turn: Turn, now: float) -> None:
        self._refused_some = True
        since = turn.number - self._counted_from - 1
        if since >= 0:
            accepted = max(0, since - self._refused_since)
            self._refused_since += 1
        else:
            accepted = 0
        counted_from = self.pace.counted_from_s
        refusal = Refusal(
            sent_s=turn.sent_s,
            in_flight=turn.in_flight,
            accepted=accepted,
            left=self.used,
            answered=self._answers,
        )
        self._follow(after_refusal(self.pace, refusal, now), now)
        if self.pace.counted_from_s != counted_from:
            self._counted_from, self._refused_since = turn.number, 0

    def _begin_round(self, now: float) -> None:
        self._round_of = max(FEW, self.pace.limit)
        self._round_from_s = now
        self._replies = 0
        self._peak = self.used
        self._refused_some = self._broken = False
        self._times: dict[str, list[float]] = {}

    def _end_round(self, now: float) -> None:
        ended = Round(
            most_in_flight=self._peak, refused=self._refused_some, broken=self._broken, times_s=self._times
        )
        self._follow(after_round(self.pace, ended), now)
        self._begin_round(now)

    def _follow(self, pace: Pace, now: float) -> None:
        if pace.per_s is None:
            self._learnt = None
        elif pace.per_s != self.pace.per_s:
            grown = self._learnt is not None and pace.counted_from_s == self.pace.counted_from_s
            level = self._learnt.level if grown and self._learnt is not None else 0.0
            self._learnt = Bucket(per_s=pace.per_s, level=level, at=now, size=1.0)
        self.pace = pace
        before, self.limit = self.limit, pace.limit
        if pace.limit > before:
            for do in self.on_wider:
                do()


def _amount(counted: Counted, tokens: float) -> float:
    """What a request takes of a limit. How much of its tokens is output is not known before."""
    if counted is Counted.REQUESTS or counted is Counted.OUTPUT_TOKENS:
        return 1.0
    return max(1.0, tokens)


def _per_min(left: Left) -> float:
    return round(left.per_s * 60, 1)
