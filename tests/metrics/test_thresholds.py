"""Fitted thresholds: the best of all by enumeration in whole numbers, not judged by what fitted them."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.metrics import best_threshold, cross_fitted_threshold, fold_numbers

CONFIDENCES = st.sampled_from([0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
EXAMPLES = st.lists(
    st.tuples(CONFIDENCES, st.integers(-9, 20), st.integers(-9, 20), st.integers(0, 3)), max_size=9
)


def cost_of(threshold: float, examples: list[tuple[float, int, int, int]]) -> int:
    """The cost of deciding by a threshold, in whole numbers."""
    return sum(w * (given if c >= threshold else kept) for c, given, kept, w in examples)


class TestBestThreshold:
    @given(EXAMPLES)
    def test_no_threshold_is_cheaper_and_none_that_is_lower_as_cheap(
        self, examples: list[tuple[float, int, int, int]]
    ) -> None:
        c, given, kept, w = (
            (list(column) for column in zip(*examples, strict=True)) if examples else ([],) * 4
        )
        found = best_threshold(c, given, kept, w)
        distinct = sorted(set(c))
        others = [0.0, *((a + b) / 2 for a, b in pairwise(distinct)), float("inf")]
        assert found in others
        costs = {t: cost_of(t, examples) for t in others}
        assert costs[found] == min(costs.values())
        assert all(costs[t] > costs[found] for t in others if t < found)

    def test_by_hand(self) -> None:
        # Answering wrongly costs 20, abstaining 1: .9 is wrong once in two, .95 never.
        assert best_threshold([0.9, 0.9, 0.95, 0.95], [0, 20, 0, 0], [1] * 4) == pytest.approx(0.925)

    def test_a_tie_is_answered(self) -> None:
        assert best_threshold([0.4, 0.8], [1, 1], [1, 1]) == 0
        # .1 + .2 and .3 are equal but for rounding.
        assert best_threshold([0.4, 0.4], [0.1, 0.2], [0.3, 0.0]) == 0

    def test_where_it_never_pays(self) -> None:
        assert best_threshold([0.4, 1.0], [5, 5], [1, 1]) == float("inf")
        assert best_threshold([], [], []) == 0

    @pytest.mark.parametrize(
        "wrong", [([1.1], [0], [0]), ([0.5], [0, 1], [0]), ([0.5], [0], []), ([0.5], [float("nan")], [0])]
    )
    def test_what_does_not_fit_is_refused(self, wrong: tuple[list[float], ...]) -> None:
        with pytest.raises(ValueError):
            best_threshold(*wrong)


class TestCrossFitted:
    def world(self, n: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(1)
        c = rng.choice([0.6, 0.7, 0.8, 0.9], n)
        y = (rng.random(n) < c - 0.2).astype(float)
        return c, y, np.where(y == 1, 0.0, 10.0)

    def test_each_example_is_decided_by_the_other_folds(self) -> None:
        c, y, given = self.world()
        kept = np.full(100, 3.0)
        folds = np.arange(100) % 4
        found = cross_fitted_threshold(c, y, given, kept, folds=folds)
        paid = []
        for i in range(100):
            others = folds != folds[i]
            threshold = best_threshold(c[others], given[others], kept[others])
            paid.append(given[i] if c[i] >= threshold else kept[i])
            assert found.thresholds[folds[i]] == threshold
            assert found.answered[i] == (c[i] >= threshold)
        assert found.cost.value == pytest.approx(np.mean(paid), rel=1e-12)
        assert found.cost.n == 100

    def test_its_own_outcome_decides_no_example(self) -> None:
        c, y, given = self.world()
        folds = fold_numbers(y, 5)
        before = cross_fitted_threshold(c, y, given, np.full(100, 3.0), folds=folds)
        turned = np.where(folds == 2, 10 - given, given)
        after = cross_fitted_threshold(c, y, turned, np.full(100, 3.0), folds=folds)
        decided = np.array(before.answered), np.array(after.answered)
        assert np.array_equal(decided[0][folds == 2], decided[1][folds == 2])
        assert before.thresholds[2] == after.thresholds[2]

    def test_clusters_stay_together_and_widen_the_interval(self) -> None:
        c, y, given = (np.repeat(column, 4) for column in self.world(50))
        cluster = np.repeat(np.arange(50), 4)
        found = cross_fitted_threshold(c, y, given, np.full(200, 4.5), cluster=cluster)
        alone = cross_fitted_threshold(c, y, given, np.full(200, 4.5))
        assert found.cost.se is not None
        assert alone.cost.se is not None
        assert found.cost.se > alone.cost.se

    @pytest.mark.parametrize(("wrong", "fitted"), [(0, False), (9, False), (10, True), (40, True)])
    def test_fewer_than_10_wrong_teach_nothing(self, wrong: int, fitted: bool) -> None:
        y = np.array([0.0] * wrong + [1.0] * (40 - wrong))
        found = cross_fitted_threshold(np.full(40, 0.8), y, np.where(y == 1, 0.0, 5.0), np.ones(40))
        assert (found.cost.value is not None) is fitted
        assert (found.cost.why == "fewer than 10 wrong answers to learn from") is not fitted
        assert bool(found.thresholds) is fitted

    def test_nothing_and_one(self) -> None:
        assert cross_fitted_threshold([], [], [], []).cost.why == "no data"
        assert cross_fitted_threshold([1.0], [0], [5], [1]).cost.value is None

    def test_one_confidence_and_all_wrong(self) -> None:
        found = cross_fitted_threshold([0.9] * 20, [0] * 20, [10.0] * 20, [1.0] * 20)
        assert found.cost.value == 1
        assert set(found.thresholds) == {float("inf")}

    def test_whole_weights_repeat(self) -> None:
        c, y, given = self.world(60)
        w = np.arange(60) % 3 + 1
        folds = np.arange(60) % 5
        weighted = cross_fitted_threshold(c, y, given, np.full(60, 2.0), folds=folds, weights=w)
        out = [np.repeat(a, w) for a in (c, y, given, np.full(60, 2.0), folds)]
        written_out = cross_fitted_threshold(*out[:4], folds=out[4])
        assert weighted.thresholds == written_out.thresholds
        assert weighted.cost.value == pytest.approx(written_out.cost.value, rel=1e-12)

    def test_the_same_seed_gives_the_same(self) -> None:
        c, y, given = self.world()
        kept = np.full(100, float(Fraction(7, 3)))
        assert cross_fitted_threshold(c, y, given, kept, seed=3) == cross_fitted_threshold(
            c, y, given, kept, seed=3
        )
