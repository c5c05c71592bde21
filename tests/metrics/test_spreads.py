"""Where the rest of a confidence goes, and what is decided by it, in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.metrics import (
    answering_pays,
    best_action,
    chow_threshold,
    prior_spread,
    promised_costs,
    uniform_spread,
    worst_case_spread,
)

COSTS = [[0, 10, 2], [4, 0, 2], [4, 1, 0]]  # truths a, b, c; answers a, b, c
ABSTAIN = [1, 1, 3]


class TestSpreads:
    def test_the_prior_leaves_the_answer_out(self) -> None:
        found = prior_spread([0.8, 0.5, 1.0], [1, 0, 2], [4, 2, 2])
        assert found == pytest.approx(
            np.array([[0.2 * 4 / 6, 0.8, 0.2 * 2 / 6], [0.5, 0.25, 0.25], [0, 0, 1]])
        )

    def test_a_prior_that_knows_no_other_label_is_even(self) -> None:
        assert prior_spread([0.6], [0], [5, 0, 0]) == pytest.approx(np.array([[0.6, 0.2, 0.2]]))

    def test_even(self) -> None:
        assert uniform_spread([0.7, 0.0], [2, 0], 3) == pytest.approx(
            np.array([[0.15, 0.15, 0.7], [0, 0.5, 0.5]])
        )

    def test_the_worst_case_is_the_truth_under_which_the_answer_is_dearest(self) -> None:
        assert worst_case_spread([0.8, 0.9, 0.7], [1, 0, 2], COSTS) == pytest.approx(
            np.array([[0.2, 0.8, 0], [0.9, 0.1, 0], [0.3, 0, 0.7]])
        )

    @given(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2)), max_size=6),
        st.lists(st.integers(0, 5), min_size=3, max_size=3),
    )
    def test_each_is_a_distribution_with_the_confidence_at_the_answer(
        self, said: list[tuple[float, int]], prior: list[int]
    ) -> None:
        c, answers = [c for c, _ in said], [a for _, a in said]
        for p in (
            prior_spread(c, answers, prior),
            uniform_spread(c, answers, 3),
            worst_case_spread(c, answers, COSTS),
        ):
            assert p.shape == (len(said), 3)
            assert p.sum(axis=1) == pytest.approx(np.ones(len(said)))
            assert [p[i, a] for i, a in enumerate(answers)] == c

    @pytest.mark.parametrize(
        ("c", "answers", "prior"),
        [
            ([1.2], [0], [1, 1]),
            ([0.5], [2], [1, 1]),
            ([0.5], [0, 1], [1, 1]),
            ([0.5], [0], [1]),
            ([0.5], [0.5], [1, 1]),
        ],
    )
    def test_what_does_not_fit_is_refused(self, c: list[float], answers: list[int], prior: list[int]) -> None:
        with pytest.raises(ValueError):
            prior_spread(c, answers, prior)


class TestAnsweringPays:
    def test_by_hand(self) -> None:
        # b at .8 with the prior 4:2:2: answering (.2·4·10 + .2·2·1)/6 = 1.4; abstaining .8 + .2(4 + 2·3)/6.
        p = prior_spread([0.8], [1], [4, 2, 2])
        answering, abstaining = promised_costs(p, [1], COSTS, ABSTAIN)
        assert answering[0] == pytest.approx(float(Fraction(14, 10)), rel=1e-15)
        assert abstaining[0] == pytest.approx(
            float(Fraction(8, 10) + Fraction(1, 5) * Fraction(10, 6)), rel=1e-15
        )
        assert answering_pays(p, [1], COSTS, ABSTAIN).tolist() == [False]
        # Spread evenly, .1·10 + .1·1 = 1.1 against 1.2: it pays.
        assert answering_pays(uniform_spread([0.8], [1], 3), [1], COSTS, ABSTAIN).tolist() == [True]

    def test_a_tie_is_answered(self) -> None:
        costs = [[0, 20], [20, 0]]
        assert (1 - 0.95) * 20 > 1
        p = uniform_spread([0.95, 0.9499], [0, 1], 2)
        assert answering_pays(p, [0, 1], costs, 1).tolist() == [True, False]

    @given(
        st.lists(st.integers(0, 6), min_size=3, max_size=3).filter(any),
        st.integers(0, 2),
        st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=3, max_size=3),
        st.lists(st.integers(-9, 9), min_size=3, max_size=3),
    )
    def test_agrees_with_exact_fractions(
        self, counts: list[int], answer: int, costs: list[list[int]], abstain: list[int]
    ) -> None:
        shares = [Fraction(k, sum(counts)) for k in counts]
        given = sum(p * costs[i][answer] for i, p in enumerate(shares))
        kept = sum(p * abstain[i] for i, p in enumerate(shares))
        p = [[k / sum(counts) for k in counts]]
        assert answering_pays(p, [answer], costs, abstain).tolist() == [given <= kept]

    @given(st.floats(0, 1), st.integers(0, 9), st.integers(0, 9))
    def test_two_classes_of_one_price_are_chows_rule(self, c: float, wrong: int, abstain: int) -> None:
        pays = answering_pays(uniform_spread([c], [0], 2), [0], [[0, wrong], [wrong, 0]], abstain)[0]
        threshold = chow_threshold(0, wrong, abstain)
        if abs(c - threshold) > 1e-9:
            assert bool(pays) is (c > threshold)

    def test_it_never_relabels(self) -> None:
        p = [[0.7, 0.3]]
        costs = [[0, 5], [20, 0]]
        assert best_action(p, costs).tolist() == [1]
        assert answering_pays(p, [0], costs, 7).tolist() == [True]

    def test_no_examples(self) -> None:
        assert answering_pays(np.zeros((0, 3)), [], COSTS, ABSTAIN).tolist() == []
