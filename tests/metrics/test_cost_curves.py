"""Cost curves against deciding every example by itself, in exact fractions; cross-overs against them."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.metrics import CostCurve, cost_curve, crossovers, review_curve

EIGHTHS = st.integers(0, 8).map(lambda k: k / 8)  # exact in binary, as are their complements
CLAIMS = st.lists(st.tuples(EIGHTHS, st.booleans(), st.integers(1, 3)), min_size=1, max_size=9)


def by_hand(claims: list[tuple[float, bool, int]], right: int, wrong: int, price: Fraction) -> Fraction:
    """Each answer is given where it is promised to cost no more than a review."""
    total = Fraction(0)
    for c, correct, weight in claims:
        promised = right * Fraction(c) + wrong * (1 - Fraction(c))
        total += weight * (price if promised > price else Fraction(right if correct else wrong))
    return total / sum(weight for _, _, weight in claims)


@given(CLAIMS, st.integers(-3, 2), st.integers(2, 9), st.integers(-40, 90))
def test_at_any_price_it_is_what_deciding_costs(
    claims: list[tuple[float, bool, int]], right: int, wrong: int, price: int
) -> None:
    c, y, w = zip(*claims, strict=True)
    found = cost_curve(c, y, right, wrong, weights=w).at(price / 8)[0]
    assert found == pytest.approx(float(by_hand(claims, right, wrong, Fraction(price, 8))), abs=1e-12)


def test_the_breakpoints_are_the_distinct_promises() -> None:
    curve = cost_curve([0.5, 1.0, 0.5, 0.75, 0.0], [1, 1, 0, 1, 0])
    assert curve.breakpoints == (0.0, 0.25, 0.5, 1.0)
    assert curve.n == 5


def test_a_promise_equal_to_the_price_is_taken_despite_rounding() -> None:
    # (1 - .95)·20 is 1.0000000000000009: at a price of 1 the answer is given.
    assert (1 - 0.95) * 20 > 1
    assert cost_curve([0.95], [1], 0, 20).at(1)[0] == 0
    assert cost_curve([0.95], [1], 0, 20).at(0.999)[0] == pytest.approx(0.999)


def test_promises_apart_by_rounding_only_are_one() -> None:
    assert len(review_curve([0.3, 0.1 + 0.2], [0.0, 0.0]).breakpoints) == 1


def test_a_calibrated_curve_has_no_jumps() -> None:
    """Where confidences are true, answering and reviewing cost the same at each breakpoint."""
    curve = cost_curve([0.5] * 4 + [0.75] * 4, [1, 1, 0, 0, 1, 1, 1, 0])
    for k, price in enumerate(curve.breakpoints):
        before = curve.fixed[k] + curve.share[k] * price
        after = curve.fixed[k + 1] + curve.share[k + 1] * price
        assert before == pytest.approx(after, abs=1e-15)


def test_what_can_be_neither_given_nor_withheld() -> None:
    # Unreadable: costs 9 at any price. No confidence: reviewed at any price. Rightly nothing to answer: free.
    curve = review_curve(
        [-np.inf, np.inf, 2.0, np.inf], [9.0, 5.0, 1.0, 7.0], handed_over=[0, 0, 0, 0], reviewed=[1, 1, 1, 0]
    )
    assert curve.at([1, 3]).tolist() == [(9 + 1 + 1 + 0) / 4, (9 + 3 + 1 + 0) / 4]


def test_without_data() -> None:
    empty = cost_curve([], [])
    assert (empty.n, empty.why, empty.breakpoints) == (0, "no data", ())
    assert cost_curve([0.5], [1], weights=[0]).why == "no data"
    with pytest.raises(ValueError, match="without data"):
        empty.at(1)
    with pytest.raises(ValueError, match="without data"):
        crossovers(empty, cost_curve([0.5], [1]), 0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.1], [1]), "between 0 and 1"),
        (([0.5], [1], 2, 1), "less than a right one"),
        (([0.5], [1], 0, float("inf")), "finite"),
        (([0.5], [1, 0]), "correct"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cost_curve(*arguments)  # type: ignore[arg-type]


class TestCrossovers:
    def test_by_hand(self) -> None:
        # Calibrated and 75 % right, in two groups; overconfident and 90 % right (Σ over 20 each).
        careful = cost_curve([1.0] * 10 + [0.5] * 10, [1] * 15 + [0] * 5)
        bold = cost_curve([0.99] * 20, [1] * 18 + [0] * 2)
        # careful: A/2 up to .5, then .25; bold: .1 from .01 on. They cross where A/2 = .1.
        found = [(s.low, s.high, s.cheaper) for s in crossovers(careful, bold, 0, 1)]
        assert found == [(0, pytest.approx(0.2, rel=1e-12), -1), (pytest.approx(0.2, rel=1e-12), 1, 1)]

    @given(CLAIMS, CLAIMS, st.integers(1, 9))
    def test_each_stretch_is_true_of_the_curves(
        self, one: list[tuple[float, bool, int]], other: list[tuple[float, bool, int]], wrong: int
    ) -> None:
        first, second = (
            cost_curve(c, y, 0, wrong, weights=w)
            for c, y, w in (zip(*claims, strict=True) for claims in (one, other))
        )
        found = crossovers(first, second, 0, wrong)
        assert (found[0].low, found[-1].high) == (0, wrong)
        for a, b in pairwise(found):
            assert a.high == b.low
            assert a.cheaper != b.cheaper
        for stretch in found:
            for part in (0.25, 0.5, 0.75):
                price = stretch.low + part * (stretch.high - stretch.low)
                apart = (second.at(price) - first.at(price))[0]
                if stretch.cheaper:
                    assert -stretch.cheaper * apart >= -1e-9
                else:
                    assert abs(apart) <= 1e-8

    def test_a_curve_crosses_itself_nowhere(self) -> None:
        curve = cost_curve([0.3, 0.6, 0.9], [0, 1, 1])
        assert [s.cheaper for s in crossovers(curve, curve, 0, 1)] == [0]

    @pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
    def test_prices_that_are_no_range_are_refused(self, low: float, high: float) -> None:
        curve = cost_curve([0.5], [1])
        with pytest.raises(ValueError, match="prices"):
            crossovers(curve, curve, low, high)

    def test_a_hundred_thousand_confidences(self) -> None:
        rng = np.random.default_rng(0)
        c = rng.random((2, 100_000))
        curves = [cost_curve(row, rng.random(100_000) < row) for row in c]
        found = crossovers(curves[0], curves[1], 0, 1)
        assert (found[0].low, found[-1].high) == (0, 1)


def test_the_flagship_condition() -> None:
    """85 % right and calibrated beats 92 % right at a claimed 99 % while E[min(1 - c, A/W)] < .08."""
    calibrated = cost_curve([0.7] * 100 + [1.0] * 100, [1] * 70 + [0] * 30 + [1] * 100)
    bold = cost_curve([0.99] * 200, [1] * 184 + [0] * 16)
    assert isinstance(calibrated, CostCurve)
    for ratio in (0.05, 0.1, 0.15, 0.17, 0.25, 0.5):
        expected = 0.5 * min(0.3, ratio)
        assert calibrated.at(ratio)[0] == pytest.approx(expected, abs=1e-12)
        assert bool(calibrated.at(ratio)[0] < bold.at(ratio)[0]) is (expected < 0.08)
