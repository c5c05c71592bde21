"""Chains in a latency pass: what an arrival asks first, and what next, once its last answer is read.

One arrival is one conversation, whose steps run one after the other. Templates are rendered and answers read
on this side, so that the process that measures goes on sending what is due meanwhile; the time that this
takes lies between two steps, is part of the response time, and counts as our own side's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.plan.conversations import Conversation, Visit, converse
from evalspec.plan.plan import Passing
from evalspec.run.latency_talk import answer_in
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.models.model import Request
    from evalspec.plan.plan import PlannedTask


def first_request(planned: PlannedTask, candidate: ModelSpec, example: int) -> Request | None:
    """What a chain asks first about an example; None where it asks nothing."""
    return next(_begun(planned, candidate, example), None)


@dataclass(slots=True)
class Conversations:
    """The conversations of a chain's arrivals that are under way, each by its place."""

    planned: PlannedTask
    requests: Mapping[str, Sequence[Request]]  # what each candidate is asked first, in turn
    underway: dict[int, Conversation] = field(default_factory=dict)
    _indexes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._indexes.update({row.id: i for i, row in enumerate(self.planned.rows)})

    def next(self, line: Mapping[str, object]) -> tuple[int, Request | None]:
        """The arrival that asks, and what it asks next; None where it has come to its end."""
        place, name = int(str(line["asks_on"])), str(line["candidate"])
        conversation = self.underway.get(place)
        if conversation is None:
            conversation = self._begin(name, int(str(line["number"])))
            next(conversation)  # what was asked first
            self.underway[place] = conversation
        try:
            return place, conversation.send(answer_in(line))
        except StopIteration:
            del self.underway[place]
            return place, None

    def _begin(self, name: str, number: int) -> Conversation:
        own = self.requests[name]
        example = own[number % len(own)].example
        candidate = next(c for c in self.planned.candidates if c.name == name)
        return _begun(self.planned, candidate, self._indexes[example])


def _begun(planned: PlannedTask, candidate: ModelSpec, example: int) -> Conversation:
    visit = Visit(planned.task.name, candidate.name, example, Passing.FREE)
    return converse(planned, candidate, visit)
