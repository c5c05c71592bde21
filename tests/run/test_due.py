"""The clock of a latency pass: everything in its order, nothing before it is due, nothing behind a stop."""

from __future__ import annotations

import threading
import time

import anyio

from evalspec.run.due import each_when_due

MILLISECOND = 1_000_000


def test_each_rings_when_it_is_due_and_never_before() -> None:
    begun = time.perf_counter_ns()
    dues = [(begun + at * MILLISECOND, at) for at in (0, 3, 3, 7, 12, 40)]
    rung: list[tuple[int, int]] = []

    async def wait() -> None:
        def ring(at: int) -> None:
            rung.append((at, time.perf_counter_ns() - begun))

        await each_when_due(dues, ring, threading.Event())

    anyio.run(wait)
    assert [at for at, _ in rung] == [0, 3, 3, 7, 12, 40]
    assert all(came >= at * MILLISECOND for at, came in rung)


def test_the_event_loop_goes_on_meanwhile() -> None:
    begun = time.perf_counter_ns()
    beside = 0

    async def count() -> None:
        nonlocal beside
        while True:
            await anyio.sleep(0.001)
            beside += 1

    async def wait() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(count)
            dues = [(begun + 200 * MILLISECOND, None)]
            await each_when_due(dues, lambda due: None, threading.Event())
            group.cancel_scope.cancel()

    anyio.run(wait)
    assert beside > 10


def test_nothing_rings_behind_a_stop_however_far_it_is() -> None:
    stopped = threading.Event()
    rung: list[int] = []

    async def wait() -> None:
        now = time.perf_counter_ns()

        def ring(at: int) -> None:
            rung.append(at)
            stopped.set()

        await each_when_due([(now, 1), (now + 3600 * 10**9, 2), (now + 3600 * 10**9, 3)], ring, stopped)

    anyio.run(wait)
    assert rung == [1]
