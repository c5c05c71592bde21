"""Thresholds that the data vouch for: against statsmodels, by hand, and by how often they are wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from evalspec.metrics import coverage_at_risk, guaranteed_coverage

from .drawn import Floats, claims, simulated, split


def walked(c: Floats, y: Floats, risk: float, level: float, grid: list[float]) -> float | None:
    """The walk as the definition tells it, one threshold after the other."""
    reached = None
    for threshold in grid:
        answered = c >= threshold
        n, errors = int(answered.sum()), int((1 - y[answered]).sum())
        if n == 0 or proportion_confint(0, n, 2 * (1 - level), "beta")[1] > risk:
            continue
        if errors == n or proportion_confint(errors, n, 2 * (1 - level), "beta")[1] > risk:
            break
        reached = next(t for t in grid if np.sum(c >= t) == n)
    return reached


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("risk", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_agrees_with_a_walk_by_statsmodels(seed: int, risk: float, level: float) -> None:
    rng = np.random.default_rng(seed)
    c = np.round(rng.beta(5, 1, 400), 2)
    y = (rng.random(400) < c).astype(float)
    grid = [i / 50 for i in range(50, -1, -1)]
    found = guaranteed_coverage(c, y, risk, level, grid)
    expected = walked(c, y, risk, level, grid)
    assert found.threshold == expected
    assert found.value == (0 if expected is None else pytest.approx(np.mean(c >= expected)))
    assert (found.why is None) is (expected is not None)


def test_by_hand() -> None:
    # 59 answers without an error vouch for 5 %: .95^59 = .0485; 58 do not.
    assert guaranteed_coverage([0.9] * 59, [1] * 59, 0.05).threshold == 0.9
    assert guaranteed_coverage([0.9] * 59, [1] * 59, 0.05).value == 1
    few = guaranteed_coverage([0.9] * 58, [1] * 58, 0.05)
    assert (few.value, few.threshold) == (0, None)
    assert few.why is not None
    assert "fewer than 59 answers" in few.why


def test_ends_at_the_first_threshold_not_vouched_for() -> None:
    c = np.repeat([0.9, 0.8, 0.7], 100)
    y = np.ones(300)
    y[100:140] = 0  # .8 fails; with .7 the risk would be kept again
    assert coverage_at_risk(c, y, 0.2).threshold == 0.7
    assert guaranteed_coverage(c, y, 0.2).threshold == 0.9


@pytest.mark.parametrize("n", [0, 1])
def test_none_and_one(n: int) -> None:
    found = guaranteed_coverage([0.9] * n, [1] * n, 0.1)
    assert (found.value, found.threshold, found.n) == ((None, None, 0) if n == 0 else (0, None, 1))
    assert found.why is not None


def test_extremes_of_the_risk() -> None:
    assert (
        guaranteed_coverage([0.9] * 500, [1] * 500, 0).why == "no number of answers vouches for a risk of 0"
    )
    assert guaranteed_coverage([0.9] * 5, [0] * 5, 1).threshold == 0.9
    all_wrong = guaranteed_coverage([1.0] * 500, [0] * 500, 0.5)
    assert (all_wrong.value, all_wrong.threshold) == (0, None)


@given(claims, st.floats(0.05, 1))
def test_never_more_than_the_data_show(drawn: list[tuple[float, bool]], risk: float) -> None:
    c, y = split(drawn)
    found, shown = guaranteed_coverage(c, y, risk), coverage_at_risk(c, y, risk)
    assert found.value is not None
    assert shown.value is not None
    assert found.value <= shown.value


@pytest.mark.parametrize(
    "rates",
    [
        pytest.param([0.6, 0.4, 0.25, 0.12, 0.08, 0.03], id="more confidence, fewer errors"),
        pytest.param([0.3, 0.1, 0.3, 0.02, 0.14, 0.05], id="no such order"),
    ],
)
def test_a_threshold_is_wrong_no_more_often_than_said(rates: list[float]) -> None:
    stated, often = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0]), np.array([0.1, 0.1, 0.1, 0.2, 0.25, 0.25])
    rng, wrong, repeats = np.random.default_rng(1), 0, 500
    for _ in range(repeats):
        drawn = rng.choice(6, 300, p=often)
        found = guaranteed_coverage(stated[drawn], rng.random(300) >= np.array(rates)[drawn], 0.1, 0.9)
        if found.threshold is not None:
            kept = stated >= found.threshold
            wrong += (often * rates)[kept].sum() / often[kept].sum() > 0.1
    assert wrong / repeats <= 0.1 + 3 * np.sqrt(0.09 / repeats)


@pytest.mark.parametrize(
    ("risk", "level", "grid"), [(1.5, 0.95, None), (0.1, 1, None), (0.1, 0.9, []), (0.1, 0.9, [0.5, 0.9])]
)
def test_what_makes_no_sense_is_refused(risk: float, level: float, grid: list[float] | None) -> None:
    with pytest.raises(ValueError, match=r"risk|grid"):
        guaranteed_coverage(*simulated(10), risk, level, grid)
