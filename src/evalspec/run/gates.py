"""The gate that every attempt goes through: how many at once, how many in a second, and not while paused.

One gate for each candidate; what it shares with others (the endpoint, a rate, the run's own limit) is one
object that several gates hold. A request takes a place in all of them or in none, and who waits is let in
by turns. The decisions are those of `pacing` and `adapting`; here is the waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic

import anyio

from evalspec.models.model import Answer, Failure, FailureKind, Model, Request
from evalspec.models.sharing import cap_of, shared_names
from evalspec.run.endpoints import Endpoint, Turn
from evalspec.run.pacing import Bucket, drawn, full_bucket, wait_for
from evalspec.text.values import dataclass, field

START = 20
MOST = 200
VOUCHED_FOR = 0.75  # of what a limit allows; all of it comes with the first answers
TWICE = 2  # times the start: no more is risked on a limit's word than the first doubling would


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests or tokens a second, for some candidates together."""

    per_s: float
    candidates: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much goes out at once: in all, to each endpoint, to some candidates together or one; and how fast.

    An endpoint is given `first_concurrency` at first, or up to twice that where it is within three quarters
    of what a limit allows, and feels its way up to `endpoint_concurrency`, or more where a limit on some of
    its candidates says so.
    """

    concurrency: int | None = None
    first_concurrency: int = START
    endpoint_concurrency: int = MOST
    candidate_concurrency: Mapping[str, int] = field(default_factory=dict)
    shared_concurrency: tuple[tuple[int, frozenset[str]], ...] = ()
    rates: tuple[Rate, ...] = ()
    token_rates: tuple[Rate, ...] = ()


@dataclass(slots=True)
class Places:
    """A limit on what is in flight, and how much of it is."""

    limit: int
    used: int = 0


@dataclass(slots=True)
class Flow:
    """A rate of requests, as far as it has been used."""

    bucket: Bucket


class TokenGuess:
    """How many tokens the next request of a candidate will take: as many as those before on average, and at
    first a token for each three characters."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def __call__(self, request: Request) -> float:
        if self._mean is not None:
            return self._mean
        return 16 + sum(len(message.content) for message in request.messages) / 3

    def learn(self, answer: Answer) -> float | None:
        """The tokens that an answer took; None where it does not say."""
        if answer.input_tokens is None and answer.output_tokens is None:
            return None
        took = float((answer.input_tokens or 0) + (answer.output_tokens or 0))
        self._mean = took if self._mean is None else 0.9 * self._mean + 0.1 * took
        return took


@dataclass(slots=True)
class _Waiter:
    tokens: float
    come: anyio.Event = field(default_factory=anyio.Event)
    turn: Turn | None = None


class Crowd:
    """Those who wait at all gates of a run, let in by turns as places come free and time goes by."""

    def __init__(self) -> None:
        self._gates: deque[Gate] = deque()  # those at which someone waits
        self._due = float("inf")
        self._alarm = anyio.Event()

    def joined(self, gate: Gate) -> None:
        """Someone waits at this gate now."""
        if gate not in self._gates:
            self._gates.append(gate)

    def look_at(self, moment: float) -> None:
        """Has the waiting looked at again then."""
        if moment < self._due:
            self._due = moment
            self._alarm.set()

    def admit(self) -> None:
        """Lets in whom there is room for, one at each gate in turn."""
        idle = 0
        while idle < len(self._gates):
            gate = self._gates[0]
            self._gates.rotate(-1)
            idle = 0 if gate.admit_one() else idle + 1
            if not gate.waiting:
                self._gates.remove(gate)

    async def keep_time(self) -> None:
        """Admits whoever waited for time to go by; runs as long as the run."""
        while True:
            with anyio.move_on_after(self._due - monotonic() if self._due < float("inf") else None):
                await self._alarm.wait()
            self._alarm = anyio.Event()
            if monotonic() >= self._due:
                self._due = float("inf")
                self.admit()


class Gate:
    """The way out for one candidate's requests, until it is shut. `on_wider` is called when `width` grew."""

    def __init__(
        self,
        name: str,
        crowd: Crowd,
        endpoint: Endpoint,
        *,
        flows: Collection[Flow] = (),
        token_flows: Collection[Flow] = (),
        places: Collection[Places] = (),
    ) -> None:
        self.name = name
        self.shut_by: Failure | None = None
        self.waiting: deque[_Waiter] = deque()
        self._crowd = crowd
        self._endpoint = endpoint
        self._flows = tuple(flows)
        self._token_flows = tuple(token_flows)
        self._guess = TokenGuess()
        self._places = tuple(places)
        self._shut = anyio.Event()

    @property
    def width(self) -> int:
        """How many can be on their way at once, as things stand."""
        return min((self._endpoint.limit, *(places.limit for places in self._places)))

    @property
    def _counts_tokens(self) -> bool:
        return bool(self._token_flows) or self._endpoint.counts_tokens

    def when_wider(self, do: Callable[[], None]) -> None:
        """Has this called whenever the endpoint takes more at once."""
        self._endpoint.on_wider.append(do)

    def shut(self, reason: str) -> None:
        """Lets nothing out any more, for this reason; the first one counts."""
        if self.shut_by is None:
            self.shut_by = Failure(kind=FailureKind.NOT_ASKED, message=reason)
            self._shut.set()
            for waiter in self.waiting:
                waiter.come.set()
            self.waiting.clear()

    async def rest(self, seconds: float) -> None:
        """Waits, or until the gate is shut."""
        with anyio.move_on_after(seconds):
            await self._shut.wait()

    async def enter(self, request: Request) -> Turn | None:
        """Leave to send one attempt, to be given back by `leave`; None where the gate was shut before."""
        if self.shut_by is not None:
            return None
        tokens = self._guess(request) if self._counts_tokens else 0.0
        if not self.waiting and (turn := self._try(tokens)) is not None:
            return turn
        waiter = _Waiter(tokens)
        self.waiting.append(waiter)
        self._crowd.joined(self)
        try:
            await waiter.come.wait()
        except BaseException:  # cancelled: what it was given meanwhile goes to someone else
            if waiter.turn is not None:
                self.leave(waiter.turn, None)
            else:
                self.waiting.remove(waiter)
            raise
        return waiter.turn

    def leave(self, turn: Turn, reply: Answer | Failure | None, *, pause_s: float | None = None) -> None:
        """Gives the place back, and tells what came; None where the attempt was dropped.

        With `pause_s` nothing is let out to this endpoint for so long, by any gate.
        """
        now = monotonic()
        if pause_s is not None:
            self._endpoint.pause(pause_s, now)
        for places in self._places:
            places.used -= 1
        if self._counts_tokens and isinstance(reply, Answer):
            self._settle(turn, reply, now)
        self._endpoint.leave(self.name, turn, reply, now)
        self._crowd.admit()

    def admit_one(self) -> bool:
        """Lets one in that waits, if there is room for it."""
        if not self.waiting or (turn := self._try(self.waiting[0].tokens)) is None:
            return False
        waiter = self.waiting.popleft()
        waiter.turn = turn
        waiter.come.set()
        return True

    def _settle(self, turn: Turn, answer: Answer, now: float) -> None:
        """Draws what an answer took beyond what was thought, or gives back what it did not."""
        took = self._guess.learn(answer)
        for flow in self._token_flows if took is not None else ():
            flow.bucket = drawn(flow.bucket, now, (took or 0.0) - turn.tokens)

    def _try(self, tokens: float) -> Turn | None:
        if self._endpoint.full:
            return None
        for places in self._places:
            if places.used >= places.limit:
                return None
        now = monotonic()
        wait = self._endpoint.wait(now, tokens)
        for flow in self._flows:
            wait = max(wait, wait_for(flow.bucket, now))
        for flow in self._token_flows:
            wait = max(wait, wait_for(flow.bucket, now, tokens))
        if wait > 0:
            self._crowd.look_at(now + wait)
            return None
        for flow in self._flows:
            flow.bucket = drawn(flow.bucket, now)
        for flow in self._token_flows:
            flow.bucket = drawn(flow.bucket, now, tokens)
        for places in self._places:
            places.used += 1
        return self._endpoint.enter(now, tokens)


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of a run by candidate, who waits at them, and the endpoints behind them."""

    crowd: Crowd
    by_candidate: Mapping[str, Gate]
    endpoints: Mapping[str, Endpoint]


def build_gates(models: Mapping[str, Model], limits: Limits) -> Gates:
    """A gate for each candidate, by its name."""
    now = monotonic()
    crowd = Crowd()
    flows = [(rate.candidates, Flow(full_bucket(rate.per_s, now))) for rate in limits.rates]
    token_flows = [(rate.candidates, Flow(full_bucket(rate.per_s, now))) for rate in limits.token_rates]
    some = [(names, Places(most)) for most, names in _limits_on_some(limits)]
    everything = [Places(limits.concurrency)] if limits.concurrency is not None else []
    shared = shared_names(models)
    endpoints = {name: _endpoint(name, shared, limits, now) for name in sorted(set(shared.values()))}
    caps = _caps(models)
    gates = {
        name: Gate(
            name,
            crowd,
            endpoints[shared[name]],
            flows=[flow for names, flow in flows if name in names],
            token_flows=[flow for names, flow in token_flows if name in names],
            places=[*everything, *(places for names, places in some if name in names), *caps[name]],
        )
        for name, model in models.items()
    }
    return Gates(crowd, gates, endpoints)


def is_remote(endpoint: str) -> bool:
    """Whether an endpoint is a server; local candidates are named by a word."""
    return ":" in endpoint


def _endpoint(name: str, shared: Mapping[str, str], limits: Limits, now: float) -> Endpoint:
    if not is_remote(name):
        return Endpoint(first=limits.first_concurrency, most=limits.first_concurrency, now=now)
    asked_here = {candidate for candidate, endpoint in shared.items() if endpoint == name}
    declared = [most for most, names in _limits_on_some(limits) if names & asked_here]
    most = max([limits.endpoint_concurrency, *declared])
    overall = [limits.concurrency] if limits.concurrency is not None else []
    vouched_for = min(TWICE * limits.first_concurrency, int(max([0, *overall, *declared]) * VOUCHED_FOR))
    return Endpoint(first=max(limits.first_concurrency, vouched_for), most=most, now=now)


def _caps(models: Mapping[str, Model]) -> Mapping[str, Sequence[Places]]:
    """By candidate: one whose client is no good with many in flight says so."""
    caps = {name: cap for name, model in models.items() if (cap := cap_of(model)) is not None}
    places = {cap.shared_by: Places(cap.most) for cap in caps.values()}
    return {name: [places[caps[name].shared_by]] if name in caps else [] for name in models}


def _limits_on_some(limits: Limits) -> list[tuple[int, frozenset[str]]]:
    alone = [(most, frozenset({name})) for name, most in limits.candidate_concurrency.items()]
    return [*alone, *limits.shared_concurrency]
