"""Samples of one question against every subset of them, counted one by one in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from evalspec import metrics


def counted(n: int, c: int, k: int) -> tuple[Fraction, Fraction]:
    """In how many of all choices of k samples any is right, and in how many all are."""
    right = [i < c for i in range(n)]
    chosen = list(combinations(right, k))
    return Fraction(sum(map(any, chosen)), len(chosen)), Fraction(sum(map(all, chosen)), len(chosen))


@pytest.mark.parametrize("n", range(1, 9))
def test_the_chances_are_those_of_all_choices_of_k_samples(n: int) -> None:
    for c in range(n + 1):
        for k in range(1, n + 1):
            some, every = counted(n, c, k)
            assert metrics.pass_at_k(n, c, k).value == float(some)
            assert metrics.pass_hat_k(n, c, k).value == float(every)


def test_one_sample_is_the_share_of_right_ones() -> None:
    assert metrics.pass_at_k(7, 3, 1).value == metrics.pass_hat_k(7, 3, 1).value == 3 / 7


@given(st.integers(1, 12_000), st.data())
def test_many_samples_are_reckoned_exactly(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, min(n, 60)))
    some = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
    every = Fraction(math.comb(c, k), math.comb(n, k))
    assert metrics.pass_at_k(n, c, k).value == pytest.approx(float(some), rel=1e-9)
    assert metrics.pass_hat_k(n, c, k).value == pytest.approx(float(every), rel=1e-9)


def test_a_million_samples_take_no_whole_numbers_of_a_million_digits() -> None:
    n, c, k = 1_000_000, 400_000, 300_000
    assert metrics.pass_at_k(n, c, k).value == 1.0
    assert metrics.pass_hat_k(n, n - 2, 500_000).value == pytest.approx(0.25, rel=1e-5)
    assert metrics.pass_hat_k(n, c, c + 1).value == 0.0


def test_too_few_samples_leave_no_value_and_say_so() -> None:
    for chance in (metrics.pass_at_k, metrics.pass_hat_k):
        found = chance(5, 5, 6)
        assert (found.value, found.why) == (None, "5 samples are fewer than 6")
        assert chance([5, 9], [1, 1], 6).value is None
        assert chance([], [], 1).why == "no data"


@pytest.mark.parametrize(
    ("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), ([3, 3], [1], 1), (2.5, 1, 1), ([[3]], [[1]], 1)]
)
def test_counts_that_cannot_be_are_refused(n: object, c: object, k: int) -> None:
    with pytest.raises(ValueError, match=r"must|shape|dimensions"):
        metrics.pass_at_k(n, c, k)  # type: ignore[arg-type]


def test_several_questions_are_averaged_and_each_is_one() -> None:
    n, c = np.full(40, 5), np.arange(40) % 6
    each = [float(counted(5, int(i), 2)[0]) for i in c]
    found = metrics.pass_at_k(n, c, 2)
    assert found.value == pytest.approx(np.mean(each), rel=1e-12)
    assert found.se == pytest.approx(np.std(each, ddof=1) / math.sqrt(40), rel=1e-12)
    assert found.n == 40


def test_questions_that_all_go_one_way_have_wilsons_interval() -> None:
    found = metrics.pass_at_k([4, 4, 4, 4], [4, 4, 0, 4], 2)
    low, high = proportion_confint(3, 4, method="wilson")
    assert found.value == 0.75
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_an_interval_of_a_chance_stays_within_0_and_1() -> None:
    found = metrics.pass_at_k([5] * 30, [5] * 29 + [1], 2)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < found.high <= 1


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=9))
def test_agreement_is_the_share_of_equal_pairs(answers: list[str]) -> None:
    pairs = list(combinations(answers, 2))
    agreeing = Fraction(sum(a == b for a, b in pairs), len(pairs))
    assert metrics.consistency(answers).value == float(agreeing)


def test_agreement_of_none_of_one_of_equal_and_of_different_samples() -> None:
    assert metrics.consistency([]).why == "no data"
    assert metrics.consistency(["a"]).value is None
    assert metrics.consistency(["a"] * 5).value == 1
    assert metrics.consistency("abcde").value == 0
