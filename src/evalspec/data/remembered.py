"""Tables that were read before and whose files have not changed since, for whoever checks again and again.

Stands in front of `read.py`. Nothing is remembered unless somebody asks for it by `remembering`: an editor
checks at every pause of typing, and must not read 100 MB each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from evalspec.data.opening import is_remote
from evalspec.data.read import read_files as read_from_disk
from evalspec.text.source import Span
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.data.table import RawTable
    from evalspec.language.program import DataFile
    from evalspec.text.diagnostics import Diagnostic

MOST_CELLS = 20_000_000
MOST_TABLES = 50

Found = tuple["RawTable | None", tuple["Diagnostic", ...]]
Key = tuple[object, ...]


@dataclass(slots=True)
class Memory:
    """The tables that were read, the latest used last, with the files that they were read from."""

    tables: OrderedDict[Key, tuple[tuple[DataFile, ...], Found]] = field(default_factory=OrderedDict)

    def forget_remote(self) -> None:
        """Has files on other machines, of which nobody tells whether they changed, read once more."""
        for key, (files, _) in tuple(self.tables.items()):
            if any(is_remote(file.written) for file in files):
                del self.tables[key]


_IN_FORCE: ContextVar[Memory | None] = ContextVar("tables_in_memory", default=None)


@contextmanager
def remembering(memory: Memory) -> Iterator[None]:
    """Within it, a table whose files have the size and time that they had is taken from the memory."""
    token = _IN_FORCE.set(memory)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def read_files(files: Sequence[DataFile], header: tuple[str, ...] | None) -> Found:
    """The files as one table, and what is wrong with them: from the memory in force, or from the disk."""
    memory = _IN_FORCE.get()
    key = _key(files, header) if memory is not None else None
    if memory is None or key is None:
        return read_from_disk(files, header)
    if key in memory.tables:
        memory.tables.move_to_end(key)
        return _moved(*memory.tables[key], tuple(files))
    found = read_from_disk(files, header)
    if _key(files, header) == key:  # else somebody wrote while we read
        _keep(memory, key, tuple(files), found)
    return found


def _key(files: Sequence[DataFile], header: tuple[str, ...] | None) -> Key | None:
    """What a table depends on; None where a file's state cannot be told."""
    parts: list[object] = [header]
    for file in files:
        how = (file.written, str(file.path), file.format, file.gzipped, tuple(sorted(file.captures.items())))
        parts.append(how)
        if is_remote(file.written):
            continue
        try:
            state = file.path.stat()
        except (OSError, ValueError):
            return None
        parts += [state.st_mtime_ns, state.st_size, state.st_ino]
    return tuple(parts)


def _keep(memory: Memory, key: Key, files: tuple[DataFile, ...], found: Found) -> None:
    memory.tables[key] = (files, found)
    while len(memory.tables) > 1 and (
        len(memory.tables) > MOST_TABLES or sum(_cells(f[0]) for _, f in memory.tables.values()) > MOST_CELLS
    ):
        memory.tables.popitem(last=False)


def _cells(table: RawTable | None) -> int:
    return len(table.rows) * len(table.columns) if table is not None else 0


def _moved(before: tuple[DataFile, ...], found: Found, now: tuple[DataFile, ...]) -> Found:
    """What was found, with the faults that stand in the spec put where the spec names the files now."""
    table, faults = found
    places = {old.at: new.at for old, new in zip(before, now, strict=True)}
    return table, tuple(
        replace(fault, at=places.get(fault.at, fault.at)) if isinstance(fault.at, Span) else fault
        for fault in faults
    )
