"""Means, clustered means and the bootstrap against scipy, statsmodels and enumeration."""

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalspec.metrics import (
    Estimate,
    bootstrap,
    clustered_mean,
    design_effect,
    mean_estimate,
    paired_difference,
    wilson,
)
from evalspec.metrics.resample import resampled_means

RNG = np.random.default_rng(7)


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


class TestMean:
    @pytest.mark.parametrize("n", [2, 3, 30, 500])
    def test_agrees_with_scipy(self, n: int) -> None:
        y = RNG.normal(3, 2, n)
        peer = stats.ttest_1samp(y, 0).confidence_interval(0.9)
        estimate = mean_estimate(y, level=0.9)
        assert ends(estimate) == pytest.approx((peer.low, peer.high))
        assert estimate.se == pytest.approx(stats.sem(y))

    @pytest.mark.parametrize("value", [0, 1])
    def test_binary_data_without_variation_get_wilsons_interval(self, value: int) -> None:
        estimate, plain = mean_estimate([value] * 9), wilson(9 * value, 9)
        assert (estimate.value, ends(estimate), estimate.se) == (value, ends(plain), None)

    def test_other_data_without_variation_have_no_interval(self) -> None:
        assert mean_estimate([0.7, 0.7]) == Estimate(
            value=0.7, low=None, high=None, n=2, why="all values are equal, which leaves no interval"
        )

    def test_one_value_has_no_interval(self) -> None:
        estimate = mean_estimate([5.0])
        assert (estimate.value, estimate.low, estimate.se) == (5.0, None, None)

    def test_rounding_is_not_variation(self) -> None:
        assert mean_estimate([0.1 + 0.2, 0.3]).se is None

    def test_nothing_is_no_data(self) -> None:
        assert mean_estimate([]).why == "no data"

    @given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=1, max_size=15))
    def test_whole_weights_repeat(self, drawn: list[tuple[int, int]]) -> None:
        y, w = [float(y) for y, _ in drawn], [w for _, w in drawn]
        repeated = mean_estimate(np.repeat(y, w)).value
        found = mean_estimate(y, w).value
        assert found == (None if repeated is None else pytest.approx(repeated, abs=1e-12))

    @pytest.mark.parametrize("y", [[np.nan], [np.inf, 1], [[1, 2]]])
    def test_what_is_no_row_of_numbers_is_refused(self, y: list[float]) -> None:
        with pytest.raises(ValueError):
            mean_estimate(y)


class TestClusteredMean:
    @pytest.mark.parametrize("groups", [2, 5, 40])
    def test_agrees_with_statsmodels(self, groups: int) -> None:
        cluster = np.sort(RNG.integers(0, groups, 4 * groups))
        y = (RNG.random(cluster.size) < 0.3 + 0.5 * (cluster % 2)).astype(float)
        fit = sm.OLS(y, np.ones(y.size)).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
        )
        count = np.unique(cluster).size
        estimate = clustered_mean(y, cluster)
        assert estimate.value == pytest.approx(y.mean())
        assert estimate.se == pytest.approx(fit.bse[0] * np.sqrt(count / (count - 1)))
        half = stats.t.ppf(0.975, count - 1) * fit.bse[0] * np.sqrt(count / (count - 1))
        assert ends(estimate) == pytest.approx((y.mean() - half, y.mean() + half))

    def test_clusters_of_one_are_no_clusters(self) -> None:
        y = RNG.normal(size=30)
        assert clustered_mean(y, np.arange(30)).se == pytest.approx(mean_estimate(y).se)
        assert design_effect(y, np.arange(30)) == pytest.approx(1)

    def test_copies_of_an_example_add_nothing(self) -> None:
        y = np.array([1.0, 0, 1, 1, 0])
        copied = clustered_mean(np.repeat(y, 4), np.repeat(["a", "b", "c", "d", "e"], 4))
        assert copied.se == pytest.approx(mean_estimate(y).se)

    def test_weights_are_repetitions_within_a_cluster(self) -> None:
        y, cluster, w = [1.0, 0, 1, 0], [1, 1, 2, 3], [2, 1, 3, 1]
        repeated = clustered_mean(np.repeat(y, w), np.repeat(cluster, w))
        weighted = clustered_mean(y, cluster, w)
        assert (weighted.value, weighted.se) == pytest.approx((repeated.value, repeated.se))

    def test_one_cluster_leaves_no_interval(self) -> None:
        estimate = clustered_mean([1, 0, 1], ["x"] * 3)
        assert (estimate.low, estimate.why) == (None, "one cluster gives no interval")
        assert design_effect([1, 0, 1], ["x"] * 3) is None

    def test_few_clusters_are_cautioned_about(self) -> None:
        assert clustered_mean([1, 0, 1], [1, 2, 3]).why == "only 3 clusters: read the interval with care"
        assert clustered_mean(RNG.normal(size=20), np.arange(20)).why is None

    def test_all_right_is_worth_one_example_a_cluster(self) -> None:
        assert ends(clustered_mean([1] * 6, [1, 1, 2, 2, 3, 3])) == ends(wilson(3, 3))

    def test_clusters_that_agree_leave_no_interval(self) -> None:
        assert clustered_mean([1, 0, 0, 1], [1, 1, 2, 2]).low is None

    def test_nothing_is_no_data_and_lengths_must_fit(self) -> None:
        assert clustered_mean([], []).why == "no data"
        with pytest.raises(ValueError, match="cluster"):
            clustered_mean([1, 0], [1])


class TestBootstrap:
    def test_converges_to_exact_enumeration(self) -> None:
        y = np.array([0.0, 1, 2, 5, 9])
        exact = np.array([np.mean(draw) for draw in product(y, repeat=5)])
        estimate = bootstrap(y, repeats=40_000)
        expected = np.quantile(exact, [0.025, 0.975], method="inverted_cdf")
        assert ends(estimate) == pytest.approx(expected, abs=0.21)
        assert estimate.se == pytest.approx(exact.std(), rel=0.02)

    def test_agrees_with_scipy(self) -> None:
        y = RNG.exponential(size=80)
        peer = stats.bootstrap((y,), np.mean, method="percentile", rng=1).confidence_interval
        assert ends(bootstrap(y)) == pytest.approx((peer.low, peer.high), abs=0.02)

    def test_one_seed_one_answer(self) -> None:
        y = RNG.normal(size=50)
        assert bootstrap(y, 500, 3) == bootstrap(y, 500, 3)
        assert bootstrap(y, 500, 3) != bootstrap(y, 500, 4)

    def test_data_without_variation_are_left_to_the_mean(self) -> None:
        assert bootstrap([1, 1, 1]) == mean_estimate([1, 1, 1])
        assert bootstrap([]).why == "no data"

    def test_many_examples_are_redrawn_in_groups_with_the_same_spread(self) -> None:
        y = RNG.normal(size=(50_001, 1))
        means = np.concatenate(list(resampled_means(y, 2_000, 0)))
        assert means.mean() == pytest.approx(y.mean(), abs=5e-4)
        assert means.std() == pytest.approx(y.std() / np.sqrt(y.size), rel=0.08)

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(-9, 9), min_size=2, max_size=12), st.integers(1, 1200))
    def test_resampled_means_stay_within_the_data(self, y: list[int], repeats: int) -> None:
        means = np.concatenate(list(resampled_means(np.array(y, dtype=float)[:, None], repeats, 0)))
        assert means.shape == (repeats, 1)
        assert min(y) - 1e-9 <= means.min() <= means.max() <= max(y) + 1e-9

    def test_repeats_below_1_are_refused(self) -> None:
        with pytest.raises(ValueError, match="repeats"):
            bootstrap([1, 2], repeats=0)


class TestWhatDoesNotFit:
    @pytest.mark.parametrize("repeats", [1, 0, -3, 1.5, "many", None, True])
    def test_a_bootstrap_takes_two_resamples_at_least(self, repeats: object) -> None:
        with pytest.raises(ValueError, match="repeats must be a whole number of at least 2"):
            bootstrap([1, 2, 3], repeats=repeats)  # type: ignore[arg-type]

    @pytest.mark.parametrize("labels", [["a", None, "b"], [None, None, None], [1.0, float("nan"), 2.0]])
    def test_each_example_belongs_to_a_cluster(self, labels: list[object]) -> None:
        for found in (clustered_mean, design_effect):
            with pytest.raises(ValueError, match="without a label"):
                found([1, 2, 3], np.array(labels, dtype=object))
        with pytest.raises(ValueError, match="without a label"):
            paired_difference([1, 2, 3], [2, 2, 5], cluster=np.array(labels, dtype=object))

    def test_labels_are_of_one_kind(self) -> None:
        with pytest.raises(ValueError, match="several kinds"):
            clustered_mean([1, 2, 3], np.array(["a", 1, "b"], dtype=object))
