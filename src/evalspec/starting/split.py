"""A table in two: rows to learn from and rows to score, the same ones on every machine.

Each label gives the same share to both, and rows of the same text go the same way, so that nothing is
learnt by heart. Which ones are taken follows from a digest of the text and the seed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from evalspec.data.columns import as_text
from evalspec.data.table import RawRow

LEARN = 0.3


def split(
    rows: Sequence[RawRow], label: str, texts: Sequence[str], *, seed: int
) -> tuple[list[RawRow], list[RawRow]]:
    """The rows to learn from (three of ten of each label, at least one of two) and those to score."""
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(_same_text(row, texts), []).append(number)
    by_label: dict[str, list[tuple[bytes, list[int]]]] = {}
    for text, members in groups.items():
        first = as_text(rows[members[0]].values.get(label)) or ""
        digest = hashlib.sha256(f"{seed}:{text}".encode()).digest()
        by_label.setdefault(first, []).append((digest, members))
    learning: set[int] = set()
    for own in by_label.values():
        own.sort(key=lambda group: group[0])
        count = max(round(LEARN * len(own)), 1) if len(own) > 1 else 0
        learning.update(number for _, members in own[:count] for number in members)
    return (
        [row for number, row in enumerate(rows) if number in learning],
        [row for number, row in enumerate(rows) if number not in learning],
    )


def _same_text(row: RawRow, texts: Sequence[str]) -> str:
    return "\x00".join(" ".join((as_text(row.values.get(name)) or "").casefold().split()) for name in texts)


def written(rows: Iterable[RawRow], columns: Sequence[str], form: str) -> bytes:
    """The rows as a file of the form csv, tsv or jsonl."""
    if form == "jsonl":
        return "".join(_line(row.values, columns) for row in rows).encode()
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([as_text(row.values.get(name)) or "" for name in columns] for row in rows)
    return out.getvalue().encode()


def _line(values: Mapping[str, object], columns: Sequence[str]) -> str:
    return json.dumps({name: values.get(name) for name in columns}, ensure_ascii=False) + "\n"
