"""From which price of a review on one candidate is cheaper than another: found on their exact cost curves.

Costs are guesses, and the price of a review most of all; so the report says how far the order holds. The
first candidate is held against each other viable one, on the examples that both finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec import metrics

if TYPE_CHECKING:
    from evalspec.metrics import Stretch
    from evalspec.score.result_figures import Document
    from evalspec.score.score import CandidateScores
    from evalspec.text.values import Json

MOST = 24  # stretches of a pair that are written down: more is noise of two curves that lie on each other


def crossovers_json(order: Sequence[str], candidates: Mapping[str, CandidateScores]) -> Json:
    """The first viable candidate against each other one: who is cheaper between which prices of a review.

    Each stretch has the name of the cheaper one, or null where they cost the same. Of more than 24 the
    longest ones are kept, `left_out` counting the others.
    """
    viable = [name for name in order if candidates[name].viable and candidates[name].policy is not None]
    return [_against(viable[0], name, candidates) for name in viable[1:]]


def _against(first: str, other: str, candidates: Mapping[str, CandidateScores]) -> Document:
    a, b = candidates[first].policy, candidates[other].policy
    found: tuple[Stretch, ...] = ()
    n = 0
    if a is not None and b is not None and a.reviews.heard.shape == b.reviews.heard.shape:
        both = a.reviews.heard & b.reviews.heard
        n, top = int(both.sum()), max(a.reviews.dearest, b.reviews.dearest)
        if n and top > 0:
            found = metrics.crossovers(a.reviews.curve(both), b.reviews.curve(both), 0.0, top)
    kept = sorted(sorted(found, key=lambda s: s.low - s.high)[:MOST], key=lambda s: s.low)
    names = {-1: first, 0: None, 1: other}
    stretches: list[Json] = [{"low": s.low, "high": s.high, "cheaper": names[s.cheaper]} for s in kept]
    told: Document = {"a": first, "b": other, "n": n, "stretches": stretches}
    return told if len(kept) == len(found) else {**told, "left_out": len(found) - len(kept)}
