"""Few-shot examples: which rows are drawn, and that nothing else decides it."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.data.draw import draw_shots, folded, shot_values
from evalspec.data.rows import Row
from evalspec.language.program import Shots

POOL = [
    Row(f"r{i}", {"text": f"t{i}", "lang": "es" if i % 3 else "en", "y": i}, "p.csv", i) for i in range(12)
]


def shots(n: int = 3, *, random: bool = False, by: str | None = None, seed: int = 0) -> Shots:
    return Shots(random=random, n=n, of="p", by=by, seed=seed)


def texts(found: list[Mapping[str, object]]) -> list[object]:
    return [values["text"] for values in found]


def test_the_first_rows_come_in_the_order_of_the_file() -> None:
    drawn = draw_shots(shots(), POOL, None)
    assert texts(drawn.for_example({"text": "x"})) == ["t0", "t1", "t2"]


def test_by_draws_among_rows_that_say_the_same() -> None:
    drawn = draw_shots(shots(by="lang"), POOL, None)
    assert texts(drawn.for_example({"lang": "en"})) == ["t0", "t3", "t6"]
    assert texts(drawn.for_example({"lang": "es"})) == ["t1", "t2", "t4"]
    assert drawn.for_example({"lang": "fr"}) == []


@pytest.mark.parametrize("values", [[1, 2], {"b": 1, "a": 2}, None, 1.0, True])
def test_whatever_stands_in_the_column_makes_groups(values: object) -> None:
    pool = [Row("a", {"k": values, "text": "a"}, "p", 1), Row("b", {"k": "other", "text": "b"}, "p", 2)]
    assert texts(draw_shots(shots(by="k"), pool, None).for_example({"k": values})) == ["a"]


@given(st.integers(0, 50), st.randoms(use_true_random=False))
def test_chance_depends_on_the_seed_and_the_group_alone(seed: int, shuffler: random.Random) -> None:
    other = list(POOL)
    shuffler.shuffle(other)
    wanted = shots(random=True, by="lang", seed=seed)
    first, second = draw_shots(wanted, POOL, None), draw_shots(wanted, other, None)
    for lang in ("en", "es"):
        found = texts(first.for_example({"lang": lang}))
        assert found == texts(second.for_example({"lang": lang}))
        assert len(set(found)) == 3


def test_another_seed_draws_others() -> None:
    drawn = {
        tuple(texts(draw_shots(shots(random=True, seed=s), POOL, None).for_example({}))) for s in range(20)
    }
    assert len(drawn) > 15


def test_a_larger_number_keeps_what_a_smaller_one_drew() -> None:
    small, large = (draw_shots(shots(n, random=True), POOL, None).for_example({}) for n in (3, 7))
    assert large[:3] == small


def test_a_shot_has_its_right_answer_as_label() -> None:
    assert shot_values(POOL[4], "y")["label"] == 4
    assert "label" not in shot_values(POOL[4], None)
    labelled = Row("r", {"label": "mine", "y": 1}, "p", 1)
    assert shot_values(labelled, "y")["label"] == "mine"


def test_content_is_the_same_but_for_case_and_blanks() -> None:
    assert folded(("a", "b"), {"a": "Hello  World", "b": 1}) == folded(
        ("a", "b"), {"a": " hello world ", "b": 1}
    )
    assert folded(("a",), {"a": "hello"}) != folded(("a",), {"a": "hallo"})
    assert folded(("a",), {"a": None}) == ("",)
