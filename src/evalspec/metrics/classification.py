"""Scores of labels against labels.

Labels are anything hashable. None as an answer means that nothing usable was answered: wrong, but no class
of its own, unless None is also a truth.
"""

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Floats, same_length, weights_for
from evalspec.metrics.intervals import mover, proportion
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined

Labels = Iterable[Hashable]


def accuracy(
    truth: Labels, answers: Labels, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The share of answers equal to the truth, with Wilson's interval; ValueError where lengths differ."""
    t, a, w = _counted(truth, answers, weights)
    return _rate([x == y for x, y in zip(t, a, strict=True)], w, weights, level)


def precision(
    truth: Labels, answers: Labels, positive: Hashable, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The share of true positives among the answers that are `positive`; `n` counts those answers.

    Wilson's interval. No such answer: 0 with a `why`, and no interval.
    """
    t, a, w = _counted(truth, answers, weights)
    said = [y == positive for y in a]
    right = [x == positive for x, s in zip(t, said, strict=True) if s]
    return _or_zero(_rate(right, w[said], weights, level), len(t), "no answer is the positive class")


def recall(
    truth: Labels, answers: Labels, positive: Hashable, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The share of examples truly `positive` that were answered so; `n` counts those examples.

    Wilson's interval. No such example: 0 with a `why`, and no interval.
    """
    t, a, w = _counted(truth, answers, weights)
    true = [x == positive for x in t]
    right = [y == positive for y, s in zip(a, true, strict=True) if s]
    return _or_zero(_rate(right, w[true], weights, level), len(t), "no example is of the positive class")


def f1(truth: Labels, answers: Labels, positive: Hashable, weights: ArrayLike | None = None) -> Estimate:
    """The harmonic mean of precision and recall of `positive`, 2tp/(2tp + fp + fn); without an interval.

    0 with a `why` where the class occurs neither in truth nor in answers.
    """
    t, a, w = _counted(truth, answers, weights)
    if not t:
        return undefined(NO_DATA)
    value = _f1(t, a, w, positive)
    if value is None:
        return bare(0.0, len(t), "the positive class occurs neither in truth nor in answers")
    return bare(value, len(t))


def macro_f1(truth: Labels, answers: Labels, weights: ArrayLike | None = None) -> Estimate:
    """The plain mean of F1 over the classes that occur in truth or answers; without an interval."""
    t, a, w = _counted(truth, answers, weights)
    if not t:
        return undefined(NO_DATA)
    classes = dict.fromkeys([*t, *(y for y in a if y is not None)])
    scores = [_f1(t, a, w, label) or 0.0 for label in classes]
    return bare(float(np.mean(scores)), len(t))


def balanced_accuracy(
    truth: Labels, answers: Labels, weights: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """The plain mean of recall over the classes that occur in truth.

    The interval is recovered from the Wilson intervals of the recalls, which are independent (`mover`).
    """
    t, a, w = _counted(truth, answers, weights)
    if not t:
        return undefined(NO_DATA)
    recalls = []
    for label in dict.fromkeys(t):
        of_class = [x == label for x in t]
        right = [y == label for y, s in zip(a, of_class, strict=True) if s]
        recalls.append(_rate(right, w[of_class], weights, level))
    return mover(tuple(recalls), np.full(len(recalls), 1 / len(recalls)))


def mcc(truth: Labels, answers: Labels, weights: ArrayLike | None = None) -> Estimate:
    """Matthews' correlation of truth and answers, for any number of classes; without an interval.

    (c·s - Σ t_k p_k)/sqrt((s² - Σ p_k²)(s² - Σ t_k²)) with s the total, c the right ones, t and p the
    margins (Gorodkin 2004). None counts as an answer of its own. Undefined where truth or answers are all
    of one class.
    """
    t, a, w = _counted(truth, answers, weights)
    if not t:
        return undefined(NO_DATA)
    index = {label: i for i, label in enumerate(dict.fromkeys([*t, *a]))}
    table = np.zeros((len(index), len(index)))
    np.add.at(table, ([index[x] for x in t], [index[y] for y in a]), w)
    true, said = table.sum(axis=1), table.sum(axis=0)
    for margin, name in ((true, "truth"), (said, "answers")):
        if np.count_nonzero(margin) < 2:
            return undefined(f"{name} holds a single class", len(t))
    s = float(table.sum())
    covariance = float(np.trace(table)) * s - float(true @ said)
    return bare(
        covariance / float(np.sqrt((s * s - true @ true) * (s * s - said @ said))),
        len(t),
    )


def _counted(
    truth: Labels, answers: Labels, weights: ArrayLike | None
) -> tuple[list[Hashable], list[Hashable], Floats]:
    """Truth, answers and weights of the examples that count, those of weight 0 left out."""
    t, a = list(truth), list(answers)
    same_length(len(t), len(a), "answers")
    if any(label != label for label in (*t, *a)):
        raise ValueError("labels hold NaN")
    w = weights_for(weights, len(t))
    kept = w > 0
    return (
        [x for x, k in zip(t, kept, strict=True) if k],
        [y for y, k in zip(a, kept, strict=True) if k],
        w[kept],
    )


def _rate(right: list[bool], w: Floats, weights: ArrayLike | None, level: float) -> Estimate:
    return proportion(np.array(right, dtype=np.float64), None if weights is None else w, level)


def _or_zero(rate: Estimate, n: int, why: str) -> Estimate:
    """The rate, or 0 with the reason where its denominator is empty though there are examples."""
    return bare(0.0, 0, why) if rate.value is None and n else rate


def _f1(truth: list[Hashable], answers: list[Hashable], w: Floats, label: Hashable) -> float | None:
    true = np.array([x == label for x in truth], dtype=np.bool_)
    said = np.array([y == label for y in answers], dtype=np.bool_)
    both = float(w[true & said].sum())
    margins = float(w[true].sum()) + float(w[said].sum())
    return 2 * both / margins if margins > 0 else None
