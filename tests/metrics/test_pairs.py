"""Paired comparisons against scipy and statsmodels, and against their own slow definitions."""

from fractions import Fraction
from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from evalspec.metrics import Estimate, holm, mcnemar_midp, paired_difference, sign_flip

RNG = np.random.default_rng(11)


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


class TestPairedDifference:
    def test_agrees_with_scipy(self) -> None:
        a, b = RNG.normal(size=60), RNG.normal(size=60)
        peer = stats.ttest_rel(a, b).confidence_interval(0.95)
        estimate = paired_difference(a, b)
        assert ends(estimate) == pytest.approx((peer.low, peer.high))

    def test_binary_data_with_many_discordant_pairs_get_the_t_interval(self) -> None:
        a, b = np.repeat([1.0, 0, 1], [15, 10, 75]), np.repeat([0.0, 1, 1], [15, 10, 75])
        peer = stats.ttest_rel(a, b).confidence_interval(0.95)
        assert ends(paired_difference(a, b)) == pytest.approx((peer.low, peer.high))

    def test_binary_data_with_few_discordant_pairs_get_bonett_price(self) -> None:
        a, b = np.repeat([1.0, 0, 1], [7, 3, 40]), np.repeat([0.0, 1, 1], [7, 3, 40])
        p, q = 8 / 52, 4 / 52
        half = stats.norm.ppf(0.975) * sqrt((p + q - (p - q) ** 2) / 52)
        estimate = paired_difference(a, b)
        assert estimate.value == pytest.approx(0.08)
        assert ends(estimate) == pytest.approx((p - q - half, p - q + half))
        assert estimate.se == pytest.approx(np.std(a - b, ddof=1) / sqrt(50))

    def test_no_discordant_pair_still_leaves_a_width(self) -> None:
        low, high = ends(paired_difference([1, 0, 1, 1], [1, 0, 1, 1]))
        assert low < 0 < high
        assert paired_difference([1, 0], [1, 0]).se is None
        assert ends(paired_difference([1], [0]))[1] <= 1

    def test_the_sides_change_the_sign(self) -> None:
        a, b = [1.0, 1, 0, 1, 0], [0.0, 1, 0, 0, 1]
        low, high = ends(paired_difference(a, b))
        assert ends(paired_difference(b, a)) == pytest.approx((-high, -low))

    def test_only_examples_both_finished_count(self) -> None:
        estimate = paired_difference([1, np.nan, 3, 7], [0, 5, np.nan, 4])
        assert (estimate.value, estimate.n) == (2.0, 2)
        assert paired_difference([np.nan], [1]).why == "no data"

    def test_costs_that_always_differ_alike_have_no_interval(self) -> None:
        estimate = paired_difference([0.3, 5.3], [0.1, 5.1])
        assert (estimate.low, estimate.se) == (None, None)

    def test_equal_weights_change_nothing(self) -> None:
        for a, b in ((RNG.normal(size=9), RNG.normal(size=9)), (np.arange(9) % 2, np.arange(9) % 3 == 0)):
            plain, weighted = paired_difference(a, b), paired_difference(a, b, [2.0] * 9)
            assert ends(weighted) == pytest.approx(ends(plain))

    @pytest.mark.parametrize(("a", "b"), [([1], [1, 2]), ([np.inf], [1]), ([[1]], [[1]])])
    def test_arrays_that_do_not_fit_are_refused(self, a: list[float], b: list[float]) -> None:
        with pytest.raises(ValueError):
            paired_difference(a, b)


class TestMcNemar:
    @given(st.integers(0, 60), st.integers(0, 60))
    def test_is_the_exact_test_with_half_of_the_observed_point(self, b: int, c: int) -> None:
        p = mcnemar_midp(b, c)
        assert p == mcnemar_midp(c, b)
        assert 0 < p <= 1
        if b != c:
            exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue
            assert p == pytest.approx(exact - stats.binom.pmf(b, b + c, 0.5), abs=1e-12)

    def test_by_hand(self) -> None:
        tail = sum(Fraction(comb(10, k), 2**10) for k in range(2)) + Fraction(comb(10, 2), 2 * 2**10)
        assert mcnemar_midp(2, 8) == pytest.approx(float(2 * tail))

    def test_no_discordant_pair_is_no_evidence(self) -> None:
        assert mcnemar_midp(0, 0) == 1
        assert mcnemar_midp(5, 5) == pytest.approx(1)

    def test_negative_counts_are_refused(self) -> None:
        with pytest.raises(ValueError, match="negative"):
            mcnemar_midp(-1, 3)


class TestSignFlip:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(-4, 4), max_size=9))
    def test_is_exact_for_few_differences(self, d: list[int]) -> None:
        flips = [
            abs(sum(s * x for s, x in zip(signs, d, strict=True)))
            for signs in product((1, -1), repeat=len(d))
        ]
        expected = sum(flip >= abs(sum(d)) for flip in flips) / len(flips)
        assert sign_flip(d) == expected

    def test_rounding_does_not_break_ties(self) -> None:
        assert sign_flip([0.1, 0.2, -0.3]) == 1
        assert sign_flip([0.1] * 3) == sign_flip([1] * 3) == 0.25

    def test_counts_only_differences_that_are_not_0(self) -> None:
        assert sign_flip([0] * 1000 + [1] * 13) == 2 / 2**13

    def test_is_never_0_and_repeats_with_the_seed(self) -> None:
        assert sign_flip([1.0] * 14, seed=1) >= 1e-4
        assert sign_flip([1.0] * 200) == 1e-4
        d = RNG.normal(0.1, 1, 300)
        assert sign_flip(d, 5) == sign_flip(d, 5)

    def test_agrees_with_scipy_on_many(self) -> None:
        d = RNG.normal(0.12, 1, 150)
        peer = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=9999, vectorized=True, rng=2
        ).pvalue
        assert sign_flip(d) == pytest.approx(peer, abs=0.02)

    def test_no_difference_is_no_evidence(self) -> None:
        assert sign_flip([]) == sign_flip([0, 0]) == 1


class TestHolm:
    @pytest.mark.parametrize("m", [1, 2, 3, 10])
    def test_agrees_with_statsmodels(self, m: int) -> None:
        p = RNG.random(m) ** 3
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    def test_keeps_the_order_and_never_lowers(self, p: list[float]) -> None:
        adjusted = holm(p)
        order = np.argsort(p, kind="stable")
        assert np.all(np.diff(adjusted[order]) >= 0)
        assert np.all(adjusted >= p)

    def test_one_hypothesis_stays_and_none_is_none(self) -> None:
        assert holm([0.03]).tolist() == [0.03]
        assert holm([]).tolist() == []

    @pytest.mark.parametrize("p", [[1.1], [-0.1], [np.nan]])
    def test_what_is_no_p_value_is_refused(self, p: list[float]) -> None:
        with pytest.raises(ValueError):
            holm(p)
