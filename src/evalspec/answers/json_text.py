"""The JSON objects and lists that stand in a text, strictly read: the ground of `json` and `tool_call`.

What a model wrote is hostile until it is shown to be sound: a key given twice, half a character, NaN, a
number without end, nesting over 200 levels make a value unsound, and an unsound one fits nothing. The
search is bounded: a text that is nothing but braces is given up, not searched for hours.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum

from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

DEEPEST = 200
MOST_PARTS = 20_000
MOST_FAILURES = 500
LAST_KEPT = 100
LONGEST_NUMBER = 400
LONGEST_EXPONENT = 3
OPENING = {"{": re.compile(r"\{(?=\s*+[\"}])"), "[": re.compile(r"\[(?=\s*+[\"\]{\[\d\-tfn])")}
FENCE_LINE = Pattern(r"(?:(?:`{3,}|~{3,})\s?\w*)?")
FENCED = Pattern(r"\A\s*(?:`{3,}|~{3,})[^\n]*\n([\s\S]*?)\n?[ \t]*(?:`{3,}|~{3,})\s*\Z")


class _Unsound(Enum):
    """Stands where a value cannot be taken as it was written."""

    UNSOUND = "unsound"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A JSON value that stands in a text, and where; `sound` tells whether it may be believed."""

    value: object
    start: int
    end: int
    sound: bool


def values_in(text: str, opening: str) -> tuple[Stretch, ...]:
    """The outermost objects (`{`) or lists (`[`) of a text in order, the last hundred of them.

    None are found in a text that would take more work than a few readings of it.
    """
    kept: deque[tuple[object, int, int]] = deque(maxlen=LAST_KEPT)
    budget, failures, position = 2 * len(text) + 10_000, 0, 0
    while (place := OPENING[opening].search(text, position)) is not None:
        start = place.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as fault:
            budget -= fault.pos - start
            position = start + 1
        except RecursionError:  # the depth at which Python gives up lies far beyond what is sound
            budget -= len(text) - start
            position = start + 1
        else:
            kept.append((value, start, end))
            position = end
            continue
        failures += 1
        if budget < 0 or failures > MOST_FAILURES:
            return ()
    return tuple(Stretch(value, start, end, sound(value)) for value, start, end in kept)


def object_of(text: str) -> dict[str, object] | None:
    """The sound object that a text is; None for anything else."""
    value = _value_of(text)
    return value if isinstance(value, dict) else None


def list_of(text: str) -> list[object] | None:
    """The sound list that a text is, fenced or not; None for anything else."""
    value = _value_of(unfenced(text))
    return value if isinstance(value, list) else None


def unfenced(text: str) -> str:
    """What stands in the fence, where the text is one fence and nothing else; else the text."""
    found = FENCED.match(text) if text.lstrip()[:3] in ("```", "~~~") else None
    return found[1] if found is not None else text


def alone(text: str, stretch: Stretch) -> bool:
    """Whether the text is that value and nothing else, but for a fence and blanks around it."""
    before, behind = text[: stretch.start].strip(), text[stretch.end :].strip()
    return FENCE_LINE.fullmatch(before) is not None and FENCE_LINE.fullmatch(behind) is not None


def _value_of(text: str) -> object:
    try:
        value = _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return None
    return value if sound(value) else None


def _number(text: str) -> Decimal | _Unsound:
    exponent = text.casefold().partition("e")[2].lstrip("+-")
    if len(text) > LONGEST_NUMBER or len(exponent) > LONGEST_EXPONENT:
        return _Unsound.UNSOUND
    return Decimal(text)


def _object(pairs: list[tuple[str, object]]) -> object:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Unsound.UNSOUND


def _constant(text: str) -> _Unsound:
    return _Unsound.UNSOUND


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant
)


def sound(value: object) -> bool:
    """Whether a value is not too deep, not too large, and made of nothing that cannot be believed."""
    level, parts = [value], 0
    for _ in range(DEEPEST + 1):
        parts += len(level)
        if parts > MOST_PARTS or not all(map(_believable, level)):
            return False
        level = [child for one in level for child in _children(one)]
        if not level:
            return True
    return False


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _believable(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    return value is not _Unsound.UNSOUND
