"""Brier, CORP and log loss against scikit-learn, and their identities."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as peer_log_loss

from evalspec.metrics import brier, brier_decomposition, certain_and_wrong, log_loss, pav, wilson

from .drawn import claims, simulated, split, weighted_claims, with_weights


class TestBrier:
    def test_agrees_with_sklearn(self) -> None:
        c, y = simulated(200)
        assert brier(c, y).value == pytest.approx(brier_score_loss(y, c))
        w = np.arange(200) + 0.5
        assert brier(c, y, w).value == pytest.approx(brier_score_loss(y, c, sample_weight=w))

    def test_edges(self) -> None:
        assert brier([1, 0], [1, 0]).value == 0
        assert brier([1, 0], [1, 0]).high == wilson(0, 2).high
        assert brier([1, 1], [0, 0]).value == 1
        assert brier([0.5, 0.5], [1, 0]).low is None
        assert brier([], []).why == "no data"
        with pytest.raises(ValueError):
            brier([1.5], [1])


class TestDecomposition:
    @given(claims)
    def test_adds_up_exactly_in_parts_that_are_not_negative(self, drawn: list[tuple[float, bool]]) -> None:
        found = brier_decomposition(*split(drawn))
        assert found.brier is not None
        assert found.miscalibration is not None
        assert found.discrimination is not None
        assert found.uncertainty is not None
        assert found.miscalibration >= 0
        assert found.discrimination >= 0
        parts = found.miscalibration - found.discrimination + found.uncertainty
        assert parts == pytest.approx(found.brier, abs=1e-12)
        assert brier(*split(drawn)).value == pytest.approx(found.brier, abs=1e-12)

    @given(weighted_claims)
    def test_whole_weights_repeat(self, drawn: list[tuple[float, bool, int]]) -> None:
        c, y, w = with_weights(drawn)
        weighted, repeated = (
            brier_decomposition(c, y, w),
            brier_decomposition(np.repeat(c, w), np.repeat(y, w)),
        )
        for part in ("brier", "miscalibration", "discrimination", "uncertainty"):
            assert getattr(weighted, part) == pytest.approx(getattr(repeated, part), abs=1e-9)

    def test_one_class_has_neither_uncertainty_nor_discrimination(self) -> None:
        found = brier_decomposition([0.6, 0.9], [1, 1])
        assert (found.uncertainty, found.discrimination) == (0, 0)
        assert found.miscalibration == pytest.approx(found.brier)

    def test_by_hand(self) -> None:
        # PAV: .2 → 0, .6 and .7 pooled → ½, .9 → 1.
        found = brier_decomposition([0.2, 0.6, 0.7, 0.9], [0, 1, 0, 1])
        assert found.uncertainty == pytest.approx(0.25)
        assert found.discrimination == pytest.approx(0.25 - 0.125)
        assert found.brier == pytest.approx((0.04 + 0.16 + 0.49 + 0.01) / 4)

    def test_of_nothing_is_undefined(self) -> None:
        assert brier_decomposition([], []).why == "no data"


class TestPav:
    @given(weighted_claims)
    def test_agrees_with_sklearn(self, drawn: list[tuple[float, bool, int]]) -> None:
        c, y, w = with_weights(drawn)
        kept = w > 0
        peer = IsotonicRegression().fit(c[kept], y[kept], sample_weight=w[kept].astype(float))
        assert pav(c, y, w)[kept] == pytest.approx(peer.predict(c[kept]), abs=1e-6)

    def test_keeps_the_order_and_pools_ties(self) -> None:
        assert pav([0.9, 0.5, 0.5, 0.1], [1, 0, 1, 0]).tolist() == [1, 0.5, 0.5, 0]
        assert pav([0.9, 0.1], [0, 1]).tolist() == [0.5, 0.5]
        assert pav([], []).tolist() == []


class TestLogLoss:
    def test_agrees_with_sklearn_on_clipped_confidences(self) -> None:
        c, y = simulated(150)
        clipped = np.clip(c, 1e-3, 1 - 1e-3)
        assert log_loss(c, y).value == pytest.approx(peer_log_loss(y, clipped))

    def test_one_false_certainty_costs_no_more_than_the_clip(self) -> None:
        assert log_loss([1.0], [0]).value == pytest.approx(-log(1e-3))
        assert log_loss([0.0], [1], eps=0.01).value == pytest.approx(-log(0.01))
        assert log_loss([1.0, 0.0], [1, 0]).value == pytest.approx(-log(1 - 1e-3))

    def test_false_certainties_are_counted(self) -> None:
        assert certain_and_wrong([1, 0.9995, 0.99, 0, 1], [0, 0, 0, 1, 1]) == 3
        assert certain_and_wrong([], []) == 0

    @given(weighted_claims)
    def test_whole_weights_repeat(self, drawn: list[tuple[float, bool, int]]) -> None:
        c, y, w = with_weights(drawn)
        assert log_loss(c, y, weights=w).value == pytest.approx(
            log_loss(np.repeat(c, w), np.repeat(y, w)).value
        )

    @pytest.mark.parametrize("eps", [0, 0.5, -1])
    def test_a_clip_outside_0_to_half_is_refused(self, eps: float) -> None:
        with pytest.raises(ValueError, match="eps"):
            log_loss([0.5], [1], eps)
