"""What each example contributes to a metric that is a mean, so that candidates can be compared in pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evalspec.answers.reading import Outcome
from evalspec.score.measures import MISSES, Example
from evalspec.score.samples import of_samples

Column = NDArray[np.float64]
RIGHT = ("accuracy", "end_to_end", "exact", "contains")
FLAGS = frozenset((*RIGHT, *MISSES, "error_rate"))  # metrics to which each example contributes 0 or 1
CLIP = 1e-3  # as in `metrics.log_loss`


def contributions(metric: str, examples: Sequence[Example]) -> Column | None:
    """The metric's contribution of each example, NaN where it has none; None for metrics that are no means.

    The mean of what is not NaN is the metric. Of an example with several samples it is the mean of those that
    have one. Overconfidence is left out, since it is ranked by the
    distance of a mean from 0, which is no mean itself.
    """
    repeated = of_samples(metric)
    if repeated is not None:
        return np.array([_nan(repeated([s.judgement for s in e.samples])) for e in examples])
    contribution = _rate(metric) if metric in MISSES or metric == "error_rate" else MEANS.get(metric)
    if any(metric in s.judgement.scores for e in examples for s in e.samples):
        contribution = _score_named(metric)
    if contribution is None:
        return None
    return np.array([_mean(contribution, e) for e in examples], dtype=np.float64)


def _mean(contribution: Callable[[Example], float | None], example: Example) -> float:
    if not example.others:
        return _nan(contribution(example))
    known = [value for sample in example.samples if (value := contribution(sample)) is not None]
    return math.fsum(known) / len(known) if known else math.nan


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _right(example: Example) -> float | None:
    right = example.judgement.right
    return None if right is None or not example.judgement.heard else float(right)


def _score_named(name: str) -> Callable[[Example], float | None]:
    """A score of texts, by the name that it has in this task."""

    def score(example: Example) -> float | None:
        value = example.judgement.scores.get(name)
        return None if value is None else float(value)

    return score


def _rate(metric: str) -> Callable[[Example], float | None]:
    outcomes = MISSES.get(metric, (Outcome.ERROR,))

    def flag(example: Example) -> float | None:
        outcome = example.judgement.outcome
        return None if outcome is Outcome.NOT_ASKED else float(outcome in outcomes)

    return flag


def _cost(example: Example) -> float | None:
    return example.decision.cost if example.decision is not None else None


def _price(example: Example) -> float | None:
    price = example.judgement.cost_usd if example.judgement.heard else None
    return None if price is None else 1000 * float(price)


def _total_cost(example: Example) -> float | None:
    cost, price = _cost(example), _price(example)
    return None if cost is None or price is None else cost + price / 1000


def _tokens(example: Example) -> float | None:
    tokens = example.judgement.output_tokens if example.judgement.heard else None
    return None if tokens is None else float(tokens)


def _confident(example: Example) -> tuple[float, float] | None:
    confidence, right = example.judgement.confidence, example.judgement.right
    return None if confidence is None or right is None else (confidence, float(right))


def _confidence(example: Example) -> float | None:
    both = _confident(example)
    return None if both is None else both[0]


def _brier(example: Example) -> float | None:
    both = _confident(example)
    return None if both is None else (both[0] - both[1]) ** 2


def _log_loss(example: Example) -> float | None:
    both = _confident(example)
    if both is None:
        return None
    given = both[0] if both[1] else 1 - both[0]
    return -math.log(min(max(given, CLIP), 1 - CLIP))


MEANS: Mapping[str, Callable[[Example], float | None]] = {
    **dict.fromkeys(RIGHT, _right),
    "expected_cost": _cost,
    "total_cost": _total_cost,
    "brier": _brier,
    "log_loss": _log_loss,
    "mean_confidence": _confidence,
    "cost_per_1k": _price,
    "output_tokens": _tokens,
}
