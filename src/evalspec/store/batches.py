"""The batches that wait to be answered, and what each of them asks: written down before anything is sent.

A request stands in one batch at most, in whichever process wrote it down first, so that nothing is asked
twice. A batch is forgotten when all that came of it is kept. Part of the store's file, beside the answers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evalspec.store.faults import explained

if TYPE_CHECKING:
    from evalspec.store.writing import Writer

_OPEN = "insert into batches (mark, at, address, model) values (?, ?, ?, ?)"
_BOOK = """
insert or ignore into batched (key, mark, attempt, request)
select json_extract(value, '$[0]'), ?, json_extract(value, '$[1]'), json_extract(value, '$[2]')
from json_each(?)
"""
_SEAL = "update batches set sealed = 1, worst = ? where mark = ?"
_KNOW = "update batches set id = ? where mark = ?"
_LOOK = "select mark, at, address, model, id, sealed, worst from batches where mark = ?"
_THESE = "where key in (select value from json_each(?))"
_FORGET = "delete from batches where mark = ?"


class Line(NamedTuple):
    """A request of a batch: its key, which attempt it is, and what is asked, for people."""

    key: str
    attempt: int
    request: str


class Waiting(NamedTuple):
    """A batch that is written down. `id` is the provider's, empty until it is known; `sealed` once all of
    its lines are written down; `worst_usd` is the most that all of them can cost."""

    mark: str
    at: str
    address: str
    model: str
    id: str
    sealed: bool
    worst_usd: Decimal


class BatchBook:
    """The batches in an open store. Every change is on the disk when its function returns; all raise
    StoreFault where that cannot be."""

    def __init__(self, path: Path, reader: sqlite3.Connection, writer: Writer) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer

    def open(self, mark: str, at: str, address: str, model: str) -> None:
        """Begins a batch without lines."""
        self._writer.change(_OPEN, (mark, at, address, model))

    def book(self, mark: str, lines: Sequence[Line]) -> frozenset[str]:
        """Puts requests into a batch; the keys of those that no other batch has."""
        self._writer.change(_BOOK, (mark, json.dumps([tuple(line) for line in lines])))
        holders = self.holders([line.key for line in lines])
        return frozenset(key for key, holder in holders.items() if holder == mark)

    def seal(self, mark: str, worst_usd: Decimal) -> None:
        """Ends the writing down of a batch: all its lines are there."""
        self._writer.change(_SEAL, (str(worst_usd), mark))

    def know(self, mark: str, identity: str) -> None:
        """Writes down the provider's id of a batch."""
        self._writer.change(_KNOW, (identity, mark))

    def forget(self, mark: str) -> None:
        """Ends a batch, and with it its lines."""
        self._writer.change(_FORGET, (mark,))

    def holders(self, keys: Collection[str]) -> Mapping[str, str]:
        """The batches in which requests stand, by key, for those that stand in one."""
        found = self._rows(f"select key, mark from batched {_THESE}", json.dumps(list(keys)))
        return {str(key): str(mark) for key, mark in found}

    def waiting(self, mark: str) -> Waiting | None:
        """A batch; None where it is forgotten."""
        for name, at, address, model, identity, sealed, worst in self._rows(_LOOK, mark):
            return Waiting(
                mark=str(name),
                at=str(at),
                address=str(address),
                model=str(model),
                id=str(identity),
                sealed=bool(sealed),
                worst_usd=Decimal(str(worst)),
            )
        return None

    def attempts(self, mark: str) -> dict[str, int]:
        """The keys of a batch's lines, and which attempt each of them is."""
        found = self._rows("select key, attempt from batched where mark = ?", mark)
        return {str(key): int(attempt) for key, attempt in found}

    def asked(self, keys: Collection[str]) -> Mapping[str, str]:
        """What the requests with these keys ask, for people."""
        found = self._rows(f"select key, request from batched {_THESE}", json.dumps(list(keys)))
        return {str(key): str(request) for key, request in found}

    def _rows(self, query: str, field: str) -> list[tuple[str | int, ...]]:
        with explained(self._path):
            return self._reader.execute(query, (field,)).fetchall()
