"""Rows drawn out of a dataset to be shown to models as few-shot examples.

What is drawn depends on the rows, the seed and the group alone: neither on the order of the examples
that are asked, nor (where it is drawn by chance) on that of the rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.data.columns import as_text
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Shots

EVERYONE = ""  # the group of all rows, where there is no `by`


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The rows that were drawn, in the order they are shown, by the group that they are for."""

    by: str | None
    label: str | None
    groups: Mapping[str, tuple[Row, ...]]

    def for_example(self, example: Mapping[str, object]) -> list[Mapping[str, object]]:
        """What is shown with an example, as templates read it; nothing where its group has no rows."""
        return [shot_values(row, self.label) for row in self.groups.get(group_of(example, self.by), ())]


def draw_shots(shots: Shots, pool: Sequence[Row], label: str | None) -> Drawn:
    """At most `n` rows for each group of the pool: its first ones, or those that the seed chooses.

    `label` is the column of the pool's right answers.
    """
    groups: dict[str, list[Row]] = {}
    for row in pool:
        groups.setdefault(group_of(row.values, shots.by), []).append(row)
    chosen = {name: _chosen(shots, name, rows) for name, rows in groups.items()}
    return Drawn(by=shots.by, label=label, groups=chosen)


def group_of(values: Mapping[str, object], by: str | None) -> str:
    """What a row says in a column, in one form for equal values."""
    if by is None:
        return EVERYONE
    return json.dumps(values.get(by), sort_keys=True, ensure_ascii=False, default=str)


def _chosen(shots: Shots, group: str, rows: Sequence[Row]) -> tuple[Row, ...]:
    if not shots.random:
        return tuple(rows[: shots.n])

    def lot(row: Row) -> bytes:
        return hashlib.sha256(f"{shots.seed}:{group}:{row.id}".encode(errors="replace")).digest()

    return tuple(sorted(rows, key=lot)[: shots.n])


def shot_values(row: Row, label: str | None) -> Mapping[str, object]:
    """A shot as templates read it: its columns, and the right answer as `label` if no column is called so."""
    if label is None or "label" in row.values:
        return row.values
    return {**row.values, "label": row.values.get(label)}


def folded(columns: Sequence[str], values: Mapping[str, object]) -> tuple[str, ...]:
    """What a row says in some columns, in one form for all that a reader would call the same."""
    return tuple(" ".join((as_text(values.get(column)) or "").casefold().split()) for column in columns)
