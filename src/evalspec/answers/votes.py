"""Several readings of one question: which of them say the same, and what most of them say.

Behind `reading.py`, where a step takes its confidence from votes; the scores ask `ballot` too, whether two
samples of an example agree.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from evalspec.answers.outcome import Outcome, Reading
from evalspec.answers.texts import comparable
from evalspec.language.answer_types import JsonAnswer, SomeOf, TextAnswer
from evalspec.language.judging import Exact
from evalspec.language.program import ConfidenceSource, Step
from evalspec.text.values import dataclass, replace

UNCOUNTED = (Outcome.ERROR, Outcome.NOT_ASKED)
STATING = (Outcome.ANSWERED, Outcome.ABSTAINED)


@dataclass(frozen=True, slots=True)
class Elected:
    """What most readings say, and the place of the first one that says it."""

    reading: Reading
    place: int


def ballot(step: Step, reading: Reading) -> str:
    """What a reading says, so that two that say the same are equal: the outcome, and of an answer its value.

    Numbers are equal by value, sets whatever their order, objects by the fields that are scored, texts as
    `exact` compares them where it is the score. What is no answer is like every other of its outcome.
    """
    if reading.outcome is not Outcome.ANSWERED:
        return reading.outcome.value
    return f"{reading.outcome.value} {_text(_alike(_compared(step, reading.value)))}"


_text = json.JSONEncoder(sort_keys=True).encode


def _compared(step: Step, value: object) -> object:
    """What of an answer tells it from others."""
    match step.answer:
        case TextAnswer() if isinstance(step.score, Exact) and not step.scores:
            return comparable(str(value), step.score.ignore)
        case SomeOf() if isinstance(value, tuple | list):
            return sorted(map(str, value))
        case JsonAnswer(fields=fields) if isinstance(value, Mapping):
            scored = {f.name for f in fields if f.scored}
            return {name: held for name, held in value.items() if name in scored}
        case _:
            return value


def _alike(value: object) -> object:
    """A value as JSON, in which 8, 8.0 and 80e-1 are the same."""
    match value:
        case str() | bool() | None:
            return value
        case Decimal() if value.is_finite():
            sign, digits, exponent = value.as_tuple()
            text = "".join(map(str, digits)).lstrip("0")
            kept = text.rstrip("0")
            return ["number", sign if kept else 0, kept, int(exponent) + len(text) - len(kept) if kept else 0]
        case Mapping():
            return {str(key): _alike(item) for key, item in value.items()}
        case list() | tuple():
            return [_alike(item) for item in value]
        case _:
            return str(value)


def elect(step: Step, readings: Sequence[Reading]) -> Elected:
    """The answer that most readings give, its confidence the share of those heard that give it.

    Answers and abstentions are votes; what is unreadable, refused or cut off counts among those heard and
    is no vote. A request that failed is neither. Between equally many, the answer that
    was given first. Where one was not asked yet, nothing is decided; where nobody voted, the commonest of
    what there was.
    """
    waiting = next((i for i, r in enumerate(readings) if r.outcome is Outcome.NOT_ASKED), None)
    if waiting is not None:
        return Elected(readings[waiting], waiting)
    heard = [i for i, r in enumerate(readings) if r.outcome not in UNCOUNTED]
    votes = [i for i in heard if readings[i].outcome in STATING]
    among = votes or heard or list(range(len(readings)))
    said = {i: ballot(step, readings[i]) for i in among}
    counts = Counter(said.values())
    place = max(among, key=lambda i: (counts[said[i]], -i))
    reading = readings[place]
    if reading.outcome is not Outcome.ANSWERED:
        return Elected(reading, place)
    share = counts[said[place]] / len(heard)
    return Elected(
        replace(
            reading,
            confidence=share,
            distribution=None,
            mass=None,
            source=ConfidenceSource.VOTES,
            why=None,
        ),
        place,
    )
