"""The kept answers and runs: one SQLite file in a folder that many processes may use at once.

Between the plan (which keys are here?), the runner (this reply is here now) and the commands that
look back at runs. Knows nothing of how replies are read or scored.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from evalspec.store import database
from evalspec.store.batches import BatchBook
from evalspec.store.codec import FAILURE_BEGINS, Reply, decode_reply, encode_reply, encode_request
from evalspec.store.faults import StoreFault, damage, explained
from evalspec.store.naming import choose_run
from evalspec.store.writing import Writer, open_writer
from evalspec.text.values import Json

if TYPE_CHECKING:
    from evalspec.models.model import Request

ATTEND_S = 0.05
KEYS_AT_ONCE = 500
LOOKED_AT = 5_000
_NEWEST = "select reply from answers where key = ? and at >= ?"
_AS_OF = """
select reply, at from answers where key = ? and at >= ? and at <= ?
union all select reply, at from earlier where key = ? and at >= ? and at <= ?
order by at desc limit 1
"""
_NEWEST_FIRST = "order by started desc, rowid desc"


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Store:
    """An open store. Reading and keeping are for one thread; the writing itself happens in another."""

    def __init__(
        self,
        path: Path,
        reader: sqlite3.Connection,
        writer: Writer | None,
        clock: Callable[[], datetime],
        until: datetime | None = None,
    ) -> None:
        self.path = path
        self._until = until
        self._reader = reader
        self._own_writer = writer
        self._clock = clock
        self._first = False

    @classmethod
    @contextmanager
    def open(
        cls, folder: Path, *, readonly: bool = False, clock: Callable[[], datetime] = utc_now
    ) -> Iterator[Store]:
        """The store in `folder`, which is made if need be; with `readonly`, nothing is made or written.

        Raises StoreFault for a folder or file that cannot be used.
        """
        path = folder / database.FILE_NAME
        with ExitStack() as stack:
            writer = None
            if not readonly:
                database.make_folder(folder)
                writer = stack.enter_context(open_writer(path))
            with explained(path):
                reader = stack.enter_context(closing(database.connect_to_read(path)))
            yield cls(path, reader, writer, clock)

    def as_of(self, moment: datetime | None) -> Store:
        """The same store as it was then: answers that were asked again since are found as they were."""
        return Store(self.path, self._reader, self._own_writer, self._clock, moment)

    # ── answers ───────────────────────────────────────────────────────────────────────────────────

    def get(self, key: str, *, since: datetime | None = None) -> Reply | None:
        """The reply kept under a key, if it was kept at `since` or later."""
        with explained(self.path):
            if self._until is None:
                rows = self._reader.execute(_NEWEST, (key, _stamp(since))).fetchall()
            else:
                between = (key, _stamp(since), _stamp(self._until))
                rows = self._reader.execute(_AS_OF, (*between, *between)).fetchall()
        try:
            return decode_reply(rows[0][0]) if rows else None
        except ValueError as error:
            raise damage(self.path, error) from error

    def have(self, keys: Iterable[str], *, since: datetime | None = None, failures: bool = True) -> set[str]:
        """Those of `keys` under which a reply is kept; without `failures`, only where it is an answer."""
        kind = "" if failures else f"and substr(reply, 1, {len(FAILURE_BEGINS)}) <> '{FAILURE_BEGINS}'"
        found: set[str] = set()
        rest = iter(keys)
        while some := list(islice(rest, KEYS_AT_ONCE)):
            places = ",".join("?" * len(some))
            query = f"select key from answers where key in ({places}) and at >= ? {kind}"
            with explained(self.path):
                found.update(key for (key,) in self._reader.execute(query, (*some, _stamp(since))))
        return found

    def latest(self, model: str, most: int = 200) -> list[Reply]:
        """The newest replies of a candidate, of the last thousands that were kept at all."""
        query = f"select reply from (select model, reply from answers order by rowid desc limit {LOOKED_AT})"
        with explained(self.path):
            rows = self._reader.execute(f"{query} where model = ? limit ?", (model, most)).fetchall()
        try:
            return [decode_reply(text) for (text,) in rows]
        except ValueError as error:
            raise damage(self.path, error) from error

    async def put(self, key: str, model: str, request: Request, reply: Reply) -> None:
        """Keeps a reply: returns when it is on the disk, and is not cancelled before.

        Raises StoreFault when it cannot be kept; what was kept before stays.
        """
        row = (key, model, encode_request(request), encode_reply(reply), _stamp(self._clock()))
        await self._writer.answers.put(row)

    async def put_all(self, replies: Sequence[tuple[str, str, Request, Reply]]) -> None:
        """Keeps several replies (key, candidate, request, reply) in one commit, like `put`."""
        at = _stamp(self._clock())
        rows = [(key, model, encode_request(asked), encode_reply(r), at) for key, model, asked, r in replies]
        await self._writer.answers.put_all(rows)

    async def put_described(self, model: str, replies: Sequence[tuple[str, str, Reply]]) -> None:
        """Keeps several replies (key, what was asked for people, reply) of a candidate, like `put_all`."""
        at = _stamp(self._clock())
        await self._writer.answers.put_all(
            [(k, model, asked, encode_reply(r), at) for k, asked, r in replies]
        )

    @property
    def batches(self) -> BatchBook:
        """The batches that wait to be answered."""
        return BatchBook(self.path, self._reader, self._writer)

    # ── who is asking ─────────────────────────────────────────────────────────────────────────────

    def claim(self, key: str) -> bool:
        """Whether this process may ask that request: False while another living process is asking it."""
        return self._writer.locks.claim(key)

    def release(self, key: str) -> None:
        """Ends a claim, once the reply is kept or given up."""
        self._writer.locks.release(key)

    def claim_batch(self, mark: str) -> bool:
        """Whether this process may attend to a batch: False while another living process does."""
        return self._writer.locks.claim_work(f"batch {mark}")

    def release_batch(self, mark: str) -> None:
        """Lets others attend to a batch."""
        self._writer.locks.release_work(f"batch {mark}")

    @contextmanager
    def asking(self) -> Iterator[Callable[[], None]]:
        """While requests are asked: claims cost nothing as long as no other process asks any. Call what it
        gives every `ATTEND_S`, or others wait."""
        locks = self._writer.locks
        locks.move_in()
        with explained(self.path):
            first = self._reader.execute("select 1 from answers limit 1").fetchone() is None
        self._first = first and locks.alone
        try:
            yield self._attend
        finally:
            self._first = False
            locks.make_room()

    def _attend(self) -> None:
        self._writer.locks.attend()
        self._first = self._first and self._writer.locks.alone

    @property
    def holds_only_ours(self) -> bool:
        """Whether every answer here was kept by this process since `asking` began."""
        return self._first

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────

    def save_run(self, record: Mapping[str, Json]) -> None:
        """Keeps a run's record, by its `id`; it also has `started_at` (ISO 8601, UTC). Again replaces it."""
        self._writer.run(str(record["id"]), str(record["started_at"]), json.dumps(dict(record)))

    def save_figures(self, run: str, found: Json) -> None:
        """Keeps what a run found, example by example."""
        self._writer.figures(run, json.dumps(found, separators=(",", ":")))

    def figures(self, run: str) -> Json:
        """What a run found, example by example; None where that was not kept."""
        with explained(self.path):
            rows = self._reader.execute("select found from figures where run = ?", (run,)).fetchall()
        return _read(self.path, rows[0][0]) if rows else None

    def runs(self) -> tuple[Mapping[str, Json], ...]:
        """The records of all runs, the newest first."""
        with explained(self.path):
            rows = self._reader.execute(f"select record from runs {_NEWEST_FIRST}").fetchall()
        return tuple(_record(self.path, text) for (text,) in rows)

    def find_run(self, name: str) -> Mapping[str, Json]:
        """The run of that id or beginning of one, or `last`, `last~1`. Raises NoSuchRun for none or many."""
        with explained(self.path):
            ids = self._reader.execute(f"select id from runs {_NEWEST_FIRST}").fetchall()
            chosen = choose_run(name, [known for (known,) in ids])
            ((text,),) = self._reader.execute("select record from runs where id = ?", (chosen,)).fetchall()
        return _record(self.path, text)

    @property
    def _writer(self) -> Writer:
        if self._own_writer is None:
            raise StoreFault(f"{self.path} was opened for reading only")
        return self._own_writer


def _stamp(moment: datetime | None) -> str:
    """A moment as text that sorts by time; none sorts before all."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def _read(path: Path, text: str) -> Json:
    try:
        return cast(Json, json.loads(text))
    except ValueError as error:
        raise damage(path, error) from error


def _record(path: Path, text: str) -> Mapping[str, Json]:
    return cast(Mapping[str, Json], _read(path, text))
