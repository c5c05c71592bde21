"""The course of one arrival in a latency pass: what was asked, when, and what came, as its line tells it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.run.under_load import Fate
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.text.values import Json


@dataclass(slots=True, kw_only=True)
class Leg:
    """One request: when it was taken up, sent (as far as somebody `noted` it) and over, and what came."""

    step: str
    taken_up: int
    noted: list[int]
    ended: int = 0
    reply: Answer | Failure | None = None

    @property
    def fate(self) -> Fate:
        """What became of it; without a reply it ran out of its time."""
        match self.reply:
            case None | Failure(kind=FailureKind.TIMEOUT):
                return Fate.TIMED_OUT
            case Failure():
                return Fate.FAILED
            case Answer():
                return Fate.ANSWERED

    @property
    def sent(self) -> int:
        if self.noted:
            return self.noted[-1]
        # Nobody noted it (a function, litellm): what such a candidate took ended when it was over.
        taken = self.reply.latency_ns if isinstance(self.reply, Answer) else None
        return self.taken_up if taken is None else max(self.taken_up, self.ended - taken)

    @property
    def last(self) -> int | None:
        """When the last token was there; None where nothing came."""
        if self.reply is None:
            return None
        taken = self.reply.latency_ns if isinstance(self.reply, Answer) else None
        return self.ended if taken is None else self.sent + taken

    @property
    def first(self) -> int | None:
        """When the first token was there, of what came token by token."""
        first = self.reply.first_token_ns if isinstance(self.reply, Answer) else None
        return None if first is None else self.sent + first


@dataclass(slots=True)
class Course:
    """What an arrival asked so far, by `perf_counter_ns`. `over`: there is nothing more to ask."""

    admitted: int
    over: bool = False
    legs: list[Leg] = field(default_factory=list)

    def asks(self, step: str, noted: list[int]) -> None:
        """A request goes out now; `noted` gets when exactly."""
        self.legs.append(Leg(step=step, taken_up=time.perf_counter_ns(), noted=noted))

    def has(self, reply: Answer | Failure) -> None:
        """It is over."""
        self.legs[-1].ended, self.legs[-1].reply = time.perf_counter_ns(), reply

    @property
    def fate(self) -> Fate:
        return self.legs[-1].fate if self.over else Fate.TIMED_OUT

    def told(self, begun: int, *, each_step: bool) -> Iterator[tuple[str, Json]]:
        """Its times since the pass began, in a chain also those of each step; and what the money is settled
        by."""
        yield "admitted_ns", self.admitted - begun
        yield "cost_usd", self._cost()
        if not self.legs:
            return
        last = self.legs[-1]
        yield "sent_ns", self.legs[0].sent - begun
        yield "first_ns", _since(last.first, begun)
        yield "last_ns", _since(last.last, begun)
        match last.reply:
            case Answer() as answer:
                yield "output_tokens", answer.output_tokens
            case Failure() as failure:
                yield "status", failure.status
                yield "message", failure.message
            case None:
                pass
        if each_step:
            yield (
                "legs",
                [
                    [
                        leg.step,
                        leg.fate.value,
                        leg.sent - begun,
                        _since(leg.first, begun),
                        _since(leg.last, begun),
                    ]
                    for leg in self.legs
                ],
            )

    def _cost(self) -> str | None:
        """What its answers cost, where that is known of all of them."""
        answers = [leg.reply for leg in self.legs if isinstance(leg.reply, Answer)]
        known = [answer.cost_usd for answer in answers if answer.cost_usd is not None]
        return str(sum(known, Decimal(0))) if known and len(known) == len(answers) else None


def _since(at: int | None, begun: int) -> int | None:
    return None if at is None else at - begun


def cost_told(line: Mapping[str, object]) -> Decimal | None:
    """What an arrival cost, as far as its line tells."""
    cost = line.get("cost_usd")
    return Decimal(cost) if isinstance(cost, str) else None
