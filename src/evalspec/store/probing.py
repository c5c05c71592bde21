"""Whether answers can be kept in a place: tried with a store of its own beside it, which is removed again."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from evalspec.models.surroundings import Finding, State
from evalspec.store import database
from evalspec.store.faults import StoreFault, explained
from evalspec.store.locks import Locks
from evalspec.store.places import MOUNTS, demand_local, filesystem_of
from evalspec.store.writing import open_writer
from evalspec.text.units import counted

LITTLE_ROOM = 100 * 1024 * 1024
COMMITS = 5

_CLAIM = """
import sys
from pathlib import Path
from evalspec.store.locks import Locks
sys.exit(0 if Locks(Path(sys.argv[1])).claim("one") else 7)
"""


def probe(folder: Path) -> Iterator[Finding]:
    """What was found of the place of a store, and of the store in it, if there is one."""
    near = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    yield _place(folder)
    if not near.is_dir():
        yield _fault("folder", f"{near} is a file")
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".evalspec-doctor-", dir=near) as made:
            yield _commits(Path(made))
            yield _claims(Path(made))
    except (OSError, StoreFault) as fault:
        yield _fault("folder", f"{near} cannot be written: {fault}")
        return
    yield _room(near)
    if (folder / database.FILE_NAME).exists():
        yield _file(folder / database.FILE_NAME)


def _place(folder: Path) -> Finding:
    try:
        demand_local(folder)
    except StoreFault as fault:
        return _fault("disk", str(fault))
    table = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if MOUNTS.exists() else ""
    found = filesystem_of(folder.absolute(), table)
    told = f"{folder} on {found[1]} ({found[0]})" if found is not None else str(folder)
    if found is not None and found[0] in ("tmpfs", "ramfs"):
        return Finding(
            area="store", name="disk", state=State.NOTE, found=f"{told}: in memory, gone after a restart"
        )
    return Finding(area="store", name="disk", state=State.GOOD, found=told)


def _commits(made: Path) -> Finding:
    """Commits that reach the disk, and how long one takes."""
    with open_writer(made / database.FILE_NAME) as writer:
        begun = time.perf_counter()
        for number in range(COMMITS):
            writer.run(str(number), "", "{}")
        each = (time.perf_counter() - begun) / COMMITS
    path = made / database.FILE_NAME
    with explained(path), closing(database.connect_to_read(path)) as reader:
        ((kept,),) = reader.execute("select count(*) from runs").fetchall()
    if kept != COMMITS:
        return _fault("commits", f"{COMMITS} were made and {kept} are there")
    return Finding(
        area="store", name="commits", state=State.GOOD, found=f"reach the disk, {1000 * each:.1f} ms each"
    )


def _claims(made: Path) -> Finding:
    """Whether another process sees what this one claims."""
    if sys.platform == "win32":
        told = "no such locks on Windows: run one process at a time"
        return Finding(area="store", name="several processes", state=State.NOTE, found=told)
    path = made / database.LOCK_NAME
    with closing(Locks(path)) as locks:
        locks.claim("one")
        other = subprocess.run([sys.executable, "-c", _CLAIM, str(path)], check=False, capture_output=True)
    if other.returncode == 7:
        return Finding(
            area="store", name="several processes", state=State.GOOD, found="see each other's claims"
        )
    return _fault("several processes", "do not see each other's claims: run one at a time")


def _room(near: Path) -> Finding:
    free = shutil.disk_usage(near).free
    state = State.GOOD if free >= LITTLE_ROOM else State.NOTE
    return Finding(area="store", name="room", state=state, found=f"{free / 1e9:,.1f} GB free")


def _file(path: Path) -> Finding:
    """The store that is there, looked through."""
    try:
        with explained(path), closing(database.connect_to_read(path)) as reader:
            wrong = [str(said) for (said,) in reader.execute("pragma quick_check(3)") if said != "ok"]
            ((answers,),) = reader.execute("select count(*) from answers").fetchall()
            ((runs,),) = reader.execute("select count(*) from runs").fetchall()
    except (StoreFault, sqlite3.Error) as fault:
        return _fault("answers", str(fault))
    if wrong:
        return _fault("answers", f"{path} is damaged ({wrong[0]}): move it away, then run again")
    told = f"{counted(answers, 'answer')} and {counted(runs, 'run')} in {path}"
    return Finding(area="store", name="answers", state=State.GOOD, found=told)


def _fault(name: str, found: str) -> Finding:
    return Finding(area="store", name=name, state=State.FAULT, found=found, way_out="choose `--store DIR`")
