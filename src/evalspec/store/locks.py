"""Who is asking what at this moment, among all processes that use one store.

A claim is a lock on one byte of the lock file, at an offset drawn from the request's key. The system
itself frees it when its process ends, however it ends, so that no claim outlives its owner and none
has to be written, aged or cleaned up. Byte 0 is the right to write to the database: SQLite before
3.51.3 can lose a checkpoint when several connections write at once, and so they never do.
Where the system has no such locks (Windows), every claim succeeds.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evalspec.store.faults import StoreFault

if sys.platform != "win32":
    import fcntl

PATIENCE_S = 60.0
_STEP_S = 0.002


class Locks:
    """The locks that this process holds in one store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Frees all that is held."""
        os.close(self._file)

    def claim(self, key: str) -> bool:
        """Whether this process may ask that request: False while another living process does."""
        return self._take(_offset(key))

    def release(self, key: str) -> None:
        """Lets others ask that request, or find its answer."""
        self._free(_offset(key))

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

    def _take(self, offset: int) -> bool:
        if sys.platform == "win32":
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except (BlockingIOError, PermissionError):  # the two ways in which systems say: taken
            return False
        return True

    def _free(self, offset: int) -> None:
        if sys.platform != "win32":
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, offset)


def _offset(key: str) -> int:
    return 1 + int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big")
