"""Many writers, few commits: rows that come in while one commit runs go into the next, together.

A commit waits for the disk, some milliseconds, and fifty rows cost hardly more than one. The first row
of a batch carries it: it waits a moment for others and for the commit before, closes the batch,
writes it in the one writing thread, and wakes the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

from evalspec.store.faults import StoreFault
from evalspec.text.values import dataclass, field

ROWS_AT_ONCE = 50
GATHER_S = 0.005

Row = TypeVar("Row")


@dataclass(slots=True)
class _Batch(Generic[Row]):
    rows: list[Row] = field(default_factory=list)
    done: anyio.Event = field(default_factory=anyio.Event)
    fault: StoreFault | None = field(default_factory=lambda: StoreFault("the writing was broken off"))


class GroupCommit(Generic[Row]):
    """Collects rows and gives them to `write`, which commits them all or raises StoreFault."""

    def __init__(self, write: Callable[[Sequence[Row]], None]) -> None:
        self._write = write
        self._filling: _Batch[Row] | None = None
        self._turn = anyio.Lock()
        self._thread = anyio.CapacityLimiter(1)

    async def put(self, row: Row) -> None:
        """Returns when the row is committed, whoever cancels meanwhile. Raises StoreFault when it is not."""
        with anyio.CancelScope(shield=True):
            batch, new = self._batch()
            batch.rows.append(row)
            await (self._carry(batch) if new else batch.done.wait())
        if batch.fault is not None:
            raise StoreFault(*batch.fault.args) from batch.fault

    async def put_all(self, rows: Sequence[Row]) -> None:
        """Commits rows that came together, like `put`, and waits for no others."""
        with anyio.CancelScope(shield=True):
            async with self._turn:
                await anyio.to_thread.run_sync(self._write, rows, limiter=self._thread)

    def _batch(self) -> tuple[_Batch[Row], bool]:
        if self._filling is not None and len(self._filling.rows) < ROWS_AT_ONCE:
            return self._filling, False
        self._filling = _Batch()
        return self._filling, True

    async def _carry(self, batch: _Batch[Row]) -> None:
        try:
            await anyio.sleep(GATHER_S)
            async with self._turn:
                if self._filling is batch:
                    self._filling = None
                await anyio.to_thread.run_sync(self._write, batch.rows, limiter=self._thread)
            batch.fault = None
        except StoreFault as fault:
            batch.fault = fault
        finally:
            batch.done.set()
