"""The one writing connection of a process: its transactions, locks and the grouping of commits."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from evalspec.store import database
from evalspec.store.commits import GroupCommit
from evalspec.store.faults import explained
from evalspec.store.locks import Locks

AnswerRow = tuple[str, str, str, str, str]

_KEEP_ANSWERS = """
insert into answers (key, model, request, reply, at) values {places}
on conflict (key) do update
set model = excluded.model, request = excluded.request, reply = excluded.reply, at = excluded.at
"""
_KEEP_RUN = """
insert into runs (id, started, record) values (?, ?, ?)
on conflict (id) do update set started = excluded.started, record = excluded.record
"""
_KEEP_FIGURES = """
insert into figures (run, found) values (?, ?) on conflict (run) do update set found = excluded.found
"""


class Writer:
    """Writes for one process. `answers.put(row)` groups; `run(…)` and `figures(…)` commit at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection, locks: Locks) -> None:
        self.locks = locks
        self.answers: GroupCommit[AnswerRow] = GroupCommit(self._keep_answers)
        self._path = path
        self._connection = connection
        self._one_at_a_time = threading.Lock()

    def run(self, identity: str, started: str, record: str) -> None:
        """Commits the record of a run. Raises StoreFault when it cannot."""
        self._commit(_KEEP_RUN, (identity, started, record))

    def figures(self, run: str, found: str) -> None:
        """Commits what a run found. Raises StoreFault when it cannot."""
        self._commit(_KEEP_FIGURES, (run, found))

    def change(self, statement: str, fields: Sequence[str]) -> None:
        """Commits one statement. Raises StoreFault when it cannot."""
        self._commit(statement, fields)

    def _keep_answers(self, rows: Sequence[AnswerRow]) -> None:
        places = ",".join(["(?, ?, ?, ?, ?)"] * len(rows))
        self._commit(_KEEP_ANSWERS.format(places=places), [field for row in rows for field in row])

    def _commit(self, statement: str, fields: Sequence[str]) -> None:
        # One statement, however many rows: it is a transaction by itself.
        with self._one_at_a_time, explained(self._path), self.locks.writing():
            self._connection.execute(statement, fields)


@contextmanager
def open_writer(path: Path) -> Iterator[Writer]:
    """The writer of the file at `path`, which is made if need be. Raises StoreFault where it cannot be."""
    with ExitStack() as stack:
        with explained(path):
            locks = stack.enter_context(closing(Locks(path.with_name(database.LOCK_NAME))))
            with locks.writing():
                connection = stack.enter_context(closing(database.connect_to_write(path)))
                database.prepare(connection, path)
        yield Writer(path, connection, locks)
