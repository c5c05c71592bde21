"""The calibration line against statsmodels, and the cases without one."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings

from evalspec.metrics import calibration_line

from .drawn import claims, simulated, split


def logit(c: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    clipped = np.clip(c, 1e-3, 1 - 1e-3)
    return np.log(clipped / (1 - clipped))


@pytest.mark.parametrize("n", [60, 500])
def test_agrees_with_statsmodels(n: int) -> None:
    c, y = simulated(n, seed=n)
    peer = sm.GLM(y, sm.add_constant(logit(c)), family=sm.families.Binomial()).fit(tol=1e-14)
    line = calibration_line(c, y)
    assert (line.intercept.value, line.slope.value) == pytest.approx(tuple(peer.params), rel=1e-6)
    assert (line.intercept.se, line.slope.se) == pytest.approx(tuple(peer.bse), rel=1e-6)
    assert (line.slope.low, line.slope.high) == pytest.approx(tuple(peer.conf_int()[1]), rel=1e-6)
    large = sm.GLM(y, np.ones(n), family=sm.families.Binomial(), offset=logit(c)).fit(tol=1e-14)
    assert line.in_the_large.value == pytest.approx(large.params[0], rel=1e-6)
    assert line.in_the_large.se == pytest.approx(large.bse[0], rel=1e-6)


def test_saturated_confidences_do_not_make_it_diverge() -> None:
    c = np.repeat([1.0, 1.0, 0.0, 0.5], [95, 5, 1, 2])
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [95, 5, 1, 2])
    line = calibration_line(c, y)
    peer = sm.GLM(y, sm.add_constant(logit(c)), family=sm.families.Binomial()).fit(tol=1e-14)
    assert line.slope.value == pytest.approx(peer.params[1], rel=1e-5)


def test_a_calibrated_model_has_slope_1_and_intercept_0() -> None:
    rng = np.random.default_rng(5)
    c = rng.uniform(0.05, 0.95, 20_000)
    line = calibration_line(c, rng.random(c.size) < c)
    assert line.slope.value == pytest.approx(1, abs=0.05)
    assert line.intercept.value == pytest.approx(0, abs=0.05)
    assert line.in_the_large.value == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("c", "y", "why", "large"),
    [
        ([], [], "no data", False),
        ([0.3, 0.9], [1, 1], "all right", False),
        ([0.3, 0.9], [0, 0], "all wrong", False),
        ([0.8, 0.8, 0.8], [1, 0, 1], "all confidences are equal", True),
        ([0.9995, 1, 1], [1, 0, 1], "all confidences are equal", True),
        ([0.2, 0.4, 0.9], [0, 0, 1], "the confidences separate right from wrong", True),
        ([0.2, 0.4, 0.9], [1, 1, 0], "the confidences separate right from wrong", True),
        ([0.2, 0.5, 0.5, 0.9], [0, 0, 1, 1], "the confidences separate right from wrong", True),
    ],
)
def test_no_line_where_the_likelihood_has_no_maximum(
    c: list[float], y: list[int], why: str, large: bool
) -> None:
    line = calibration_line(c, y)
    assert (line.slope.value, line.intercept.value, line.why) == (None, None, why)
    assert (line.in_the_large.value is not None) is large


@settings(max_examples=60, deadline=None)
@given(claims)
def test_there_is_a_finite_line_or_a_reason(drawn: list[tuple[float, bool]]) -> None:
    line = calibration_line(*split(drawn))
    assert (line.slope.value is None) is (line.why is not None)
    assert line.why != "the fit did not settle"
    assert line.slope.value is None or np.isfinite(line.slope.value)


def test_whole_weights_repeat() -> None:
    c, y = simulated(40)
    w = np.arange(40) % 4
    weighted, repeated = calibration_line(c, y, weights=w), calibration_line(np.repeat(c, w), np.repeat(y, w))
    assert weighted.slope.value == pytest.approx(repeated.slope.value)
    assert weighted.in_the_large.value == pytest.approx(repeated.in_the_large.value)


def test_a_flat_start_does_not_throw_it_out() -> None:
    # Nearly all are sure and wrong: the first step, taken whole, would land where nothing is left to learn.
    c, y = np.repeat([1.0, 0.999, 0.9], [40, 15, 5]), np.repeat([0.0, 1.0, 0.0], [55, 2, 3])
    line = calibration_line(c, y)
    large = sm.GLM(y, np.ones(60), family=sm.families.Binomial(), offset=logit(c)).fit(tol=1e-14)
    assert line.in_the_large.value == pytest.approx(large.params[0], rel=1e-6)


@pytest.mark.parametrize("apart", [1e-4, 1e-6, 1e-9])
def test_confidences_that_lie_close_have_a_line(apart: float) -> None:
    c, y = np.repeat([0.5, 0.5 + apart], 20), np.tile([1, 1, 1, 0], 10)
    y[:4] = 0
    # Two confidences are met exactly: the line goes through the log odds of both.
    low, high = (np.log(m / (1 - m)) for m in (y[:20].mean(), y[20:].mean()))
    x = np.log(c / (1 - c))
    assert calibration_line(c, y).slope.value == pytest.approx((high - low) / (x[-1] - x[0]), rel=1e-6)


def test_a_line_that_cannot_be_told_from_a_wall_says_so() -> None:
    c = np.array([0.95] * 16 + [0.5] * 18 + [0.5 + 1e-12] * 5)
    y = np.ones(39)
    y[[0, 38]] = 0
    line = calibration_line(c, y)
    assert line.slope.value is None or np.isfinite(line.slope.value)
    assert (line.slope.value is None) is (line.why is not None)
