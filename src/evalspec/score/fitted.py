"""What can be learnt from the examples about a candidate's confidence: recalibration, and a threshold.

Every example is decided by what the other folds taught, so that the costs behind it are costs that one may
expect. With fewer than 10 wrong answers nothing is learnt, and `why` says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome
from evalspec.metrics.thresholds import answered_by, held_out_thresholds, too_few_wrong
from evalspec.score.decisions import Decision
from evalspec.score.shipped import rescaled
from evalspec.score.weighing import Design, weights_of
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalspec.score.judged import Judgement
    from evalspec.score.prices import Prices

FOLDS = 5
NO_CONFIDENCE = "no confidence"
UNJUDGED = "some answers with a confidence are neither right nor wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """The answers one can learn from: their places among the judgements, confidences and outcomes.

    `cluster` says which of them stand together (several samples of one example do), None where none do.
    """

    places: tuple[int, ...]
    confidence: NDArray[np.float64]
    correct: NDArray[np.float64]
    weight: NDArray[np.float64]
    cluster: NDArray[np.int64] | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrated:
    """The judgements with recalibrated confidences; as stated, and `why`, where nothing was fitted."""

    judgements: tuple[Judgement, ...]
    method: str | None
    why: str | None


def lessons(judgements: Sequence[Judgement], design: Design) -> Lessons:
    """What there is to learn from; `why` nothing can be."""
    sure = [
        (i, j.confidence, j.right)
        for i, j in enumerate(judgements)
        if j.outcome is Outcome.ANSWERED and j.confidence is not None
    ]
    judged = [(i, c, r) for i, c, r in sure if r is not None]
    # Folds are dealt in this order, and the order of the file must not matter.
    judged.sort(key=lambda found: (judgements[found[0]].row.id, judgements[found[0]].sample))
    places = tuple(i for i, _, _ in judged)
    correct = np.array([float(r) for _, _, r in judged], dtype=np.float64)
    why = NO_CONFIDENCE if not sure else UNJUDGED if len(judged) < len(sure) else too_few_wrong(correct)
    rows = [judgements[i].row for i in places]
    return Lessons(
        places=places,
        confidence=np.array([c for _, c, _ in judged], dtype=np.float64),
        correct=correct,
        weight=weights_of(design, rows),
        cluster=_clusters([r.id if design.cluster is None else design.cluster[r.id] for r in rows]),
        why=why,
    )


def _clusters(names: Sequence[Hashable]) -> NDArray[np.int64] | None:
    codes: dict[Hashable, int] = {}
    found = np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)
    return found if len(codes) < len(names) else None


def recalibrated(judgements: Sequence[Judgement], design: Design, seed: int) -> Recalibrated:
    """Each confidence by a map that the other folds taught; the rest of a distribution in proportion."""
    known = lessons(judgements, design)
    if known.why is not None:
        return Recalibrated(judgements=tuple(judgements), method=None, why=known.why)
    method = metrics.chosen_method(known.confidence)
    fit = metrics.cross_fit(
        known.confidence, known.correct, method, FOLDS, seed, known.weight, cluster=known.cluster
    )
    if not fit.maps:
        return Recalibrated(judgements=tuple(judgements), method=None, why=fit.why)
    found = dict(zip(known.places, fit.confidence.tolist(), strict=True))
    return Recalibrated(
        judgements=tuple(_claiming(j, found[i]) if i in found else j for i, j in enumerate(judgements)),
        method=method,
        why=fit.why,
    )


def _claiming(judgement: Judgement, confidence: float) -> Judgement:
    """The judgement as if the answer had been given with another confidence."""
    spread = judgement.distribution
    if spread is not None and judgement.answer is not None:
        spread = rescaled(spread, judgement.answer, confidence)
    return replace(judgement, confidence=confidence, distribution=spread)


def by_fitted_threshold(
    judgements: Sequence[Judgement],
    decisions: Sequence[Decision | None],
    prices: Prices,
    design: Design,
    seed: int,
) -> tuple[tuple[float | None, ...], str | None]:
    """What each example costs where the answers with a confidence are decided by the other folds' threshold.

    The others cost what they did by `decisions`. All None, and why, where no threshold can be fitted.
    """
    known = lessons(judgements, design)
    if known.why is not None:
        return (None,) * len(judgements), known.why
    own = [judgements[i] for i in known.places]
    given = np.array([_known(prices.answered(j)) for j in own], dtype=np.float64)
    withheld = np.array([_known(prices.abstained(j)) for j in own], dtype=np.float64)
    fold = metrics.fold_numbers(known.correct, FOLDS, seed, known.cluster)
    chosen = held_out_thresholds(known.confidence, given, withheld, fold, known.weight)
    paid = np.where(answered_by(known.confidence, chosen, fold), given, withheld)
    found = {**{i: d.cost for i, d in enumerate(decisions) if d is not None}}
    found |= dict(zip(known.places, paid.tolist(), strict=True))
    return tuple(found.get(i) for i in range(len(judgements))), None


def _known(cost: float | None) -> float:
    """The cost of an answer that was heard, where abstaining has a price: then there is one."""
    assert cost is not None  # noqa: S101
    return cost
