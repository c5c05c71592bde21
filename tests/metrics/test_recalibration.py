"""Recalibration against statsmodels and scikit-learn, across folds, and where nothing can be learnt."""

import json
from typing import get_args

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from evalspec.metrics import (
    Recalibration,
    brier,
    chosen_method,
    cross_fit,
    fit_recalibration,
    fold_numbers,
    overconfidence,
    recalibrate,
    recalibration_from_json,
)
from evalspec.metrics.recalibration import Method

from .drawn import Floats, claims, simulated, split

METHODS: tuple[Method, ...] = get_args(Method)


def logit(c: Floats) -> Floats:
    clipped = np.clip(c, 1e-3, 1 - 1e-3)
    return np.log(clipped / (1 - clipped))


class TestFits:
    @pytest.mark.parametrize("n", [60, 500])
    def test_platt_is_a_logistic_regression_on_the_logit(self, n: int) -> None:
        c, y = simulated(n, seed=n)
        peer = sm.GLM(y, sm.add_constant(logit(c)), family=sm.families.Binomial()).fit(tol=1e-14)
        found = fit_recalibration(c, y, "platt")
        assert (found.intercept, found.slope) == pytest.approx(tuple(peer.params), abs=1e-6)
        assert found.apply(c) == pytest.approx(peer.predict(), abs=1e-6)

    def test_platt_takes_weights(self) -> None:
        c, y = simulated(200)
        w = np.random.default_rng(0).random(200)
        peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        peer.fit(logit(c)[:, None], y, sample_weight=w)
        found = fit_recalibration(c, y, "platt", weights=w)
        assert (found.intercept, found.slope) == pytest.approx(
            (peer.intercept_[0], peer.coef_[0, 0]), abs=1e-4
        )

    @pytest.mark.parametrize("n", [60, 500])
    def test_temperature_is_one_slope_without_intercept(self, n: int) -> None:
        c, y = simulated(n, seed=n)
        peer = sm.GLM(y, logit(c), family=sm.families.Binomial()).fit(tol=1e-14)
        found = fit_recalibration(c, y, "temperature")
        assert (found.intercept, found.slope) == pytest.approx((0, peer.params[0]), abs=1e-6)

    def test_a_temperature_never_turns_the_order_round(self) -> None:
        c, y = np.repeat([0.9, 0.1], 50), np.repeat([0.0, 1.0], 50)
        found = fit_recalibration(c, y, "temperature")
        assert found.slope == pytest.approx(0, abs=1e-6)
        assert found.apply([0.9, 0.1]) == pytest.approx([0.5, 0.5], abs=1e-6)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_isotonic_is_scikit_learns(self, weighted: bool) -> None:
        c, y = simulated(400)
        w = np.random.default_rng(0).random(400) if weighted else None
        peer = IsotonicRegression(out_of_bounds="clip").fit(c, y, sample_weight=w)
        asked = np.linspace(0, 1, 101)
        assert fit_recalibration(c, y, "isotonic", w).apply(asked) == pytest.approx(peer.predict(asked))

    @pytest.mark.parametrize("method", METHODS)
    def test_whole_weights_repeat(self, method: Method) -> None:
        c, y = simulated(50)
        w = np.arange(50) % 4
        weighted = fit_recalibration(c, y, method, w)
        repeated = fit_recalibration(np.repeat(c, w), np.repeat(y, w), method)
        assert weighted.apply(c) == pytest.approx(repeated.apply(c), abs=1e-9)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(("y", "why"), [([1, 1], "all right"), ([0, 0], "all wrong"), ([], "no data")])
    def test_of_one_class_nothing_is_learnt(self, method: Method, y: list[int], why: str) -> None:
        found = fit_recalibration([0.2, 0.9][: len(y)], y, method)
        assert (found.method, found.why) == ("identity", why)
        assert found.apply([0.0, 0.3, 1.0]).tolist() == [0.0, 0.3, 1.0]

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("stated", [0.0, 0.7, 1.0])
    def test_one_confidence_becomes_the_accuracy(self, method: Method, stated: float) -> None:
        found = fit_recalibration([stated] * 40, [1] * 30 + [0] * 10, method).apply([stated])
        # A temperature cannot carry a confidence across one half.
        expected = 0.5 if method == "temperature" and stated < 0.5 else 0.75
        assert found == pytest.approx([expected], abs=1e-5)

    @pytest.mark.parametrize("method", METHODS)
    def test_separated_classes_give_a_finite_map(self, method: Method) -> None:
        found = fit_recalibration(np.linspace(0, 1, 40), np.arange(40) >= 20, method)
        assert np.isfinite([found.slope, found.intercept]).all()
        assert found.apply([0.0, 1.0]) == pytest.approx([0, 1], abs=1e-6)

    @settings(max_examples=60, deadline=None)
    @given(claims)
    def test_always_confidences_in_the_order_they_had(self, drawn: list[tuple[float, bool]]) -> None:
        c, y = split(drawn)
        for method in METHODS:
            found = fit_recalibration(c, y, method)
            assert found.why != "the fit did not settle"
            told = found.apply(np.sort(c))
            assert ((told >= 0) & (told <= 1)).all()
            if method != "platt":  # Platt's slope may be negative where confidence misleads
                assert (np.diff(told) >= -1e-12).all()

    def test_an_unknown_method_is_refused(self) -> None:
        with pytest.raises(ValueError, match="one of platt, temperature, isotonic"):
            recalibrate([0.5], [1], "beta")  # type: ignore[arg-type]


class TestJson:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("n", [0, 300])
    def test_comes_back_as_it_was(self, method: Method, n: int) -> None:
        found = fit_recalibration(*simulated(n), method)
        assert recalibration_from_json(json.loads(json.dumps(found.to_json()))) == found

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"method": "beta", "n": 3},
            {"method": "platt"},
            {"method": "platt", "n": True},
            {"method": "platt", "n": 3, "slope": "steep"},
            {"method": "platt", "n": 3, "slope": float("nan")},
            {"method": "platt", "n": 3, "eps": 0.7},
            {"method": "platt", "n": 3, "knots": [0.1], "levels": [0.2]},
            {"method": "isotonic", "n": 3},
            {"method": "isotonic", "n": 3, "knots": [0.1], "levels": [0.2, 0.3]},
            {"method": "isotonic", "n": 3, "knots": [0.4, 0.1], "levels": [0.2, 0.3]},
            {"method": "isotonic", "n": 3, "knots": [0.1, 0.4], "levels": [0.2, 1.3]},
            {"method": "isotonic", "n": 3, "knots": "many", "levels": [0.2, 0.3]},
        ],
    )
    def test_what_is_no_map_is_refused(self, value: dict[str, object]) -> None:
        with pytest.raises(ValueError):
            recalibration_from_json(value)  # type: ignore[arg-type]


class TestCrossFit:
    @pytest.mark.parametrize("method", METHODS)
    def test_each_fold_gets_the_map_of_the_others(self, method: Method) -> None:
        c, y = simulated(200)
        folds = np.arange(200) % 4
        found = cross_fit(c, y, method, folds)
        for k in range(4):
            others = fit_recalibration(c[folds != k], y[folds != k], method)
            assert found.maps[k] == others
            assert found.confidence[folds == k].tolist() == others.apply(c[folds == k]).tolist()
        assert (found.n, found.method, found.why) == (200, method, None)
        assert recalibrate(c, y, method, folds).tolist() == found.confidence.tolist()

    @pytest.mark.parametrize("method", METHODS)
    def test_mends_overconfidence(self, method: Method) -> None:
        c, y = simulated(600)
        better = recalibrate(c, y, method)
        before, after = brier(c, y).value, brier(better, y).value
        assert before is not None
        assert after is not None
        assert after < before
        # One slope has no say in the mean; the two others make it right.
        if method != "temperature":
            assert overconfidence(better, y).value == pytest.approx(0, abs=0.01)

    def test_the_seed_decides_the_folds(self) -> None:
        c, y = simulated(100)
        assert recalibrate(c, y).tolist() == recalibrate(c, y).tolist()
        assert recalibrate(c, y).tolist() != recalibrate(c, y, seed=1).tolist()
        same = recalibrate(c, y, folds=fold_numbers(y, 5, 0))
        assert recalibrate(c, y).tolist() == same.tolist()

    @pytest.mark.parametrize(
        ("y", "why"),
        [
            ([], "no data"),
            ([1], "all right"),
            ([0], "all wrong"),
            ([1] * 30, "all right"),
            ([0] * 30, "all wrong"),
            ([1] * 30 + [0] * 9, "fewer than 10 wrong answers to learn from"),
        ],
    )
    def test_too_little_to_learn_from_leaves_all_as_stated(self, y: list[int], why: str) -> None:
        c = np.linspace(0, 1, len(y))
        found = cross_fit(c, y)
        assert (found.confidence.tolist(), found.why, dict(found.maps)) == (c.tolist(), why, {})

    def test_a_fold_whose_others_are_of_one_class_is_left_as_stated(self) -> None:
        c, y = np.linspace(0.1, 0.9, 30), np.repeat([0, 1], 15)
        found = cross_fit(c, y, folds=np.repeat([0, 1], 15))
        assert found.confidence.tolist() == c.tolist()
        assert found.why == "some folds were left as stated: all right, all wrong"

    def test_weights_of_0_are_as_if_never_asked(self) -> None:
        c, y = simulated(100)
        folds = np.arange(100) % 5
        counted = np.arange(100) < 80
        weighted = recalibrate(c, y, folds=folds, weights=counted.astype(float))
        left = recalibrate(c[counted], y[counted], folds=folds[counted])
        assert weighted[counted] == pytest.approx(left, abs=1e-12)

    def test_confidences_of_exactly_0_and_1_are_learnt_from(self) -> None:
        c, y = np.repeat([1.0, 0.0], 50), np.tile([1, 1, 1, 0, 0], 20)
        for method in ("platt", "isotonic"):
            assert recalibrate(c, y, method) == pytest.approx(0.6, abs=0.05)

    @pytest.mark.parametrize("folds", [1, 0, -3, [0, 1], [0.5] * 100, np.zeros((100, 1), dtype=int)])
    def test_folds_that_do_not_fit_are_refused(self, folds: object) -> None:
        with pytest.raises(ValueError, match="fold"):
            recalibrate(*simulated(100), folds=folds)  # type: ignore[arg-type]


class TestMethod:
    def test_platt_below_a_thousand_examples_and_isotonic_from_there(self) -> None:
        assert chosen_method(np.linspace(0, 1, 999)) == "platt"
        assert chosen_method(np.linspace(0, 1, 1000)) == "isotonic"

    def test_few_distinct_confidences_are_corrected_one_by_one(self) -> None:
        assert chosen_method([0.8, 0.9] * 10) == "isotonic"
        assert chosen_method([0.8, 0.9] * 9) == "platt"

    def test_of_nothing_and_of_one(self) -> None:
        assert (chosen_method([]), chosen_method([0.5])) == ("platt", "platt")


class TestFolds:
    def test_right_and_wrong_are_spread_evenly(self) -> None:
        y = np.arange(103) >= 23
        folds = fold_numbers(y, 5, seed=3)
        assert sorted(np.bincount(folds)) == [20, 20, 21, 21, 21]
        assert sorted(np.bincount(folds, weights=~y)) == [4, 4, 5, 5, 5]

    def test_clusters_stay_whole_and_spread(self) -> None:
        rng = np.random.default_rng(0)
        cluster = [f"document {k}" for k in rng.integers(0, 60, 300)]
        y = rng.random(300) < 0.8
        folds = fold_numbers(y, 5, 1, cluster)
        assert all(len({f for f, c in zip(folds, cluster, strict=True) if c == d}) == 1 for d in cluster)
        assert max(np.bincount(folds)) <= 1.3 * min(np.bincount(folds))
        assert np.ptp(np.bincount(folds, weights=~y)) <= 2

    def test_no_fold_is_empty(self) -> None:
        assert sorted(fold_numbers([1, 0, 1], 5)) == [0, 1, 2]
        assert fold_numbers([], 5).tolist() == []
        assert sorted(fold_numbers([1, 1, 0, 1], 5, cluster=["a", "a", "b", "b"])) == [0, 0, 1, 1]

    def test_numbers_that_a_caller_made_are_kept(self) -> None:
        assert fold_numbers([1, 0, 1], [7, 7, 2]).tolist() == [7, 7, 2]

    def test_one_cluster_teaches_nothing(self) -> None:
        c, y = simulated(100)
        found = cross_fit(c, y, cluster=["one"] * 100)
        assert (found.confidence.tolist(), found.why) == (
            c.tolist(),
            "some folds were left as stated: no data",
        )

    def test_names_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ValueError, match="cluster"):
            fold_numbers([1, 0, 1], cluster=["a", "b"])


def test_a_map_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Recalibration(method="identity", n=0).slope = 2.0  # type: ignore[misc]
