"""Selective prediction against scikit-learn, every order of ties, and its identities."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evalspec.metrics import Estimate, augrc, aurc, auroc, coverage_at_risk, excess_aurc

from .drawn import Floats, claims, simulated, split, weighted_claims, with_weights

METRICS = (auroc, aurc, excess_aurc, augrc)
few_claims = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=6)


def over_orders(c: Floats, y: Floats) -> tuple[float, float]:
    """AURC and AUGRC as means over all orders of the examples that respect confidence."""
    areas, generalised = [], []
    for order in permutations(range(c.size)):
        if np.all(np.diff(c[list(order)]) <= 0):
            errors, k = np.cumsum(1 - y[list(order)]), np.arange(1, c.size + 1)
            areas.append(np.mean(errors / k))
            generalised.append(np.trapezoid(np.append(0, errors / c.size), np.append(0, k / c.size)))
    return float(np.mean(areas)), float(np.mean(generalised))


@pytest.mark.parametrize("metric", METRICS)
def test_of_nothing_is_undefined(metric: Callable[[list[float], list[float]], Estimate]) -> None:
    assert metric([], []).why == "no data"


@settings(max_examples=40, deadline=None)
@given(few_claims)
def test_ties_are_averaged_over_all_their_orders(drawn: list[tuple[float, bool]]) -> None:
    c, y = split(drawn)
    area, generalised = over_orders(c, y)
    assert aurc(c, y).value == pytest.approx(area, abs=1e-12)
    assert augrc(c, y).value == pytest.approx(generalised, abs=1e-12)
    best, _ = over_orders(y, y)
    assert excess_aurc(c, y).value == pytest.approx(area - best, abs=1e-12)


@given(claims)
def test_augrc_follows_from_auroc_and_the_error_rate(drawn: list[tuple[float, bool]]) -> None:
    c, y = split(drawn)
    e, area = 1 - y.mean(), auroc(c, y).value
    expected = e**2 / 2 if area is None else (1 - area) * e * (1 - e) + e**2 / 2
    assert augrc(c, y).value == pytest.approx(expected, abs=1e-12)


@given(weighted_claims)
def test_whole_weights_repeat(drawn: list[tuple[float, bool, int]]) -> None:
    c, y, w = with_weights(drawn)
    for metric in METRICS:
        weighted, repeated = metric(c, y, w).value, metric(np.repeat(c, w), np.repeat(y, w)).value
        assert weighted == (None if repeated is None else pytest.approx(repeated, abs=1e-9))
    weighted_coverage = coverage_at_risk(c, y, 0.2, w)
    repeated_coverage = coverage_at_risk(np.repeat(c, w), np.repeat(y, w), 0.2)
    assert weighted_coverage.value == pytest.approx(repeated_coverage.value)
    assert weighted_coverage.threshold == repeated_coverage.threshold


class TestAuroc:
    def test_agrees_with_sklearn(self) -> None:
        c, y = simulated(300)
        assert auroc(c, y).value == pytest.approx(roc_auc_score(y, c))
        w = np.random.default_rng(0).random(300)
        assert auroc(c, y, w).value == pytest.approx(roc_auc_score(y, c, sample_weight=w))

    def test_the_error_is_delongs_by_his_definition(self) -> None:
        c, y = simulated(60, seed=4)
        right, wrong = c[y == 1], c[y == 0]
        wins = (right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)
        variance = wins.mean(axis=1).var(ddof=1) / right.size + wins.mean(axis=0).var(ddof=1) / wrong.size
        estimate = auroc(c, y)
        assert estimate.se == pytest.approx(np.sqrt(variance))
        assert estimate.low == pytest.approx(wins.mean() - 1.959964 * np.sqrt(variance))

    @pytest.mark.parametrize(("y", "why"), [([1, 1], "all right"), ([0, 0], "all wrong")])
    def test_one_class_is_undefined_and_not_a_half(self, y: list[int], why: str) -> None:
        estimate = auroc([0.2, 0.9], y)
        assert (estimate.value, estimate.why) == (None, why)

    def test_no_spread_leaves_no_interval(self) -> None:
        perfect = auroc([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0])
        assert (perfect.value, perfect.low, perfect.se) == (1.0, None, None)
        tied = auroc([0.5] * 4, [1, 1, 0, 0])
        assert (tied.value, tied.low) == (0.5, None)
        single = auroc([0.5, 0.4, 0.6], [1, 0, 1])
        assert (single.value, single.low) == (1.0, None)

    def test_the_interval_stays_within_0_and_1(self) -> None:
        estimate = auroc([0.9, 0.8, 0.85, 0.1, 0.2], [1, 1, 0, 0, 0])
        assert estimate.high == 1


class TestAreas:
    def test_all_right_and_all_wrong(self) -> None:
        c = [0.1, 0.5, 0.5]
        assert [aurc(c, [1] * 3).value, augrc(c, [1] * 3).value, excess_aurc(c, [1] * 3).value] == [0, 0, 0]
        assert [aurc(c, [0] * 3).value, augrc(c, [0] * 3).value, excess_aurc(c, [0] * 3).value] == [1, 0.5, 0]

    def test_one_example(self) -> None:
        assert (aurc([0.3], [0]).value, augrc([0.3], [0]).value) == (1, 0.5)

    def test_a_perfect_order_has_no_excess(self) -> None:
        c, y = np.linspace(1, 0, 50), np.arange(50) < 30
        assert excess_aurc(c, y).value == 0
        assert aurc(c, y).value == pytest.approx(sum(max(0, k - 30) / k for k in range(1, 51)) / 50)

    def test_weights_that_are_not_whole_need_no_scale(self) -> None:
        c, y = simulated(40)
        w = np.random.default_rng(1).random(40)
        assert aurc(c, y, w).value == pytest.approx(aurc(c, y, w / w.sum()).value)
        assert aurc(c, y, np.full(40, 1 / 40)).value == pytest.approx(aurc(c, y).value)


class TestCoverageAtRisk:
    def test_takes_the_largest_coverage_not_the_first(self) -> None:
        # Errors among the top k: 1/1, 1/2, 1/3, 1/4, 2/5.
        found = coverage_at_risk([0.9, 0.8, 0.7, 0.6, 0.5], [0, 1, 1, 1, 0], 0.25)
        assert (found.value, found.threshold, found.n) == (0.8, 0.6, 5)

    def test_takes_ties_whole(self) -> None:
        found = coverage_at_risk([0.9, 0.8, 0.8, 0.8], [1, 1, 1, 0], 0.2)
        assert (found.value, found.threshold) == (0.25, 0.9)

    def test_a_risk_met_exactly_is_met_despite_rounding(self) -> None:
        c, y = np.full(20, 0.9), np.arange(20) > 0
        assert coverage_at_risk(c, y, 1 - 0.95).value == 1

    def test_none_will_do(self) -> None:
        found = coverage_at_risk([0.9, 0.8], [0, 1], 0.1)
        assert (found.value, found.threshold) == (0, None)
        assert found.why is not None

    def test_all_right_and_no_data(self) -> None:
        assert coverage_at_risk([0.9, 0.1], [1, 1], 0).value == 1
        assert coverage_at_risk([], [], 0.1).value is None

    @given(claims, st.floats(0, 1))
    def test_the_threshold_keeps_the_risk(self, drawn: list[tuple[float, bool]], risk: float) -> None:
        c, y = split(drawn)
        found = coverage_at_risk(c, y, risk)
        if found.threshold is not None:
            answered = c >= found.threshold
            assert found.value == pytest.approx(answered.mean())
            assert 1 - y[answered].mean() <= risk + 1e-9

    def test_a_risk_outside_0_to_1_is_refused(self) -> None:
        with pytest.raises(ValueError, match="risk"):
            coverage_at_risk([0.5], [1], 1.5)
