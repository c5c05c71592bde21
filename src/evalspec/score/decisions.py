"""What each example costs: as answered, under the declared policy, and had one always abstained.

The policy only chooses between the candidate's own answer and abstaining, at the prices that the
candidate's own confidence promises. What it promised and what came of it are both kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from evalspec.answers.reading import Outcome
from evalspec.language.program import Below, LeastConfident, Policy, WhenCheaper
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.score.judged import Judgement
    from evalspec.score.prices import Prices, Promise

TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Decision:
    """One example under a policy: whether the answer was withheld, its cost, and what was promised."""

    withheld: bool
    cost: float
    promised: float | None


def decide(
    judgements: Sequence[Judgement], prices: Prices, policy: Policy | None
) -> tuple[Decision | None, ...]:
    """The decision on each example; None where the candidate was not heard.

    A candidate without any confidence answers everything. One that has confidences, but not on this
    example, withholds the answer. What is no answer at all can be neither given nor withheld.
    """
    promises = [prices.promised(j) for j in judgements]
    confident = any(j.confidence is not None for j in judgements)
    withheld: frozenset[int] = frozenset()
    if confident and policy is not None:
        withheld = _withheld(judgements, promises, policy, prices)
    return tuple(
        _decision(j, prices, promise, i in withheld)
        for i, (j, promise) in enumerate(zip(judgements, promises, strict=True))
    )


def _decision(
    judgement: Judgement, prices: Prices, promise: Promise | None, withheld: bool
) -> Decision | None:
    answered = prices.answered(judgement)
    if answered is None:
        return None
    if not withheld:
        return Decision(False, answered, promise.answering if promise is not None else None)
    abstained = prices.abstained(judgement)
    cost = answered if abstained is None else abstained
    return Decision(True, cost, promise.abstaining if promise is not None else None)


def _withheld(
    judgements: Sequence[Judgement], promises: Sequence[Promise | None], policy: Policy, prices: Prices
) -> frozenset[int]:
    answered = [i for i, j in enumerate(judgements) if j.outcome is Outcome.ANSWERED]
    match policy:
        case WhenCheaper():
            return frozenset(
                i for i in answered if _abstaining_is_cheaper(judgements[i], promises[i], prices)
            )
        case Below(threshold=threshold):
            # A confidence within rounding of the threshold is at it, as `threshold_check` reckons too.
            least = threshold - TOLERANCE * threshold
            return frozenset(i for i in answered if (c := judgements[i].confidence) is None or c < least)
        case LeastConfident(share=share):
            ordered = sorted(answered, key=lambda i: _least_sure_first(judgements[i]))
            return frozenset(ordered[: _whole(share * sum(j.heard for j in judgements))])
        case _:
            assert_never(policy)


def _abstaining_is_cheaper(judgement: Judgement, promise: Promise | None, prices: Prices) -> bool:
    if promise is None:
        return judgement.confidence is None
    # Float noise must not flip a decision: on a tie, within rounding, the answer stands. Costs of both
    # signs may cancel, so that rounding is relative to the costs themselves and not to their sum.
    return promise.answering > promise.abstaining + TOLERANCE * prices.largest(judgement)


def _least_sure_first(judgement: Judgement) -> tuple[float, bytes]:
    """No confidence before any. Equal ones by a digest of the id: data are often sorted by their labels."""
    sure = -1.0 if judgement.confidence is None else judgement.confidence
    return sure, hashlib.sha256(judgement.row.id.encode("utf-8", "surrogatepass")).digest()


def _whole(count: float) -> int:
    """A number of examples, halves upwards, forgiving the rounding of shares such as 5 % of 70."""
    return math.floor(count + 0.5 + 1e-9)
