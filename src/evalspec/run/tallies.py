"""How far each candidate of a run is: what is done, how fast it goes, what it cost, how long it will take.

Fed with events and the clock, asked for words; what shows them is `progress`. The pace is that of late, and
counts from the first request that was sent: what came from the store took no time and says nothing about the
rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.run.events import Answered, Event, Finished, GivenUp, Left, Retried, Sent
from evalspec.run.spending import Cap, dollars, models_of
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan

SAMPLE_EVERY_S = 0.5
WINDOW_S = 15.0  # the pace is that of the last seconds,
LEAST_JOBS = 20  # and of so many jobs at least, since slow answers come in bursts
SETTLED_S, SETTLED_REPLIES = 1.0, 5  # before, there is no pace to speak of
SLOW = 0.5  # answers a second, below which they are counted by the minute
MINUTE = HOUR = 60


@dataclass(frozen=True, slots=True)
class Ceiling:
    """At most so many dollars for some candidates together."""

    usd: Decimal
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Words:
    """What a row says beside how much is done; each may be empty."""

    rate: str
    troubles: str
    spend: str
    left: str

    def __str__(self) -> str:
        return ", ".join(part for part in (self.rate, self.troubles, self.spend, self.left) if part)


@dataclass(slots=True)
class Tally:
    """One candidate: of `total` jobs those done and those left undone; its requests, and their price."""

    total: int
    done: int = 0
    undone: int = 0
    answered: int = 0
    failed: int = 0
    retried: int = 0
    spent: Decimal | None = None  # of the answers whose price is known
    unpriced: int = 0
    began: float | None = None  # when the first request was sent
    heard: float = 0.0  # when the last reply came
    _samples: deque[tuple[float, int, int]] = field(default_factory=deque)  # time, jobs done, replies

    def add(self, event: Event, now: float) -> None:
        """Counts an event of this candidate, at a time in seconds."""
        kind = type(event)
        if kind is Finished:
            self.done += 1
        elif kind is Left:
            self.undone += 1
        elif kind is Retried:
            self.retried += 1
        elif kind is GivenUp:
            self.failed += 1
            self.heard = now
        elif isinstance(event, Answered):
            self._answered(event.cost_usd, now)
        elif kind is Sent and self.began is None:
            self.began = now
            self._samples.append((now, self.done, self.replies))
        if self._samples and now - self._samples[-1][0] >= SAMPLE_EVERY_S:
            self._sample(now)

    @property
    def replies(self) -> int:
        """The requests that are settled, well or not."""
        return self.answered + self.failed

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.done + self.undone >= self.total

    def jobs_a_second(self, now: float) -> float:
        """How many jobs are done a second, of late; 0 where nothing is known."""
        return self._pace(now, 1)

    def replies_a_second(self, now: float) -> float:
        """How many requests are settled a second: of late, and when all is over, in all."""
        if not self.over:
            return self._pace(now, 2)
        asked_for = self.heard - self.began if self.began is not None else 0.0
        return self.replies / asked_for if asked_for > 0 else 0.0

    def dollars_a_second(self, now: float) -> float:
        """What is spent a second, of late, as far as prices are known."""
        if self.over or self.spent is None:
            return 0.0
        return float(self.spent) / self.answered * self._pace(now, 2)

    def seconds_left(self, now: float) -> float | None:
        """How long the rest takes at the pace of late; None where that is unknown."""
        if self.over:
            return 0.0
        pace = self.jobs_a_second(now)
        return (self.total - self.done - self.undone) / pace if pace > 0 else None

    def _answered(self, cost: Decimal | None, now: float) -> None:
        self.answered += 1
        self.heard = now
        if cost is None:
            self.unpriced += 1
        else:
            self.spent = cost if self.spent is None else self.spent + cost

    def _sample(self, now: float) -> None:
        samples = self._samples
        while (
            len(samples) > 1 and now - samples[1][0] >= WINDOW_S and self.done - samples[1][1] >= LEAST_JOBS
        ):
            samples.popleft()
        samples.append((now, self.done, self.replies))

    def _pace(self, now: float, what: int) -> float:
        if self.began is None or now - self.began < SETTLED_S or self.replies < SETTLED_REPLIES:
            return 0.0
        then = self._samples[0]
        count = self.done if what == 1 else self.replies
        return (count - then[what]) / (now - then[0])


class Tallies:
    """All candidates of a run, and the money that they may spend."""

    def __init__(self, totals: Mapping[str, int], ceilings: Sequence[Ceiling] = ()) -> None:
        self.by_name = {name: Tally(total) for name, total in totals.items()}
        self._ceilings = tuple(ceilings)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return all(tally.over for tally in self.by_name.values())

    @property
    def counted(self) -> tuple[int, ...]:
        """What changes whenever anything happens."""
        return tuple(t.done + t.undone + t.replies + t.retried for t in self.by_name.values())

    def words(self, name: str, now: float) -> Words:
        """What there is to say of a candidate."""
        tally = self.by_name[name]
        return Words(
            _rate(tally.replies_a_second(now)),
            _troubles(tally),
            self._spend(frozenset({name})),
            self._left(frozenset({name}), now),
        )

    def in_all(self, now: float) -> Words | None:
        """What there is to say of all of them together; None where one row says everything."""
        everyone = frozenset(self.by_name)
        spend = self._spend(everyone)
        if len(everyone) < 2 or not spend:
            return None
        rate = sum(tally.replies_a_second(now) for tally in self.by_name.values() if not tally.over)
        return Words(_rate(rate), "", spend, self._left(everyone, now))

    def _spend(self, names: frozenset[str]) -> str:
        """What some candidates cost so far, and of how much, where a ceiling is just for them."""
        own = [self.by_name[name] for name in names]
        ceilings = [c.usd for c in self._ceilings if c.names == names]
        known = [tally.spent for tally in own if tally.spent is not None]
        if not known and not ceilings:
            return ""
        more = "+" if known and any(tally.unpriced for tally in own) else ""
        spent = dollars(sum(known, Decimal(0)).quantize(Decimal("1e-9"))) + more
        return f"{spent} of {dollars(min(ceilings))}" if ceilings else spent

    def _left(self, names: frozenset[str], now: float) -> str:
        own = [self.by_name[name] for name in names]
        if all(tally.over for tally in own):
            began = [tally.began for tally in own if tally.began is not None]
            return f"in {clock_time(max(t.heard for t in own) - min(began))}" if began else ""
        lefts = [tally.seconds_left(now) for tally in own]
        known = [left for left in lefts if left is not None]
        if len(known) < len(lefts):
            return ""
        lasts = self._money_lasts(names, now)
        if lasts is not None and lasts < max(known):
            return f"money for {clock_time(lasts)}"
        return f"{clock_time(max(known))} left"

    def _money_lasts(self, names: frozenset[str], now: float) -> float | None:
        """How long the money of these candidates lasts at the pace of late; None where nothing tells."""
        found = []
        for ceiling in self._ceilings:
            own = [self.by_name[name] for name in ceiling.names]
            pace = sum(tally.dollars_a_second(now) for tally in own)
            if ceiling.names >= names and pace > 0:
                spent = sum((tally.spent or Decimal(0) for tally in own), Decimal(0))
                found.append(float(ceiling.usd - spent) / pace)
        return max(0.0, min(found)) if found else None


def ceilings_of(plan: Plan, caps: Iterable[Cap]) -> tuple[Ceiling, ...]:
    """What a run's caps mean for its candidates."""
    specs = {c.name: c for planned in plan.tasks for c in planned.candidates}
    found = []
    for cap in caps:
        models = cap.models
        names = (n for n, s in specs.items() if models is None or not models.isdisjoint(models_of(s)))
        found.append(Ceiling(cap.usd, frozenset(names)))
    return tuple(ceiling for ceiling in found if ceiling.names)


def clock_time(seconds: float) -> str:
    """A time to wait, in whole seconds, as in `0:07`, `12:30` or `3:00:00`."""
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, HOUR)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _rate(a_second: float) -> str:
    if not a_second:
        return ""
    return f"{a_second:.1f}/s" if a_second >= SLOW else f"{a_second * MINUTE:.1f}/min"


def _troubles(tally: Tally) -> str:
    errors = f"{tally.failed:,} error{'s' if tally.failed != 1 else ''}" if tally.failed else ""
    again = f"{tally.retried:,} retried" if tally.retried else ""
    undone = f"{tally.undone:,} not asked" if tally.undone else ""
    return ", ".join(part for part in (errors, again, undone) if part)


Clock = Callable[[], float]
