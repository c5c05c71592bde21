"""What deciding by confidence costs at every price of a review: exact, piecewise linear, with cross-overs.

An answer is given where its confidence promises that it costs no more than a review, so that a candidate's
mean cost is linear in the price of a review between the promises it made, and may jump at each of them.
Over (price - right)/(wrong - right) this is the Murphy diagram of the confidences (Ehm, Gneiting, Jordan &
Krüger 2016); a calibrated candidate's curve has no jumps beyond chance.
"""

from math import isfinite

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import TOLERANCE, Floats, claims, numbers, same_length, vector, weights_for
from evalspec.text.values import dataclass

SAME = 1e-9  # relative; curves of one and the same figures differ by rounding in their sums


@dataclass(frozen=True, slots=True, kw_only=True)
class CostCurve:
    """The mean cost as a function of the price of a review.

    `breakpoints` are the distinct promises, ascending; a promise equal to the price is taken (the answer is
    given). Before the first of them the cost is fixed[0] + share[0]·price, from breakpoint k on (from 0)
    fixed[k+1] + share[k+1]·price, where `share` is what is handed over. None of it, and `why`, without data.
    """

    breakpoints: tuple[float, ...]
    fixed: tuple[float, ...]
    share: tuple[float, ...]
    n: int
    why: str | None = None

    def at(self, price: ArrayLike) -> Floats:
        """The mean cost at each of some prices. Raises ValueError without data and on prices not finite."""
        asked = np.atleast_1d(numbers(np.atleast_1d(np.asarray(price, dtype=np.float64)), "price"))
        if not self.fixed:
            raise ValueError("a curve without data has no cost")
        steps = np.asarray(self.breakpoints)
        piece = np.searchsorted(steps, asked + TOLERANCE * np.abs(asked), side="right")
        found: Floats = np.asarray(self.fixed)[piece] + np.asarray(self.share)[piece] * asked
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Prices between which one of two curves is the cheaper: -1 the first, 1 the second, 0 neither."""

    low: float
    high: float
    cheaper: int


def cost_curve(
    confidence: ArrayLike,
    correct: ArrayLike,
    right: float = 0.0,
    wrong: float = 1.0,
    weights: ArrayLike | None = None,
) -> CostCurve:
    """The curve of one confidence for each answer, where a right one costs `right` and a wrong one `wrong`.

    At price A an answer of confidence c is given iff right·c + wrong·(1 - c) <= A (Chow 1970). With the
    defaults the price is the share A/W of what a wrong answer costs, and the breakpoints are 1 - c. Raises
    ValueError where a wrong answer costs less than a right one.
    """
    if not (isfinite(right) and isfinite(wrong)) or wrong < right:
        raise ValueError("costs must be finite, and a wrong answer must not cost less than a right one")
    sample = claims(confidence, correct, weights)
    promised = right * sample.confidence + wrong * (1 - sample.confidence)
    realised = np.where(sample.correct == 1, right, wrong).astype(np.float64)
    return review_curve(promised, realised, weights=sample.weight)


def review_curve(
    promised: ArrayLike,
    realised: ArrayLike,
    handed_over: ArrayLike | None = None,
    reviewed: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> CostCurve:
    """The curve of any answers: `promised` is what each was expected to cost, `realised` what it did.

    An infinite promise is never taken (no confidence), one of -infinity always (nothing to withhold). Handed
    over, an example costs handed_over + reviewed·price: 0 and 1 unless given. Promises within 1e-12 of each
    other, relative, are one. Raises ValueError on arrays that do not fit, NaN, and costs not finite.
    """
    q, paid = vector(promised, "promised"), numbers(realised, "realised")
    same_length(q.size, paid.size, "realised")
    other = np.zeros(q.size) if handed_over is None else numbers(handed_over, "handed_over")
    slope = np.ones(q.size) if reviewed is None else numbers(reviewed, "reviewed")
    same_length(q.size, other.size, "handed_over")
    same_length(q.size, slope.size, "reviewed")
    w = weights_for(weights, q.size)
    kept = w > 0
    if not kept.any():
        return CostCurve(breakpoints=(), fixed=(), share=(), n=0, why="no data")
    return _pieces(q[kept], paid[kept], other[kept], slope[kept], w[kept] / float(w.sum()))


def _pieces(q: Floats, paid: Floats, other: Floats, slope: Floats, w: Floats) -> CostCurve:
    order = np.argsort(q, kind="stable")
    q, paid, other, slope, w = (a[order] for a in (q, paid, other, slope, w))
    finite = q[np.isfinite(q)]
    size = np.abs(finite)
    new = np.ones(finite.size, dtype=bool)
    new[1:] = np.diff(finite) > TOLERANCE * np.maximum(size[1:], size[:-1])
    steps = finite[new]
    # How many promises are taken in each piece: those of -infinity always, those of infinity never.
    begun = int(np.searchsorted(q, -np.inf, side="right"))
    taken = np.append(begun + np.flatnonzero(new), begun + finite.size)

    def added(given: Floats, withheld: Floats) -> tuple[float, ...]:
        head = np.concatenate([[0.0], np.cumsum(w * given)])
        tail = np.concatenate([np.cumsum((w * withheld)[::-1])[::-1], [0.0]])
        return tuple((head[taken] + tail[taken]).tolist())

    fixed, share = added(paid, other), added(np.zeros(q.size), slope)
    return CostCurve(breakpoints=tuple(steps.tolist()), fixed=fixed, share=share, n=int(q.size))


def crossovers(first: CostCurve, second: CostCurve, low: float, high: float) -> tuple[Stretch, ...]:
    """The stretches of prices from `low` to `high` over which one curve is cheaper, found on the pieces.

    They follow each other without gaps and differ in who is cheaper; between them the curves cross, or one
    of them jumps. Costs that are equal within rounding are neither's. Raises ValueError on a curve without
    data, or where `low` is not below `high`.
    """
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError("prices must be finite, and low below high")
    if not (first.fixed and second.fixed):
        raise ValueError("a curve without data crosses none")
    inner = np.unique(np.concatenate([first.breakpoints, second.breakpoints]))
    edges = np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]])
    left, right = edges[:-1], edges[1:]
    fixed = _of_piece(first, first.fixed, left) - _of_piece(second, second.fixed, left)
    share = _of_piece(first, first.share, left) - _of_piece(second, second.share, left)
    size = np.abs(_of_piece(first, first.fixed, left)) + np.abs(_of_piece(second, second.fixed, left))
    noise = SAME * (size + np.abs(right) + np.abs(left))
    begins, ends = (_sign(fixed + share * at, noise) for at in (left, right))
    crossing = begins * ends < 0
    roots = np.where(crossing, np.clip(-fixed / np.where(crossing, share, 1.0), left, right), right)
    # Each piece is one stretch, or two where the difference changes its sign inside it.
    starts = np.stack([left, roots], axis=1).ravel()
    signs = np.stack([np.where(begins == 0, ends, begins), np.where(crossing, ends, 0.0)], axis=1).ravel()
    kept = np.stack([np.ones(left.size, dtype=bool), crossing], axis=1).ravel()
    return _joined(starts[kept], signs[kept], high)


def _of_piece(curve: CostCurve, figures: tuple[float, ...], at: Floats) -> Floats:
    """A figure of the piece that begins at or before each of some prices."""
    piece = np.searchsorted(np.asarray(curve.breakpoints), at + TOLERANCE * np.abs(at), side="right")
    found: Floats = np.asarray(figures)[piece]
    return found


def _sign(difference: Floats, noise: Floats) -> Floats:
    signs: Floats = np.where(np.abs(difference) <= noise, 0.0, np.sign(difference))
    return signs


def _joined(starts: Floats, signs: Floats, high: float) -> tuple[Stretch, ...]:
    """The stretches that begin at `starts`, the last one ending at `high`; neighbours of one sign as one."""
    long = np.diff(np.append(starts, high)) > 0
    starts, signs = starts[long], signs[long]
    new = np.concatenate([[True], signs[1:] != signs[:-1]])
    begins = starts[new].tolist()
    return tuple(
        Stretch(low=low, high=end, cheaper=int(sign))
        for low, end, sign in zip(begins, [*begins[1:], high], signs[new].tolist(), strict=True)
    )
