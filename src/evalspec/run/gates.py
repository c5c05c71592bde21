"""The gate that every attempt goes through: how many at once, how many in a second, and not while paused.

One gate for each candidate; what it shares with others (the endpoint, a rate, the run's own limit) is one
object that several gates hold. The decisions are those of `pacing`; here is the waiting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio

from evalspec.models.model import Failure, FailureKind, Model
from evalspec.run.pacing import Bucket, Pause, drawn, full_bucket, paused, wait_to_send


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests a second, for some candidates together."""

    per_s: float
    candidates: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much goes out at once: in all, to each endpoint, to some candidates together or one; and how fast.

    An endpoint takes `endpoint_concurrency`, or more where a limit on some of its candidates says so.
    """

    concurrency: int | None = None
    endpoint_concurrency: int = 20
    candidate_concurrency: Mapping[str, int] = field(default_factory=dict)
    shared_concurrency: tuple[tuple[int, frozenset[str]], ...] = ()
    rates: tuple[Rate, ...] = ()


@dataclass(slots=True)
class _Shared:
    """What the gates to one endpoint share."""

    limiter: anyio.CapacityLimiter
    pause: Pause = field(default_factory=Pause)


@dataclass(slots=True)
class _Flow:
    """A rate, as far as it has been used."""

    bucket: Bucket


class Gate:
    """The way out for one candidate's requests, until it is shut."""

    def __init__(
        self, endpoint: _Shared, flows: tuple[_Flow, ...], limiters: Collection[anyio.CapacityLimiter]
    ) -> None:
        self.shut_by: Failure | None = None
        self.width = int(min(limiter.total_tokens for limiter in limiters))
        self._limiters = limiters  # taken in this order
        self._endpoint = endpoint
        self._flows = flows
        self._shut = anyio.Event()

    def shut(self, reason: str) -> None:
        """Lets nothing out any more, for this reason; the first one counts."""
        if self.shut_by is None:
            self.shut_by = Failure(kind=FailureKind.NOT_ASKED, message=reason)
            self._shut.set()

    def pause(self, seconds: float) -> None:
        """Lets nothing out to this endpoint for a while, by any gate."""
        self._endpoint.pause = paused(self._endpoint.pause, seconds, anyio.current_time())

    async def rest(self, seconds: float) -> None:
        """Waits, or until the gate is shut."""
        with anyio.move_on_after(seconds):
            await self._shut.wait()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Waits for leave to send one attempt, inside: False if the gate was shut before it came."""
        while self.shut_by is None:
            if (wait := self._wait()) > 0:
                await self.rest(wait)
                continue
            async with AsyncExitStack() as held:
                for limiter in self._limiters:
                    await held.enter_async_context(limiter)
                if self.shut_by is None and self._wait() == 0:
                    self._draw()
                    yield True
                    return
        yield False

    def _wait(self) -> float:
        buckets = (flow.bucket for flow in self._flows)
        return wait_to_send(self._endpoint.pause, buckets, anyio.current_time())

    def _draw(self) -> None:
        now = anyio.current_time()
        for flow in self._flows:
            flow.bucket = drawn(flow.bucket, now)


def build_gates(models: Mapping[str, Model], limits: Limits) -> dict[str, Gate]:
    """A gate for each candidate, by its name."""
    now = anyio.current_time()
    flows = [(rate.candidates, _Flow(full_bucket(rate.per_s, now))) for rate in limits.rates]
    limiters = [(names, anyio.CapacityLimiter(most)) for most, names in _limits_on_some(limits)]
    everything = [anyio.CapacityLimiter(limits.concurrency)] if limits.concurrency is not None else []
    endpoints = {
        endpoint: _Shared(anyio.CapacityLimiter(_endpoint_limit(endpoint, models, limits)))
        for endpoint in {model.endpoint for model in models.values()}
    }
    gates: dict[str, Gate] = {}
    for name, model in models.items():
        rates = tuple(flow for names, flow in flows if name in names)
        own = [limiter for names, limiter in limiters if name in names]
        endpoint = endpoints[model.endpoint]
        # The widest limit last: who waits for a narrow one must not hold a place that others could use.
        gates[name] = Gate(endpoint, rates, (*own, endpoint.limiter, *everything))
    return gates


def _limits_on_some(limits: Limits) -> list[tuple[int, frozenset[str]]]:
    alone = [(most, frozenset({name})) for name, most in limits.candidate_concurrency.items()]
    return [*alone, *limits.shared_concurrency]


def _endpoint_limit(endpoint: str, models: Mapping[str, Model], limits: Limits) -> int:
    asked_here = {name for name, model in models.items() if model.endpoint == endpoint}
    declared = [most for most, names in _limits_on_some(limits) if names & asked_here]
    return max([limits.endpoint_concurrency, *declared])
