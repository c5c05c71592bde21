"""Every metric of some examples under a design, or averaged over the members of a group.

Stands on `measure`, which counts each example alike. What cannot be told rightly under the design has no
value or no interval, and says why: nothing is passed on unweighted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import JsonAnswer, OneOf
from evalspec.language.expressions import holds
from evalspec.language.metric_names import CONSISTENCY
from evalspec.metrics import Estimate
from evalspec.score.contributions import FLAGS, contributions
from evalspec.score.measures import Example, each_sample, field_accuracies, measure, positive_label
from evalspec.score.named_metrics import holds_a_figure, named_figures
from evalspec.score.samples import of_samples, sample_metrics, too_few
from evalspec.score.weighing import Design, Figure, macro_mean, mean_of, members_of, weights_of
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Subset, Task

NOT_WEIGHTED = ("p50", "p90", "p95", "p99", "output_tokens")  # a mix re-weights quality and cost only
NO_WEIGHTS = "this metric is not re-weighted to the mix or weights of the dataset"
NO_CLUSTERS = "this metric has no interval for examples that stand in clusters"
NO_SAMPLES = "this metric has no interval where each example has several samples"
NO_GROUP = "an average over subsets has an interval only for means"


def measured(
    task: Task, examples: Sequence[Example], design: Design, *, whole: bool, group: Subset | None = None
) -> Mapping[str, Estimate]:
    """Every metric of some examples: of the whole set, of a subset, or of a macro group."""
    macro = group if group is not None and group.macro else None
    plain = {**measure(task, each_sample(examples)), **named_figures(task, examples, design)}
    repeated = {
        name: _of_samples(task, name, examples, design, whole=whole, group=macro)
        for name in sample_metrics(task)
    }
    if design.plain and macro is None:
        return {**plain, **repeated}
    found = {}
    for name, estimate in plain.items():
        figures = figures_of(task, name, examples)
        if figures is None:
            if macro is not None:
                found[name] = _over_members(task, name, examples, design, macro)
            else:
                found[name] = _other(task, name, estimate, examples, design)
        elif estimate.value is None:
            found[name] = estimate
        else:
            flags = name in FLAGS or name in ("precision", "recall")
            found[name] = _mean(name, figures, design, macro, flags=flags, whole=whole)
    return {**found, **repeated}


def _of_samples(
    task: Task, name: str, examples: Sequence[Example], design: Design, *, whole: bool, group: Subset | None
) -> Estimate:
    figures = figures_of(task, name, examples) or []
    if not figures:
        return Estimate(value=None, low=None, high=None, n=0, why=too_few(name))
    if name == CONSISTENCY and all(e.judgement.constant for e in examples):
        return Estimate(value=1.0, low=None, high=None, n=len(figures), why="it always answers the same")
    return _mean(name, figures, design, group, flags=True, whole=whole)


def _mean(
    name: str, figures: Sequence[Figure], design: Design, group: Subset | None, *, flags: bool, whole: bool
) -> Estimate:
    own = replace(design, weight=None, cell=None) if name in NOT_WEIGHTED else design
    if group is not None:
        return macro_mean(own, group, figures, flags=flags)
    # A cell of the mix without an answer of a class says nothing about the other cells: such rates are
    # taken by weights.
    return mean_of(own, figures, flags=flags, whole=whole and name not in ("precision", "recall"))


def figures_of(
    task: Task, metric: str, examples: Sequence[Example], label: str | None = None
) -> list[Figure] | None:
    """What each example adds to a metric that is a mean over some of them; None for other metrics.

    Of an example with several samples each adds its own, but to metrics of samples, which are told of all.
    """
    if of_samples(metric) is None:
        examples = each_sample(examples)
    if label is not None and isinstance(task.final.answer, JsonAnswer):
        return _of_field(label, examples)
    if metric in ("precision", "recall"):
        return _of_label(metric, task, label or positive_label(task), examples)
    if metric == "overconfidence":
        return [Figure(e.judgement.row, c - r) for e, c, r in _confident(examples)]
    column = contributions(metric, examples)
    if column is None:
        return None
    return [
        Figure(e.judgement.row, v)
        for e, v in zip(examples, column.tolist(), strict=True)
        if not math.isnan(v)
    ]


def fields_measured(task: Task, samples: Sequence[Example], design: Design) -> Mapping[str, Estimate]:
    """The accuracy of each field of a JSON answer, over the samples where it is judged."""
    plain = field_accuracies(task, samples)
    if design.plain:
        return plain
    return {name: mean_of(design, _of_field(name, samples), flags=True, whole=True) for name in plain}


def _of_field(name: str, samples: Sequence[Example]) -> list[Figure]:
    judged = [e.judgement for e in samples if name in e.judgement.fields]
    return [Figure(j.row, float(j.fields[name])) for j in judged]


def _confident(examples: Sequence[Example]) -> list[tuple[Example, float, float]]:
    """The examples that were heard with a confidence and a verdict, and both of them."""
    heard = [(e, e.judgement.confidence, e.judgement.right) for e in examples if e.judgement.heard]
    return [(e, c, float(r)) for e, c, r in heard if c is not None and r is not None]


def _labelled(task: Task, examples: Sequence[Example]) -> list[tuple[Row, str, str | None]]:
    """Truth and answer where there is a truth. The label by which a model declined is its answer."""
    declining = task.final.answer.decline if isinstance(task.final.answer, OneOf) else None
    heard = [e.judgement for e in examples if e.judgement.heard and e.judgement.truth is not None]
    said = [declining if j.outcome is Outcome.ABSTAINED else j.answer for j in heard]
    return [(j.row, str(j.truth), answer) for j, answer in zip(heard, said, strict=True)]


def _of_label(metric: str, task: Task, label: str | None, examples: Sequence[Example]) -> list[Figure] | None:
    if label is None:
        return None
    both = _labelled(task, examples)
    if metric == "recall":
        return [Figure(row, float(answer == label)) for row, truth, answer in both if truth == label]
    return [Figure(row, float(truth == label)) for row, truth, answer in both if answer == label]


# ── metrics that are no means ─────────────────────────────────────────────────────────────────────

WITH_WEIGHTS: Mapping[str, Callable[..., Estimate]] = {
    "balanced_accuracy": metrics.balanced_accuracy,
    "macro_f1": metrics.macro_f1,
    "mcc": metrics.mcc,
    "auroc": metrics.auroc,
    "aurc": metrics.aurc,
    "augrc": metrics.augrc,
    "sm_ece": metrics.sm_ece,
}
OF_LABELS = ("balanced_accuracy", "macro_f1", "mcc", "f1")


def _other(task: Task, name: str, plain: Estimate, examples: Sequence[Example], design: Design) -> Estimate:
    """A metric that is no mean: weighted where it can be, and without an interval that clusters belie."""
    if plain.value is None or name in NOT_WEIGHTED or holds_a_figure(name):
        return plain
    found = _weighted(task, name, each_sample(examples), design) if design.weighted else plain
    if found is None:
        return Estimate(value=None, low=None, high=None, n=plain.n, why=NO_WEIGHTS)
    if design.repeated:
        found = replace(found, n=sum(any(s.judgement.heard for s in e.samples) for e in examples))
    if not design.clustered or found.low is None:
        return found
    why = NO_CLUSTERS if design.cluster is not None else NO_SAMPLES
    return Estimate(value=found.value, low=None, high=None, n=found.n, why=why)


def _weighted(task: Task, name: str, examples: Sequence[Example], design: Design) -> Estimate | None:
    if name in OF_LABELS:
        both = _labelled(task, examples)
        w = weights_of(design, [row for row, _, _ in both])
        truth, answers = [t for _, t, _ in both], [a for _, _, a in both]
        if name == "f1":
            return metrics.f1(truth, answers, positive_label(task), w)
        return WITH_WEIGHTS[name](truth, answers, w)
    confident = _confident(examples)
    c, y = np.array([c for _, c, _ in confident]), np.array([r for _, _, r in confident])
    w = weights_of(design, [e.judgement.row for e, _, _ in confident])
    if name in ("ece", "ece_equal_mass"):
        binning, bins = task.binning
        return metrics.ece(c, y, bins=bins, binning=binning if name == "ece" else "mass", weights=w)
    return WITH_WEIGHTS[name](c, y, w) if name in WITH_WEIGHTS else None


def _over_members(
    task: Task, name: str, examples: Sequence[Example], design: Design, group: Subset
) -> Estimate:
    """The mean of the members' figures; without an interval."""
    total, n = 0.0, 0
    for member, share in members_of(group):
        own = [e for e in examples if holds(member.where, e.judgement.row.values)]
        figure = measured(task, own, design, whole=False).get(name)
        if figure is None or figure.value is None:
            why = figure.why if figure is not None else None
            return Estimate(value=None, low=None, high=None, n=n, why=f"{member.name}: {why or 'no data'}")
        total, n = total + share * figure.value, n + figure.n
    return Estimate(value=total, low=None, high=None, n=n, why=NO_GROUP)
