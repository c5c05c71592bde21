"""Drawing rows: the same ones each time, by strata where that is asked for."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from evalspec.data.drawing import drawn, proportional
from evalspec.data.rows import Row
from evalspec.language.program import Draw

ROWS = [Row(f"r{i}", {"lang": "en" if i % 4 else "es", "n": i}, "a.csv", i + 2) for i in range(400)]


def ids(rows: list[Row], n: int, by: str | None = None, seed: int = 0) -> list[str]:
    return [row.id for row in drawn(rows, Draw(n=n, by=by, seed=seed))]


def test_so_many_are_drawn_in_their_order() -> None:
    chosen = ids(ROWS, 50)
    assert len(chosen) == 50
    assert chosen == [row.id for row in ROWS if row.id in chosen]


def test_the_order_of_the_file_does_not_matter() -> None:
    mixed = random.Random(1).sample(ROWS, len(ROWS))
    assert set(ids(mixed, 50, "lang")) == set(ids(ROWS, 50, "lang"))


def test_more_keeps_what_fewer_had_and_a_seed_changes_it() -> None:
    assert set(ids(ROWS, 20)) < set(ids(ROWS, 60))
    assert ids(ROWS, 20) != ids(ROWS, 20, seed=1)


def test_strata_keep_their_shares() -> None:
    chosen = drawn(ROWS, Draw(n=100, by="lang", seed=3))
    assert sum(row.values["lang"] == "es" for row in chosen) == 25


def test_all_are_drawn_where_there_are_not_more() -> None:
    assert ids(ROWS, 1000, "lang") == [row.id for row in ROWS]


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50), min_size=1, max_size=6), st.data())
def test_shares_sum_and_stay_within_one_of_exact(sizes: dict[str, int], data: st.DataObject) -> None:
    total = sum(sizes.values())
    n = data.draw(st.integers(0, total))
    shares = proportional(sizes, n)
    assert sum(shares.values()) == n
    assert all(abs(shares[name] - n * size / total) < 1 for name, size in sizes.items())
    assert all(shares[name] <= size for name, size in sizes.items())
