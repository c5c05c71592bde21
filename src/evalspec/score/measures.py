"""Metrics of a set of judged examples: every metric that the task admits, with n and interval.

Subsets are measured by the very same function. Examples that were not heard are in no quality figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import JsonAnswer, LetterOf, OneOf, TextAnswer, YesNo
from evalspec.language.judging import is_flag, named_scores
from evalspec.language.program import Step, Task
from evalspec.metrics import Estimate
from evalspec.metrics.means import t_interval
from evalspec.score.durations import Durations, durations
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.score.decisions import Decision
    from evalspec.score.judged import Judgement

MISSES = {
    "invalid_rate": (Outcome.NO_ANSWER,),
    "refusal_rate": (Outcome.REFUSED,),
    "truncation_rate": (Outcome.TRUNCATED,),
    "abstain_rate": (Outcome.ABSTAINED,),
}
OF_CONFIDENCE = (
    "ece", "ece_equal_mass", "sm_ece", "brier", "log_loss", "overconfidence", "mean_confidence",
    "auroc", "aurc", "augrc",
)  # fmt: skip
OF_TEXTS = ("exact", "contains")  # told of every text, undefined where it is judged otherwise
NO_DATA = "no data"
UNTOLD = "nothing says which of these texts are right: write `right = NAME >= 0.5`"
NO_PRICE = "the price of some requests is not known"
CURRENCIES = ("usd", "$")


@dataclass(frozen=True, slots=True)
class Example:
    """A judged example with its decision: its first sample, beside which stand the `others` it has."""

    judgement: Judgement
    decision: Decision | None
    others: tuple[Example, ...] = ()

    @property
    def samples(self) -> tuple[Example, ...]:
        """Each sample of it alone."""
        return (Example(self.judgement, self.decision), *self.others) if self.others else (self,)


def each_sample(examples: Iterable[Example]) -> tuple[Example, ...]:
    """Every sample of some examples, each alone; examples that have but one as they are."""
    return tuple(sample for example in examples for sample in example.samples)


@dataclass(frozen=True, slots=True)
class Part:
    """All examples of a candidate, or those of a subset, and every metric of theirs by its name."""

    examples: tuple[Example, ...]
    metrics: Mapping[str, Estimate]


def has_labels(task: Task) -> bool:
    """Whether the task's answers are labels."""
    return isinstance(task.final.answer, OneOf | YesNo | LetterOf)


def measure(task: Task, examples: Sequence[Example]) -> Mapping[str, Estimate]:
    """Every metric by its name. Undefined ones have no value and say why."""
    heard = [e for e in examples if e.judgement.heard]
    found: dict[str, Estimate] = {"accuracy": accuracy(heard)}
    if task.kind == "chain":
        found["end_to_end"] = found["accuracy"]
    if isinstance(task.final.answer, TextAnswer):
        found |= _of_texts(task.final, heard)
    if has_labels(task):
        found |= _of_labels(task, heard)
    if task.costs is not None:
        found |= _of_costs(task, heard)
    found |= _of_confidence(task, heard)
    found |= _rates(examples)
    found |= _resources(heard)
    return found


def mean(values: Sequence[float]) -> Estimate:
    """The mean with its t interval; none where all are equal, even where they are all 0 or all 1.

    Costs, tokens and confidences that happen to be 0 or 1 are no shares, and have no share's interval.
    """
    return t_interval(np.array(values, dtype=np.float64), np.ones(len(values)))


def share(flags: Sequence[bool]) -> Estimate:
    """The share of true ones with Wilson's interval; its standard error is that of any mean."""
    return metrics.wilson(sum(flags), len(flags))


def undefined(why: str, n: int = 0) -> Estimate:
    """A figure without a value, and the reason."""
    return Estimate(value=None, low=None, high=None, n=n, why=why)


def accuracy(heard: Sequence[Example]) -> Estimate:
    """The share of right answers among the examples where that can be told."""
    flags = [e.judgement.right for e in heard if e.judgement.right is not None]
    return share(flags) if flags or not heard else undefined(UNTOLD)


def _of_texts(step: Step, heard: Sequence[Example]) -> Mapping[str, Estimate]:
    """The scores of texts by their names: shares of those that are true or false, means of the graded."""
    scores = named_scores(step.score, step.scores)
    found = {
        name: undefined(f"texts are not judged by `{name}` here") for name in OF_TEXTS if name not in scores
    }
    for name, score in scores.items():
        values = [e.judgement.scores[name] for e in heard if name in e.judgement.scores]
        found[name] = (
            share([v is True for v in values]) if is_flag(score) else mean([float(v) for v in values])
        )
    return found


def field_accuracies(task: Task, examples: Sequence[Example]) -> Mapping[str, Estimate]:
    """The share of examples in which each field of a JSON answer is right, among those where it is judged."""
    answer = task.final.answer
    names = [f.name for f in answer.fields if f.scored] if isinstance(answer, JsonAnswer) else []
    judged = {
        name: [e.judgement.fields[name] for e in examples if name in e.judgement.fields] for name in names
    }
    return {name: share(flags) for name, flags in judged.items() if flags}


def _of_labels(task: Task, heard: Sequence[Example]) -> Mapping[str, Estimate]:
    truth, answers = _labels(task, heard)
    found: dict[str, Estimate] = {
        "balanced_accuracy": metrics.balanced_accuracy(truth, answers),
        "macro_f1": metrics.macro_f1(truth, answers),
        "mcc": metrics.mcc(truth, answers),
    }
    positive = positive_label(task)
    if positive is None:
        why = "no label is named as positive: write `positive = LABEL`"
        return found | dict.fromkeys(("precision", "recall", "f1"), undefined(why))
    return {**found, **of_label(task, positive, heard)}


def _labels(task: Task, heard: Sequence[Example]) -> tuple[list[str], list[str | None]]:
    """Truths and answers where there is a truth. The label by which a model declined is its answer."""
    declining = task.final.answer.decline if isinstance(task.final.answer, OneOf) else None
    judged = [(e.judgement.truth, e.judgement) for e in heard if e.judgement.truth is not None]
    answers = [declining if j.outcome is Outcome.ABSTAINED else j.answer for _, j in judged]
    return [truth for truth, _ in judged], answers


def positive_label(task: Task) -> str | None:
    """The label that precision, recall and f1 are about: as declared, else `yes` of yes_no."""
    return task.positive or ("yes" if isinstance(task.final.answer, YesNo) else None)


def of_label(task: Task, label: str, heard: Sequence[Example]) -> Mapping[str, Estimate]:
    """Precision, recall and f1 of one label; of a field of a JSON answer its accuracy."""
    if isinstance(task.final.answer, JsonAnswer):
        return {"accuracy": field_accuracies(task, heard).get(label, undefined(NO_DATA))}
    truth, answers = _labels(task, heard)
    return {
        "precision": metrics.precision(truth, answers, label),
        "recall": metrics.recall(truth, answers, label),
        "f1": metrics.f1(truth, answers, label),
    }


def _of_costs(task: Task, heard: Sequence[Example]) -> Mapping[str, Estimate]:
    decided = [(e.judgement, e.decision) for e in heard if e.decision is not None]
    found = {"expected_cost": mean([d.cost for _, d in decided])}
    if task.costs is None or task.costs.unit.casefold() not in CURRENCIES:
        return found | {
            "total_cost": undefined("the costs are in no currency to which prices could be added")
        }
    priced = [d.cost + float(j.cost_usd) for j, d in decided if j.cost_usd is not None]
    complete = len(priced) == len(decided)
    return found | {"total_cost": mean(priced) if complete else undefined(NO_PRICE)}


# ── confidence ────────────────────────────────────────────────────────────────────────────────────


def confident_pairs(heard: Sequence[Example]) -> tuple[list[float], list[bool]]:
    """Confidence and verdict of the examples that have both."""
    both = [
        (e.judgement.confidence, e.judgement.right)
        for e in heard
        if e.judgement.confidence is not None and e.judgement.right is not None
    ]
    return [c for c, _ in both], [bool(r) for _, r in both]


def _of_confidence(task: Task, heard: Sequence[Example]) -> Mapping[str, Estimate]:
    confidence, right = confident_pairs(heard)
    if not confidence:
        return {name: undefined("no confidence") for name in OF_CONFIDENCE}
    c, y = np.array(confidence), np.array(right, dtype=np.float64)
    binning, bins = task.binning
    return {
        "ece": metrics.ece(c, y, bins=bins, binning=binning),
        "ece_equal_mass": metrics.ece(c, y, bins=bins, binning="mass"),
        "sm_ece": metrics.sm_ece(c, y),
        "brier": metrics.brier(c, y),
        "log_loss": metrics.log_loss(c, y),
        "overconfidence": metrics.overconfidence(c, y),
        "mean_confidence": mean(confidence),
        "auroc": metrics.auroc(c, y),
        "aurc": metrics.aurc(c, y),
        "augrc": metrics.augrc(c, y),
    }


# ── rates and resources ───────────────────────────────────────────────────────────────────────────


def _rates(examples: Sequence[Example]) -> Mapping[str, Estimate]:
    asked = [e.judgement.outcome for e in examples if e.judgement.outcome is not Outcome.NOT_ASKED]
    found = {name: share([o in outcomes for o in asked]) for name, outcomes in MISSES.items()}
    return {**found, "error_rate": share([o is Outcome.ERROR for o in asked])}


def _resources(heard: Sequence[Example]) -> Mapping[str, Estimate]:
    timed = durations(heard)
    found = {f"p{q}": percentile(timed, q) for q in (50, 90, 95, 99)}
    tokens = [float(e.judgement.output_tokens) for e in heard if e.judgement.output_tokens is not None]
    found["output_tokens"] = mean(tokens) if tokens else undefined("no tokens were told")
    prices = [float(e.judgement.cost_usd) * 1000 for e in heard if e.judgement.cost_usd is not None]
    complete = prices and len(prices) == len(heard)
    found["cost_per_1k"] = mean(prices) if complete else undefined(NO_PRICE)
    return found


def percentile(timed: Durations, q: float) -> Estimate:
    """A percentile of latency; undefined where none was measured."""
    return timed.percentile(q) if timed.n else undefined("no latency was measured")
