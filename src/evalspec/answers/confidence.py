"""How sure a candidate was: from the probabilities of tokens, from what it stated, or from what it gave.

A confidence that cannot be had is None with a reason, never a default: what is missing is counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from evalspec.answers.labels import fold
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.models.model import Answer, TokenChoice

TOLERANCE = 1e-6

STATED_INSTRUCTION = (
    "After your answer, add a last line that says how likely your answer is to be right, "
    "as a percentage from 0% to 100%, in this form:\nConfidence: N%"
)

STATED_LINE = Pattern(
    r"^[^\w\n]{0,12}confidence(?: level| score)?[*_`\s]{0,4}[:=]([^\n]*+)$", re.IGNORECASE | re.MULTILINE
)
STATED_AT_END = Pattern(
    r"(?<!\w)confidence(?: level| score)?[*_`]{0,3} ?[:=][ *_`~]{0,4}-?\d[\d.,]{0,12} ?%?[\s.*_`)\]]{0,8}\Z",
    re.IGNORECASE,
)
STATED_NUMBER = Pattern(
    r"[^\w%+-]{0,8}(-?\d{1,9}(?:\.\d{1,12}|,\d{1,2})?) ?(?:(%|percent\b)[^\d]*|[^\w%/]{0,8})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A response without its stated confidence, and that confidence (0 to 1) or why it is missing."""

    text: str
    confidence: float | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A distribution over labels. `probabilities` sum to 1 over all labels, those without any at 0; `mass`
    is what they summed to before; `begun` tells whether the token that was sampled names a label."""

    probabilities: Mapping[str, float]
    mass: float
    begun: bool = True

    def confidence(self, label: object) -> float | None:
        """The label's probability; None where it has none, which says nothing about the label."""
        return self.probabilities.get(label) or None if isinstance(label, str) else None

    def likeliest(self, preferred: object) -> str | None:
        """The label of the largest probability. Between equal ones `preferred`, if it is one of them."""
        top = max(self.probabilities.values())
        leaders = [label for label, p in self.probabilities.items() if p == top]
        if len(leaders) == 1:
            return leaders[0]
        return preferred if isinstance(preferred, str) and preferred in leaders else None


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no distribution, and why."""

    why: str


def take_stated(text: str) -> Stated:
    """The response without every line `Confidence: N%`, and the last one's confidence.

    The instruction asks for a percentage, so that 85 without a sign is 85 %; 0.85 and 1 without one
    could be shares as well, and are missing.
    """
    lines = list(STATED_LINE.finditer(text))
    if lines:
        kept, position = [], 0
        for line in lines:
            kept.append(text[position : line.start()])
            position = line.end()
        return _stated("".join((*kept, text[position:])), lines[-1][1])
    tail = text[-120:]
    match = STATED_AT_END.search(tail)
    if match is None:
        return Stated(text=text, why="no confidence was stated")
    rest = text[: len(text) - len(tail) + match.start()]
    return _stated(rest, match[0][max(match[0].find(":"), match[0].find("=")) + 1 :])


def _stated(text: str, said: str) -> Stated:
    match = STATED_NUMBER.fullmatch(said)
    if match is None:
        return Stated(text=text, why="the stated confidence is no percentage")
    percent = float(match[1].replace(",", "."))
    if match[2] is None and 0 < percent <= 1:
        return Stated(text=text, why="the stated confidence may be a share or a percentage")
    if not 0 <= percent <= 100:
        return Stated(text=text, why="the stated confidence is outside 0 to 100 %")
    return Stated(text=text, confidence=percent / 100)


def spread_of_tokens(
    tokens: tuple[TokenChoice, ...], onward: str | None, labels: tuple[str, ...]
) -> Spread | Unknown:
    """The distribution over labels at the first token of the answer that is not blank. The answer begins
    where `onward`, the response from the answer's first character to its end, does; without it, where
    the response does.

    A token names the label that it is the beginning of, case-blind, if it is that of one label only, or
    the label that it spells out. What fits several labels is nobody's.
    """
    token = _first_token(tokens, onward)
    if token is None:
        return Unknown("no token probabilities at the answer")
    weighed = {**dict(token.alternatives), token.token: token.logprob}
    masses = dict.fromkeys(labels, 0.0)
    for text, logprob in weighed.items():
        label = _named(text, labels)
        if label is None:
            continue
        probability = _probability(logprob)
        if probability is None:
            return Unknown("a token's probability is not between 0 and 1")
        masses[label] += probability
    mass = math.fsum(masses.values())
    if mass <= 0:
        return Unknown("no label got any probability")
    begun = _named(token.token, labels) is not None
    return Spread(probabilities=_shares(masses, mass), mass=min(mass, 1.0), begun=begun)


def spread_of_labels(answer: Answer, labels: tuple[str, ...]) -> Spread | Unknown:
    """The distribution that a candidate gave itself; labels that it does not name have probability 0.

    The probabilities must sum to 1 (within 1e-6), else they are no distribution over these labels.
    """
    if not answer.label_logprobs:
        return Unknown("no label probabilities were given")
    masses = dict.fromkeys(labels, 0.0)
    for text, logprob in answer.label_logprobs.items():
        label = text if text in masses else _folded(text, labels)
        probability = _probability(logprob)
        if probability is None:
            return Unknown("a label's probability is not between 0 and 1")
        if label is not None:
            masses[label] += probability
    mass = math.fsum(masses.values())
    if abs(mass - 1) > TOLERANCE:
        return Unknown(f"the labels' probabilities sum to {mass:.6g}, not to 1")
    return Spread(probabilities=_shares(masses, mass), mass=mass)


def own_confidence(answer: Answer) -> float | None:
    """The confidence that came with an answer; None without one, or where it is no probability."""
    given = answer.confidence
    return given if given is not None and 0 <= given <= 1 else None


def _first_token(tokens: tuple[TokenChoice, ...], onward: str | None) -> TokenChoice | None:
    if onward is None:
        return next((token for token in tokens if token.token.strip()), None)
    joined = "".join(token.token for token in tokens)
    start = joined.rfind(onward.strip())
    if start < 0:
        return None
    position = 0
    for token in tokens:
        position += len(token.token)
        if position > start and token.token.strip():
            return token
    return None


def _named(token: str, labels: Iterable[str]) -> str | None:
    """The one label that a token spells out, or is the beginning of."""
    text = _spelt(token)
    if not text:
        return None
    begun = [label for label in labels if _spelt(label).startswith(text)]
    spelt = [label for label in begun if _spelt(label) == text]
    if len(spelt) == 1:
        return spelt[0]
    return begun[0] if len(begun) == 1 else None


def _spelt(text: str) -> str:
    return text.strip().casefold().replace("_", " ")


def _folded(text: str, labels: Iterable[str]) -> str | None:
    same = [label for label in labels if fold(label) == fold(text)]
    return same[0] if len(same) == 1 else None


def _probability(logprob: float) -> float | None:
    """The probability behind a natural logarithm; a hair over 0 is rounding."""
    if math.isnan(logprob) or logprob > TOLERANCE:
        return None
    return math.exp(min(logprob, 0.0))


def _shares(masses: Mapping[str, float], mass: float) -> dict[str, float]:
    return {label: part / mass for label, part in masses.items()}
