"""Comparison under weights, clusters and mixes, and of many pairs at once, against formulas written out."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from math import sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalspec import metrics
from evalspec.metrics import Estimate
from evalspec.metrics.costs import at_least
from evalspec.metrics.intervals import binomial_tails

from .drawn import Floats

RNG = np.random.default_rng(23)


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


# ── tails ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("n", [1, 2, 13, 100, 5000, 1_000_000])
@pytest.mark.parametrize("p", [0.0, 0.5, 0.95, 0.999, 1.0])
def test_binomial_tails_agree_with_scipy_to_a_billionth(n: int, p: float) -> None:
    k = np.unique(np.clip([0, 1, n // 2, round(n * p) - 1, round(n * p), n - 1, n], 0, n))
    at_most, at_or_above = binomial_tails(k, n, p)
    assert at_most == pytest.approx(stats.binom.cdf(k, n, p), abs=1e-12)
    assert at_or_above == pytest.approx(stats.binom.sf(k - 1, n, p), abs=1e-12)


def test_binomial_tails_refuse_what_is_no_count_and_no_probability() -> None:
    for k, n, p in (([-1], 3, 0.5), ([4], 3, 0.5), ([1], 3, 1.5)):
        with pytest.raises(ValueError, match="between"):
            binomial_tails(k, n, p)


@pytest.mark.parametrize("n", [1, 2, 40, 600, 9000])
def test_unequal_chances_have_the_tail_of_scipy(n: int) -> None:
    chances = RNG.beta(1, 5, n)
    for k in (1, max(1, round(chances.sum())), n):
        assert at_least(k, chances) == pytest.approx(stats.poisson_binom(chances).sf(k - 1), abs=1e-10)


def test_proportions_percentiles_and_orders_do_not_load_the_statistics_of_scipy() -> None:
    statement = (
        "import sys; from evalspec import metrics as m;"
        "m.percentile([1, 2, 3], 95); m.budget_verdict([1, 2], 95, 3); m.mcnemar_midp(3, 9);"
        "m.kendall_tau_b([1, 2, 3], [1, 3, 2]); m.threshold_check([.9, .8], [1, 0], .5);"
        "m.rank_intervals([[1, 0], [0, 1]], higher_is_better=True); print('scipy.stats' in sys.modules)"
    )
    program = f"import sys; sys.path[:] = {sys.path!r}; {statement}"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


# ── many pairs at once ────────────────────────────────────────────────────────────────────────────


class TestSignFlips:
    def test_each_column_has_the_p_value_it_has_alone(self) -> None:
        few, many = np.zeros(60), RNG.normal(0.2, 1, 60)
        few[:8] = [1, 2, 3, -1, 2, 2, 1, 1]
        table = np.column_stack([few, many, np.zeros(60)])
        found = metrics.sign_flips(table, seed=4)
        assert found[0] == metrics.sign_flip(few)
        assert found[1] == metrics.sign_flip(many, seed=4)
        assert found[2] == 1

    def test_agrees_with_the_normal_limit_on_many_examples(self) -> None:
        d = RNG.normal(0.012, 1, (30_000, 3))
        z = d.sum(axis=0) / np.sqrt((d**2).sum(axis=0))
        assert metrics.sign_flips(d, seed=1) == pytest.approx(2 * stats.norm.sf(np.abs(z)), abs=0.02)

    def test_no_example_is_no_evidence(self) -> None:
        assert metrics.sign_flips(np.zeros((0, 2))).tolist() == [1, 1]
        assert metrics.sign_flips(np.zeros((3, 0))).tolist() == []

    @pytest.mark.parametrize("d", [[1.0, 2.0], [[np.nan]], [[np.inf]]])
    def test_what_is_no_table_of_numbers_is_refused(self, d: list[float]) -> None:
        with pytest.raises(ValueError, match="finite"):
            metrics.sign_flips(d)


def test_mcnemar_is_never_0_and_agrees_where_all_are_on_one_side() -> None:
    assert metrics.mcnemar_midp(0, 1) == pytest.approx(0.5)
    assert metrics.mcnemar_midp(0, 12) == pytest.approx(0.5**12, rel=1e-12)
    assert metrics.mcnemar_midp(0, 5000) > 0


# ── one pair under a design ───────────────────────────────────────────────────────────────────────


class TestClusteredDifference:
    def drawn(self, groups: int = 30, size: int = 6) -> tuple[Floats, Floats, Floats]:
        easy = np.repeat(RNG.beta(3, 1, groups), size)
        cluster = np.repeat(np.arange(groups), size).astype(float)
        return (
            (RNG.random(easy.size) < easy).astype(float),
            (RNG.random(easy.size) < easy**3).astype(float),
            cluster,
        )

    def test_agrees_with_statsmodels(self) -> None:
        a, b, cluster = self.drawn()
        found = metrics.paired_difference(a, b, cluster=cluster)
        peer = sm.OLS(a - b, np.ones(a.size)).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
        )
        se = float(peer.bse[0]) * sqrt(30 / 29)
        half = stats.t.ppf(0.975, 29) * se
        assert found.se == pytest.approx(se, rel=1e-9)
        assert ends(found) == pytest.approx((np.mean(a - b) - half, np.mean(a - b) + half), rel=1e-9)

    def test_clusters_of_one_change_nothing(self) -> None:
        a, b, _ = self.drawn()
        plain, alone = metrics.paired_difference(a, b), metrics.paired_difference(a, b, cluster=range(a.size))
        assert ends(alone) == pytest.approx(ends(plain), rel=1e-9)

    def test_candidates_that_agree_everywhere_keep_a_width_of_so_many_clusters(self) -> None:
        y, cluster = np.ones(60), np.repeat(range(20), 3)
        found = metrics.paired_difference(y, y, cluster=cluster)
        assert ends(found) == pytest.approx(ends(metrics.paired_difference(np.ones(20), np.ones(20))))
        assert found.value == 0

    def test_copies_are_no_evidence(self) -> None:
        a, b = np.array([1.0] * 20 + [0, 1, 1]), np.array([1.0] * 20 + [1, 0, 0])
        thrice = metrics.paired_difference(np.repeat(a, 3), np.repeat(b, 3), cluster=np.repeat(range(23), 3))
        (low, high), (least, most) = ends(thrice), ends(metrics.paired_difference(a, b))
        assert high - low == pytest.approx(most - least, rel=0.05)

    def test_costs_that_always_differ_alike_have_no_interval(self) -> None:
        found = metrics.paired_difference([3.0, 4, 5], [1.0, 2, 3], cluster=[0, 0, 1])
        assert (found.value, found.low, found.se) == (2, None, None)

    def test_one_cluster_leaves_no_interval(self) -> None:
        assert metrics.paired_difference([3.0, 4, 6], [1.0, 2, 3], cluster=[0, 0, 0]).low is None
        assert metrics.paired_difference([1, 0, 1], [1, 1, 1], cluster=[0, 0, 0]).low is None


class TestStratifiedDifference:
    cell = ("en",) * 180 + ("es",) * 20
    shares = {"en": 0.6, "es": 0.4}  # noqa: RUF012

    def test_is_recovered_from_the_cells_own_intervals(self) -> None:
        a, b = RNG.random(200) < 0.9, RNG.random(200) < 0.7
        found = metrics.stratified_difference(a, b, self.cell, self.shares)
        parts = [metrics.paired_difference(a[:180], b[:180]), metrics.paired_difference(a[180:], b[180:])]
        w, d = np.array([0.6, 0.4]), np.array([p.value for p in parts], dtype=float)
        low, high = (np.array(e) for e in zip(*map(ends, parts), strict=True))
        value = float(w @ d)
        assert found.value == pytest.approx(value)
        assert ends(found) == pytest.approx(
            (value - sqrt(np.sum((w * (d - low)) ** 2)), value + sqrt(np.sum((w * (high - d)) ** 2)))
        )

    def test_agreement_in_every_cell_keeps_a_width_below_and_above(self) -> None:
        low, high = ends(metrics.stratified_difference(np.ones(200), np.ones(200), self.cell, self.shares))
        assert -1 < low < 0 < high < 1

    def test_costs_are_post_stratified_differences(self) -> None:
        a, b = RNG.normal(5, 2, 200), RNG.normal(4, 2, 200)
        found = metrics.stratified_difference(a, b, self.cell, self.shares)
        assert found == metrics.post_stratified(a - b, self.cell, self.shares)

    def test_pairs_not_finished_are_left_out_and_an_empty_cell_leaves_no_value(self) -> None:
        a, b = RNG.normal(5, 2, 200), RNG.normal(4, 2, 200)
        a[3] = np.nan
        assert metrics.stratified_difference(a, b, self.cell, self.shares).n == 199
        a[180:] = np.nan
        found = metrics.stratified_difference(a, b, self.cell, self.shares)
        assert (found.value, found.low, found.high) == (None, None, None)
        assert "es" in (found.why or "")

    def test_nothing_is_no_data(self) -> None:
        assert metrics.stratified_difference([], [], [], {"en": 1.0}).value is None


# ── ranks under a design ──────────────────────────────────────────────────────────────────────────


class TestRanksUnderADesign:
    def test_equal_weights_and_clusters_of_one_change_nothing(self) -> None:
        table = (RNG.random((150, 4)) < [0.9, 0.8, 0.75, 0.5]).astype(float)
        plain = metrics.rank_intervals(table, higher_is_better=True, repeats=500)
        weighted = metrics.rank_intervals(table, higher_is_better=True, repeats=500, weights=[0.1] * 150)
        alone = metrics.rank_intervals(table, higher_is_better=True, repeats=500, cluster=range(150))
        assert plain == weighted == alone

    def test_what_stands_for_more_decides(self) -> None:
        # The first wins where it counts, the second on three of four examples.
        heavy = np.arange(400) % 4 == 0
        right = np.column_stack([heavy, ~heavy]).astype(float)
        counts = np.where(heavy, 30.0, 1.0)
        found = metrics.rank_intervals(right, higher_is_better=True, repeats=500, weights=counts)
        assert [r.rank_low for r in found] == [1, 2]
        assert [r.rank_low for r in metrics.rank_intervals(right, higher_is_better=True, repeats=500)] == [
            2,
            1,
        ]

    def test_copies_of_an_example_are_no_evidence(self) -> None:
        table = np.array([[1.0, 0]] * 5 + [[0, 1]] + [[1, 1]] * 4)
        copied, cluster = np.repeat(table, 40, axis=0), np.repeat(range(10), 40)
        assert metrics.rank_intervals(copied, higher_is_better=True)[1].rank_low == 2
        kept = metrics.rank_intervals(copied, higher_is_better=True, cluster=cluster)
        assert [(r.rank_low, r.n) for r in kept] == [(1, 10), (1, 10)]

    def test_examples_of_weight_0_and_gaps_are_left_out(self) -> None:
        table = (RNG.random((80, 3)) < [0.9, 0.7, 0.5]).astype(float)
        more = np.vstack([table, [[0.0, 1, 1]], [[np.nan, 1, 1]]])
        weights = [1.0] * 80 + [0, 1]
        assert metrics.rank_intervals(
            more, higher_is_better=True, weights=weights, repeats=300
        ) == metrics.rank_intervals(table, higher_is_better=True, repeats=300)

    def test_a_constant_gap_under_uneven_weights_is_certain(self) -> None:
        y = RNG.random(60)
        found = metrics.rank_intervals(
            np.column_stack([y, y + 0.01]), higher_is_better=True, weights=RNG.uniform(1, 50, 60), repeats=300
        )
        assert [r.rank_low for r in found] == [2, 1]

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), max_size=14))
    def test_ranks_stay_consistent(self, drawn: list[tuple[int, int, int]]) -> None:
        table = np.array([[a, b] for a, b, _ in drawn], dtype=float).reshape(-1, 2)
        found = metrics.rank_intervals(
            table, higher_is_better=False, repeats=40, weights=[w for _, _, w in drawn],
            cluster=[i // 2 for i in range(len(drawn))],
        )  # fmt: skip
        assert all(1 <= r.rank_low <= r.rank_high <= 2 for r in found)
        assert any(r.in_the_running for r in found)

    def test_many_examples_are_redrawn_in_groups_to_the_same_ranks(self) -> None:
        table = (RNG.random((40_000, 3)) < [0.805, 0.8, 0.78]).astype(float)
        found = metrics.rank_intervals(table, higher_is_better=True, repeats=2000)
        d = table[:, 0] - table[:, 1]
        ahead = stats.norm.cdf(d.mean() / (d.std(ddof=1) / 200))
        assert found[0].p_best == pytest.approx(ahead, abs=0.04)
        assert found[2].rank_low == 3


# ── percentiles of two candidates ─────────────────────────────────────────────────────────────────


class TestPercentileDifference:
    def test_many_examples_are_compared_in_closed_form_close_to_redrawing(self) -> None:
        common = RNG.normal(0, 0.4, 6000)
        a, b = np.exp(common + RNG.normal(0, 0.3, 6000)), np.exp(common + RNG.normal(0, 0.3, 6000))
        found = metrics.percentile_difference(a, b, 90)
        drawn = RNG.integers(0, 6000, (600, 6000))
        redrawn = np.percentile(a[drawn], 90, axis=1) - np.percentile(b[drawn], 90, axis=1)
        low, high = ends(found)
        assert high - low == pytest.approx(4 * redrawn.std(), rel=0.25)
        assert low < 0 < high or abs(found.value or 0) > 0

    def test_one_and_the_same_durations_differ_by_nothing(self) -> None:
        x = RNG.lognormal(size=5000)
        found = metrics.percentile_difference(x, x, 95)
        assert (found.value, *ends(found)) == pytest.approx((0, 0, 0), abs=0.15)

    def test_timeouts_open_the_end_they_reach(self) -> None:
        x = RNG.lognormal(size=5000)
        late = np.where(x > np.quantile(x, 0.952), np.inf, x)
        found = metrics.percentile_difference(late, x, 95)
        assert found.high == np.inf
        assert np.isfinite(ends(found)[0])
        beyond = np.where(x > np.quantile(x, 0.9), np.inf, x)
        assert metrics.percentile_difference(beyond, x, 95).value == np.inf
        assert metrics.percentile_difference(beyond, beyond, 95).value == 0


@pytest.mark.parametrize(
    ("q", "n", "within", "over"),
    [(95, 100, 1, 10), (95, 200, 4, 16), (95, 300, 8, 22), (95, 500, 16, 34), (99, 299, 0, None)],
)
def test_budgets_turn_where_the_exact_binomial_does(q: int, n: int, within: int, over: int | None) -> None:
    def verdict(misses: int) -> metrics.BudgetVerdict:
        return metrics.budget_verdict([1.0] * (n - misses) + [np.inf] * misses, q, 1.0).verdict

    assert verdict(within) is metrics.BudgetVerdict.WITHIN
    assert verdict(within + 1) is metrics.BudgetVerdict.NOT_ENOUGH_DATA
    if over is not None:
        assert verdict(over) is metrics.BudgetVerdict.OVER
        assert verdict(over - 1) is metrics.BudgetVerdict.NOT_ENOUGH_DATA


def test_holm_of_all_pairs_of_one_p_value_is_that_times_the_pairs() -> None:
    pairs = list(combinations(range(5), 2))
    assert metrics.holm([0.001] * len(pairs)).tolist() == pytest.approx([0.01] * len(pairs))
