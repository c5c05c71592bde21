"""What the metrics hand back: small frozen records, without numpy, so that reading them costs nothing.

None stands for "undefined", never for zero; `why` then says why in words a report can print. A standard error
of 0 is never reported: data that do not vary say nothing about how much they might.
"""

from enum import StrEnum

from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its interval. `low` and `high` are None where the data allow no interval.

    `n` counts the examples the value rests on. `why` explains a missing value or interval, or cautions
    about one that should be read with care (few clusters, say).
    """

    value: float | None
    low: float | None
    high: float | None
    se: float | None = None
    n: int
    why: str | None = None


def undefined(why: str, n: int = 0) -> Estimate:
    """An estimate without a value, and the reason."""
    return Estimate(value=None, low=None, high=None, n=n, why=why)


def bare(value: float, n: int, why: str | None = None) -> Estimate:
    """An estimate without an interval, for figures that have no trustworthy closed form."""
    return Estimate(value=value, low=None, high=None, n=n, why=why)


NO_DATA = "no data"


class ThresholdVerdict(StrEnum):
    """Whether what a confidence threshold promised was kept."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_ENOUGH_DATA = "not_enough_data"


class BudgetVerdict(StrEnum):
    """Whether a latency percentile lies within its budget."""

    WITHIN = "within"
    OVER = "over"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class EceNull:
    """The calibration error a perfectly calibrated model would show on these confidences.

    `p_value` is None unless an observed error was given to compare.
    """

    mean: float | None
    p95: float | None
    p_value: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationParts:
    """The calibration error of the bins that claim too much, and of those that claim too little."""

    over: float | None
    under: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """One bin of a reliability diagram: its bounds, mean confidence, and accuracy with a Wilson interval."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    accuracy_low: float | None
    accuracy_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrierDecomposition:
    """The Brier score in three parts: brier = miscalibration - discrimination + uncertainty."""

    brier: float | None
    miscalibration: float | None
    discrimination: float | None
    uncertainty: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationLine:
    """The line logit P(right) = intercept + slope·logit(confidence), and the intercept at slope 1.

    Slope below 1 is over-confident, above 1 under-confident. Each part is None with its own reason where it
    has no finite maximum of likelihood; `why` repeats the reason of the line.
    """

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZTest:
    """A statistic that is standard normal under its null hypothesis, with the two-sided p-value."""

    z: float | None
    p_value: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The largest share of examples that can be answered within a risk, and the confidence it takes."""

    value: float | None
    threshold: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdCheck:
    """What happened among the answers at or above a threshold, against what their confidences promised."""

    n: int
    errors: int
    realised_error: float | None
    promised_error: float | None
    p_value: float | None
    verdict: ThresholdVerdict
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCheck:
    """How many of `n` durations were within a bound, and whether that settles the budget."""

    n: int
    within: int
    verdict: BudgetVerdict
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A rank correlation with its permutation p-value."""

    value: float | None
    p_value: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The ranks a candidate may hold, 1 being best.

    `in_the_running`: no other candidate is certainly better. `p_best`: how often it comes first when the
    examples are redrawn (ties shared); not a posterior probability.
    """

    rank_low: int
    rank_high: int
    in_the_running: bool
    p_best: float | None
    n: int
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """How many examples a comparison needs; None where no number would do."""

    value: int | None
    why: str | None = None
