"""What each example would cost at any price of a review: the figures behind a candidate's cost curve.

The curve asks what `when_cheaper` would do if a review cost the same for every example, whatever its truth.
Knows one candidate; where two of them cross stands in `crossovers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.score.weighing import Design, weights_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.metrics import CostCurve
    from evalspec.score.judged import Judgement
    from evalspec.score.prices import Prices

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """For each judgement what answering was promised to cost and did cost, and what handing over costs.

    Handed over, an example costs `fixed` + `reviewed`·price. NaN as its promise where the candidate was not
    heard. `dearest` is the largest figure that an answer can cost, whoever gives it.
    """

    promised: Floats
    realised: Floats
    fixed: Floats
    reviewed: Floats
    weight: Floats
    dearest: float

    def curve(self, among: NDArray[np.bool_] | None = None) -> CostCurve:
        """The cost curve over the judgements that were heard, or over those of them in `among`."""
        kept = ~np.isnan(self.promised) if among is None else among & ~np.isnan(self.promised)
        return metrics.review_curve(
            self.promised[kept], self.realised[kept], self.fixed[kept], self.reviewed[kept], self.weight[kept]
        )

    @property
    def heard(self) -> NDArray[np.bool_]:
        """Which judgements are in the curve."""
        return ~np.isnan(self.promised)


def reviews_of(judgements: Sequence[Judgement], prices: Prices, design: Design) -> Reviews:
    """The figures of a candidate, whose confidences are those of the judgements."""
    confident = any(j.confidence is not None for j in judgements if j.heard)
    rows = [_figures(j, prices, confident=confident) for j in judgements]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
    return Reviews(
        promised=table[:, 0],
        realised=table[:, 1],
        fixed=table[:, 2],
        reviewed=table[:, 3],
        weight=weights_of(design, [j.row for j in judgements]),
        dearest=max((prices.dearest(j) for j in judgements), default=0.0),
    )


def _figures(judgement: Judgement, prices: Prices, *, confident: bool) -> tuple[float, float, float, float]:
    """Promised and realised cost of answering, and the two parts of what handing over costs."""
    paid = prices.answered(judgement)
    if paid is None:
        return math.nan, 0.0, 0.0, 0.0
    spared = judgement.abstaining_is_right
    handed = ((prices.abstained(judgement) or 0.0) if spared else 0.0, 0.0 if spared else 1.0)
    if judgement.outcome is Outcome.ABSTAINED:  # by itself: it is reviewed at any price
        return (-math.inf, paid, *handed) if spared else (math.inf, paid, *handed)
    promise = prices.promised(judgement) if judgement.outcome is Outcome.ANSWERED else None
    if promise is not None:
        return promise.answering, paid, *handed
    withheld = judgement.outcome is Outcome.ANSWERED and confident and judgement.confidence is None
    return math.inf if withheld else -math.inf, paid, *handed
