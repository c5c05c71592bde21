"""The process that makes a latency pass: it sends what is due when it is due, and says what came of it.

`python -P -m evalspec.run.latency_child`: standard input brings a pickled Errand behind its length, later a
letter to stop with; standard output gives a line of JSON for each attempt. Nothing is read, scored or kept
here, so that the event loop has nothing to do but send and receive; how late it was even so is watched.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

import anyio

from evalspec.models.connect import connected
from evalspec.models.faults import EvalspecFault
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.models.posting import SENT_AT
from evalspec.run.arrivals import Arrival
from evalspec.run.loops import loop_options
from evalspec.run.under_load import Fate

if TYPE_CHECKING:
    from evalspec.language.candidates import Baseline, ModelSpec
    from evalspec.models.baseline import Training
    from evalspec.models.model import Model, Request
    from evalspec.run.arrivals import Block
    from evalspec.text.values import Json

STOP, DROP = b"s", b"d"
LEAD_NS = 50_000_000  # from the last preparation to the first moment anything can be due
LOOK_S = 0.005  # how often the event loop's delay is looked at, and a wish to stop
SAY_EVERY_S = 0.5
FILES_BESIDE = 100  # open files that are no connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What the process is to do. `requests` are those of each candidate, taken in turn.

    `wait_ns` is how long an attempt is waited for at most; `most_in_flight` guards the machine.
    """

    specs: tuple[ModelSpec, ...]
    environment: Mapping[str, str] = field(repr=False)
    requests: Mapping[str, tuple[Request, ...]] = field(repr=False)
    blocks: tuple[Block, ...]
    in_flight: int | None
    warmup: int
    wait_ns: int
    most_in_flight: int


class NoErrand(EOFError):
    """Standard input ended before it said what to do."""


# ── what is heard and said ────────────────────────────────────────────────────────────────────────


def written(errand: Errand) -> bytes:
    """An errand as the process reads it."""
    data = pickle.dumps(errand)
    return len(data).to_bytes(8, "big") + data


def _read_errand() -> Errand:
    length = int.from_bytes(_exactly(8), "big")
    errand = pickle.loads(_exactly(length))  # noqa: S301  from the process that started this one
    if not isinstance(errand, Errand):
        raise NoErrand
    return errand


def _exactly(length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.read(0, min(length, 1 << 20))
        if not part:
            raise NoErrand
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


@dataclass(slots=True)
class Ear:
    """Hears what the parent says later. `asked` and `dropped` are set once; its end drops everything."""

    asked: bool = False
    dropped: bool = False

    def listen(self) -> None:
        """Listens until standard input ends; runs in a thread of its own."""
        while not self.dropped:
            heard = os.read(0, 1)
            self.asked = True
            self.dropped = heard != STOP


@dataclass(slots=True)
class Mouth:
    """Says lines to the parent, some at once."""

    waiting: list[str] = field(default_factory=list)

    def say(self, line: Json) -> None:
        self.waiting.append(json.dumps(line, separators=(",", ":")))

    def flush(self) -> None:
        """Writes what waits; the parent does nothing but read it."""
        data = "".join(line + "\n" for line in self.waiting).encode()
        self.waiting.clear()
        while data:
            data = data[os.write(1, data) :]


# ── the pass ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class Pass:
    """A pass on its way. Times are of `perf_counter_ns`; those that are said count from `begun`."""

    errand: Errand
    models: Mapping[str, Model]
    ear: Ear
    mouth: Mouth
    begun: int = 0
    in_flight: int = 0
    highest: int = 0
    lags: list[int] = field(default_factory=list)
    pause: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def make(self) -> None:
        """Makes the pass, and says each attempt and how the client did."""
        async with anyio.create_task_group() as beside:
            async with anyio.create_task_group() as asking:
                beside.start_soon(self._watch, asking.cancel_scope)
                self.begun = time.perf_counter_ns() + LEAD_NS
                for block in self.errand.blocks:
                    if self.errand.in_flight is None:
                        await self._by_the_clock(block, asking)
                    else:
                        await self._in_flight(block, self.errand.in_flight)
            beside.cancel_scope.cancel()
        lags = sorted(self.lags) or [0]
        self.mouth.say(
            {"lag_p95_ns": lags[-(-19 * len(lags) // 20) - 1], "lag_max_ns": lags[-1],
             "most_in_flight": self.highest, "stopped": self.ear.asked}
        )  # fmt: skip
        self.mouth.flush()

    async def _by_the_clock(self, block: Block, asking: anyio.abc.TaskGroup) -> None:
        """Sends each request when it is due, whatever became of those before."""
        for arrival in block.arrivals:
            await self._until(arrival.due_ns)
            if self.ear.asked:
                return
            if self.in_flight >= self.errand.most_in_flight:
                self._tell(block.candidate, arrival, Fate.HELD_BACK, None)
                continue
            asking.start_soon(self._attempt, block.candidate, arrival)

    async def _in_flight(self, block: Block, at_once: int) -> None:
        """Keeps so many requests in flight. Each is due when the one before it ended."""
        numbers = count()

        async def work(until: int | None) -> None:
            while not self.ear.asked and (until is None or self._now() < until):
                number = next(numbers)
                warms_up = until is None
                if warms_up and number >= self.errand.warmup:
                    return
                await self._attempt(block.candidate, Arrival(self._now(), number, warms_up))

        for until in (None, block.ends_ns - block.begins_ns):
            ends = None if until is None else self._now() + until
            async with anyio.create_task_group() as workers:
                for _ in range(at_once):
                    workers.start_soon(work, ends)

    async def _until(self, due_ns: int) -> None:
        # Event loops round delays, and some round them down: nothing goes out before it is due.
        while (left := due_ns - self._now()) > 0 and not self.ear.asked:
            with anyio.CancelScope() as self.pause:
                await anyio.sleep(left / 1e9)

    async def _attempt(self, candidate: str, arrival: Arrival) -> None:
        """Asks once: no store, no retry."""
        requests = self.errand.requests[candidate]
        self.in_flight += 1
        self.highest = max(self.highest, self.in_flight)
        noted: list[int] = []
        SENT_AT.set(noted)
        admitted, reply, fate = time.perf_counter_ns(), None, Fate.DROPPED
        try:
            with anyio.move_on_after(self.errand.wait_ns / 1e9):
                reply = await self.models[candidate].ask(requests[arrival.number % len(requests)])
            fate = _fate(reply)
        finally:
            self.in_flight -= 1
            sent = noted[-1] if noted else None
            self._tell(candidate, arrival, fate, _Course(admitted, sent, time.perf_counter_ns(), reply))

    def _tell(self, candidate: str, arrival: Arrival, fate: Fate, course: _Course | None) -> None:
        told: dict[str, Json] = {
            "candidate": candidate,
            "number": arrival.number,
            "due_ns": arrival.due_ns,
            "fate": fate.value,
            "warmup": arrival.warmup,
        }
        if course is not None:
            told |= course.told(self.begun)
        self.mouth.say(told)

    async def _watch(self, asking: anyio.CancelScope) -> None:
        """Notes how late the event loop is, writes what there is to say, and ends the pass when told to."""
        said = time.perf_counter_ns()
        while True:
            before = time.perf_counter_ns()
            await anyio.sleep(LOOK_S)
            now = time.perf_counter_ns()
            self.lags.append(max(0, now - before - int(LOOK_S * 1e9)))
            if self.ear.asked:
                self.pause.cancel()
            if self.ear.dropped:
                asking.cancel()
            if now - said > SAY_EVERY_S * 1e9:
                said = now
                self.mouth.flush()

    def _now(self) -> int:
        return time.perf_counter_ns() - self.begun


@dataclass(frozen=True, slots=True)
class _Course:
    """When an attempt was taken up, sent and over, by `perf_counter_ns`, and what came."""

    admitted: int
    sent: int | None
    ended: int
    reply: Answer | Failure | None

    def told(self, begun: int) -> Iterator[tuple[str, Json]]:
        """Its times since the pass began; and what the money is settled by."""
        yield "admitted_ns", self.admitted - begun
        yield "sent_ns", self._sent() - begun
        match self.reply:
            case Answer() as answer:
                taken = answer.latency_ns
                yield "last_ns", (self.ended if taken is None else self._sent() + taken) - begun
                if answer.first_token_ns is not None:
                    yield "first_ns", self._sent() + answer.first_token_ns - begun
                yield "output_tokens", answer.output_tokens
                yield "cost_usd", None if answer.cost_usd is None else str(answer.cost_usd)
            case Failure() as failure:
                yield "last_ns", self.ended - begun
                yield "status", failure.status
                yield "message", failure.message
            case None:
                pass

    def _sent(self) -> int:
        if self.sent is not None:
            return self.sent
        # Nobody noted it (a function, litellm): what such a candidate took ended when it was over.
        taken = self.reply.latency_ns if isinstance(self.reply, Answer) else None
        return self.admitted if taken is None else max(self.admitted, self.ended - taken)


def _fate(reply: Answer | Failure | None) -> Fate:
    match reply:
        case None:
            return Fate.TIMED_OUT
        case Failure(kind=FailureKind.TIMEOUT):
            return Fate.TIMED_OUT
        case Failure():
            return Fate.FAILED
        case Answer():
            return Fate.ANSWERED


def cost_told(line: Mapping[str, object]) -> Decimal | None:
    """What an attempt cost, as far as its line tells."""
    cost = line.get("cost_usd")
    return Decimal(cost) if isinstance(cost, str) else None


# ── the process ───────────────────────────────────────────────────────────────────────────────────


async def _run(errand: Errand, ear: Ear, mouth: Mouth) -> None:
    async with connected(errand.specs, environment=errand.environment, training=_no_training) as models:
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection in the middle of a pass would be told as the model's latency
        await Pass(errand=errand, models=models, ear=ear, mouth=mouth).make()


def _no_training(use: Baseline) -> Training:
    raise NoErrand  # baselines are asked over no network, and are never put under a load


def _raise_open_files(most: int) -> int:
    """How many connections may be open, once the limit on open files is as high as it may be."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + FILES_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return most if soft == resource.RLIM_INFINITY else max(1, min(most, soft - FILES_BESIDE))


def main() -> None:
    """Does one errand."""
    mouth, ear = Mouth(), Ear()
    try:
        errand = _read_errand()
        from dataclasses import replace

        errand = replace(errand, most_in_flight=_raise_open_files(errand.most_in_flight))
        threading.Thread(target=ear.listen, daemon=True).start()
        anyio.run(_run, errand, ear, mouth, backend_options=loop_options())
    except EvalspecFault as fault:
        mouth.say({"fault": str(fault)})
        mouth.flush()
    except (NoErrand, BrokenPipeError):  # whoever wanted to know is gone
        sys.exit(2)


if __name__ == "__main__":
    # Pickles know this module by its name, under which it is not loaded yet.
    from evalspec.run import latency_child

    latency_child.main()
