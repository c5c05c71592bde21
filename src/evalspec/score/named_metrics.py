"""Metrics that hold a figure in their name, where a task names one: `p99.9`, `coverage@5%`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.language.metric_names import METRICS, figure_in
from evalspec.metrics import Estimate
from evalspec.score.durations import durations
from evalspec.score.measures import Example, each_sample, percentile
from evalspec.score.weighing import weights_of

if TYPE_CHECKING:
    from evalspec.language.program import Task
    from evalspec.score.weighing import Design


def holds_a_figure(name: str) -> bool:
    """Whether a metric is one of these."""
    return figure_in(name, "percentile") is not None or figure_in(name, "risk") is not None


def named_figures(task: Task, examples: Sequence[Example], design: Design) -> Mapping[str, Estimate]:
    """Those that a task ranks by, reports or requires."""
    written = (*task.rank, *task.report, *(bound.metric for bound in task.requirements))
    names = dict.fromkeys(name.partition("(")[0] for name in written)
    heard = [e for e in each_sample(examples) if e.judgement.heard]
    return {
        name: _figure(name, heard, design) for name in names if name not in METRICS and holds_a_figure(name)
    }


def _figure(name: str, heard: Sequence[Example], design: Design) -> Estimate:
    q, risk = figure_in(name, "percentile"), figure_in(name, "risk")
    if q is not None:
        return percentile(durations(heard), q)
    known = [
        (e.judgement.row, e.judgement.confidence, float(e.judgement.right))
        for e in heard
        if e.judgement.confidence is not None and e.judgement.right is not None
    ]
    c, y = np.array([c for _, c, _ in known]), np.array([right for *_, right in known])
    w = weights_of(design, [row for row, *_ in known]) if design.weighted else None
    found = metrics.coverage_at_risk(c, y, (risk or 0.0) / 100, weights=w)
    n = len({row.id for row, *_ in known}) if design.repeated else found.n
    return Estimate(value=found.value, low=None, high=None, n=n, why=found.why)
