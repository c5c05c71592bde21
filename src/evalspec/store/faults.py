"""What can go wrong with the kept answers, said so that the user knows what to do.

EvalspecFault
├── StoreFault    the surroundings: no room, no right to write, a damaged or a newer file
└── NoSuchRun     a run was named that is not kept, or not named clearly enough
"""

from __future__ import annotations

import errno
import sqlite3
from enum import Enum
from pathlib import Path

from evalspec.models.faults import EvalspecFault


class StoreFault(EvalspecFault):
    """The store cannot be read or written. The message says where, why, and what to do."""


class NoSuchRun(EvalspecFault):
    """No kept run is meant by that name, or several are."""


class _Cause(Enum):
    """What the user has to know, with the file for `{path}` and its folder for `{folder}`."""

    FULL = "the disk is full: free some space where {folder} lies, then run again (what was answered is kept)"
    DAMAGED = (
        "{path} is damaged, or is no SQLite file: move it away, then run again (what it held is asked anew)"
    )
    FORBIDDEN = "{folder} cannot be written: give this user the right to write there, or choose `--store DIR`"
    BUSY = "another process has been writing to {path} for too long: end it, or choose `--store DIR`"
    OTHER = "{path} cannot be used: look at the disk, and at the rights on {folder}"


_OF_SQLITE = {
    sqlite3.SQLITE_FULL: _Cause.FULL,
    sqlite3.SQLITE_CORRUPT: _Cause.DAMAGED,
    sqlite3.SQLITE_NOTADB: _Cause.DAMAGED,
    sqlite3.SQLITE_READONLY: _Cause.FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: _Cause.FORBIDDEN,
    sqlite3.SQLITE_PERM: _Cause.FORBIDDEN,
    sqlite3.SQLITE_BUSY: _Cause.BUSY,
    sqlite3.SQLITE_LOCKED: _Cause.BUSY,
}
_OF_SYSTEM = {
    errno.ENOSPC: _Cause.FULL,
    errno.EDQUOT: _Cause.FULL,
    errno.EACCES: _Cause.FORBIDDEN,
    errno.EPERM: _Cause.FORBIDDEN,
    errno.EROFS: _Cause.FORBIDDEN,
    errno.ENOTDIR: _Cause.FORBIDDEN,
    errno.EEXIST: _Cause.FORBIDDEN,
}


def explain(error: sqlite3.Error | OSError, path: Path) -> StoreFault:
    """The fault that says in the user's words what SQLite or the system found at `path`.

    An SQLite error without a code is misuse by this program, and is raised as it is.
    """
    if isinstance(error, OSError):
        cause = _OF_SYSTEM.get(error.errno or 0, _Cause.OTHER)
    elif (code := getattr(error, "sqlite_errorcode", None)) is not None:
        cause = _OF_SQLITE.get(code & 0xFF, _Cause.OTHER)  # the low byte of an extended code
    else:
        raise error
    return _fault(cause, error, path)


def damage(path: Path, error: ValueError) -> StoreFault:
    """The fault for a file that SQLite reads and this program cannot."""
    return _fault(_Cause.DAMAGED, error, path)


def _fault(cause: _Cause, error: Exception, path: Path) -> StoreFault:
    advice: str = cause.value
    return StoreFault(f"{advice.format(path=path, folder=path.parent)} [{error}]")


class explained:  # noqa: N801  a class for speed: it stands around every look into the store
    """Turns what SQLite or the system raises into the fault that explains it: `with explained(path)`."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, sqlite3.Error | OSError):
            raise explain(error, self._path) from error
