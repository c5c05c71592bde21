"""When the requests of a latency pass are due: the same moments for every candidate, known beforehand.

Values from a load and a seed alone. Under a load by the clock arrivals are a Poisson process, as those of
many people are who know nothing of each other; the pass is cut into blocks, in which the candidates take
turns, so that what changes with the hour changes for all of them. Times are nanoseconds since the pass began.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import Budgets

WARMUP = 10  # requests at the beginning of each block, where the spec does not say
MOST_BLOCKS = 4
SHORTEST_BLOCK_NS = 15_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many requests a second by the clock (`rate_per_s`) or so many in flight, how long, behind how many
    that warm up."""

    rate_per_s: float | None
    in_flight: int | None
    duration_ns: int
    warmup: int = WARMUP

    @property
    def open_loop(self) -> bool:
        """Whether requests come by the clock, whatever became of those before."""
        return self.rate_per_s is not None

    @property
    def said(self) -> str:
        """The load as it is written: `4/s` or `8 in flight`."""
        return f"{self.rate_per_s:g}/s" if self.rate_per_s is not None else f"{self.in_flight} in flight"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that is due: when, the how manieth of its candidate it is, and whether it only warms up."""

    due_ns: int
    number: int
    warmup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A candidate's turn. Under a load in flight it has no arrivals, and `warmup` requests come first."""

    candidate: str
    begins_ns: int
    ends_ns: int
    arrivals: tuple[Arrival, ...] = ()


def load_of(budgets: Budgets | None) -> Load | None:
    """The load that a task's budgets ask for, if any."""
    if budgets is None or budgets.duration_ns is None:
        return None
    if budgets.rate_per_s is None and budgets.in_flight is None:
        return None
    return Load(
        rate_per_s=budgets.rate_per_s,
        in_flight=budgets.in_flight,
        duration_ns=budgets.duration_ns,
        warmup=WARMUP if budgets.warmup is None else budgets.warmup,
    )


def blocks_of(load: Load, candidates: Sequence[str], seed: str) -> tuple[Block, ...]:
    """The turns of the candidates one after the other, each candidate's first one in another place.

    All candidates have the same arrivals with the same numbers, by which examples are taken in turn.
    """
    rounds = _rounds(load, len(candidates))
    chance = random.Random(seed)  # noqa: S311  arrivals are no secret
    found: list[Block] = []
    begins, numbers = 0, count()
    for number in range(rounds):
        length = load.duration_ns * (number + 1) // rounds - load.duration_ns * number // rounds
        dues, warmups = _dues(load, length, chance)
        arrivals = tuple(Arrival(due, next(numbers), i < warmups) for i, due in enumerate(dues))
        lasts = (arrivals[warmups - 1].due_ns if warmups else 0) + length
        for place in range(len(candidates)):
            name = candidates[(place + number) % len(candidates)]
            moved = tuple(Arrival(a.due_ns + begins, a.number, a.warmup) for a in arrivals)
            found.append(Block(candidate=name, begins_ns=begins, ends_ns=begins + lasts, arrivals=moved))
            begins += lasts
    return tuple(found)


def requests_of_each(blocks: Sequence[Block], candidates: int) -> int:
    """How many requests each candidate gets, those that warm up included."""
    return sum(len(block.arrivals) for block in blocks) // max(1, candidates)


def _rounds(load: Load, candidates: int) -> int:
    if candidates < 2:
        return 1
    return max(1, min(MOST_BLOCKS, load.duration_ns // SHORTEST_BLOCK_NS))


def _dues(load: Load, length: int, chance: random.Random) -> tuple[list[int], int]:
    """When requests are due since a block began, and how many of them warm up; none without a clock."""
    if load.rate_per_s is None:
        return [], 0
    dues: list[int] = []
    at = 0.0
    for _ in range(load.warmup):
        at += chance.expovariate(load.rate_per_s)
        dues.append(int(at * 1e9))
    ends = (dues[-1] if dues else 0) + length
    while (due := int((at := at + chance.expovariate(load.rate_per_s)) * 1e9)) < ends:
        dues.append(due)
    return dues, load.warmup
