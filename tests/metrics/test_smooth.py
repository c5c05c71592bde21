"""The smooth calibration error against relplot's figures and against its definition, summed slowly."""

import numpy as np
import pytest
from hypothesis import given, settings

from evalspec.metrics import sm_ece

from .drawn import Floats, claims, simulated, split, weighted_claims, with_weights


def spaced(n: int, over: float) -> tuple[Floats, Floats]:
    """Confidences evenly spaced inside (0, 1), right as often as stated less `over` of their way above .3."""
    i = np.arange(n)
    c = 0.02 + 0.96 * ((i * 37) % n) / (n - 1)
    return c, (((i * 61) % n + 0.5) / n < c - over * (c - 0.3)).astype(float)


def mean_gap(c: Floats, y: Floats, width: float) -> float:
    """Mean absolute gap on a mesh, the Gaussian reflected by placing every example again beyond 0 and 1."""
    mesh = np.linspace(0, 1, max(200, round(10 / width)))
    images = np.concatenate([c, -c, 2 - c])
    away = np.abs(mesh[:, None] - images)
    kernel = np.where(away <= 0.5, np.exp(-0.5 * (away / width) ** 2), 0.0)
    return float(np.abs(kernel @ np.tile(c - y, 3)).sum() / kernel.sum())


def by_definition(c: Floats, y: Floats) -> float:
    low, high = 0.0, 1.0
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_gap(c, y, middle) > middle else (low, middle)
    return mean_gap(c, y, high)


# relplot 1.0.3, smECE(c, y). It is no peer at confidences of exactly 0 and 1, which it counts half.
@pytest.mark.parametrize(
    ("n", "over", "expected"),
    [
        (30, 0.5, 0.16544033315746698),
        (200, 0.0, 0.027806007899458925),
        (200, 0.4, 0.11834296571029268),
        (1001, 0.15, 0.041663151933666306),
    ],
)
def test_agrees_with_relplot(n: int, over: float, expected: float) -> None:
    assert sm_ece(*spaced(n, over)).value == pytest.approx(expected, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(claims)
def test_agrees_with_its_definition(drawn: list[tuple[float, bool]]) -> None:
    c, y = split(drawn)
    assert sm_ece(c, y).value == pytest.approx(by_definition(c, y), abs=2e-3)


@pytest.mark.parametrize("stated", [0.0, 0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("right", [[1], [0], [1, 1, 0, 1], [0] * 7, [1] * 7])
def test_of_one_confidence_is_its_distance_from_the_accuracy(stated: float, right: list[int]) -> None:
    found = sm_ece([stated] * len(right), right)
    assert found.value == pytest.approx(abs(stated - np.mean(right)), abs=1e-9)
    assert (found.low, found.high, found.n) == (None, None, len(right))


def test_certainties_that_hold_are_no_error_and_those_that_fail_are_all_of_it() -> None:
    assert sm_ece([0.0, 1.0], [0, 1]).value == pytest.approx(0, abs=1e-12)
    assert sm_ece([1.0, 1.0], [0, 0]).value == pytest.approx(1, abs=1e-9)


def test_answers_stated_at_exactly_1_count_like_those_stated_just_below() -> None:
    y = [1, 0, 0, 1, 0]
    exact, near = sm_ece([1.0, 1.0, 1.0, 0.4, 0.4], y), sm_ece([0.99999, 0.99999, 0.99999, 0.4, 0.4], y)
    assert exact.value == pytest.approx(near.value, abs=1e-4)


def test_of_nothing_is_undefined() -> None:
    assert (sm_ece([], []).value, sm_ece([], []).why) == (None, "no data")


@given(weighted_claims)
def test_whole_weights_repeat(drawn: list[tuple[float, bool, int]]) -> None:
    c, y, w = with_weights(drawn)
    assert sm_ece(c, y, w).value == pytest.approx(sm_ece(np.repeat(c, w), np.repeat(y, w)).value, abs=1e-9)


def test_weights_need_no_scale() -> None:
    c, y = simulated(60)
    w = np.random.default_rng(0).random(60)
    assert sm_ece(c, y, w).value == pytest.approx(sm_ece(c, y, w / w.sum()).value, abs=1e-9)


def test_no_more_than_the_mean_size_of_the_gaps_and_no_less_than_their_mean() -> None:
    c, y = simulated(500)
    value = sm_ece(c, y).value
    assert value is not None
    assert abs(np.mean(c - y)) - 1e-3 <= value <= np.mean(np.abs(c - y))


@pytest.mark.parametrize("confidence", [[1.2], [-0.1], [float("nan")]])
def test_what_is_no_confidence_is_refused(confidence: list[float]) -> None:
    with pytest.raises(ValueError, match="confidence"):
        sm_ece(confidence, [1])
