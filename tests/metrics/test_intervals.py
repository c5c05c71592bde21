"""Intervals of proportions against statsmodels, exact enumeration, and at their edges."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evalspec.metrics import Estimate, clopper_pearson, mover, newcombe, weighted_proportion, wilson

Interval = Callable[[int, int], Estimate]
counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 1), (7, 10), (195, 200), (200, 200), (1, 100_000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_and_clopper_pearson_agree_with_statsmodels(k: int, n: int, level: float) -> None:
    peer = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert ends(wilson(k, n, level)) == pytest.approx(peer, abs=1e-12)
    peer = proportion_confint(k, n, alpha=1 - level, method="beta")
    assert ends(clopper_pearson(k, n, level)) == pytest.approx(peer, abs=1e-12)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_an_interval_ends_exactly_at_0_or_1_where_all_agree(interval: Interval) -> None:
    for n in (1, 2, 3, 7, 50, 333, 1000):
        assert ends(interval(n, n))[1] == 1
        assert ends(interval(0, n))[0] == 0


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_no_data_leave_no_value_and_every_proportion_possible(interval: Interval) -> None:
    assert interval(0, 0) == Estimate(value=None, low=0, high=1, n=0, why="no data")


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(interval: Interval, k: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        interval(k, n)


@given(counts)
def test_wilson_contains_the_proportion_and_mirrors(drawn: tuple[int, int]) -> None:
    k, n = drawn
    low, high = ends(wilson(k, n))
    assert 0 <= low <= k / n <= high <= 1
    assert ends(wilson(n - k, n)) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(counts)
def test_the_exact_interval_inverts_the_binomial_tails(drawn: tuple[int, int]) -> None:
    k, n = drawn
    low, high = ends(clopper_pearson(k, n))
    if k > 0:
        assert binom.sf(k - 1, n, low) == pytest.approx(0.025, rel=1e-6)
    if k < n:
        assert binom.cdf(k, n, high) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.parametrize(("n", "p", "coverage"), [(200, 0.95, 0.967), (200, 0.99, 0.948)])
def test_wilson_covers_as_the_design_says(n: int, p: float, coverage: float) -> None:
    covered = [k for k in range(n + 1) if ends(wilson(k, n))[0] <= p <= ends(wilson(k, n))[1]]
    assert sum(float(binom.pmf(k, n, p)) for k in covered) == pytest.approx(coverage, abs=0.0006)


def test_the_standard_error_has_ddof_1_and_is_never_0() -> None:
    assert wilson(3, 4).se == pytest.approx(np.std([1, 1, 1, 0], ddof=1) / 2)
    assert wilson(4, 4).se is None
    assert wilson(1, 1).se is None


@pytest.mark.parametrize("level", [0, 1, -0.5, float("nan")])
def test_a_level_outside_0_to_1_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        wilson(1, 2, level)


def test_newcombe_gives_the_published_example() -> None:
    # Newcombe 1998, table II (a): 56/70 against 48/80, method 10.
    estimate = newcombe(56, 70, 48, 80)
    assert estimate.value == pytest.approx(0.2)
    assert ends(estimate) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(counts, counts)
def test_newcombe_agrees_with_statsmodels_and_changes_sign_with_its_sides(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    low, high = ends(newcombe(*a, *b))
    assert (low, high) == pytest.approx(confint_proportions_2indep(*a, *b, method="newcomb"), abs=1e-9)
    assert ends(newcombe(*b, *a)) == pytest.approx((-high, -low), abs=1e-12)


def test_newcombe_without_data_on_one_side_excludes_nothing() -> None:
    assert newcombe(0, 0, 3, 4) == Estimate(value=None, low=-1, high=1, n=4, why="no data")


class TestWeightedProportion:
    def test_equal_weights_are_wilson(self) -> None:
        weighted = weighted_proportion([1, 1, 0, 1], [2.5] * 4)
        plain = wilson(3, 4)
        assert (weighted.value, weighted.n) == (plain.value, plain.n)
        assert ends(weighted) == pytest.approx(ends(plain))
        assert weighted.se == pytest.approx(plain.se)

    def test_by_hand(self) -> None:
        # m = 3/4, Kish n = 16/6; se = sqrt(3/2·(1·(1/4)² + 4·(1/4)² + 1·(3/4)²))/4
        estimate = weighted_proportion([1, 1, 0], [1, 2, 1])
        assert estimate.value == 0.75
        assert estimate.se == pytest.approx(np.sqrt(1.5 * 0.875) / 4)
        assert ends(estimate) == pytest.approx(ends(wilson(0.75 * 16 / 6, 16 / 6)))

    @given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=20))
    def test_whole_weights_repeat(self, drawn: list[tuple[bool, int]]) -> None:
        y, w = [float(y) for y, _ in drawn], [w for _, w in drawn]
        assert weighted_proportion(y, w).value == pytest.approx(np.repeat(y, w).mean())

    @pytest.mark.parametrize("w", [[1.0], [0.1] * 7, [0.3, 0.7, 5.1]])
    def test_all_ones_stay_exactly_1(self, w: list[float]) -> None:
        estimate = weighted_proportion([1] * len(w), w)
        assert estimate.value == 1
        assert estimate.se is None
        assert estimate.high in (1, None)

    def test_one_dominating_example_leaves_no_interval(self) -> None:
        estimate = weighted_proportion([1, 0], [100, 1])
        assert (estimate.low, estimate.high) == (None, None)
        assert estimate.why is not None

    def test_two_equal_weights_leave_one_despite_rounding(self) -> None:
        assert weighted_proportion([1, 0], [0.1, 0.1]).low is not None

    @pytest.mark.parametrize("w", [[], [0, 0]])
    def test_no_weight_is_no_data(self, w: list[float]) -> None:
        assert weighted_proportion([1, 0][: len(w)], w).why == "no data"

    @pytest.mark.parametrize(
        ("y", "w"), [([1], [-1]), ([1], [1, 1]), ([2], [1]), ([np.nan], [1]), ([1], [np.inf])]
    )
    def test_arrays_that_do_not_fit_are_refused(self, y: list[float], w: list[float]) -> None:
        with pytest.raises(ValueError):
            weighted_proportion(y, w)


class TestMover:
    def test_one_part_is_that_part(self) -> None:
        assert mover((wilson(8, 10),), [1.0]) == wilson(8, 10)

    def test_by_hand(self) -> None:
        a, b = wilson(150, 150), wilson(12, 20)
        estimate = mover((a, b), [0.9, 0.1])
        low = 0.96 - np.hypot(0.9 * (1 - ends(a)[0]), 0.1 * (0.6 - ends(b)[0]))
        high = 0.96 + 0.1 * (ends(b)[1] - 0.6)
        assert ends(estimate) == pytest.approx((low, high))
        assert estimate.se is None  # one part has none
