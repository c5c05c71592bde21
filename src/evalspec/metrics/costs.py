"""What answers cost, which answer is cheapest, and whether a threshold keeps what it promises.

Costs are in the caller's unit. Expected costs are compared with a relative tolerance of 1e-12, because
(1 - .95)·20 > 1 in floating point and a decision must not hang on that.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import isfinite
from typing import Any, SupportsFloat, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalspec.metrics.arrays import TOLERANCE, Floats, Ints, claims, same_length, weights_for
from evalspec.metrics.intervals import clopper_pearson
from evalspec.metrics.means import t_interval
from evalspec.metrics.records import Estimate, ThresholdCheck, ThresholdVerdict

Label = TypeVar("Label", bound=Hashable)
Answer = TypeVar("Answer", bound=Hashable)
SUM_TOLERANCE = 1e-6
MULTIPLIED_DIRECTLY = 4_096


def expected_cost(
    truth: Sequence[Label] | Ints,
    answers: Sequence[Answer] | Ints,
    costs: Mapping[Label, Mapping[Answer, SupportsFloat]] | ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """The mean cost of the answers given, with a t interval; times n it is the total.

    `costs` is read as costs[truth][answer]: a mapping of mappings, or a matrix with rows of truth and
    columns of answers, to which labels are integer codes. Raises ValueError on a label the costs do not
    know, on costs that are not finite, and on lengths that differ. Where all answers cost the same there is
    no interval: what rare answers may cost is not in the data.
    """
    same_length(len(truth), len(answers), "answers")
    if isinstance(costs, Mapping):
        paid = np.array([_priced(costs, t, a) for t, a in zip(truth, answers, strict=True)], dtype=np.float64)
    else:
        matrix = _matrix(costs)
        paid = matrix[_codes(truth, matrix.shape[0], "truth"), _codes(answers, matrix.shape[1], "answers")]
    w = weights_for(weights, paid.size)
    return t_interval(paid[w > 0], w[w > 0], level)


def best_action(probabilities: ArrayLike, costs: ArrayLike) -> Ints:
    """For each example the column of `costs` with the least expected cost a* = argmin_a Σ_l p_l·C[l][a].

    `probabilities` examples × labels, each row adding up to 1 within 1e-6 (then rescaled); `costs` labels ×
    actions, in the order declared. Equal costs (relative tolerance 1e-12) go to the first column, so
    abstaining, declared last, never wins a tie (Elkan 2001). May differ from the most probable label.
    Raises ValueError on shapes that do not fit, probabilities outside 0…1, sums other than 1, costs not
    finite.
    """
    p, matrix = np.asarray(probabilities, dtype=np.float64), _matrix(costs)
    if p.ndim != 2 or p.shape[1] != matrix.shape[0]:
        raise ValueError(f"probabilities of shape {p.shape} do not fit costs of shape {matrix.shape}")
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("probabilities must lie between 0 and 1")
    sums = p.sum(axis=1, keepdims=True)
    if np.any(np.abs(sums - 1) > SUM_TOLERANCE):
        raise ValueError("the probabilities of an example must add up to 1")
    p = p / sums
    expected = p @ matrix
    # Costs of both signs may cancel; rounding is relative to what was added up.
    scale = (p @ np.abs(matrix)).max(axis=1, keepdims=True)
    cheap = expected <= expected.min(axis=1, keepdims=True) + TOLERANCE * scale
    first: Ints = np.argmax(cheap, axis=1).astype(np.int64)
    return first


def chow_threshold(right: float, wrong: float, abstain: float) -> float:
    """The confidence from which answering costs no more than abstaining: (W - A)/(W - R) (Chow 1970).

    Answer iff R·c + W·(1-c) <= A. At most 0 where one always answers (W <= A), above 1 where one never does
    (A < R). Where right and wrong cost the same it is 0 or infinity. Raises ValueError on costs that are not
    finite, or where a wrong answer costs less than a right one: then no threshold from below exists.
    """
    if not all(isfinite(cost) for cost in (right, wrong, abstain)):
        raise ValueError("costs must be finite")
    if wrong < right:
        raise ValueError("a wrong answer must not cost less than a right one")
    if wrong == right:
        return 0.0 if right <= abstain else float("inf")
    return (wrong - abstain) / (wrong - right)


def threshold_check(
    confidence: ArrayLike, correct: ArrayLike, threshold: float, alpha: float = 0.05
) -> ThresholdCheck:
    """What became of the answers with confidence at or above `threshold`, and whether the promise was kept.

    `promised_error` is the mean of 1 - c among them, the guarantee 1 - threshold. Broken if so many errors
    had probability at most `alpha` were every confidence true (Poisson binomial; `p_value`); else kept if
    the exact one-sided upper limit of the error is at most 1 - threshold; else not enough data. A wrong
    answer stated with confidence 1 gives p = 0. Confidences within rounding of the threshold are at it.
    """
    sample = claims(confidence, correct)
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 1/2, not {alpha}")
    if not isfinite(threshold):
        raise ValueError("threshold must be finite")
    answered = sample.confidence >= threshold - TOLERANCE * abs(threshold)
    n, errors = int(answered.sum()), int((answered & (sample.correct == 0)).sum())
    if n == 0:
        return _verdict_without_answers()
    promised = 1 - sample.confidence[answered]
    p_value = at_least(errors, promised)
    upper = clopper_pearson(errors, n, 1 - 2 * alpha).high
    verdict = ThresholdVerdict.NOT_ENOUGH_DATA
    if p_value <= alpha:
        verdict = ThresholdVerdict.BROKEN
    elif upper is not None and upper <= 1 - threshold:
        verdict = ThresholdVerdict.KEPT
    return ThresholdCheck(
        n=n,
        errors=errors,
        realised_error=errors / n,
        promised_error=float(promised.mean()),
        p_value=p_value,
        verdict=verdict,
    )


def at_least(k: int, chances: Floats) -> float:
    """The probability of at least `k` among independent events with these chances (Poisson binomial)."""
    if k <= 0:
        return 1.0
    possible = chances[chances > 0]
    if k > possible.size:
        return 0.0
    return float(np.clip(_counted(possible)[k:].sum(), 0.0, 1.0))


def _counted(chances: Floats) -> Floats:
    """The probability of each number of events: the product of (1 - p) + p·x, halves multiplied in turn.

    Directly while they are short, which keeps small tails exact; by Fourier transform above.
    """
    if chances.size == 1:
        return np.array([1 - chances[0], chances[0]])
    middle = chances.size // 2
    left, right = _counted(chances[:middle]), _counted(chances[middle:])
    if chances.size <= MULTIPLIED_DIRECTLY:
        return np.convolve(left, right)
    size = chances.size + 1
    found: Floats = np.fft.irfft(np.fft.rfft(left, 2 * size) * np.fft.rfft(right, 2 * size), 2 * size)[:size]
    return found


def _verdict_without_answers() -> ThresholdCheck:
    return ThresholdCheck(
        n=0,
        errors=0,
        realised_error=None,
        promised_error=None,
        p_value=None,
        verdict=ThresholdVerdict.NOT_ENOUGH_DATA,
        why="no confidence reaches the threshold",
    )


def _priced(costs: Mapping[Label, Mapping[Answer, SupportsFloat]], truth: Label, answer: Answer) -> float:
    if truth not in costs:
        raise ValueError(f"the costs have no row for label {truth!r}")
    if answer not in costs[truth]:
        raise ValueError(f"the costs of {truth!r} have no column for answer {answer!r}")
    cost = float(costs[truth][answer])
    if not isfinite(cost):
        raise ValueError(f"the cost of answering {answer!r} to {truth!r} is not finite")
    return cost


def _matrix(costs: ArrayLike) -> Floats:
    matrix = np.asarray(costs, dtype=np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape or not np.isfinite(matrix).all():
        raise ValueError("costs must be a matrix of finite numbers, rows of truth and columns of answers")
    return matrix


def _codes(labels: Sequence[Hashable] | Ints, count: int, name: str) -> Ints:
    codes: NDArray[Any] = np.asarray(labels)
    if codes.size == 0:
        return np.zeros(0, dtype=np.int64)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"{name} must be integer codes where costs is a matrix")
    if codes.min() < 0 or codes.max() >= count:
        raise ValueError(f"{name} holds a label the costs do not know")
    return codes.astype(np.int64)
