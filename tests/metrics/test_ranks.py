"""Ranks and their correlation: certain where the data are, ties where they are not."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from evalspec.metrics import kendall_tau_b, rank_intervals

from .drawn import Floats


def candidates(*rates: float, n: int = 300, seed: int = 0) -> Floats:
    """Right or wrong for each example and candidate, with examples that are hard for all."""
    ease = np.random.default_rng(seed).random((n, 1))
    own = np.random.default_rng(seed + 1).random((n, len(rates)))
    return ((0.5 * ease + 0.5 * own) < np.array(rates)).astype(float)


class TestRankIntervals:
    def test_clear_differences_are_ranked_and_close_ones_tied(self) -> None:
        ranks = rank_intervals(candidates(0.9, 0.88, 0.5, 0.2), higher_is_better=True, repeats=2000)
        assert [(r.rank_low, r.rank_high) for r in ranks] == [(1, 2), (1, 2), (3, 3), (4, 4)]
        assert [r.in_the_running for r in ranks] == [True, True, False, False]

    def test_the_direction_turns_the_order_round(self) -> None:
        table = candidates(0.9, 0.5, 0.2)
        up = rank_intervals(table, higher_is_better=True, repeats=500)
        down = rank_intervals(-table, higher_is_better=False, repeats=500)
        assert up == down
        assert [r.rank_low for r in rank_intervals(table, higher_is_better=False, repeats=500)] == [3, 2, 1]

    def test_p_best_shares_ties(self) -> None:
        column = candidates(0.7)
        ranks = rank_intervals(np.hstack([column, column, column]), higher_is_better=True, repeats=200)
        assert [r.p_best for r in ranks] == pytest.approx([1 / 3] * 3)
        assert {(r.rank_low, r.rank_high) for r in ranks} == {(1, 3)}

    def test_p_best_agrees_with_enumeration(self) -> None:
        table = np.array([[1.0, 0], [0, 1], [1, 0]])
        # Of three drawn, the first candidate wins with two or three of the rows it is right on.
        ranks = rank_intervals(table, higher_is_better=True, repeats=20_000)
        assert ranks[0].p_best == pytest.approx((2 / 3) ** 3 + 3 * (2 / 3) ** 2 / 3, abs=0.015)

    def test_rows_not_finished_by_all_are_dropped_for_all(self) -> None:
        table = candidates(0.8, 0.4)
        holed = np.vstack([table, [[np.nan, 1.0]], [[1.0, np.nan]]])
        assert rank_intervals(holed, higher_is_better=True) == rank_intervals(table, higher_is_better=True)

    def test_one_candidate_and_none(self) -> None:
        (only,) = rank_intervals([[0.3], [0.4]], higher_is_better=True, repeats=50)
        assert (only.rank_low, only.rank_high, only.in_the_running, only.p_best) == (1, 1, True, 1)
        assert rank_intervals(np.zeros((4, 0)), higher_is_better=True) == ()

    @pytest.mark.parametrize("n", [0, 1])
    def test_without_examples_to_redraw_every_rank_is_possible(self, n: int) -> None:
        ranks = rank_intervals(np.ones((n, 3)) * [1, 0, 0], higher_is_better=True)
        assert {(r.rank_low, r.rank_high, r.p_best) for r in ranks} == {(1, 3, None)}
        assert all(r.why is not None for r in ranks)

    def test_a_difference_that_never_varies_needs_enough_examples_to_be_certain(self) -> None:
        def lows(n: int) -> list[int]:
            return [
                r.rank_low
                for r in rank_intervals(np.ones((n, 2)) * [1, 0], higher_is_better=True, repeats=50)
            ]

        assert lows(5) == [1, 1]
        assert lows(6) == [1, 2]

    def test_a_handful_of_examples_that_differ_is_no_certainty(self) -> None:
        # 5 of 300 differ, all one way: t is above 1.96, but a coin does that with probability 1/16.
        def low(differing: int) -> int:
            table = np.column_stack([np.ones(300), np.arange(300) >= differing])
            return rank_intervals(table, higher_is_better=True, repeats=400)[1].rank_low

        assert (low(5), low(8)) == (1, 2)

    def test_two_examples_are_no_certainty(self) -> None:
        ranks = rank_intervals([[1.0, 0.0], [3.0, 0.0]], higher_is_better=True, repeats=400)
        assert all(r.in_the_running for r in ranks)

    def test_rounding_is_no_difference(self) -> None:
        table = np.ones((50, 2)) * [0.1 + 0.2, 0.3]
        ranks = rank_intervals(table, higher_is_better=True, repeats=50)
        assert [(r.rank_low, r.p_best) for r in ranks] == [(1, 0.5), (1, 0.5)]

    def test_one_seed_one_answer(self) -> None:
        table = candidates(0.6, 0.59, 0.58)
        first = rank_intervals(table, higher_is_better=True, seed=3, repeats=700)
        assert first == rank_intervals(table, higher_is_better=True, seed=3, repeats=700)
        assert first != rank_intervals(table, higher_is_better=True, seed=4, repeats=700)

    def test_equal_candidates_are_rarely_told_apart(self) -> None:
        wrong = sum(
            not all(
                r.in_the_running
                for r in rank_intervals(
                    candidates(*[0.7] * 4, n=150, seed=2 * s), higher_is_better=True, repeats=400
                )
            )
            for s in range(100)
        )
        assert wrong <= 12  # 5 expected; more than 12 has probability .002

    def test_the_critical_value_is_the_normal_limit_for_one_pair(self) -> None:
        # With two candidates the rule is the two-sided z test: |d|/se just above and below 1.96.
        rng = np.random.default_rng(0)
        d = rng.normal(size=4000)
        d = (d - d.mean()) / d.std(ddof=1)
        for t, certain in ((1.85, False), (2.1, True)):
            table = np.column_stack([d + t / np.sqrt(4000), np.zeros(4000)])
            assert (rank_intervals(table, higher_is_better=True)[1].rank_low == 2) is certain

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=12))
    def test_ranks_are_consistent(self, rows: list[list[int]]) -> None:
        ranks = rank_intervals(np.array(rows, dtype=float), higher_is_better=True, repeats=60)
        assert all(1 <= r.rank_low <= r.rank_high <= 4 for r in ranks)
        assert any(r.in_the_running for r in ranks)
        assert all(r.in_the_running is (r.rank_low == 1) for r in ranks)
        assert sum(r.p_best or 0 for r in ranks) == pytest.approx(1)

    @pytest.mark.parametrize("matrix", [[1, 2], [[np.inf, 1]]])
    def test_what_is_no_table_is_refused(self, matrix: list[float]) -> None:
        with pytest.raises(ValueError, match="matrix"):
            rank_intervals(matrix, higher_is_better=True)


class TestKendall:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=5))
    def test_agrees_with_scipy_and_enumeration(self, drawn: list[tuple[int, int]]) -> None:
        x, y = [a for a, _ in drawn], [b for _, b in drawn]
        found = kendall_tau_b(x, y)
        if len(set(x)) == 1 or len(set(y)) == 1:
            assert (found.value, found.p_value) == (None, None)
            return
        assert found.value == pytest.approx(kendalltau(x, y).statistic)
        taus = [abs(kendalltau(x, order).statistic) for order in permutations(y)]
        assert found.p_value == pytest.approx(np.mean([t >= abs(found.value or 0) - 1e-9 for t in taus]))

    @pytest.mark.parametrize(("n", "least"), [(3, 1 / 3), (4, 1 / 12), (5, 1 / 60)])
    def test_few_items_cannot_be_certain(self, n: int, least: float) -> None:
        found = kendall_tau_b(range(n), range(n))
        assert found.value == pytest.approx(1)
        assert found.p_value == pytest.approx(least)
        assert (found.why is not None) is (n < 5)

    def test_random_permutations_agree_with_the_exact_distribution(self) -> None:
        x = np.arange(10)
        y = np.array([0, 3, 7, 1, 4, 9, 2, 6, 8, 5])
        found = kendall_tau_b(x, y)
        assert found.p_value == pytest.approx(kendalltau(x, y, method="exact").pvalue, abs=0.004)

    def test_many_items_take_the_normal_approximation(self) -> None:
        x = np.random.default_rng(0).normal(size=60)
        y = x + np.random.default_rng(1).normal(size=60)
        assert kendall_tau_b(x, y).p_value == pytest.approx(kendalltau(x, y, method="asymptotic").pvalue)

    def test_edges(self) -> None:
        assert kendall_tau_b([1], [1]).value is None
        with pytest.raises(ValueError):
            kendall_tau_b([1, 2], [1])
        with pytest.raises(ValueError, match="NaN"):
            kendall_tau_b([1, np.nan], [1, 2])
