"""Percentiles and budgets against numpy, scipy and the figures of the design."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import quantile_test

from evalspec.metrics import BudgetVerdict, budget_verdict, percentile

durations = st.lists(st.integers(1, 40), min_size=1, max_size=80)


class TestPercentile:
    @given(durations, st.sampled_from([1, 25, 50, 90, 95, 99, 100]))
    def test_agrees_with_numpy(self, x: list[int], q: int) -> None:
        assert percentile(x, q).value == np.percentile(x, q, method="inverted_cdf")

    @given(durations, st.sampled_from([50, 95, 99.9, 57.3]), st.integers(0, 41))
    def test_within_a_bound_means_that_many_within(self, x: list[int], q: float, bound: int) -> None:
        value = percentile(x, q).value
        assert value is not None
        # In tenths of a percent, to stay exact.
        assert (value <= bound) is (1000 * sum(v <= bound for v in x) >= round(10 * q) * len(x))

    @pytest.mark.parametrize("q", [50, 90, 95])
    @pytest.mark.parametrize("n", [80, 100, 313])
    def test_the_interval_agrees_with_scipy(self, n: int, q: float) -> None:
        x = np.random.default_rng(n).lognormal(size=n)
        test = quantile_test(x, q=float(np.median(x)), p=q / 100)
        peer: Any = test.confidence_interval(confidence_level=0.95)  # its stubs call it a float
        estimate = percentile(x, q)
        assert (estimate.low, estimate.high) == (peer.low, peer.high)

    @pytest.mark.parametrize(("q", "least"), [(95, 72), (99, 368)])
    def test_the_upper_end_is_finite_from_so_many(self, q: float, least: int) -> None:
        assert percentile(np.arange(least - 1), q).high == inf
        assert percentile(np.arange(least), q).high == least - 1

    def test_decimal_percents_mean_what_they_say(self) -> None:
        assert percentile(np.arange(1, 101), 55).value == 55
        assert percentile(np.arange(1, 1001), 99.9).value == 999
        assert percentile(np.arange(1, 1001), 0.1).value == 1

    def test_one_duration(self) -> None:
        estimate = percentile([0.4], 95)
        assert (estimate.value, estimate.low, estimate.high, estimate.n) == (0.4, -inf, inf, 1)

    def test_durations_cut_off_are_longer_than_all(self) -> None:
        assert percentile([1, inf, 2, 3], 75).value == 3
        assert percentile([1, inf, 2, 3], 76).value == inf

    def test_no_data_and_misuse(self) -> None:
        assert percentile([], 50).why == "no data"
        for q in (0, 101, float("nan")):
            with pytest.raises(ValueError, match="percentage"):
                percentile([1], q)
        with pytest.raises(ValueError, match="NaN"):
            percentile([np.nan], 50)


class TestBudget:
    @pytest.mark.parametrize(
        ("n", "passes", "fails"), [(100, 1, 10), (200, 4, 16), (300, 8, 22), (500, 16, 34)]
    )
    def test_p95_turns_at_these_numbers_of_misses(self, n: int, passes: int, fails: int) -> None:
        def verdict(misses: int) -> BudgetVerdict:
            return budget_verdict([1] * (n - misses) + [inf] * misses, 95, 1).verdict

        assert [verdict(passes), verdict(passes + 1)] == [BudgetVerdict.WITHIN, BudgetVerdict.NOT_ENOUGH_DATA]
        assert [verdict(fails - 1), verdict(fails)] == [BudgetVerdict.NOT_ENOUGH_DATA, BudgetVerdict.OVER]

    def test_p99_needs_299(self) -> None:
        assert budget_verdict([1] * 298, 99, 2).verdict is BudgetVerdict.NOT_ENOUGH_DATA
        assert budget_verdict([1] * 299, 99, 2).verdict is BudgetVerdict.WITHIN

    def test_the_bound_itself_is_within(self) -> None:
        assert budget_verdict([1.5, 1.6], 50, 1.5).within == 1

    def test_no_data_and_misuse(self) -> None:
        assert budget_verdict([], 95, 1).verdict is BudgetVerdict.NOT_ENOUGH_DATA
        with pytest.raises(ValueError, match="bound"):
            budget_verdict([1], 95, float("nan"))
