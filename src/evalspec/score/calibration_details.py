"""What else there is to say of a candidate's confidence, beside bins and line: for results.json alone.

The error without its bias and by direction, the Brier score in parts, a test of all confidences at once, and
from which confidence on the data vouch for a risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalspec import metrics
from evalspec.score.result_figures import figures, number
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.program import Binning
    from evalspec.metrics import BrierDecomposition, CalibrationParts, Coverage, Estimate, ZTest
    from evalspec.metrics.arrays import Floats
    from evalspec.score.weighing import Design
    from evalspec.text.values import Json

RISKS = (0.01, 0.05, 0.1)
LEVEL = 0.95
DEPENDENT = "this needs examples drawn alike: without weights, clusters or several samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationDetails:
    """The further figures. `vouched`: for each risk the coverage that the data vouch for, or why none."""

    in_the_large: Estimate
    debiased: Estimate
    parts: CalibrationParts
    brier: BrierDecomposition
    certain_and_wrong: int
    spiegelhalter: ZTest
    vouched: Sequence[tuple[float, Coverage]]


def calibration_details(
    c: Floats, y: Floats, w: Floats | None, binning: tuple[Binning, int], design: Design
) -> CalibrationDetails:
    """The figures of confidences `c`, right or not `y`, weights `w`; tests only where examples are alike."""
    how, bins = binning
    large = metrics.calibration_line(c, y, weights=w).in_the_large
    if design.clustered and large.value is not None:
        large = replace(large, low=None, high=None, se=None, why=DEPENDENT)
    test = metrics.spiegelhalter_z(c, y, w)
    return CalibrationDetails(
        in_the_large=large,
        debiased=metrics.debiased_ce(c, y, bins, how, w),
        parts=metrics.calibration_parts(c, y, bins, how, w),
        brier=metrics.brier_decomposition(c, y, w),
        certain_and_wrong=metrics.certain_and_wrong(c, y),
        spiegelhalter=replace(test, p_value=None, why=DEPENDENT) if design.clustered else test,
        vouched=[(risk, _vouched(c, y, risk, design)) for risk in RISKS],
    )


def details_json(details: CalibrationDetails) -> dict[str, Json]:
    """The further figures, as they stand in `calibration` of results.json."""
    test = details.spiegelhalter
    return {
        "in_the_large": figures(details.in_the_large),
        "debiased_square": number(details.debiased.value),
        "over": number(details.parts.over),
        "under": number(details.parts.under),
        "miscalibration": number(details.brier.miscalibration),
        "discrimination": number(details.brier.discrimination),
        "uncertainty": number(details.brier.uncertainty),
        "certain_and_wrong": details.certain_and_wrong,
        "spiegelhalter": _because({"z": number(test.z), "p_value": number(test.p_value)}, test.why),
        "vouched": [_coverage(risk, found) for risk, found in details.vouched],
    }


def _vouched(c: Floats, y: Floats, risk: float, design: Design) -> Coverage:
    if design.clustered or design.weighted:
        return metrics.Coverage(value=None, threshold=None, n=c.size, why=DEPENDENT)
    return metrics.guaranteed_coverage(c, y, risk, LEVEL)


def _coverage(risk: float, found: Coverage) -> Json:
    told: dict[str, Json] = {
        "risk": risk,
        "level": LEVEL,
        "coverage": number(found.value),
        "threshold": number(found.threshold),
    }
    return _because(told, found.why)


def _because(told: dict[str, Json], why: str | None) -> dict[str, Json]:
    return told if why is None else {**told, "why": why}
