"""Made-up candidates, for trying a spec before anyone is asked: right this often, and sure of a kind.

Answers are made from the gold, so they say nothing about any model, and everything about what a spec would
show. Chance comes from a digest of seed, candidate and example: neither the order of asking, nor the other
examples, nor another run can change an answer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

from evalspec.models.model import Answer, Request
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import Simulated

LEAST_PROBABILITY = 1e-12
LATENCY_SPREAD = 0.25  # the standard deviation of the logarithm: p95 is 1.5 times the median
ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is right about an example, and what else could be said.

    `right` is None where abstaining is right. `labelled`: right and wrong are all the labels that an answer
    can be, so that they have a distribution.
    """

    right: str | None
    wrong: tuple[str, ...]
    labelled: bool


TruthOf = Callable[[Request], Truth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invention:
    """What answers are made up from: the truth about each request, and the seed of chance."""

    truth: TruthOf = field(repr=False)
    seed: int

    def model(self, name: str, use: Simulated) -> SimulatedModel:
        """The candidate that makes its answers up from this."""
        return SimulatedModel(name=name, use=use, truth=self.truth, seed=self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedModel:
    """A candidate whose answers are made up from the gold, which `truth` tells."""

    name: str
    use: Simulated
    truth: TruthOf = field(repr=False)
    seed: int
    endpoint: str = "simulated"

    def key(self, request: Request) -> None:
        """None: what can be made up again at any time is not stored."""

    async def ask(self, request: Request) -> Answer:
        """The made-up answer. Takes no time; its latency is a figure."""
        return self.answer(request)

    def answer(self, request: Request) -> Answer:
        """An answer that is right with the chance that was drawn for it, and that claims what the kind of
        confidence makes of that chance."""
        truth = self.truth(request)
        least = 1 / (1 + len(truth.wrong)) if truth.labelled else 0.0
        level, verdict, choice, delay = _drawn(self.seed, self.name, request)
        chance = chance_at(level, self.use.accuracy, least)
        claimed = claim(self.use.confidence, chance, least)
        right = verdict < chance
        said = truth.right if right or not truth.wrong else truth.wrong[int(choice * len(truth.wrong))]
        if not right and not truth.wrong:  # nothing else could be said: what cannot be read is not right
            return Answer(response="", latency_ns=self._latency(delay))
        return Answer(
            response=said or "",
            confidence=claimed,
            label_logprobs=_spread(truth, said, claimed) if truth.labelled and said is not None else None,
            outcome=ABSTAINED if said is None else None,
            latency_ns=self._latency(delay),
        )

    def _latency(self, at: float) -> int | None:
        """A log-normal duration whose median is the latency declared; None where none is."""
        if not self.use.latency_ns:
            return None
        return round(self.use.latency_ns * math.exp(LATENCY_SPREAD * NormalDist().inv_cdf(at)))


def chance_at(level: float, accuracy: float, least: float) -> float:
    """The chance of being right at a level (uniform from 0 to 1), with mean `accuracy` exactly.

    chance = least + (1 - least)·level^((1-m)/m), where m = (accuracy - least)/(1 - least): a power of a
    uniform U has mean E[U^k] = 1/(1+k) = m. `least` is a blind guess among labels, below which the answer
    would not be the likeliest one; a candidate that is less accurate than that guesses from 0 upwards.
    """
    floor = least if accuracy > least else 0.0
    m = (accuracy - floor) / (1 - floor) if floor < 1 else 1.0
    if m <= 0:
        return floor
    return floor + (1 - floor) * math.pow(level, (1 - m) / m)


def claim(kind: str, chance: float, least: float) -> float:
    """The confidence that is stated where the chance of being right is `chance`.

    Calibrated: the chance itself, so that P(right | c) = c. Overconfident: half the doubt, 1 - c =
    (1 - chance)/2, so that P(right | c) = 2c - 1. Underconfident: a quarter of the way down to a blind
    guess, c = chance - (chance - least)/4, so that P(right | c) = (4c - least)/3.
    """
    if kind == "overconfident":
        return 1 - (1 - chance) / 2
    if kind == "underconfident":
        return chance - (chance - min(least, chance)) / 4
    return chance


def _spread(truth: Truth, said: str, claimed: float) -> dict[str, float]:
    """Logarithms of the labels' probabilities: the answer's is what is claimed, the rest is shared evenly."""
    labels = [label for label in (truth.right, *truth.wrong) if label is not None]
    rest = (1 - claimed) / max(1, len(labels) - 1)
    return {label: math.log(max(claimed if label == said else rest, LEAST_PROBABILITY)) for label in labels}


def _drawn(seed: int, name: str, request: Request) -> tuple[float, float, float, float]:
    """Four numbers between 0 and 1, from who is asked, about what, for which time."""
    asked = (str(seed), name, request.task, request.step, request.example, str(request.sample))
    digest = hashlib.sha256("\0".join(asked).encode("utf-8", "surrogatepass")).digest()
    level, verdict, choice, delay = (int.from_bytes(digest[i : i + 8]) >> 11 for i in range(0, 32, 8))
    unit = 2.0**-53
    return (level + 0.5) * unit, (verdict + 0.5) * unit, (choice + 0.5) * unit, (delay + 0.5) * unit
