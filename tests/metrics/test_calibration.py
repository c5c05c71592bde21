"""Calibration error on and off the edges of bins, its noise floor, reliability bins, and tests."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.calibration import calibration_curve

from evalspec.metrics import (
    chosen_binning,
    ece,
    ece_null,
    overconfidence,
    reliability_bins,
    spiegelhalter_z,
    wilson,
)
from evalspec.metrics.binning import Binning, assigned

from .drawn import Floats, claims, simulated, split, weighted_claims, with_weights

BINNINGS: tuple[Binning, ...] = ("width", "mass", "values", "auto")


def error(
    c: list[float] | Floats, y: list[float] | Floats, bins: int = 10, binning: Binning = "width"
) -> float:
    value = ece(c, y, bins, binning).value
    assert value is not None
    return value


class TestBins:
    @pytest.mark.parametrize("bins", [1, 2, 3, 7, 10, 15, 20, 49, 100])
    def test_a_confidence_on_an_edge_belongs_below_it(self, bins: int) -> None:
        edges = np.array([i / bins for i in range(bins + 1)])
        found = assigned(edges, bins, "width", np.ones(edges.size))
        assert found.tolist() == [0, *range(bins)]

    @pytest.mark.parametrize("hundredths", range(101))
    def test_two_decimals_fall_where_the_decimals_say(self, hundredths: int) -> None:
        expected = max(0, ceil(Fraction(hundredths, 10)) - 1)
        assert assigned(
            np.array([float(f"0.{hundredths:02d}") if hundredths < 100 else 1.0]), 10, "width", np.ones(1)
        ) == [expected]

    def test_equal_mass_without_ties_is_array_split(self) -> None:
        c = np.random.default_rng(0).permutation(np.linspace(0, 1, 23))
        found = assigned(c, 5, "mass", np.ones(23))
        expected = [np.sort(part).tolist() for part in np.array_split(np.sort(c), 5)]
        assert [np.sort(c[found == b]).tolist() for b in range(5)] == expected

    def test_equal_mass_never_splits_a_tie(self) -> None:
        c = np.array([0.1, 0.9, 0.9, 0.9, 0.9, 0.95])
        assert assigned(c, 3, "mass", np.ones(6)).tolist() == [0, 0, 0, 0, 0, 2]

    def test_more_bins_than_examples_leave_one_each(self) -> None:
        assert assigned(np.array([0.2, 0.1]), 5, "mass", np.ones(2)).tolist() == [1, 0]

    def test_auto_takes_values_where_they_are_few(self) -> None:
        assert chosen_binning(np.arange(20) / 20) == "values"
        assert chosen_binning(np.arange(21) / 21) == "width"
        assert chosen_binning(np.tile(np.arange(30) / 30, 10)) == "values"
        assert chosen_binning(np.arange(30) / 30, weights=[10] * 30) == "values"
        assert chosen_binning([0.5], "mass") == "mass"
        assert chosen_binning([]) == "values"

    @pytest.mark.parametrize(("bins", "binning"), [(0, "width"), (10, "quantile")])
    def test_unknown_bins_are_refused(self, bins: int, binning: Binning) -> None:
        with pytest.raises(ValueError):
            ece([0.5], [1], bins, binning)


class TestCalibrationError:
    @pytest.mark.parametrize("bins", [5, 10, 15])
    @pytest.mark.parametrize("binning", ["width", "mass"])
    def test_agrees_with_sklearn_off_the_edges(self, bins: int, binning: Binning) -> None:
        rng = np.random.default_rng(bins)
        c = rng.random(400 - 400 % bins)
        y = (rng.random(c.size) < c**2).astype(float)
        accuracy, mean = calibration_curve(
            y, c, n_bins=bins, strategy="uniform" if binning == "width" else "quantile"
        )
        found = np.bincount(assigned(c, bins, binning, np.ones(c.size)))
        expected = float(np.abs(accuracy - mean) @ found[found > 0]) / c.size
        assert error(c, y, bins, binning) == pytest.approx(
            expected, abs=1e-12 if binning == "width" else 0.01
        )

    def test_by_hand_with_confidences_on_edges(self) -> None:
        # (.7, .8] holds .8 twice (one right), (.8, .9] holds .9 twice (both right).
        assert error([0.8, 0.8, 0.9, 0.9], [1, 0, 1, 1]) == pytest.approx((abs(1.6 - 1) + abs(1.8 - 2)) / 4)

    @given(claims)
    def test_one_bin_is_the_gap_of_the_means(self, drawn: list[tuple[float, bool]]) -> None:
        c, y = split(drawn)
        assert error(c, y, 1) == pytest.approx(abs(c.mean() - y.mean()), abs=1e-12)

    @given(claims, st.sampled_from(BINNINGS))
    def test_lies_between_the_bias_and_the_mean_gap(
        self, drawn: list[tuple[float, bool]], binning: Binning
    ) -> None:
        c, y = split(drawn)
        assert abs(c.mean() - y.mean()) - 1e-12 <= error(c, y, 10, binning) <= np.abs(c - y).mean() + 1e-12

    @given(weighted_claims, st.sampled_from(BINNINGS), st.integers(1, 12))
    def test_whole_weights_repeat(
        self, drawn: list[tuple[float, bool, int]], binning: Binning, bins: int
    ) -> None:
        c, y, w = with_weights(drawn)
        repeated = error(np.repeat(c, w), np.repeat(y, w), bins, binning)
        assert ece(c, y, bins, binning, w).value == pytest.approx(repeated, abs=1e-9)

    def test_weights_that_are_not_whole_need_no_scale(self) -> None:
        c, y = simulated(50)
        w = np.random.default_rng(0).random(50)
        for binning in BINNINGS:
            assert ece(c, y, 10, binning, w).value == pytest.approx(ece(c, y, 10, binning, w / w.sum()).value)

    @pytest.mark.parametrize("binning", BINNINGS)
    def test_edges(self, binning: Binning) -> None:
        assert error([0.7], [1], binning=binning) == pytest.approx(0.3)
        assert error([0.7] * 4, [1, 1, 0, 0], binning=binning) == pytest.approx(0.2)
        assert error([1, 0, 1], [1, 0, 1], binning=binning) == 0
        assert error([1, 0], [0, 1], binning=binning) == 1
        assert ece([], [], binning=binning).why == "no data"
        assert ece([0.5], [1], binning=binning, weights=[0]).value is None

    @pytest.mark.parametrize(
        ("c", "y"),
        [([85], [1]), ([-0.1], [1]), ([np.nan], [1]), ([0.5], [2]), ([0.5], [1, 0]), ([[0.5]], [[1]])],
    )
    def test_what_does_not_fit_is_refused(self, c: list[float], y: list[float]) -> None:
        with pytest.raises(ValueError):
            ece(c, y)


class TestNoiseFloor:
    def test_is_the_exact_mean_where_that_can_be_enumerated(self) -> None:
        # One bin, two examples at .5: |1 - k|/2 for k of Bin(2, ½): ½·½.
        floor = ece_null([0.5, 0.5], repeats=20_000)
        assert floor.mean == pytest.approx(0.25, abs=0.01)
        assert floor.p95 == 0.5

    def test_calibrated_models_seldom_exceed_it_and_others_do(self) -> None:
        rng = np.random.default_rng(1)
        c = rng.random(200)
        p = [ece_null(c, repeats=200, correct=rng.random(200) < c, seed=s).p_value or 0 for s in range(60)]
        assert 0.3 < np.mean(p) < 0.7
        assert ece_null(c, repeats=200, correct=rng.random(200) < c / 2).p_value == pytest.approx(1 / 201)

    def test_has_a_p_value_only_with_something_observed(self) -> None:
        c, y = simulated(80)
        assert ece_null(c, repeats=50).p_value is None
        observed = ece(c, y).value
        assert ece_null(c, repeats=50, observed=observed) == ece_null(c, repeats=50, correct=y)
        assert ece_null(c, repeats=50, observed=0.0).p_value == 1
        with pytest.raises(ValueError, match="not both"):
            ece_null(c, correct=y, observed=0.1)

    def test_is_0_where_every_confidence_is_certain(self) -> None:
        floor = ece_null([0, 1, 1], repeats=99, correct=[0, 1, 0])
        assert (floor.mean, floor.p95, floor.p_value) == (0, 0, 0.01)

    def test_takes_the_same_bins_and_weights_as_the_error(self) -> None:
        c, y = simulated(60)
        floors = {b: ece_null(c, repeats=300, binning=b, correct=y, weights=np.arange(60)) for b in BINNINGS}
        assert floors["auto"] == floors["values"]
        assert len({floor.mean for floor in floors.values()}) > 1

    def test_no_data_and_one_seed(self) -> None:
        assert ece_null([]).why == "no data"
        assert ece_null([0.3, 0.6], repeats=40, seed=2) == ece_null([0.3, 0.6], repeats=40, seed=2)
        with pytest.raises(ValueError, match="repeats"):
            ece_null([0.5], repeats=0)


class TestReliabilityBins:
    def test_hold_the_examples_and_wilsons_interval(self) -> None:
        first, second = reliability_bins([0.3, 0.25, 0.95, 0.95], [0, 1, 1, 1])
        assert (first.low, first.high, first.n) == (0.2, 0.3, 2)
        assert first.confidence == pytest.approx(0.275)
        assert (first.accuracy, first.accuracy_low, first.accuracy_high) == (
            0.5,
            wilson(1, 2).low,
            wilson(1, 2).high,
        )
        assert (second.low, second.high, second.accuracy, second.accuracy_high) == (0.9, 1.0, 1.0, 1.0)

    @given(claims, st.sampled_from(BINNINGS))
    def test_give_the_calibration_error_back(self, drawn: list[tuple[float, bool]], binning: Binning) -> None:
        c, y = split(drawn)
        found = reliability_bins(c, y, binning=binning)
        assert sum(b.n for b in found) == c.size
        gap = sum(b.n * abs(b.confidence - b.accuracy) for b in found) / c.size
        assert gap == pytest.approx(error(c, y, 10, binning), abs=1e-9)
        assert all(b.low - 1e-12 <= b.confidence <= b.high + 1e-12 for b in found)

    def test_of_nothing_are_none(self) -> None:
        assert reliability_bins([], []) == ()

    def test_weighted(self) -> None:
        (found,) = reliability_bins([0.5, 0.5], [1, 0], weights=[3, 1])
        assert (found.accuracy, found.n, found.accuracy_low) == (0.75, 2, None)


class TestOverconfidence:
    def test_is_positive_where_more_is_claimed_than_kept(self) -> None:
        estimate = overconfidence([0.9, 0.9, 0.8, 1.0], [1, 0, 1, 1])
        assert estimate.value == pytest.approx(0.15)
        assert estimate.se == pytest.approx(np.std([-0.1, 0.9, -0.2, 0], ddof=1) / 2)

    @settings(max_examples=40)
    @given(weighted_claims)
    def test_whole_weights_repeat(self, drawn: list[tuple[float, bool, int]]) -> None:
        c, y, w = with_weights(drawn)
        repeated = overconfidence(np.repeat(c, w), np.repeat(y, w)).value
        assert overconfidence(c, y, w).value == pytest.approx(repeated, abs=1e-12)

    def test_edges(self) -> None:
        assert overconfidence([], []).why == "no data"
        assert overconfidence([1, 1], [1, 1]).low is None
        assert overconfidence([0.9], [1]).value == pytest.approx(-0.1)


class TestSpiegelhalter:
    def test_by_hand(self) -> None:
        c, y = np.array([0.9, 0.8, 0.6]), np.array([1, 0, 1])
        z = ((y - c) * (1 - 2 * c)).sum() / np.sqrt(((1 - 2 * c) ** 2 * c * (1 - c)).sum())
        found = spiegelhalter_z(c, y)
        assert found.z == pytest.approx(z)
        assert found.p_value == pytest.approx(2 * norm.sf(abs(z)))

    def test_is_standard_normal_for_calibrated_confidences(self) -> None:
        rng = np.random.default_rng(3)
        c = rng.random(300)
        z = [spiegelhalter_z(c, rng.random(300) < c).z for _ in range(400)]
        assert np.std(np.array(z, dtype=float)) == pytest.approx(1, abs=0.12)

    @pytest.mark.parametrize("c", [[0.5, 0.5], [0, 1], [1, 0.5]])
    def test_is_undefined_without_variance(self, c: list[float]) -> None:
        found = spiegelhalter_z(c, [1, 0])
        assert (found.z, found.p_value) == (None, None)
        assert found.why is not None

    def test_of_nothing_is_undefined(self) -> None:
        assert spiegelhalter_z([], []).why == "no data"
