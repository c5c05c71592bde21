"""Costs by hand and in exact fractions; thresholds and promises against scipy."""

from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalspec.metrics import ThresholdVerdict, best_action, chow_threshold, expected_cost, threshold_check
from evalspec.metrics.costs import at_least

ROUTING = {
    "billing": {"billing": 0, "technical": 5, "review": 1},
    "technical": {"billing": 20, "technical": 0, "review": 1},
}
MATRIX = [[0, 5, 1], [20, 0, 1]]


class TestExpectedCost:
    truth = ("billing", "billing", "technical", "technical")
    answers = ("billing", "technical", "billing", "review")

    def test_by_hand(self) -> None:
        estimate = expected_cost(self.truth, self.answers, ROUTING)
        assert (estimate.value, estimate.n) == (6.5, 4)
        assert estimate.se == pytest.approx(np.std([0, 5, 20, 1], ddof=1) / 2)

    def test_a_matrix_of_codes_is_the_same(self) -> None:
        assert expected_cost([0, 0, 1, 1], [0, 1, 0, 2], MATRIX) == expected_cost(
            self.truth, self.answers, ROUTING
        )
        assert expected_cost(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 2]), np.array(MATRIX)).value == 6.5

    def test_weights_repeat(self) -> None:
        weighted = expected_cost(self.truth, self.answers, ROUTING, weights=[3, 1, 0, 2])
        assert weighted.value == pytest.approx(7 / 6)

    def test_money_may_be_decimal(self) -> None:
        assert (
            expected_cost([True, True], [True, None], {True: {True: Decimal(0), None: Decimal("0.5")}}).value
            == 0.25
        )

    def test_one_cost_throughout_says_nothing_about_rare_ones(self) -> None:
        estimate = expected_cost(["billing"] * 50, ["billing"] * 50, ROUTING)
        assert (estimate.value, estimate.low, estimate.high, estimate.se) == (0, None, None, None)

    def test_nothing_is_no_data(self) -> None:
        assert expected_cost([], [], ROUTING).why == "no data"
        assert expected_cost([], [], MATRIX).why == "no data"

    @pytest.mark.parametrize(
        ("truth", "answer"), [("other", "billing"), ("billing", "other"), ("billing", None)]
    )
    def test_an_unknown_label_is_refused(self, truth: str, answer: str | None) -> None:
        with pytest.raises(ValueError, match="the costs"):
            expected_cost([truth], [answer], ROUTING)  # type: ignore[misc]

    @pytest.mark.parametrize(("truth", "answer"), [(2, 0), (0, 3), (-1, 0), (0, -1)])
    def test_an_unknown_code_is_refused(self, truth: int, answer: int) -> None:
        with pytest.raises(ValueError, match="do not know"):
            expected_cost([truth], [answer], MATRIX)

    @pytest.mark.parametrize("costs", [[[np.nan]], [[np.inf]], [1, 2], []])
    def test_costs_that_are_no_matrix_of_numbers_are_refused(self, costs: list[float]) -> None:
        with pytest.raises(ValueError, match="matrix"):
            expected_cost([0], [0], costs)

    def test_other_misfits_are_refused(self) -> None:
        with pytest.raises(ValueError, match="answers"):
            expected_cost([0, 1], [0], MATRIX)
        with pytest.raises(ValueError, match="integer codes"):
            expected_cost(["a"], ["b"], MATRIX)
        with pytest.raises(ValueError, match="not finite"):
            expected_cost([0], [0], {0: {0: float("nan")}})


class TestBestAction:
    def test_may_differ_from_the_most_probable_label(self) -> None:
        assert best_action([[0.7, 0.3]], MATRIX).tolist() == [2]
        assert best_action([[0.7, 0.3]], [[0, 5], [20, 0]]).tolist() == [1]

    def test_a_tie_goes_to_the_column_declared_first(self) -> None:
        # Answering costs (1 - .95)·20 = 1 but for rounding, as much as abstaining.
        assert (1 - 0.95) * 20 > 1
        assert best_action([[0.95, 0.05]], [[0, 20, 1], [20, 0, 1]]).tolist() == [0]
        assert best_action([[0.95, 1 - 0.95]], [[0, 20, 1], [20, 0, 1]]).tolist() == [0]
        assert best_action([[0.5, 0.5]], [[1, 1, 1], [1, 1, 1]]).tolist() == [0]

    @given(
        st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3).filter(any), min_size=1, max_size=5),
        st.lists(st.lists(st.integers(-9, 20), min_size=4, max_size=4), min_size=3, max_size=3),
    )
    def test_agrees_with_exact_fractions(self, counts: list[list[int]], costs: list[list[int]]) -> None:
        expected = []
        for row in counts:
            shares = [Fraction(k, sum(row)) for k in row]
            prices = [sum(p * costs[i][a] for i, p in enumerate(shares)) for a in range(4)]
            expected.append(prices.index(min(prices)))
        found = best_action([[k / sum(row) for k in row] for row in counts], costs)
        assert found.tolist() == expected

    def test_nearly_1_is_rescaled_and_further_off_refused(self) -> None:
        assert best_action([[0.5, 0.5 + 5e-7]], [[0, 1], [1, 0]]).tolist() == [1]
        with pytest.raises(ValueError, match="add up"):
            best_action([[0.5, 0.49]], [[0, 1], [1, 0]])

    @pytest.mark.parametrize("p", [[[1.5, -0.5]], [[np.nan, 1]], [0.5, 0.5], [[1.0]]])
    def test_what_is_no_distribution_over_the_rows_is_refused(self, p: list[list[float]]) -> None:
        with pytest.raises(ValueError):
            best_action(p, [[0, 1], [1, 0]])

    def test_no_examples_no_actions(self) -> None:
        assert best_action(np.zeros((0, 2)), MATRIX).tolist() == []


class TestChow:
    @pytest.mark.parametrize(
        ("right", "wrong", "abstain", "threshold"),
        [
            (0, 20, 1, 0.95),
            (0, 1, 1, 0),
            (-5, 10, 2, 8 / 15),
            (1, 2, 1, 1),
            (3, 3, 3, 0),
            (3, 3, 2, float("inf")),
        ],
    )
    def test_by_hand(self, right: float, wrong: float, abstain: float, threshold: float) -> None:
        assert chow_threshold(right, wrong, abstain) == pytest.approx(threshold)

    def test_cheap_errors_are_always_worth_an_answer_and_free_abstention_never(self) -> None:
        assert chow_threshold(0, 1, 5) <= 0
        assert chow_threshold(2, 9, 1) > 1

    @given(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9), st.floats(0, 1))
    def test_answers_exactly_where_that_costs_no_more(
        self, right: int, wrong: int, abstain: int, c: float
    ) -> None:
        if wrong < right:
            with pytest.raises(ValueError, match="less than a right one"):
                chow_threshold(right, wrong, abstain)
            return
        cost = right * Fraction(c) + wrong * (1 - Fraction(c))
        threshold = chow_threshold(right, wrong, abstain)
        if abs(c - threshold) > 1e-9:
            assert (c > threshold) is (cost <= abstain)

    def test_infinite_costs_are_refused(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            chow_threshold(0, float("inf"), 1)


class TestThresholdCheck:
    def test_no_error_in_100_keeps_95_percent(self) -> None:
        found = threshold_check([0.97] * 100 + [0.5] * 9, [1] * 100 + [0] * 9, 0.95)
        assert (found.n, found.errors, found.realised_error) == (100, 0, 0)
        assert (found.verdict, found.p_value) == (ThresholdVerdict.KEPT, 1)
        assert found.promised_error == pytest.approx(0.03)

    def test_kept_is_decided_by_the_one_sided_exact_limit(self) -> None:
        # 59 without an error is the least that shows an error below 5 % at 95 %.
        assert threshold_check([0.95] * 59, [1] * 59, 0.95).verdict is ThresholdVerdict.KEPT
        assert threshold_check([0.95] * 58, [1] * 58, 0.95).verdict is ThresholdVerdict.NOT_ENOUGH_DATA

    def test_equal_confidences_make_it_a_binomial_test(self) -> None:
        found = threshold_check([0.9] * 40, [0] * 8 + [1] * 32, 0.9)
        assert found.p_value == pytest.approx(binomtest(8, 40, 0.1, alternative="greater").pvalue)
        assert found.verdict is ThresholdVerdict.BROKEN

    def test_broken_comes_before_kept(self) -> None:
        # Far better than the guarantee of .5, far worse than the stated .999.
        found = threshold_check([0.999] * 200, [0] * 10 + [1] * 190, 0.5)
        assert found.verdict is ThresholdVerdict.BROKEN

    def test_a_false_certainty_breaks_the_promise_outright(self) -> None:
        assert threshold_check([1, 1, 1], [1, 0, 1], 0.9).p_value == 0
        assert threshold_check([1, 0.9], [0, 1], 0.5).p_value == pytest.approx(0.1)
        assert threshold_check([1, 1], [1, 1], 0.9).p_value == 1

    def test_a_confidence_at_the_threshold_is_answered_despite_rounding(self) -> None:
        assert threshold_check([0.7], [1], 0.1 * 7).n == 1

    def test_nothing_answered(self) -> None:
        for c in ([0.5], []):
            found = threshold_check(c, [1] * len(c), 0.9)
            assert (found.n, found.realised_error, found.p_value) == (0, None, None)
            assert found.verdict is ThresholdVerdict.NOT_ENOUGH_DATA
            assert found.why is not None

    def test_a_threshold_at_or_below_0_answers_everything(self) -> None:
        assert threshold_check([0.0, 0.3], [0, 0], -0.2).n == 2

    @pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
    def test_a_threshold_that_is_no_number_is_refused(self, threshold: float) -> None:
        with pytest.raises(ValueError, match="threshold"):
            threshold_check([0.5], [1], threshold)

    @given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.99, 1.0]), max_size=7), st.integers(0, 8))
    def test_the_tail_is_that_of_enumeration(self, chances: list[float], k: int) -> None:
        expected = sum(
            float(np.prod([p if hit else 1 - p for hit, p in zip(hits, chances, strict=True)]))
            for hits in product((0, 1), repeat=len(chances))
            if sum(hits) >= k
        )
        assert at_least(k, np.array(chances, dtype=float)) == pytest.approx(expected, abs=1e-12)
