"""The first call to every candidate, before any of them is asked a second time.

What cannot work at all (a refused key, a model that is not there) is known before money is spent on the
others. A first call is the first planned request, kept like any other.
"""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.text.values import dataclass, field

PATIENCE_S = 30.0  # how long a slow first call keeps the others waiting
NOT_THERE = frozenset({404, 405, 410})
REJECTED_AT_FIRST = 3  # so many requests, and nothing but rejections: it is not the requests


@dataclass(slots=True)
class _Start:
    """A candidate that has not answered yet."""

    calling: bool = False
    rejected: int = 0
    changed: anyio.Event = field(default_factory=anyio.Event)


class Opening:
    """Who is still to make a first call; `over` once it is known of every candidate whether it works."""

    def __init__(self, names: Iterable[str]) -> None:
        self._starts = {name: _Start() for name in names}
        self._uncalled = set(self._starts)
        self._all_called = anyio.Event()
        if not self._uncalled:  # there is nobody to wait for
            self._all_called.set()

    @property
    def over(self) -> bool:
        return not self._starts and self._all_called.is_set()

    async def enter(self, name: str) -> bool:
        """Waits for its turn: True makes the caller the one who tries, until `heard` or `left`."""
        while (start := self._starts.get(name)) is not None:
            if not start.calling:
                start.calling = True
                return True
            await start.changed.wait()
        if not self._all_called.is_set():
            with anyio.move_on_after(PATIENCE_S):
                await self._all_called.wait()
            self._all_called.set()  # nobody waits so long a second time
        return False

    def heard(self, name: str, reply: Answer | Failure) -> bool:
        """Takes what came of a try; True where the candidate is not to be asked any more."""
        self._called(name)
        start = self._starts.get(name)
        if start is None or isinstance(reply, Answer) or reply.kind is not FailureKind.REJECTED:
            self._known(name)
            return False
        start.rejected += 1
        stops = reply.status in NOT_THERE or start.rejected >= REJECTED_AT_FIRST
        if stops:
            self._known(name)
        else:
            self._next(start)
        return stops

    def left(self, name: str) -> None:
        """A candidate has nothing (more) to ask, or was stopped."""
        self._called(name)
        self._known(name)

    def put_off(self, name: str) -> None:
        """A candidate has nothing to ask yet: its first call is made later, and nobody waits for it."""
        self._called(name)

    def shut(self) -> None:
        """Ends the waiting."""
        for name in tuple(self._starts):
            self.left(name)
        self._all_called.set()

    def _called(self, name: str) -> None:
        self._uncalled.discard(name)
        if not self._uncalled:
            self._all_called.set()

    def _known(self, name: str) -> None:
        start = self._starts.pop(name, None)
        if start is not None:
            start.changed.set()

    @staticmethod
    def _next(start: _Start) -> None:
        start.calling = False
        start.changed.set()
        start.changed = anyio.Event()
