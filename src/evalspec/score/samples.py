"""Metrics of several samples of one example: how often two agree, whether any or all of so many are right.

Each is told of an example from the judgements of its samples; its figure is the mean over the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from evalspec import metrics
from evalspec.language.metric_names import CONSISTENCY, figure_in
from evalspec.text.units import counted

if TYPE_CHECKING:
    from evalspec.language.program import Task
    from evalspec.score.judged import Judgement

OfSamples = Callable[[Sequence["Judgement"]], float | None]


def of_samples(metric: str) -> OfSamples | None:
    """What a metric makes of the samples of one example, from 0 to 1; None for all other metrics.

    The function gives None where too few samples were heard. A candidate that always answers the same is
    judged by its one sample as if it had as many as are needed.
    """
    if metric == CONSISTENCY:
        return _agreement
    k = figure_in(metric, "samples")
    return None if k is None else partial(_solved, metric.startswith("pass^"), int(k))


def sample_metrics(task: Task) -> tuple[str, ...]:
    """The metrics of this kind that a task has: agreement where a question is asked several times, and those
    that it ranks by, reports or requires."""
    if all(step.samples == 1 for step in task.steps):
        return ()
    written = (*task.rank, *task.report, *(bound.metric for bound in task.requirements))
    named = [name.partition("(")[0] for name in written]
    return tuple(dict.fromkeys((CONSISTENCY, *(n for n in named if of_samples(n) is not None))))


def too_few(metric: str) -> str:
    """Why a metric of samples has no value where no example has what it takes."""
    if metric == CONSISTENCY:
        return "no example has two samples that were heard"
    return f"no example has {counted(figure_in(metric, 'samples') or 0, 'sample')} that were judged"


def _agreement(samples: Sequence[Judgement]) -> float | None:
    """The share of its pairs of samples that say the same."""
    said = [j.ballot for j in samples if j.heard]
    if said and samples[0].constant:
        return 1.0
    return metrics.consistency(said).value


def _solved(every: bool, k: int, samples: Sequence[Judgement]) -> float | None:
    right = [j.right for j in samples if j.right is not None]
    if right and samples[0].constant:
        return float(right[0])
    return _chance(every, len(right), sum(right), k)


@cache
def _chance(every: bool, n: int, c: int, k: int) -> float | None:
    return (metrics.pass_hat_k if every else metrics.pass_at_k)(n, c, k).value
