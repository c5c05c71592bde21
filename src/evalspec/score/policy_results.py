"""Policies in the form of results.json: what deciding by confidence costs, and what it promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalspec.score.result_figures import Document, figures, number

if TYPE_CHECKING:
    from evalspec.score.policy import PolicyScore
    from evalspec.score.reviews import Reviews
    from evalspec.text.values import Json

POINTS = 61  # of a cost curve: enough to draw it


def policy_json(policy: PolicyScore | None) -> Json:
    """A policy as a document; null where abstaining has no price."""
    if policy is None:
        return None
    costs, kept = policy.costs, policy.kept
    estimates = {
        "cost_as_is": costs.as_is,
        "cost_cross_fitted": costs.cross_fitted,
        "cost_recalibrated": costs.recalibrated,
        "cost_answer_all": costs.answer_all,
        "cost_abstain_all": costs.abstain_all,
    }
    return {
        "rule": policy.rule,
        "declared": policy.declared,
        "threshold": number(policy.threshold),
        "coverage": kept.coverage,
        **{name: number(estimate.value) for name, estimate in estimates.items()},
        "promised_cost": number(kept.promised_cost),
        "surprise": number(kept.surprise.value),
        "surprise_interval": figures(kept.surprise),
        "intervals": {name: figures(estimate) for name, estimate in estimates.items()},
        "promised_error": kept.promised_error,
        "realised_error": kept.realised_error,
        "verdict": policy.verdict,
        "recalibration": _recalibration(policy),
        "cost_curve": _curve(policy.reviews),
    }


def _recalibration(policy: PolicyScore) -> Document:
    """How confidences were recalibrated, or why they were not."""
    found: Document = {"method": policy.fit.method}
    return found if policy.fit.why is None else {**found, "why": policy.fit.why}


def _curve(reviews: Reviews) -> Json:
    """The cost curve at evenly spaced prices of a review, from nothing to what the dearest answer costs."""
    curve = reviews.curve()
    if not curve.fixed or reviews.dearest <= 0:
        return None
    price = np.linspace(0.0, reviews.dearest, POINTS)
    return {"n": curve.n, "price": price.tolist(), "cost": curve.at(price).tolist()}
