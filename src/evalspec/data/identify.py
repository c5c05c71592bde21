"""Ids: of the id column, or of the row's content, so that they stay when rows move."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalspec.data.columns import as_text
from evalspec.data.faults import shown
from evalspec.data.told import Told, place_of, where
from evalspec.language.functions import is_missing
from evalspec.text.diagnostics import Diagnostic, Label, problem

if TYPE_CHECKING:
    from evalspec.data.table import RawRow

HEX_DIGITS = 12
CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def ids_of_column(rows: Sequence[RawRow], column: str) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
    """The id of each row by its id column; what is blank or stands twice is an error at its line."""
    seen: dict[str, RawRow] = {}
    missing = Told("E0653", "rows have no id")
    repeated = Told("E0654", "rows repeat an id")
    ids = []
    for row in rows:
        value = row.values.get(column)
        text = as_text(value) or ""
        ids.append(text)
        if is_missing(value):
            missing.add(problem("E0653", place_of(row), f"this row has no id: `{column}` is empty"))
        elif text in seen:
            repeated.add(_repeated(text, row, seen[text]))
        else:
            seen[text] = row
    return tuple(ids), (*missing.all(), *repeated.all())


def _repeated(text: str, row: RawRow, first: RawRow) -> Diagnostic:
    message = f"the id {shown(text)} stands at {where(first, row)} already"
    return problem("E0654", place_of(row), message, labels=[Label(at=place_of(first), message="first here")])


def ids_of_content(rows: Sequence[RawRow]) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
    """The id of each row by what it says, with `-2`, `-3` for rows that say the same; one warning for those.

    A digest of the columns as they were read, without those that are null: neither derived columns nor
    a key that only other rows have change an id.
    """
    ids: list[str] = []
    short: Counter[str] = Counter()
    first: dict[bytes, RawRow] = {}
    repeats: list[tuple[RawRow, RawRow]] = []
    for row in rows:
        digest = _digest(row)
        if first.setdefault(digest, row) is not row:
            repeats.append((first[digest], row))
        name = digest.hex()[:HEX_DIGITS]
        short[name] += 1
        ids.append(name if short[name] == 1 else f"{name}-{short[name]}")
    return tuple(ids), (_identical(repeats),) if repeats else ()


def _digest(row: RawRow) -> bytes:
    said = {name: value for name, value in row.values.items() if value is not None}
    return hashlib.sha256(CANONICAL.encode(said).encode()).digest()


def _identical(repeats: Sequence[tuple[RawRow, RawRow]]) -> Diagnostic:
    original, copy = repeats[0]
    one = len(repeats) == 1
    message = (
        "1 row says what an earlier one says" if one else f"{len(repeats)} rows say what earlier ones say"
    )
    return problem(
        "W0603",
        place_of(copy),
        f"{message}, first here",
        "each counts as an example of its own; take the copies out, or name an `id` column",
        labels=[Label(at=place_of(original), message="the same row")],
    )
