"""The SQLite file: where it lies, its tables, and connections to it. Knows no replies and no runs."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from evalspec.store.faults import StoreFault, explain
from evalspec.store.forms import FORM, bring_up_to_date, lay_under
from evalspec.store.ledger import FILE_NAME as LEDGER_NAME
from evalspec.store.places import demand_local

FILE_NAME = "answers.sqlite3"
LOCK_NAME = "answers.lock"

_OURS = {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", LOCK_NAME, LEDGER_NAME, ".gitignore"}


def make_folder(folder: Path) -> None:
    """Creates the store's folder for its owner alone, kept out of git; one that is there keeps its rights.

    Raises StoreFault where that is not allowed, and on a disk over a network.
    """
    demand_local(folder)
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _make_durable(folder.parent)
        # A folder that holds other things is someone's own: git must go on seeing what is in it.
        present = {entry.name for entry in folder.iterdir()}
        if present <= _OURS and ".gitignore" not in present:
            (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise explain(error, folder / FILE_NAME) from error


def connect_to_write(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is made if need be; `prepare` it before use."""
    return _connect(f"{path.absolute().as_uri()}?mode=rwc")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, to an empty store if there is none, also on a disk that is read-only.

    Raises StoreFault where such a disk holds commits beside the file that only a writer could fold in.
    """
    if not path.exists():
        return _connect_empty()
    # Not `mode=ro`: the last connection to close tidies up what a killed process left, if it may.
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        connection.execute("pragma query_only = on")
        form = form_of(connection, path)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
        connection = _connect_unwritable(path)
        form = form_of(connection, path)
    if form == 0:
        return _connect_empty()
    if form < FORM:
        connection.execute("pragma query_only = off")  # of tables in memory, too
        lay_under(connection, form)
        connection.execute("pragma query_only = on")
    return connection


def _connect_unwritable(path: Path) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > 0:
        raise StoreFault(
            f"{path.parent} cannot be written, and {log.name} there holds answers still to be folded in: "
            "copy the folder to where it can be, and choose the copy with `--store DIR`"
        )
    return _connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1")


def _connect_empty() -> sqlite3.Connection:
    connection = _connect("file::memory:")
    bring_up_to_date(connection, 0)
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # Autocommit, and used by one thread at a time, which need not be the one that opened it.
    return sqlite3.connect(uri, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Sets a file up: commits reach the disk before they return, and it gets the tables that it lacks.

    Raises StoreFault for another program's or a newer version's file, which is left as it is.
    """
    form = form_of(connection, path)
    connection.execute("pragma synchronous = full")
    if connection.execute("pragma journal_mode = wal").fetchall() != [("wal",)]:
        raise StoreFault(f"{path} lies on a disk without shared memory: choose another with `--store DIR`")
    bring_up_to_date(connection, form)


def form_of(connection: sqlite3.Connection, path: Path) -> int:
    """The form of a file, 0 for a blank one. Raises StoreFault for files that are newer, or not ours."""
    ((form,),) = connection.execute("pragma user_version").fetchall()
    ((tables,),) = connection.execute("select count(*) from sqlite_master").fetchall()
    if form > FORM:
        raise StoreFault(
            f"{path} was written by a newer evalspec (its form {form}, this one knows {FORM}): "
            "install that version, or choose `--store DIR`"
        )
    if form == 0 and tables:
        raise StoreFault(f"{path} is another program's database: choose `--store DIR`")
    return int(form)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
