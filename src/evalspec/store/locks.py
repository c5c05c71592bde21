"""Who is asking what at this moment, among all processes that use one store.

A claim is a lock on one byte of the lock file, at an offset drawn from the request's key. The system
itself frees it when its process ends, however it ends, so that no claim outlives its owner and none
has to be written, aged or cleaned up. Byte 0 is the right to write to the database: SQLite before
3.51.3 can lose a checkpoint when several connections write at once, and so they never do.

A process that finds nobody else asking takes all bytes of requests with one lock, and then claims by a
note of its own, which costs nothing. Who comes later finds its claim refused and knocks, by a lock on a byte
of its own that lasts as long as it does; the first looks for knocks every now and then (`attend`) and gives
back all bytes but those of the requests that it is asking. It never lets go of these in between.
Where the system has no such locks (Windows), every claim succeeds.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evalspec.store.faults import StoreFault

if sys.platform != "win32":
    import fcntl

PATIENCE_S = 60.0
_STEP_S = 0.002
_REQUESTS = 1 << 56  # bytes 1 to here are requests', the next as many other claims'
_KNOCK = 1 << 58


class Locks:
    """The locks that this process holds in one store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._noted: set[str] | None = None  # the keys of what is claimed, while all requests' bytes are held
        self._knocked = False
        with _ORDER:
            for other in _beside(self):
                other.make_room()
            _OPEN.append(self)

    def close(self) -> None:
        """Frees all that is held."""
        with _ORDER:
            _OPEN.remove(self)
        os.close(self._file)

    def claim(self, key: str) -> bool:
        """Whether this process may ask that request: False while another living process does."""
        with _ORDER:
            if self._noted is not None:
                self._noted.add(key)
                return True
            offset = _offset(key)
            return self._take(offset) or self._knock()

    def release(self, key: str) -> None:
        """Lets others ask that request, or find its answer."""
        with _ORDER:
            if self._noted is not None:
                self._noted.discard(key)
            else:
                self._free(_offset(key))

    def claim_work(self, name: str) -> bool:
        """Whether this process may do some other work of that name: False while another one does."""
        return self._take(_REQUESTS + _offset(name))

    def release_work(self, name: str) -> None:
        """Lets others do that work."""
        self._free(_REQUESTS + _offset(name))

    # ── alone in the store ────────────────────────────────────────────────────────────────────────

    @property
    def alone(self) -> bool:
        """Whether no other process can claim a request at this moment."""
        return self._noted is not None

    def move_in(self) -> None:
        """Takes all requests, where nobody else claims one or waits for one; follow it by `attend`s."""
        with _ORDER:
            if self._noted is not None or self._knocked or _beside(self) or self._someone_knocks():
                return
            self._noted = set() if sys.platform != "win32" and self._take(1, _REQUESTS) else None

    def attend(self) -> None:
        """Makes room where someone has knocked."""
        if self._noted is not None and self._someone_knocks():
            self.make_room()

    def make_room(self) -> None:
        """Gives back all requests but those that are claimed."""
        with _ORDER:
            claimed, self._noted = self._noted, None
            if claimed is None:
                return
            begin = 1
            for offset in sorted(map(_offset, claimed)):
                if offset > begin:
                    self._free(begin, offset - begin)
                begin = offset + 1
            if begin <= _REQUESTS:
                self._free(begin, _REQUESTS + 1 - begin)

    def _knock(self) -> bool:
        """Tells a process that holds all that others are here; always False, as a claim that failed."""
        if sys.platform != "win32" and not self._knocked:
            self._knocked = self._take(_KNOCK, kind=fcntl.LOCK_SH)
        return False

    def _someone_knocks(self) -> bool:
        if not self._take(_KNOCK):
            return True
        self._free(_KNOCK)
        return False

    @contextmanager
    def writing(
        self, patience_s: float = PATIENCE_S, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[None]:
        """The right to write, for which the thread may have to wait. Raises StoreFault if it never comes."""
        give_up = clock() + patience_s
        while not self._take(0):
            if clock() > give_up:
                raise StoreFault(
                    f"another process has been writing beside {self.path} for {patience_s:.0f} s: "
                    "end it, or choose `--store DIR`"
                )
            time.sleep(_STEP_S)
        try:
            yield
        finally:
            self._free(0)

    def _take(self, offset: int, length: int = 1, *, kind: int | None = None) -> bool:
        if sys.platform == "win32":
            return True
        try:
            fcntl.lockf(self._file, (kind or fcntl.LOCK_EX) | fcntl.LOCK_NB, length, offset)
        except (BlockingIOError, PermissionError):  # the two ways in which systems say: taken
            return False
        return True

    def _free(self, offset: int, length: int = 1) -> None:
        if sys.platform != "win32":
            fcntl.lockf(self._file, fcntl.LOCK_UN, length, offset)


# The system's locks are a process's own: stores that it opens twice would not notice each other.
_OPEN: list[Locks] = []
_ORDER = threading.RLock()


def _beside(locks: Locks) -> list[Locks]:
    return [o for o in _OPEN if o is not locks and os.path.sameopenfile(o._file, locks._file)]


def _offset(key: str) -> int:
    return 1 + int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big")
