"""Drawing some rows of a dataset: so many, the same ones each time, by strata where that is asked for.

A row is drawn by its id and the seed alone: neither the order of the file nor other rows matter, and a
larger draw keeps what a smaller one had.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.data.columns import as_text

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Draw


def drawn(rows: Sequence[Row], draw: Draw) -> tuple[Row, ...]:
    """The rows that are drawn, in their order; all where there are not more than asked for."""
    if draw.n >= len(rows):
        return tuple(rows)
    by_chance = sorted(rows, key=lambda row: _chance(row, draw.seed))
    if draw.by is None:
        chosen = {row.id for row in by_chance[: draw.n]}
    else:
        chosen = _by_strata(by_chance, draw.by, draw.n)
    return tuple(row for row in rows if row.id in chosen)


def _chance(row: Row, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{row.id}".encode("utf-8", "surrogatepass")).digest()


def _by_strata(rows: Sequence[Row], column: str, n: int) -> set[str]:
    strata: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        strata[as_text(row.values.get(column)) or ""].append(row)
    shares = proportional({name: len(found) for name, found in strata.items()}, n)
    return {row.id for name, found in strata.items() for row in found[: shares[name]]}


def proportional(sizes: Mapping[str, int], n: int) -> Mapping[str, int]:
    """How many of each stratum are drawn: in proportion, the largest remainders rounded up (Hamilton)."""
    total = sum(sizes.values())
    exact = {name: divmod(n * size, total) for name, size in sizes.items()}
    shares = {name: whole for name, (whole, _) in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (-exact[name][1], name))
    for name in by_remainder[: n - sum(shares.values())]:
        shares[name] += 1
    return shares
