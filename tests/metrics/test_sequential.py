"""The e-value against exact rational arithmetic, and what it promises against whole worlds of chance."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.metrics import e_process, e_value

STAKES = [Fraction(i, 20) for i in range(1, 20)]


def exactly(differences: list[Fraction], bound: Fraction) -> Fraction:
    """The mean over the stakes of the product of (1 + λ·d/bound), without rounding."""
    return (
        sum(
            (math.prod((1 + s * d / bound for d in differences), start=Fraction(1)) for s in STAKES),
            Fraction(0),
        )
        / 19
    )


CASES: list[tuple[list[Fraction], Fraction]] = [
    ([], Fraction(1)),
    ([Fraction(1)], Fraction(1)),
    ([Fraction(-1)] * 5, Fraction(1)),
    ([Fraction(1), Fraction(-1)] * 4, Fraction(1)),
    ([Fraction(20), Fraction(0), Fraction(-2)], Fraction(20)),
    ([Fraction(1, 3), Fraction(-2, 7), Fraction(5, 11)], Fraction(3, 2)),
    ([Fraction(1)] * 40, Fraction(1)),
]


@pytest.mark.parametrize(("differences", "bound"), CASES)
def test_it_is_the_mixture_of_bets_exactly(differences: list[Fraction], bound: Fraction) -> None:
    found = e_value([float(d) for d in differences], float(bound))
    assert found == pytest.approx(float(exactly(differences, bound)), rel=1e-12)


@given(
    st.lists(st.fractions(min_value=-1, max_value=1, max_denominator=50), max_size=12),
    st.fractions(min_value=1, max_value=30, max_denominator=7),
)
def test_it_is_so_for_any_small_case(differences: list[Fraction], bound: Fraction) -> None:
    found = e_value([float(d) for d in differences], float(bound))
    assert found == pytest.approx(float(exactly(differences, bound)), rel=1e-10)


def test_under_the_hypothesis_it_is_worth_its_stake_on_average() -> None:
    # Every sequence of six fair outcomes, weighted by its chance: the mean of E is exactly 1 at every look.
    for n in range(7):
        paths = list(itertools.product([Fraction(-1), Fraction(0), Fraction(1)], repeat=n))
        chance = Fraction(1, 3) ** n
        assert sum((chance * exactly(list(path), Fraction(1)) for path in paths), Fraction(0)) == 1
        mean = sum(float(chance) * e_value([float(d) for d in path], 1.0) for path in paths)
        assert mean == pytest.approx(1.0, rel=1e-12)


def test_the_share_of_fair_games_that_ever_reach_20_is_at_most_a_twentieth() -> None:
    # Looked at after each of 200 examples. By Ville's inequality at most 5 %; it is about half of that.
    rng = np.random.default_rng(5)
    reached = [
        float(e_process(rng.choice([-1.0, 0.0, 1.0], 200, p=[0.2, 0.6, 0.2]), 1.0).max()) for _ in range(2000)
    ]
    assert np.mean([r >= math.log(20) for r in reached]) <= 0.05


def test_the_process_is_the_value_after_each_example() -> None:
    differences = [0.5, -0.25, 1.0, 1.0]
    process = e_process(differences, 1.0)
    assert [math.exp(p) for p in process] == pytest.approx(
        [e_value(differences[: i + 1], 1.0) for i in range(4)]
    )


def test_it_does_not_depend_on_the_unit() -> None:
    assert e_value([3.0, -1.0, 2.0], 20.0) == pytest.approx(e_value([300.0, -100.0, 200.0], 2000.0))


def test_no_difference_is_no_evidence_and_much_of_it_has_no_end() -> None:
    assert e_value([], 1.0) == 1.0
    assert e_value([0.0] * 1000, 1.0) == pytest.approx(1.0)
    assert e_value([1.0] * 5000, 1.0) == math.inf
    assert e_value([-1.0] * 5000, 1.0) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("differences", "bound", "why"),
    [
        ([0.5], 0.0, "bound must be"),
        ([0.5], -1.0, "bound must be"),
        ([0.5], math.inf, "bound must be"),
        ([1.5], 1.0, "beyond the bound"),
        ([math.nan], 1.0, "NaN"),
        ([math.inf], 1.0, "infinities"),
        ([[0.1]], 1.0, "one-dimensional"),
    ],
)
def test_what_cannot_be_bet_on_is_refused(differences: list[float], bound: float, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        e_value(differences, bound)
