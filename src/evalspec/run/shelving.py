"""Replies on their way to the disk: whoever got one goes on, and the disk is not waited for.

A reply lies here for a hundredth of a second at most, or until fifty have come together, and is then
committed with the others. Where the disk cannot follow, those who bring more wait: what was answered and is
not yet kept would be asked again after a kill.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import anyio

from evalspec.store.faults import StoreFault

if TYPE_CHECKING:
    from evalspec.models.model import Answer, Failure, Request
    from evalspec.store.store import Store

AT_ONCE = 50
GATHER_S = 0.01
MOST_WAITING = 50


class Kept(NamedTuple):
    """A reply that is to be kept, and who is told when it is, or why it cannot be."""

    key: str
    model: str
    request: Request
    reply: Answer | Failure
    told: Callable[[StoreFault | None], None]


class Shelf:
    """Takes replies at once and keeps them soon. `carry` runs beside the asking, `clear` ends it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lying: list[Kept] = []
        self._some = anyio.Event()
        self._enough = anyio.Event()
        self._room = anyio.Event()
        self._writing = anyio.Lock()

    def lay(self, kept: Kept) -> None:
        """Takes a reply."""
        self._lying.append(kept)
        if len(self._lying) == 1:
            self._some.set()
        elif len(self._lying) == AT_ONCE:
            self._enough.set()

    @property
    def full(self) -> bool:
        """Whether so many replies lie here that whoever brings more has to wait for `room`."""
        return len(self._lying) >= MOST_WAITING

    async def room(self) -> None:
        """Waits while too many replies lie here."""
        while self.full:
            await self._room.wait()

    async def carry(self) -> None:
        """Keeps what is laid down, until cancelled."""
        while True:
            await self._some.wait()
            self._some = anyio.Event()
            with anyio.move_on_after(GATHER_S):
                await self._enough.wait()
            self._enough = anyio.Event()
            await self.clear()

    async def clear(self) -> None:
        """Keeps all that lies here, whoever cancels meanwhile."""
        with anyio.CancelScope(shield=True):
            async with self._writing:
                while self._lying:
                    some, self._lying = self._lying[:AT_ONCE], self._lying[AT_ONCE:]
                    await self._write(some)
                    self._room.set()
                    self._room = anyio.Event()

    async def _write(self, some: list[Kept]) -> None:
        fault: StoreFault | None = None
        try:
            await self.store.put_all([(k.key, k.model, k.request, k.reply) for k in some])
        except StoreFault as found:
            fault = found
        for kept in some:
            kept.told(fault)
