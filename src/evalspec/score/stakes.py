"""What an example's decision can come to cost, before anyone has answered: the stakes that are played for.

Known from the declared costs, the data and their golds alone, so that it may stand in a plan, a forecast or
the bound of a race.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalspec.answers.reading import Outcome, Reading, labels_of
from evalspec.language.program import CostByOutcome
from evalspec.score.policy import prices_for
from evalspec.score.weighing import PLAIN
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.program import Task
    from evalspec.score.judged import Judgement
    from evalspec.score.prices import Prices

MOST_LOOKED_AT = 2_000  # examples, evenly spread, where each has figures of its own


@dataclass(frozen=True, slots=True)
class Stakes:
    """The costs of one example: of the right answer, of each wrong one, and of no answer and abstaining."""

    right: float
    wrong: tuple[float, ...]
    otherwise: tuple[float, ...]

    @property
    def all(self) -> tuple[float, ...]:
        """Every cost that a decision can come to."""
        return (self.right, *self.wrong, *self.otherwise)


def stakes_of(task: Task, judgements: Sequence[Judgement], *, every: bool = False) -> Iterator[Stakes]:
    """The stakes of the examples, of at most 2,000 of them unless `every` one is asked for."""
    step = 1 if every else max(1, len(judgements) // MOST_LOOKED_AT)
    prices = prices_for(task, judgements, PLAIN)
    for judgement in judgements[::step]:
        labels = () if isinstance(task.costs, CostByOutcome) else labels_of(task.final, judgement.row.values)
        yield _stakes(prices, judgement, labels)


def _stakes(prices: Prices, judgement: Judgement, labels: Sequence[str]) -> Stakes:
    said = replace(judgement, reading=Reading(outcome=Outcome.ANSWERED))
    right = _cost(prices, replace(said, right=True, answer=judgement.truth))
    others = [label for label in labels if label != judgement.truth] if labels else [None]
    declined = replace(judgement, reading=Reading(outcome=Outcome.ABSTAINED), right=False, answer=None)
    unread = replace(judgement, reading=Reading(outcome=Outcome.NO_ANSWER), right=False, answer=None)
    otherwise = (_cost(prices, declined), _cost(prices, unread), prices.abstained(judgement))
    return Stakes(
        right=0.0 if right is None else right,
        wrong=tuple(_known(_cost(prices, replace(said, right=False, answer=label)) for label in others)),
        otherwise=tuple(_known(otherwise)),
    )


def _cost(prices: Prices, judgement: Judgement) -> float | None:
    return prices.answered(judgement)


def _known(costs: Iterator[float | None] | tuple[float | None, ...]) -> Iterator[float]:
    return (cost for cost in costs if cost is not None)
