"""The metrics as data: what each is, which way is better, and what its bounds are written in."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


class Direction(StrEnum):
    """Which way is better. ZERO: the nearer to 0 the better."""

    MAX = "max"
    MIN = "min"
    ZERO = "zero"


class Measure(StrEnum):
    """What a metric is measured in, which says how its bounds are written."""

    SHARE = "share"
    SCORE = "score"
    COST = "cost"
    TIME = "time"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric: its direction, unit, and what it is in a few words."""

    name: str
    doc: str
    direction: Direction
    measure: Measure
    built: bool = True
    needs: str = ""  # confidence, costs, labels, latency, price, samples


def _m(name: str, doc: str, direction: Direction, measure: Measure, needs: str = "") -> Metric:
    return Metric(name=name, doc=doc, direction=direction, measure=measure, needs=needs)


UP, DOWN = Direction.MAX, Direction.MIN
CONSISTENCY = "consistency"
METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        _m("accuracy", "share of right answers", UP, Measure.SHARE),
        _m("end_to_end", "share of chains whose answer is right", UP, Measure.SHARE),
        _m("exact", "share of texts equal to the gold", UP, Measure.SHARE, "text"),
        _m("contains", "share of texts that contain the gold", UP, Measure.SHARE, "text"),
        _m("token_f1", "overlap of words with the gold, as SQuAD counts it", UP, Measure.SCORE, "text"),
        _m("rouge_l", "longest common subsequence of words with the gold", UP, Measure.SCORE, "text"),
        _m("bleu", "overlap of n-grams with the golds, sentence by sentence", UP, Measure.SCORE, "text"),
        _m("balanced_accuracy", "mean recall over the labels that occur", UP, Measure.SHARE, "labels"),
        _m("precision", "share of answers of a label that are right", UP, Measure.SHARE, "labels"),
        _m("recall", "share of a label's examples that are found", UP, Measure.SHARE, "labels"),
        _m("f1", "harmonic mean of precision and recall", UP, Measure.SHARE, "labels"),
        _m("macro_f1", "mean f1 over the labels that occur", UP, Measure.SHARE, "labels"),
        _m("mcc", "Matthews correlation, multiclass", UP, Measure.SCORE, "labels"),
        _m("expected_cost", "mean cost under the declared policy", DOWN, Measure.COST, "costs"),
        _m("total_cost", "expected cost and the request's price", DOWN, Measure.COST, "costs"),
        _m("ece", "expected calibration error", DOWN, Measure.SHARE, "confidence"),
        _m("ece_equal_mass", "the same with bins of equal size", DOWN, Measure.SHARE, "confidence"),
        _m("sm_ece", "smooth calibration error, without bins", DOWN, Measure.SHARE, "confidence"),
        _m("brier", "mean squared error of the confidence", DOWN, Measure.SCORE, "confidence"),
        _m(
            "log_loss", "mean log loss of the confidence, clipped at 0.001", DOWN, Measure.SCORE, "confidence"
        ),
        _m("overconfidence", "mean confidence minus accuracy", Direction.ZERO, Measure.SHARE, "confidence"),
        _m("mean_confidence", "mean confidence", UP, Measure.SHARE, "confidence"),
        _m("auroc", "chance that a right answer has the higher confidence", UP, Measure.SCORE, "confidence"),
        _m("aurc", "area under the risk-coverage curve", DOWN, Measure.SCORE, "confidence"),
        _m("augrc", "area under the generalised risk-coverage curve", DOWN, Measure.SCORE, "confidence"),
        _m("invalid_rate", "share of unreadable answers", DOWN, Measure.SHARE),
        _m("refusal_rate", "share of refusals", DOWN, Measure.SHARE),
        _m("truncation_rate", "share of truncated answers", DOWN, Measure.SHARE),
        _m("abstain_rate", "share of answers that decline", DOWN, Measure.SHARE),
        _m("error_rate", "share of requests that failed", DOWN, Measure.SHARE),
        _m(CONSISTENCY, "chance that two samples of an example agree", UP, Measure.SHARE, "samples"),
        _m("mean_win_rate", "mean share of the other candidates beaten", UP, Measure.SHARE, "a decision"),
        _m("p50", "median latency", DOWN, Measure.TIME, "latency"),
        _m("p90", "latency that 90 % stay within", DOWN, Measure.TIME, "latency"),
        _m("p95", "latency that 95 % stay within", DOWN, Measure.TIME, "latency"),
        _m("p99", "latency that 99 % stay within", DOWN, Measure.TIME, "latency"),
        _m("cost_per_1k", "price of 1,000 decisions in dollars", DOWN, Measure.COST, "price"),
        _m("output_tokens", "mean output tokens of a decision", DOWN, Measure.COUNT, "latency"),
    )
}
LATER_METRICS = (
    "similarity", "judge",
    "worst_case_accuracy", "robustness_drop", "first_token", "mean", "max",
)  # fmt: skip


# pass@10 (one of 10 samples is right), pass^5 (all of 5), coverage@5% (answered at that risk), p99.9
PARAMETRIC = Pattern(
    r"pass(?P<how>[@^])(?P<samples>[0-9]{1,4})"
    r"|coverage@(?P<risk>[0-9]{1,2}(\.[0-9]{1,4})?)%"
    r"|p(?P<percentile>[0-9]{1,2}(\.[0-9]{1,4})?)"
)


def parametric(name: str) -> Metric | None:
    """The metric of a name that holds a figure, such as `pass@10`, `coverage@5%` or `p99.9`."""
    found = PARAMETRIC.fullmatch(name)
    if found is None:
        return None
    if found["how"] is not None:
        return _m(name, "share of examples that some or all of so many samples solve", UP, Measure.SHARE)
    if found["risk"] is not None:
        return _m(name, "share that can be answered at that risk", UP, Measure.SHARE, "confidence")
    return _m(name, "latency that so many percent stay within", DOWN, Measure.TIME, "latency")


def figure_in(name: str, part: str) -> float | None:
    """The figure that a metric's name holds: `samples`, `risk` or `percentile` (in percent); else None."""
    found = PARAMETRIC.fullmatch(name)
    return float(found[part]) if found is not None and found[part] is not None else None


def metric_named(name: str) -> Metric:
    """The metric of that name; any other name is that of a score which a spec names itself."""
    return (
        METRICS.get(name) or parametric(name) or _m(name, "a score of this task", UP, Measure.SCORE, "text")
    )
