"""Where the rest of one confidence goes when costs depend on the class, and what is decided by it.

A bare confidence c says nothing about which other label the truth would be. Three accounts of it, each a
distribution over the labels; then answering and abstaining are priced under the same one.
"""

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    TOLERANCE,
    Bools,
    Floats,
    Ints,
    fractions,
    numbers,
    same_length,
    weights_for,
)


def prior_spread(confidence: ArrayLike, answers: ArrayLike, prior: ArrayLike) -> Floats:
    """Examples × labels: c at the answer, the rest over the other labels in proportion to `prior`.

    `answers` are integer codes, `prior` a share or count for each label. Where the prior knows no other
    label the rest is spread evenly. The default of the policy; raises ValueError on fewer than two labels.
    """
    shares = weights_for(prior, np.size(prior))
    c, codes = _checked(confidence, answers, shares.size)
    others = np.repeat(shares[None, :], c.size, axis=0)
    others[np.arange(c.size), codes] = 0.0
    empty = others.sum(axis=1) == 0
    others[empty] = 1.0
    others[np.arange(c.size), codes] = 0.0
    return _around(c, codes, others)


def uniform_spread(confidence: ArrayLike, answers: ArrayLike, labels: int) -> Floats:
    """Examples × labels: c at the answer, the rest in equal parts over the other labels."""
    return prior_spread(confidence, answers, np.ones(labels))


def worst_case_spread(confidence: ArrayLike, answers: ArrayLike, costs: ArrayLike) -> Floats:
    """Examples × labels: c at the answer, the rest at the label under which that answer is dearest.

    `costs` truths × answers; of equally dear truths the first one.
    """
    matrix = _square(costs)
    c, codes = _checked(confidence, answers, matrix.shape[0])
    paid = matrix.T[codes].copy()
    paid[np.arange(c.size), codes] = -np.inf
    others = np.zeros_like(paid)
    others[np.arange(c.size), paid.argmax(axis=1)] = 1.0
    return _around(c, codes, others)


def promised_costs(
    probabilities: ArrayLike, answers: ArrayLike, costs: ArrayLike, abstain: ArrayLike
) -> tuple[Floats, Floats]:
    """What giving each answer and what abstaining is expected to cost: Σ_l p_l·C[l][answer], Σ_l p_l·A[l].

    `probabilities` examples × labels (rows add up to 1), `costs` truths × answers, `abstain` a price for
    each truth, or one for all.
    """
    matrix, p = _square(costs), np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] != matrix.shape[0]:
        raise ValueError(f"probabilities of shape {p.shape} do not fit costs of shape {matrix.shape}")
    fractions(p.ravel(), "probabilities")
    if np.any(np.abs(p.sum(axis=1) - 1) > 1e-6):
        raise ValueError("the probabilities of an example must add up to 1")
    codes = _codes(answers, matrix.shape[0])
    same_length(p.shape[0], codes.size, "answers")
    prices = np.broadcast_to(np.asarray(abstain, dtype=np.float64), (matrix.shape[0],))
    numbers(prices, "abstain")
    return np.einsum("ij,ji->i", p, matrix[:, codes]), p @ prices


def answering_pays(
    probabilities: ArrayLike, answers: ArrayLike, costs: ArrayLike, abstain: ArrayLike
) -> Bools:
    """Whether each answer is given: where it is expected to cost no more than abstaining (Chow 1970).

    On a tie, within 1e-12 of the largest figure, it is. It only chooses between the answer and abstaining;
    `best_action` relabels.
    """
    answering, abstaining = promised_costs(probabilities, answers, costs, abstain)
    largest = max(float(np.abs(np.asarray(costs, dtype=np.float64)).max()), float(np.abs(abstain).max()))
    given: Bools = answering <= abstaining + TOLERANCE * largest
    return given


def _around(c: Floats, codes: Ints, others: Floats) -> Floats:
    p: Floats = others / others.sum(axis=1, keepdims=True) * (1 - c)[:, None]
    p[np.arange(c.size), codes] = c
    return p


def _checked(confidence: ArrayLike, answers: ArrayLike, labels: int) -> tuple[Floats, Ints]:
    if labels < 2:
        raise ValueError("there must be at least two labels")
    c, codes = fractions(confidence, "confidence"), _codes(answers, labels)
    same_length(c.size, codes.size, "answers")
    return c, codes


def _codes(answers: ArrayLike, labels: int) -> Ints:
    codes = np.asarray(answers)
    if codes.size == 0:
        return np.zeros(0, dtype=np.int64)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError("answers must be integer codes of the labels")
    if codes.min() < 0 or codes.max() >= labels:
        raise ValueError("answers holds a label the costs do not know")
    return codes.astype(np.int64)


def _square(costs: ArrayLike) -> Floats:
    matrix = np.asarray(costs, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise ValueError("costs must be a square matrix of finite numbers, rows of truth, columns of answers")
    return matrix
