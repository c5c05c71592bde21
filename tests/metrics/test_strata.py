"""Means put together from parts, against formulas written out, peers, and draws whose truth is known."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evalspec import metrics

RNG = np.random.default_rng(11)


# ── cells of a mix ────────────────────────────────────────────────────────────────────────────────


def test_cells_of_shares_have_the_interval_recovered_from_wilsons() -> None:
    y = [1] * 171 + [0] * 9 + [1] * 12 + [0] * 8
    cell = ["en"] * 180 + ["es"] * 20
    found = metrics.post_stratified(y, cell, {"en": 0.6, "es": 0.4})
    p = np.array([171 / 180, 12 / 20])
    w = np.array([0.6, 0.4])
    ends = np.array([proportion_confint(k, n, method="wilson") for k, n in ((171, 180), (12, 20))])
    assert found.value == pytest.approx(w @ p)
    assert found.low == pytest.approx(w @ p - math.sqrt(np.sum((w * (p - ends[:, 0])) ** 2)))
    assert found.high == pytest.approx(w @ p + math.sqrt(np.sum((w * (ends[:, 1] - p)) ** 2)))
    assert found.n == 200


def test_cells_of_costs_have_the_post_stratified_standard_error() -> None:
    first, second = RNG.normal(3, 1, 40), RNG.normal(8, 2, 60)
    found = metrics.post_stratified(
        np.concatenate([first, second]), ["a"] * 40 + ["b"] * 60, {"a": 0.7, "b": 0.3}
    )
    assert found.value == pytest.approx(0.7 * first.mean() + 0.3 * second.mean())
    assert found.se is not None
    assert found.se**2 == pytest.approx(
        0.49 * first.var(ddof=1) / 40
        + 0.09 * second.var(ddof=1) / 60
        + 0.3 * first.var(ddof=1) / 100**2
        + 0.7 * second.var(ddof=1) / 100**2
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-5, 5)), min_size=3, max_size=40))
def test_the_shares_of_the_sample_itself_give_its_plain_mean(drawn: list[tuple[str, float]]) -> None:
    cells = [cell for cell, _ in drawn]
    shares = {cell: cells.count(cell) / len(cells) for cell in cells}
    found = metrics.post_stratified([y for _, y in drawn], cells, shares)
    assert found.value == pytest.approx(np.mean([y for _, y in drawn]), abs=1e-9)


def test_a_cell_without_data_leaves_no_value_but_bounds() -> None:
    found = metrics.post_stratified([1, 1, 0, 1], ["a"] * 4, {"a": 0.8, "b": 0.2})
    assert found.value is None
    assert found.why == "no data for `b`, which has a share of 20%"
    assert (found.low, found.high) == pytest.approx((0.6, 0.8))


@pytest.mark.parametrize("shares", [{"a": 0.5}, {"b": 1.0}], ids=["no whole", "unknown cell"])
def test_shares_that_do_not_fit_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="share"):
        metrics.post_stratified([1.0], ["a"], shares)


# ── parts that may overlap ────────────────────────────────────────────────────────────────────────


def test_apart_the_standard_error_is_that_of_strata() -> None:
    a, b = RNG.normal(0, 1, 30), RNG.normal(5, 3, 50)
    found = metrics.combined_mean([a, b], [range(30), range(30, 80)], [0.25, 0.75])
    assert found.value == pytest.approx(0.25 * a.mean() + 0.75 * b.mean())
    assert found.se == pytest.approx(math.sqrt(a.var(ddof=1) / 30 / 16 + 9 * b.var(ddof=1) / 50 / 16))
    assert found.n == 80


def test_one_part_twice_is_that_part() -> None:
    """What is counted twice is no more data than it is: the interval must not shrink."""
    a = RNG.normal(0, 1, 40)
    once = metrics.mean_estimate(a)
    twice = metrics.combined_mean([a, a], [range(40), range(40)], [0.5, 0.5])
    assert asdict(twice) == pytest.approx(asdict(once))
    assert twice.n == 40


def test_flags_apart_are_recovered_from_wilsons() -> None:
    a, b = [1] * 30, [1] * 10 + [0] * 10
    found = metrics.combined_mean([a, b], [range(30), range(30, 50)], [0.5, 0.5], flags=True)
    low = proportion_confint(30, 30, method="wilson")[0]
    ends = proportion_confint(10, 20, method="wilson")
    assert found.low == pytest.approx(0.75 - 0.5 * math.hypot(1 - low, 0.5 - ends[0]))
    assert found.high == pytest.approx(0.75 + 0.5 * (ends[1] - 0.5))


def test_costs_that_happen_to_be_0_and_1_are_no_shares() -> None:
    found = metrics.combined_mean([[0, 1, 1], [1, 0, 1]], [range(3), range(3, 6)], [0.5, 0.5])
    assert found.high is not None
    assert found.high > 1


@pytest.mark.parametrize("overlap", [0, 30, 60])
def test_intervals_cover_the_truth_however_far_parts_overlap(overlap: int) -> None:
    """Two groups of 60 of one population each; share .8 in the first, .6 in the second alone."""
    covered, repeats = 0, 400
    rng = np.random.default_rng(overlap)
    own = 60 - overlap
    truth = 0.5 * 0.8 + 0.5 * (overlap * 0.8 + own * 0.6) / 60
    for _ in range(repeats):
        first = (rng.random(60) < 0.8).astype(float)
        second = np.concatenate([first[:overlap], (rng.random(own) < 0.6).astype(float)])
        units = [list(range(60)), [*range(overlap), *range(60, 60 + own)]]
        found = metrics.combined_mean([first, second], units, [0.5, 0.5], flags=True)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert stats.binomtest(covered, repeats, 0.95).pvalue > 0.001


def test_clusters_as_units_widen_the_interval_as_clustered_standard_errors_do() -> None:
    y = np.repeat(RNG.normal(0, 1, 25), 4) + RNG.normal(0, 0.1, 100)
    clusters = np.repeat(np.arange(25), 4)
    found = metrics.combined_mean([y], [clusters.tolist()], [1.0])
    peer = metrics.clustered_mean(y, clusters)
    assert found.se is not None
    assert peer.se is not None
    assert found.se == pytest.approx(peer.se * math.sqrt(100 / 99) / math.sqrt(25 / 24))


def test_what_units_move_gives_value_and_spread() -> None:
    a, b = RNG.normal(0, 1, 30), RNG.normal(5, 3, 50)
    units = [list(range(30)), list(range(20, 70))]
    theta, moved = metrics.influences([a, b], units, np.array([0.3, 0.7]))
    column = theta + len(moved) * np.array(list(moved.values()))
    found = metrics.combined_mean([a, b], units, [0.3, 0.7])
    assert column.mean() == pytest.approx(found.value)
    assert stats.sem(column) == pytest.approx(found.se, rel=0.02)


def test_a_part_without_data_leaves_no_value() -> None:
    assert metrics.combined_mean([[1.0], []], [[1], []], [0.5, 0.5]).why == "a part has no data"


def test_flags_are_0_or_1() -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        metrics.combined_mean([[0.5, 1]], [[1, 2]], [1.0], flags=True)


# ── differences of percentiles ────────────────────────────────────────────────────────────────────


def test_a_shift_of_all_durations_is_the_difference_of_any_percentile() -> None:
    a = RNG.exponential(1, 200)
    found = metrics.percentile_difference(a + 0.25, a, 95)
    assert found.value == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx((0.25, 0.25))


def test_a_difference_of_percentiles_lies_in_its_interval_and_has_the_percentiles_themselves() -> None:
    a, b = RNG.exponential(1.2, 300), RNG.exponential(1, 300)
    found = metrics.percentile_difference(a, b, 90)
    peer = [np.quantile(x, 0.9, method="inverted_cdf") for x in (a, b)]
    assert found.value == pytest.approx(peer[0] - peer[1])
    assert found.low is not None
    assert found.high is not None
    assert found.low < float(peer[0] - peer[1]) < found.high
    assert found == metrics.percentile_difference(a, b, 90)


def test_durations_cut_off_are_longer_than_any() -> None:
    cut = np.array([1.0] * 50 + [math.inf] * 50)
    assert metrics.percentile_difference(cut, np.linspace(1, 2, 100), 95).value == math.inf
    assert metrics.percentile_difference(cut, cut, 95).value == 0
    assert metrics.percentile_difference([], [], 95).value is None
