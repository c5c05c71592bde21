"""Sample sizes: the published formula, its inverse, and a simulation of the test they are for."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from evalspec.metrics import (
    minimum_detectable_cost,
    minimum_detectable_difference,
    sample_size,
    sample_size_for_cost,
)


@given(st.integers(10, 5000), st.floats(0.02, 1), st.floats(0.3, 0.99), st.floats(0.001, 0.2))
def test_the_difference_solves_connors_equation(
    n: int, discordant: float, power: float, alpha: float
) -> None:
    delta = minimum_detectable_difference(n, discordant, power, alpha).value
    if delta is not None:
        right = norm.isf(alpha / 2) * sqrt(discordant) + norm.ppf(power) * sqrt(discordant - delta**2)
        assert sqrt(n) * delta == pytest.approx(right)
        assert 0 < delta <= discordant


@given(st.integers(20, 5000), st.floats(0.1, 1))
def test_the_sample_size_is_the_inverse(n: int, discordant: float) -> None:
    delta = minimum_detectable_difference(n, discordant).value
    if delta is not None:
        needed = sample_size(delta, discordant).value
        assert needed is not None
        assert n <= needed <= n + 1


@pytest.mark.parametrize("n", [40, 156, 312, 500, 5000])
@pytest.mark.parametrize("discordant", [0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("contrasts", [1, 3, 45])
def test_a_root_finder_that_knows_only_the_equation_finds_the_same(
    n: int, discordant: float, contrasts: int
) -> None:
    alpha = 0.05 / contrasts

    def missing(delta: float) -> float:
        beta = norm.ppf(0.8) * sqrt(discordant - delta**2)
        return sqrt(n) * delta - norm.isf(alpha / 2) * sqrt(discordant) - beta

    top = min(discordant, sqrt(discordant))
    found = minimum_detectable_difference(n, discordant, alpha=alpha).value
    if missing(top) < 0:  # no difference up to the discordant share is enough
        assert found is None
    else:
        assert found == pytest.approx(brentq(missing, 0, top, xtol=1e-14), rel=1e-9)


@given(st.integers(2, 10_000), st.floats(1e-3, 1e3), st.floats(0.3, 0.99), st.floats(0.001, 0.2))
def test_of_costs_each_is_the_other_backwards(n: int, sd: float, power: float, alpha: float) -> None:
    smallest = minimum_detectable_cost(n, sd, power, alpha).value
    assert smallest is not None
    if smallest > 0:
        needed = sample_size_for_cost(smallest, sd, power, alpha).value
        assert needed is not None
        assert n <= needed <= n + 1


def test_of_costs_by_hand_and_in_simulation() -> None:
    # ((1.95996 + .84162)·8.9/1.25)² = 397.9…
    needed = sample_size_for_cost(-1.25, 8.9).value or 0
    assert needed == 398
    rng = np.random.default_rng(1)
    drawn = rng.choice([0.0, 20.0, -20.0], (4000, needed), p=[0.8, 0.13125, 0.06875])  # mean 1.25, sd 8.86
    z = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / sqrt(needed))
    assert np.mean(np.abs(z) >= norm.ppf(0.975)) == pytest.approx(0.8, abs=0.02)


def test_by_hand() -> None:
    # δ = .05, ψ = .2: ((1.95996·√.2 + .84162·√.1975)/.05)² = 625.99…
    needed = sample_size(0.05, 0.2)
    assert needed.value == 626
    assert sample_size(-0.05, 0.2) == needed


def test_the_power_is_reached_in_simulation() -> None:
    n, discordant, delta = sample_size(0.1, 0.3).value or 0, 0.3, 0.1
    rng = np.random.default_rng(0)
    shares = [(discordant + delta) / 2, (discordant - delta) / 2, 1 - discordant]
    b, c, _ = rng.multinomial(n, shares, 4000).T
    assert np.mean(np.abs(b - c) / np.sqrt(b + c) >= norm.ppf(0.975)) == pytest.approx(0.8, abs=0.02)


def test_a_difference_beyond_the_discordant_share_is_impossible() -> None:
    assert sample_size(0.3, 0.2).value is None
    assert sample_size(0.2, 0.2).value is not None
    found = minimum_detectable_difference(20, 0.1)
    assert found.value is None
    assert found.why is not None


@pytest.mark.parametrize("n", range(8))
def test_a_handful_of_examples_detects_nothing_small(n: int) -> None:
    assert minimum_detectable_difference(n, 0.3).value is None


def test_edges() -> None:
    assert minimum_detectable_cost(0, 1.0).why == "no data"
    assert minimum_detectable_cost(100, 0.0).value == 0
    assert sample_size_for_cost(0.0, 1.0).why == "no sample shows a difference of 0"
    assert sample_size_for_cost(1.0, 0.0).value == 2
    for beyond in (sample_size(1e-200, 0.2), sample_size_for_cost(1e-200, 1e200)):
        assert (beyond.value, beyond.why) == (None, "no sample of any size that could be had would do")
    assert minimum_detectable_difference(0, 0.2).why == "no data"
    assert sample_size(0, 0.2).why == "no sample shows a difference of 0"


@pytest.mark.parametrize(
    ("difference", "discordant", "power", "alpha"),
    [
        (2, 0.2, 0.8, 0.05),
        (0.1, 0, 0.8, 0.05),
        (0.1, 1.2, 0.8, 0.05),
        (0.1, 0.2, 1, 0.05),
        (0.1, 0.2, 0.8, 0),
    ],
)
def test_what_is_no_share_is_refused(
    difference: float, discordant: float, power: float, alpha: float
) -> None:
    with pytest.raises(ValueError):
        sample_size(difference, discordant, power, alpha)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        minimum_detectable_difference(-1, 0.2)


@pytest.mark.parametrize(("difference", "sd"), [(1.0, -1.0), (1.0, float("nan")), (float("inf"), 1.0)])
def test_costs_that_are_no_numbers_are_refused(difference: float, sd: float) -> None:
    with pytest.raises(ValueError):
        sample_size_for_cost(difference, sd)
    with pytest.raises(ValueError):
        minimum_detectable_cost(-1, 1.0)
