"""The process that makes a latency pass: it sends what is due when it is due, and says what came of it.

`python -P -m evalspec.run.latency_child`: standard input brings an errand, later a letter to stop with;
standard output gives a line of JSON for each arrival. Nothing is read, scored or kept here, so that the
event loop has nothing to do but send and receive; how late it was even so is watched.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import anyio

from evalspec.models.connect import connected
from evalspec.models.faults import EvalspecFault
from evalspec.models.model import Answer
from evalspec.models.posting import SENT_AT
from evalspec.run.arrivals import Arrival
from evalspec.run.due import TURN_S, each_when_due
from evalspec.run.latency_course import Course
from evalspec.run.latency_talk import Ear, Errand, Mouth, NoErrand, read_errand
from evalspec.run.loops import loop_options
from evalspec.run.under_load import Fate
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.language.candidates import Baseline
    from evalspec.models.baseline import Training
    from evalspec.models.model import Model, Request
    from evalspec.run.arrivals import Block
    from evalspec.text.values import Json

LEAD_NS = 50_000_000  # from the last preparation to the first moment anything can be due
LOOK_S = 0.005  # how often the event loop's delay is looked at, and a wish to stop
SAY_EVERY_S = 0.5
FILES_BESIDE = 100  # open files that are no connections
FIRST = -10  # niceness; work is far from filling a core, so that nobody is held up by it


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
    places: count[int] = field(default_factory=count)
    asking_on: dict[int, asyncio.Future[Request | None]] = field(default_factory=dict)

    async def make(self) -> None:
        """Makes the pass, and says each arrival and how the client did."""
        async with anyio.create_task_group() as beside:
            async with anyio.create_task_group() as asking:
                beside.start_soon(self._watch, asking.cancel_scope)
                self.begun = time.perf_counter_ns() + LEAD_NS
                if self.errand.in_flight is None:
                    await self._by_the_clock(asking)
                else:
                    for block in self.errand.blocks:
                        await self._in_flight(block, self.errand.in_flight)
            beside.cancel_scope.cancel()
        lags = sorted(self.lags) or [0]
        self.mouth.say(
            {"lag_p95_ns": lags[-(-19 * len(lags) // 20) - 1], "lag_max_ns": lags[-1],
             "most_in_flight": self.highest, "stopped": self.ear.asked.is_set()}
        )  # fmt: skip

    async def _by_the_clock(self, asking: anyio.abc.TaskGroup) -> None:
        """Sends each request when it is due, whatever became of those before."""

        def begin(due: tuple[str, Arrival]) -> None:
            candidate, arrival = due
            if self.ear.asked.is_set():
                return
            if self.in_flight >= self.errand.most_in_flight:
                self._tell(candidate, arrival, Fate.HELD_BACK, None)
                return
            asking.start_soon(self._attend, candidate, arrival)

        dues = (
            (self.begun + a.due_ns, (block.candidate, a))
            for block in self.errand.blocks
            for a in block.arrivals
        )
        await each_when_due(dues, begin, self.ear.asked)

    async def _in_flight(self, block: Block, at_once: int) -> None:
        """Keeps so many requests in flight. Each is due when the one before it ended."""
        numbers = count()

        async def work(until: int | None) -> None:
            while not self.ear.asked.is_set() and (until is None or self._now() < until):
                number = next(numbers)
                warms_up = until is None
                if warms_up and number >= self.errand.warmup:
                    return
                await self._attend(block.candidate, Arrival(self._now(), number, warms_up))

        for until in (None, block.ends_ns - block.begins_ns):
            ends = None if until is None else self._now() + until
            async with anyio.create_task_group() as workers:
                for _ in range(at_once):
                    workers.start_soon(work, ends)

    async def _attend(self, candidate: str, arrival: Arrival) -> None:
        """Asks what an arrival asks, in a chain one thing after the other: no store, no retry."""
        self.in_flight += 1
        self.highest = max(self.highest, self.in_flight)
        course, fate = Course(time.perf_counter_ns()), Fate.DROPPED
        try:
            with anyio.move_on_after(self.errand.wait_ns / 1e9):
                await self._ask(candidate, arrival, course)
            fate = course.fate
        finally:
            self.in_flight -= 1
            self._tell(candidate, arrival, fate, course)

    async def _ask(self, candidate: str, arrival: Arrival, course: Course) -> None:
        requests, model = self.errand.requests[candidate], self.models[candidate]
        request: Request | None = requests[arrival.number % len(requests)]
        place = next(self.places)
        while request is not None:
            noted: list[int] = []
            SENT_AT.set(noted)
            course.asks(request.step, noted)
            reply = await model.ask(request)
            course.has(reply)
            request = None
            if self.errand.asks_on and isinstance(reply, Answer):
                self.mouth.ask_on(place, candidate, arrival.number, reply)
                request = await self._next(place)
        course.over = True

    async def _next(self, place: int) -> Request | None:
        """What an arrival asks next, as the parent says."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Request | None] = loop.create_future()
        self.asking_on[place] = coming
        try:
            return await coming
        finally:
            del self.asking_on[place]

    def come(self, place: int, request: Request | None) -> None:
        """Takes what the parent says that an arrival asks next; one that was dropped meanwhile, nothing."""
        coming = self.asking_on.get(place)
        if coming is not None and not coming.done():
            coming.set_result(request)

    def _tell(self, candidate: str, arrival: Arrival, fate: Fate, course: Course | None) -> None:
        told: dict[str, Json] = {
            "candidate": candidate,
            "number": arrival.number,
            "due_ns": arrival.due_ns,
            "fate": fate.value,
            "warmup": arrival.warmup,
        }
        if course is not None:
            told |= course.told(self.begun, each_step=self.errand.asks_on)
        self.mouth.say(told)

    async def _watch(self, asking: anyio.CancelScope) -> None:
        """Notes how late the event loop is, writes what there is to say, and ends the pass when told to."""
        said = time.perf_counter_ns()
        while True:
            before = time.perf_counter_ns()
            await anyio.sleep(LOOK_S)
            now = time.perf_counter_ns()
            self.lags.append(max(0, now - before - int(LOOK_S * 1e9)))
            if self.ear.dropped:
                asking.cancel()
            if now - said > SAY_EVERY_S * 1e9:
                said = now
                self.mouth.flush()

    def _now(self) -> int:
        return time.perf_counter_ns() - self.begun


# ── the process ───────────────────────────────────────────────────────────────────────────────────


async def _run(errand: Errand, ear: Ear, mouth: Mouth) -> None:
    async with connected(
        errand.specs,
        environment=errand.environment,
        training=_no_training,
        allow_code=errand.allow_code,
    ) as models:
        made, loop = Pass(errand=errand, models=models, ear=ear, mouth=mouth), asyncio.get_running_loop()

        def come(place: int, request: Request | None) -> None:
            with suppress(RuntimeError):  # of a loop that has ended: nobody waits any more
                loop.call_soon_threadsafe(made.come, place, request)

        ear.come = come
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection in the middle of a pass would be told as the model's latency
        await made.make()


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


def _go_first() -> None:
    """Asks that this process need not wait for others on a busy machine, which few systems allow to all."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, FIRST)


def main() -> None:
    """Does one errand."""
    mouth, ear = Mouth(), Ear()
    try:
        errand = read_errand()
        errand = replace(errand, most_in_flight=_raise_open_files(errand.most_in_flight))
        sys.setswitchinterval(TURN_S)
        _go_first()
        threading.Thread(target=ear.listen, daemon=True).start()
        anyio.run(_run, errand, ear, mouth, backend_options=loop_options())
    except EvalspecFault as fault:
        mouth.say({"fault": str(fault)})
    except NoErrand:  # whoever wanted to know is gone
        sys.exit(2)
    mouth.close()


if __name__ == "__main__":
    main()
