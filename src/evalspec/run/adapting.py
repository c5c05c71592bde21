"""How many requests an endpoint is given at once, and how fast: decided by what it said to those before.

Pure: the waiting is in `gates`, and the time is a parameter, in seconds of a clock that only moves forward.

The limit starts low, and each answer that came as fast as ever adds one place, up to half as many again as
were in flight with it, until the first refusal. A round is as many replies, to requests sent in it, as the
limit when it began; after the first refusal the limit grows by a twentieth in a round. It grows only where it
was really in use, and not after server errors. Refusals of requests that were sent before the last cut are of
the same episode and cut nothing.

A refusal with more in flight than ever was accepted says that these were too many. Any other says that they
came too fast: a server that refuses has nothing left, so what it takes between two refusals is what it
allows. Where that was next to nothing, it allows less than one more in the time between. Where going slower
is of no use, what is refused is refused for another reason, and there is no rate (`trials`).

A server that queues instead of refusing is known by its growing time: then the limit falls to what the time
says, and if that did not help, the load was not to blame and the limit comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from evalspec.run.trials import Trials, after_refused
from evalspec.text.values import dataclass, field, replace

CUT = 0.8
GROWTH = 0.05
IN_USE = 0.8
SLOWER = 1.5  # than unloaded: it grows no more, and falls if it doubled
MUCH_SLOWER = 2.0  # and here it falls in any case
EASY = 1.2  # up to here the limit may double
WORTH_S = 0.05  # a server that is slower by less than this is not slow
HELPED = 0.8
FEW = 5
KEPT_TO = 0.9
LONGEST_REST = 16
RATE_GROWTH = 0.01
UNSURE_RATE_GROWTH = 0.1
FASTEST_RATE_GROWTH = 0.25
SLOWEST_SEARCH = 0.2  # requests a second: a server that takes none at all is asked so often
FOUND = 1.5
AHEAD = 1.5  # times as many as were in flight with a quick answer are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How an endpoint is asked: at most `limit` at once, at most `per_s` a second where that was learnt.

    `proven` is the most that were in flight when one was accepted, `rest` how many rounds go by before the
    limit may grow, `unloaded_s` each candidate's time where little was in flight.
    """

    limit: int
    most: int
    doubling: bool = True
    eager: bool = True  # the last round was neither slow nor broken
    proven: int = 0
    unsure: bool = False  # the limit was cut without knowing how many had been accepted
    rest: int = 0
    caution: int = 1
    cut_s: float = float("-inf")
    per_s: float | None = None
    rate_growth: float = RATE_GROWTH
    steady_per_s: float = 0.0  # the last rate that was kept to for a round without a refusal
    trials: Trials = field(default_factory=lambda: Trials(since_s=0.0))
    searching: bool = False  # the rate was refused before enough was accepted to tell another
    counted_from_s: float = 0.0
    unloaded_s: Mapping[str, float] = field(default_factory=dict)
    doubt: tuple[int, float] | None = None  # limit and slowness before a cut for slowness
    draining: bool = False  # the round after such a cut still queues behind what was in flight
    highest: int = 0
    refusals: int = 0
    episodes: int = 0
    slowdowns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that was refused: when it was sent, how many were in flight with it, itself included, and
    how many that were sent before it and since `Pace.counted_from_s` were not refused; `left` are in flight
    now, and `answered` were accepted in all."""

    sent_s: float
    in_flight: int
    accepted: int
    left: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """So many replies: the most in flight, whether some were refused or server errors, and by candidate the
    seconds that those took which were sent in it."""

    most_in_flight: int
    refused: bool = False
    broken: bool = False
    times_s: Mapping[str, Sequence[float]] = field(default_factory=dict)


def begin(start: int, most: int, now: float) -> Pace:
    """The pace of an endpoint that nothing is known of."""
    limit = min(start, most)
    return Pace(limit=limit, most=most, highest=limit, counted_from_s=now, trials=Trials(since_s=now))


def after_refusal(pace: Pace, refusal: Refusal, now: float) -> Pace:
    """The pace after a 429: lower, unless its request was sent before the last cut."""
    trials = after_refused(pace.trials, refusal.answered, pace.refusals + 1, refusal.sent_s)
    pace = replace(pace, refusals=pace.refusals + 1, trials=trials)
    if refusal.sent_s < pace.cut_s:
        return replace(pace, limit=_left(pace, refusal)) if pace.unsure else pace
    pace = replace(pace, episodes=pace.episodes + 1, cut_s=now, doubt=None)
    if refusal.in_flight > pace.proven:
        return _fewer(pace, refusal)
    return _slower(pace, refusal)


def _fewer(pace: Pace, refusal: Refusal) -> Pace:
    unsure = pace.proven < pace.limit // 2  # nobody knows yet how many of those on their way are accepted
    most = int(pace.limit * CUT) if unsure else pace.proven
    pace = replace(pace, limit=max(1, min(most, pace.limit - 1)), unsure=unsure)
    caution = min(LONGEST_REST, pace.caution * 2)
    pace = replace(pace, doubling=pace.doubling and unsure, rest=pace.caution, caution=caution)
    return replace(pace, limit=_left(pace, refusal)) if unsure else pace


def _left(pace: Pace, refusal: Refusal) -> int:
    """Those that have not been refused, of many that were sent together."""
    return max(1, pace.proven, min(pace.limit, refusal.left))


def _slower(pace: Pace, refusal: Refusal) -> Pace:
    if pace.trials.by_chance:
        return replace(pace, per_s=None, searching=False, doubling=False)
    proven = pace.proven - max(1, int(pace.proven * GROWTH))  # perhaps it no longer takes as many at once
    pace = replace(pace, proven=max(0, proven), doubling=False, rate_growth=RATE_GROWTH)
    elapsed = refusal.sent_s - pace.counted_from_s
    if elapsed <= 0:
        return pace
    if pace.per_s is None:  # what was accepted first may have been saved up
        rate = max(1, refusal.accepted) / elapsed * KEPT_TO
        pace = replace(pace, rate_growth=UNSURE_RATE_GROWTH, counted_from_s=refusal.sent_s)
        return replace(pace, per_s=rate, steady_per_s=0.0)
    if refusal.accepted < FEW:
        most = (refusal.accepted + 1) / elapsed
        return replace(pace, per_s=min(pace.per_s, max(SLOWEST_SEARCH, most)), searching=True)
    # What was saved up while it went slowly hides in no rate that a whole round kept to without a refusal.
    rate = max(refusal.accepted / elapsed, pace.steady_per_s)
    return replace(pace, searching=False, steady_per_s=0.0, counted_from_s=refusal.sent_s, per_s=rate)


def after_acceptance(pace: Pace, in_flight: int) -> Pace:
    """The pace after an answer to a request with which so many were in flight."""
    known = min(in_flight, pace.limit)  # above it, some of those in flight with it were refused
    if known > pace.proven:
        pace = replace(pace, proven=known)
    if pace.searching and pace.per_s is not None:
        pace = replace(pace, per_s=pace.per_s * FOUND)
    return pace


def after_quick_answer(pace: Pace, in_flight: int) -> Pace:
    """The pace after an answer that did not take longer than `quick` says: one more, where it is in use."""
    if not (pace.doubling and pace.eager and pace.limit < min(pace.most, AHEAD * in_flight)):
        return pace
    limit = pace.limit + 1
    return replace(pace, limit=limit, unsure=False, highest=max(pace.highest, limit))


def quick(pace: Pace, candidate: str, took_s: float) -> bool:
    """Whether an answer came in about the time that it takes where little is in flight."""
    unloaded = pace.unloaded_s.get(candidate)
    return unloaded is None or took_s < max(unloaded * SLOWER, unloaded + WORTH_S)


def after_first_call(pace: Pace, candidate: str, took_s: float) -> Pace:
    """The pace after the first answer of a candidate, which came while little was in flight."""
    if candidate in pace.unloaded_s:
        return pace
    return replace(pace, unloaded_s={**pace.unloaded_s, candidate: took_s})


def after_round(pace: Pace, ended: Round) -> Pace:
    """The pace for the next round."""
    times = {name: median(took) for name, took in ended.times_s.items() if len(took) >= FEW}
    slowness = slowness_of(times, pace.unloaded_s)
    pace = replace(pace, unloaded_s=_unloaded(pace.unloaded_s, times))
    if pace.draining:
        return replace(pace, draining=False)
    if pace.doubt is not None and slowness is not None:
        return _doubted(pace, slowness, times)
    # What grew by each answer may have grown too far before its time told.
    if slowness is not None and slowness >= (SLOWER if pace.doubling else MUCH_SLOWER):
        return _relieved(pace, slowness)
    pace = replace(pace, eager=not ended.broken and (slowness is None or slowness < EASY))
    if ended.refused or ended.broken:
        return pace
    return _grown(pace, ended, slowness if slowness is not None else 1.0)


def slowness_of(times: Mapping[str, float], unloaded: Mapping[str, float]) -> float | None:
    """How many times longer than unloaded it takes, by the median candidate; None where nothing tells."""
    known = [
        times[name] / unloaded[name] if times[name] - unloaded[name] > WORTH_S else 1.0
        for name in times
        if name in unloaded
    ]
    return median(known) if known else None


def _unloaded(before: Mapping[str, float], times: Mapping[str, float]) -> Mapping[str, float]:
    if all(name in before and before[name] <= took for name, took in times.items()):
        return before
    lower = {n: (before[n] + t) / 2 if n in before else t for n, t in times.items() if t < before.get(n, 9e9)}
    return {**before, **lower}


def _relieved(pace: Pace, slowness: float) -> Pace:
    limit = max(1, min(pace.limit - 1, int(pace.limit / slowness)))
    doubt, slowdowns = (pace.limit, slowness), pace.slowdowns + 1
    return replace(pace, limit=limit, doubling=False, doubt=doubt, draining=True, slowdowns=slowdowns)


def _doubted(pace: Pace, slowness: float, times: Mapping[str, float]) -> Pace:
    """After a cut for slowness: it stays if it helped, else the candidates take so long by themselves."""
    limit, before = pace.doubt or (pace.limit, slowness)
    if slowness <= before * HELPED:
        return replace(pace, doubt=None)
    return replace(pace, limit=limit, doubt=None, unloaded_s={**pace.unloaded_s, **times})


def _grown(pace: Pace, ended: Round, slowness: float) -> Pace:
    if pace.per_s is not None and not pace.searching:
        growth = min(FASTEST_RATE_GROWTH, pace.rate_growth * 2)
        faster = pace.per_s * (1 + pace.rate_growth)
        pace = replace(pace, per_s=faster, rate_growth=growth, steady_per_s=pace.per_s)
    if ended.most_in_flight < pace.limit * IN_USE or slowness >= SLOWER:
        return pace
    if pace.rest > 0:
        return replace(pace, rest=pace.rest - 1)
    if pace.doubling and pace.eager:  # it grows by each answer
        return pace
    limit = min(pace.most, pace.limit + max(1, int(pace.limit * GROWTH)))
    return replace(pace, limit=limit, highest=max(pace.highest, limit))
