"""What the runs of one spec that live at the same time have spent, so that a cap holds for all of them.

A small file beside the answers: a line for each run and model, with the dollars spent and those held
back for requests in flight. Each run writes its own lines alone, under a lock. Like claims, a run's life
is a lock that the system frees; the first run to find no other alive starts the file anew. Where the
system has no such locks (Windows), each run knows only itself.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from evalspec.store.faults import explained
from evalspec.text.values import dataclass

if sys.platform != "win32":
    import fcntl

FILE_NAME = "spending.ledger"
_LINE = struct.Struct("<Q16sqq")  # the run, what for, spent, held: in millionths of a millionth of a dollar
_UNIT = Decimal(10) ** 12
_LIVES = 1 << 32  # behind any line: where the locks are that say which run lives


@dataclass(frozen=True, slots=True)
class Committed:
    """Dollars that are gone, and dollars that may be: held back for what is in flight."""

    spent: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    def __add__(self, other: Committed) -> Committed:
        return Committed(self.spent + other.spent, self.held + other.held)


class Ledger:
    """The open ledger of one run. Call `others` and `write` inside `locked`, which takes microseconds."""

    def __init__(self, path: Path, spec: str) -> None:
        self._spec = spec
        self._run = secrets.randbits(31)
        self._places: dict[bytes, int] = {}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @classmethod
    @contextmanager
    def open(cls, folder: Path, spec: str) -> Iterator[Ledger]:
        """The ledger in a store's folder, of the runs of this spec. Raises StoreFault where it cannot be."""
        path = folder / FILE_NAME
        with explained(path):
            ledger = cls(path, spec)
        try:
            with explained(path), ledger.locked():
                if not any(ledger._lives(run) for run, _, _ in ledger._lines()):
                    os.ftruncate(ledger._file, 0)
                _lock(ledger._file, _LIVES + ledger._run, wait=True)
            yield ledger
        finally:
            os.close(ledger._file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The right to read and write, for which another run may have to be waited for."""
        _lock(self._file, 0, wait=True)
        try:
            yield
        finally:
            _unlock(self._file, 0)

    def others(self) -> Mapping[bytes, Committed]:
        """What the other runs have committed, by what it is for. What a dead run held counts as spent."""
        found: dict[bytes, Committed] = {}
        lives: dict[int, bool] = {}
        for run, purpose, committed in self._lines():
            if run == self._run:
                continue
            if committed.held and not lives.setdefault(run, self._lives(run)):
                committed = Committed(committed.spent + committed.held)
            found[purpose] = found.get(purpose, Committed()) + committed
        return found

    def write(self, purpose: bytes, committed: Committed) -> None:
        """This run's own line for a purpose."""
        if purpose not in self._places:
            self._places[purpose] = os.fstat(self._file).st_size
        line = _LINE.pack(self._run, purpose, _parts(committed.spent), _parts(committed.held))
        os.pwrite(self._file, line, self._places[purpose])

    def purpose(self, model: str) -> bytes:
        """What a line for a model of this spec is found by."""
        return hashlib.blake2b(f"{self._spec}\n{model}".encode(), digest_size=16).digest()

    def _lines(self) -> Iterator[tuple[int, bytes, Committed]]:
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole = len(data) - len(data) % _LINE.size
        for run, purpose, spent, held in _LINE.iter_unpack(data[:whole]):
            yield run, purpose, Committed(spent / _UNIT, held / _UNIT)

    def _lives(self, run: int) -> bool:
        if not _lock(self._file, _LIVES + run, wait=False):
            return True
        _unlock(self._file, _LIVES + run)
        return False


def _parts(dollars: Decimal) -> int:
    return min(int(dollars * _UNIT), (1 << 63) - 1)


def _lock(file: int, offset: int, *, wait: bool) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, offset)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(file: int, offset: int) -> None:
    if sys.platform != "win32":
        fcntl.lockf(file, fcntl.LOCK_UN, 1, offset)
