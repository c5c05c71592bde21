"""How long examples took, for figures and verdicts; where each has several samples, `n` counts examples.

Samples of one example take alike, so that so many samples say less than so many examples would. Intervals
and verdicts are those of as many durations as there are examples, evenly spaced among all that were measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.score.timing import FIRST_TOKEN
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.program import Bound
    from evalspec.metrics import BudgetCheck, Estimate
    from evalspec.score.judged import Judgement
    from evalspec.score.measures import Example

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds of each sample, infinite where it ran out of its time; and of how many examples they are."""

    seconds: Floats
    n: int

    @property
    def spaced(self) -> Floats:
        """As many of them as there are examples."""
        return spaced(self.seconds, self.n)

    def percentile(self, q: float) -> Estimate:
        """A percentile of them all."""
        found = metrics.percentile(self.seconds, q)
        if self.n == self.seconds.size or found.value is None:
            return found
        around = metrics.percentile(self.spaced, q)
        low, high = around.low, around.high
        return replace(
            found,
            low=None if low is None else min(low, found.value),
            high=None if high is None else max(high, found.value),
            n=self.n,
        )

    def within(self, q: float, bound: float) -> BudgetCheck:
        """Whether so many percent of durations like these are within a bound."""
        return metrics.budget_verdict(self.spaced, q, bound)


Of = Callable[["Judgement"], float | None]


def durations(heard: Sequence[Example], of: Of | None = None) -> Durations:
    """How long each sample took, summed over its steps, or what `of` tells of it.

    A timeout is longer than any bound.
    """
    of = of or whole_s
    found: list[float] = []
    rows: set[str] = set()
    for example in heard:
        seconds = of(example.judgement)
        if seconds is not None:
            found.append(seconds)
            rows.add(example.judgement.row.id)
    return Durations(np.array(found, dtype=np.float64), len(rows))


def whole_s(judgement: Judgement) -> float | None:
    """How long a sample took, in seconds."""
    if judgement.timed_out:
        return math.inf
    return None if judgement.latency_ns is None else judgement.latency_ns / 1e9


def first_token_s(judgement: Judgement) -> float | None:
    """Until its first token."""
    return None if judgement.timing is None else judgement.timing.first_token_s


def step_s(name: str) -> Of:
    """How long a step took; None where it did not run."""
    return lambda judgement: None if judgement.timing is None else judgement.timing.steps_s.get(name)


def part_s(bound: Bound) -> Of:
    """What a budget is about: the whole, the first token or a step."""
    if bound.label == FIRST_TOKEN:
        return first_token_s
    return whole_s if bound.step is None else step_s(bound.step)


def spaced(values: Floats, n: int) -> Floats:
    """`n` of the values in rising order, each in the middle of its share of them; all where there are `n`."""
    ordered = np.sort(values)
    if n >= ordered.size:
        return ordered
    middles = (2 * np.arange(n) + 1) * ordered.size // (2 * n)
    return ordered[middles]
