"""What a task can be measured by: which metrics it has, and in which units their bounds are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.scoring import text_scores
from evalspec.language.answer_types import TextAnswer
from evalspec.language.metric_names import (
    CONSISTENCY,
    LATER_METRICS,
    METRICS,
    Measure,
    Metric,
    figure_in,
    metric_named,
    parametric,
)
from evalspec.language.program import Step, Subset
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.entries import Faults
    from evalspec.check.pricing import Labels
    from evalspec.syntax import tree

UNITS = {
    Measure.SHARE: (Unit.RATIO, Unit.NUMBER),
    Measure.SCORE: (Unit.NUMBER, Unit.RATIO),
    Measure.COST: (Unit.NUMBER, Unit.MONEY),
    Measure.TIME: (Unit.DURATION,),
    Measure.COUNT: (Unit.NUMBER,),
}
ELSEWHERE = {
    "mean_win_rate": ("a decision over several tasks", "write `decision NAME { rank = mean_win_rate }`"),
    "first_token": ("a percentile", "write `p95(first_token)` in `latency { … }`"),
    "mean": ("`latency { … }`", "write the bound there"),
    "max": ("`latency { … }`", "write the bound there"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a task offers to measure: its subsets, labels, steps and costs."""

    subsets: Sequence[Subset]
    spoiled_subsets: frozenset[str]
    labels: Labels | None
    steps: Sequence[Step]
    chain: bool
    final: Step
    costs_given: bool
    confident: bool  # whether some candidate may give a confidence
    positive: bool  # whether one label is looked for, by `positive` or because answers are yes or no


def known_metric(word: tree.Word, measured: Measured | None, faults: Faults) -> Metric | None:
    """The metric of that name, where this task has it. `measured`: None where the task was not understood."""
    if measured is not None and word.text in text_scores(measured.final):
        return metric_named(word.text)
    metric = METRICS.get(word.text) or parametric(word.text)
    if word.text in ELSEWHERE:
        needs, way_out = ELSEWHERE[word.text]
        faults.add("E0416", word.at, f"`{word.text}` needs {needs}", way_out)
        return None
    if metric is None and word.text not in LATER_METRICS:
        help_line, fixes = did_you_mean(word.text, [*METRICS, *LATER_METRICS], at=word.at)
        faults.found.append(
            problem("E0410", word.at, f"there is no metric `{word.text}`", help_line, fixes=fixes)
        )
        return None
    if metric is None:
        faults.not_run(word.at, f"the metric `{word.text}`")
        return metric_named(word.text)
    missing = _missing_for(metric, measured) if measured is not None else None
    if missing is not None:
        faults.add("E0416", word.at, f"`{metric.name}` needs {missing[0]}", missing[1])
        return None
    return metric if measured is None or _enough_samples(word, measured, faults) else None


def _enough_samples(word: tree.Word, measured: Measured, faults: Faults) -> bool:
    """Whether a metric of so many samples has them."""
    needed = 2.0 if word.text == CONSISTENCY else figure_in(word.text, "samples")
    if needed is None:
        return True
    given = max(step.samples for step in measured.steps)
    if needed < 1 or needed > given:
        said = f"`{word.text}` needs {needed:.0f} samples of each question, and there {_are(given)}"
        faults.add("E0450", word.at, said, f"write `samples = {max(needed, 1):.0f}` or more")
        return False
    return True


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def _missing_for(metric: Metric, measured: Measured) -> tuple[str, str] | None:
    if metric.needs == "costs" and not measured.costs_given:
        return "costs", "write `costs = NAME`"
    if metric.needs == "confidence" and not measured.confident:
        return "a confidence", "write `confidence = [logprobs, stated]`"
    if metric.needs == "labels" and measured.labels is None:
        return "answers that are labels", "it is for one_of, yes_no and letter_of"
    if metric.needs == "text" and not isinstance(measured.final.answer, TextAnswer):
        return "`answer = text`", "write `accuracy`"
    if metric.needs == "text" and metric.name not in text_scores(measured.final):
        return f"the score `{metric.name}`", f"write `score = {metric.name}`, or put it into `scores`"
    if metric.name == "end_to_end" and not measured.chain:
        return "a chain", "write `accuracy`"
    return None
