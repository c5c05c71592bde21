"""Calibration of several samples of each example, or of clusters: the figures, with intervals that know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec.metrics.binning import assigned
from evalspec.score.weighed import NO_CLUSTERS, NO_SAMPLES
from evalspec.score.weighing import Design, Figure, mean_of, weights_of
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.language.program import Binning
    from evalspec.metrics import Estimate, ReliabilityBin
    from evalspec.score.judged import Judgement


def bins_of_samples(
    found: Sequence[ReliabilityBin],
    known: Sequence[Judgement],
    design: Design,
    binning: tuple[Binning, int],
) -> tuple[ReliabilityBin, ...]:
    """The bins, each accuracy with an interval that is clustered by example; `n` counts samples."""
    how, bins = binning
    c = np.array([j.confidence for j in known], dtype=np.float64)
    numbers_of = assigned(c, bins, how, weights_of(design, [j.row for j in known]))
    told = []
    for number, one in zip(np.unique(numbers_of), found, strict=True):
        inside = [known[i] for i in np.flatnonzero(numbers_of == number).tolist()]
        figures = [Figure(j.row, float(bool(j.right))) for j in inside]
        accuracy = mean_of(design, figures, flags=True, whole=False)
        told.append(replace(one, accuracy_low=accuracy.low, accuracy_high=accuracy.high))
    return tuple(told)


def line_of_samples(part: Estimate, known: Sequence[Judgement], design: Design) -> Estimate:
    """Slope or intercept without the interval that takes samples, or what stands together, for examples."""
    n = len({j.row.id for j in known})
    why = part.why if part.value is None else NO_SAMPLES if design.repeated else NO_CLUSTERS
    return replace(part, low=None, high=None, se=None, n=n, why=why)
