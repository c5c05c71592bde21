"""A clock that says when requests are due: a thread that sleeps until then, and wakes the event loop.

An event loop counts in milliseconds, so that what it wakes up for by itself is up to one late; a thread is
woken within a tenth of that.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

Due = TypeVar("Due")

TURN_S = 0.0005  # how long one thread may keep the others waiting; Python's own 5 ms would be told as latency


async def each_when_due(
    dues: Iterable[tuple[int, Due]], ring: Callable[[Due], None], stopped: threading.Event
) -> None:
    """Calls `ring` in the event loop with each thing when it is due, never before; until `stopped` is set.

    Times are those of `perf_counter_ns`, in rising order.
    """
    loop, over, context = asyncio.get_running_loop(), asyncio.Event(), copy_context()

    def run() -> None:
        with suppress(RuntimeError):  # of a loop that has ended: nobody waits any more
            for at, due in dues:
                if not _slept_until(at, stopped):
                    break
                loop.call_soon_threadsafe(ring, due, context=context)
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=run, daemon=True).start()
    await over.wait()


def _slept_until(at: int, stopped: threading.Event) -> bool:
    """Sleeps until then; False where it was stopped."""
    while (left := at - time.perf_counter_ns()) > 0:
        if stopped.wait(left / 1e9):
            return False
    return not stopped.is_set()
