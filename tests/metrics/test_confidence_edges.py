"""Every figure of confidence at every edge: nothing, one example, ties, one class, certainties, weights."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from evalspec import metrics
from evalspec.metrics import (
    aurc,
    auroc,
    brier,
    brier_decomposition,
    calibration_line,
    calibration_parts,
    coverage_at_risk,
    debiased_ce,
    ece,
    ece_null,
    excess_aurc,
    fit_recalibration,
    guaranteed_coverage,
    log_loss,
    overconfidence,
    recalibrate,
    reliability_bins,
    sm_ece,
    spiegelhalter_z,
)
from evalspec.metrics.binning import Binning

from .drawn import Floats, claims, simulated, split, weighted_claims, with_weights

Confidences = Sequence[float]
Verdicts = Sequence[int]


def ece_equal_mass(c: Confidences, y: Verdicts) -> metrics.Estimate:
    return ece(c, y, binning="mass")


VALUES: tuple[Callable[[Confidences, Verdicts], metrics.Estimate], ...] = (
    ece, ece_equal_mass, debiased_ce, sm_ece, brier, log_loss, overconfidence,
    auroc, aurc, excess_aurc, metrics.augrc,
)  # fmt: skip


@pytest.mark.parametrize("metric", VALUES)
def test_of_nothing_each_is_undefined_and_says_so(
    metric: Callable[[Confidences, Verdicts], metrics.Estimate],
) -> None:
    found = metric([], [])
    assert (found.value, found.low, found.high, found.n, found.why) == (None, None, None, 0, "no data")


def test_of_nothing_the_other_records_say_so_too() -> None:
    for found in (
        brier_decomposition([], []),
        calibration_parts([], []),
        calibration_line([], []),
        coverage_at_risk([], [], 0.1),
        ece_null([]),
        fit_recalibration([], []),
        guaranteed_coverage([], [], 0.1),
        spiegelhalter_z([], []),
    ):
        assert (found.n, found.why) == (0, "no data")
    assert reliability_bins([], []) == ()
    assert recalibrate([], []).size == 0


# Worked by hand. `None` is undefined.
@pytest.mark.parametrize(
    ("c", "y", "expected"),
    [
        # One example: its gap in every calibration error; no chance to be taken off a bin of one.
        ([0.8], [1], {"ece": 0.2, "sm_ece": 0.2, "debiased_ce": 0, "brier": 0.04, "auroc": None, "aurc": 0}),
        ([0.8], [0], {"ece": 0.8, "sm_ece": 0.8, "debiased_ce": 0, "brier": 0.64, "auroc": None, "aurc": 1}),
        # Ties everywhere: |c - accuracy|, and an order that tells nothing.
        (
            [0.9] * 4,
            [1, 1, 0, 0],
            {
                "ece": 0.4, "ece_equal_mass": 0.4, "sm_ece": 0.4, "debiased_ce": 0.16 - 0.25 / 3,
                "overconfidence": 0.4, "auroc": 0.5, "aurc": 0.5, "augrc": 0.25,
            },
        ),
        # All right and all wrong: no order to speak of.
        ([0.6, 0.9], [1, 1], {"ece": 0.25, "overconfidence": -0.25, "auroc": None, "aurc": 0, "augrc": 0}),
        ([0.6, 0.9], [0, 0], {"ece": 0.75, "overconfidence": 0.75, "auroc": None, "aurc": 1, "augrc": 0.5}),
        # Certainties that hold, and certainties that fail.
        (
            [1, 1, 0, 0],
            [1, 1, 0, 0],
            {"ece": 0, "sm_ece": 0, "debiased_ce": 0, "brier": 0, "auroc": 1, "excess_aurc": 0},
        ),
        ([1, 1, 0, 0], [0, 0, 1, 1], {"ece": 1, "debiased_ce": 1, "brier": 1, "auroc": 0}),
        ([1] * 4, [0] * 4, {"ece": 1, "sm_ece": 1, "debiased_ce": 1, "log_loss": -np.log(1e-3)}),
    ],
)  # fmt: skip
def test_edges_worked_by_hand(c: Confidences, y: Verdicts, expected: dict[str, float | None]) -> None:
    by_name = {metric.__name__: metric for metric in VALUES}
    for name, value in expected.items():
        found = by_name[name](c, y)
        assert found.n == len(c)
        assert found.value == (None if value is None else pytest.approx(value, abs=1e-9)), name
        assert (found.why is not None) or value is not None


@given(claims)
def test_none_is_ever_without_a_value_and_a_reason(drawn: list[tuple[float, bool]]) -> None:
    c, y = split(drawn)
    for metric in VALUES:
        found = metric(c, y)  # type: ignore[arg-type]
        assert found.n == len(drawn)
        assert found.se != 0
        assert found.why is not None if found.value is None else np.isfinite(found.value)


# ── without the bias ──────────────────────────────────────────────────────────────────────────────

BINNINGS: tuple[Binning, ...] = ("width", "mass", "values", "auto")


def exactly(groups: Sequence[Sequence[tuple[Fraction, bool]]]) -> Fraction:
    """The definition in exact fractions."""
    n, found = sum(map(len, groups)), Fraction(0)
    for group in groups:
        size = len(group)
        if size > 1:
            gap = Fraction(sum(c for c, _ in group), size) - Fraction(sum(y for _, y in group), size)
            rate = Fraction(sum(y for _, y in group), size)
            found += Fraction(size, n) * (gap**2 - rate * (1 - rate) / (size - 1))
    return found


@given(claims)
def test_the_debiased_error_is_its_definition_in_fractions(drawn: list[tuple[float, bool]]) -> None:
    c, y = split(drawn)
    by_value = [[(Fraction(v), bool(r)) for v, r in drawn if v == at] for at in dict.fromkeys(c.tolist())]
    assert debiased_ce(c, y, binning="values").value == pytest.approx(float(exactly(by_value)), abs=1e-9)


def test_the_debiased_error_is_that_of_uncertainty_calibration() -> None:
    # unbiased_square_ce of uncertainty-calibration 0.1.4 on the same ten bins.
    assert debiased_ce(*simulated(300)).value == pytest.approx(0.009413958217390722, abs=1e-12)


def test_a_calibrated_model_has_a_debiased_error_around_0() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        c = rng.uniform(0, 1, 200)
        value = debiased_ce(c, rng.random(200) < c).value
        assert value is not None
        found.append(value)
    assert np.mean(found) == pytest.approx(0, abs=4 * float(np.std(found)) / 20)
    assert min(found) < 0 < max(found)


@given(weighted_claims)
def test_whole_weights_repeat_in_what_takes_bins(drawn: list[tuple[float, bool, int]]) -> None:
    c, y, w = with_weights(drawn)
    again: tuple[Floats, Floats] = np.repeat(c, w), np.repeat(y, w)
    for binning in BINNINGS:
        weighted, repeated = (debiased_ce(c, y, 10, binning, w), debiased_ce(*again, 10, binning))
        assert weighted.value == pytest.approx(repeated.value, abs=1e-9)
        parts, other = calibration_parts(c, y, 10, binning, w), calibration_parts(*again, 10, binning)
        assert (parts.over, parts.under) == pytest.approx((other.over, other.under), abs=1e-9)


@given(claims)
def test_the_parts_add_up_to_the_error_and_differ_by_the_overconfidence(
    drawn: list[tuple[float, bool]],
) -> None:
    c, y = split(drawn)
    for binning in BINNINGS:
        parts = calibration_parts(c, y, 10, binning)
        assert parts.over is not None
        assert parts.under is not None
        assert min(parts.over, parts.under) >= 0
        assert parts.over + parts.under == pytest.approx(ece(c, y, 10, binning).value, abs=1e-12)
        assert parts.over - parts.under == pytest.approx(np.mean(c - y), abs=1e-12)


def test_corp_is_that_of_model_diagnostics() -> None:
    # decompose(…, SquaredError()) of model-diagnostics 1.5.0.
    found = brier_decomposition(*simulated(300))
    parts = (found.miscalibration, found.discrimination, found.uncertainty, found.brier)
    assert parts == pytest.approx((0.017357, 0.011279, 0.233956, 0.240033), abs=5e-7)


@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_weights_may_be_in_any_unit(unit: float) -> None:
    c, y, w = [0.9, 0.8, 0.8, 0.3, 0.6], [1, 0, 1, 0, 1], [1.5, 0.5, 2.5, 3.5, 1.0]
    far = [unit * one for one in w]
    for figure in (aurc, auroc, brier, debiased_ce, ece, log_loss, overconfidence, sm_ece):
        assert figure(c, y, weights=far).value == pytest.approx(figure(c, y, weights=w).value)
    line = calibration_line(c, y, weights=far).slope.value
    assert line == pytest.approx(calibration_line(c, y, weights=w).slope.value)
    found, expected = metrics.weighted_proportion(y, far), metrics.weighted_proportion(y, w)
    assert (found.value, found.low, found.se) == pytest.approx((expected.value, expected.low, expected.se))


def test_counts_without_bound_are_refused() -> None:
    infinite, no_number = float("inf"), float("nan")
    for refused in (
        lambda: metrics.wilson(0, infinite),
        lambda: metrics.mcnemar_midp(infinite, infinite),  # type: ignore[arg-type]
        lambda: metrics.pass_at_k(infinite, 0, 1),
        lambda: metrics.minimum_detectable_difference(no_number, 0.1),  # type: ignore[arg-type]
        lambda: metrics.minimum_detectable_cost(no_number, 0.1),  # type: ignore[arg-type]
        lambda: log_loss([1.0], [0], eps=1e-300),
    ):
        with pytest.raises(ValueError):
            refused()
