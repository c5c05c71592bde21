"""A threshold on confidence that is fitted to costs, and what it costs on examples it was not fitted on.

The cost of a fitted threshold on the very examples that chose it is too good to be true, and is given by no
function here: each example is decided by the threshold that the other folds chose.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import TOLERANCE, Bools, Floats, Ints, claims, numbers, same_length, weights_for
from evalspec.metrics.folds import fold_numbers
from evalspec.metrics.means import clustered_mean, t_interval
from evalspec.metrics.recalibration import FEWEST_WRONG
from evalspec.metrics.records import NO_DATA, Estimate, undefined
from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossFittedThreshold:
    """What deciding by a fitted threshold costs. `thresholds` has one for each fold (infinity: abstain).

    `answered` tells of each example whether it was; it is empty, and `cost` has no value, where nothing was
    fitted.
    """

    cost: Estimate
    thresholds: tuple[float, ...] = ()
    answered: tuple[bool, ...] = ()


def best_threshold(
    confidence: ArrayLike, answering: ArrayLike, abstaining: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """The confidence from which answering made these examples cheapest; infinity where it never paid.

    `answering` and `abstaining` are what either costs on each example. It lies halfway between the least
    confidence that is answered and the next one below, and is 0 where all are answered; of equally cheap
    thresholds (relative tolerance 1e-12) the lowest, so that answering wins. Its cost on the same examples
    is no estimate of anything: see `cross_fitted_threshold`.
    """
    c, given, withheld, w = _priced(confidence, answering, abstaining, weights)
    if c.size == 0:
        return 0.0
    order = np.argsort(c, kind="stable")
    c, gain = c[order], (w * (given - withheld))[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(c) > TOLERANCE]))
    # The cost of answering from each distinct confidence on, and of answering nothing, less a constant.
    costs = np.append(np.add.reduceat(gain, starts)[::-1].cumsum()[::-1], 0.0)
    noise = TOLERANCE * float(w @ (np.abs(given) + np.abs(withheld)))
    first = int(np.argmax(costs <= costs.min() + noise))
    if first == starts.size:
        return float("inf")
    return 0.0 if first == 0 else float(c[starts[first]] + c[starts[first] - 1]) / 2


def cross_fitted_threshold(
    confidence: ArrayLike,
    correct: ArrayLike,
    answering: ArrayLike,
    abstaining: ArrayLike,
    *,
    folds: int | ArrayLike = 5,
    seed: int = 0,
    cluster: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> CrossFittedThreshold:
    """The mean cost where each example is decided by the threshold that the other folds chose.

    `folds` is their number (drawn by `seed`, stratified on `correct`, clusters kept together) or a fold
    number for each example. The interval is t's over examples, or over clusters; it takes the thresholds as
    given. With fewer than 10 wrong answers nothing is fitted, and `cost.why` says so.
    """
    c, given, withheld, w = _priced(confidence, answering, abstaining, weights)
    y = claims(confidence, correct).correct
    why = too_few_wrong(y)
    if why is not None:
        return CrossFittedThreshold(cost=undefined(why, c.size))
    fold = fold_numbers(y, folds, seed, cluster)
    thresholds = held_out_thresholds(c, given, withheld, fold, w)
    answered = answered_by(c, thresholds, fold)
    paid = np.where(answered, given, withheld)
    cost = (
        t_interval(paid[w > 0], w[w > 0], level)
        if cluster is None
        else clustered_mean(paid, cluster, w, level)
    )
    return CrossFittedThreshold(
        cost=cost, thresholds=tuple(thresholds.values()), answered=tuple(answered.tolist())
    )


def too_few_wrong(correct: Floats) -> str | None:
    """Why nothing can be fitted to these outcomes; None where it can."""
    if correct.size == 0:
        return NO_DATA
    few = int((correct == 0).sum()) < FEWEST_WRONG
    return f"fewer than {FEWEST_WRONG} wrong answers to learn from" if few else None


def held_out_thresholds(
    c: Floats, given: Floats, withheld: Floats, fold: Ints, w: Floats
) -> Mapping[int, float]:
    """For each fold the threshold that all other folds choose."""
    return {
        int(k): best_threshold(c[fold != k], given[fold != k], withheld[fold != k], w[fold != k])
        for k in np.unique(fold)
    }


def answered_by(c: Floats, thresholds: Mapping[int, float], fold: Ints) -> Bools:
    """Whether each confidence reaches its fold's threshold; within rounding of it, it does."""
    least = np.array([thresholds[k] for k in fold.tolist()], dtype=np.float64)
    reached: Bools = c >= least * (1 - TOLERANCE)
    return reached


def _priced(
    confidence: ArrayLike, answering: ArrayLike, abstaining: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats, Floats]:
    c = claims(confidence, np.ones(np.size(confidence))).confidence
    given, withheld = numbers(answering, "answering"), numbers(abstaining, "abstaining")
    same_length(c.size, given.size, "answering")
    same_length(c.size, withheld.size, "abstaining")
    return c, given, withheld, weights_for(weights, c.size)
