"""Which of many names another was meant to be: quickly, also where thousands are declared and misspelt."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEAR_ENOUGH = 0.66
FEW = 300  # up to so many names each is compared; difflib takes some 10 µs for one


def closest(name: str, names: tuple[str, ...]) -> str | None:
    """The name most like another, case-blind, if one is near enough.

    Where there are many names, only those that differ by one letter (too much, missing, another, or
    swapped with its neighbour) are compared, so that a thousand mistakes take no minutes.
    """
    few = _by_folded(names) if len(names) <= FEW else _candidates(name.casefold(), names)
    found = difflib.get_close_matches(name.casefold(), few, n=1, cutoff=NEAR_ENOUGH)
    return few[found[0]] if found else None


def _by_folded(names: tuple[str, ...]) -> Mapping[str, str]:
    return {name.casefold(): name for name in names}


def _candidates(folded: str, names: tuple[str, ...]) -> Mapping[str, str]:
    """The names of which one letter taken out, or none, gives what one taken out of this, or none, gives."""
    index = _index(names)
    return _by_folded(tuple(name for short in _shortened(folded) for name in index.get(short, ())))


@lru_cache(maxsize=8)
def _index(names: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The names by themselves and by themselves without one letter."""
    index: dict[str, list[str]] = {}
    for name in names:
        for short in _shortened(name.casefold()):
            index.setdefault(short, []).append(name)
    return index


def _shortened(folded: str) -> Iterator[str]:
    yield folded
    if len(folded) <= 100:  # what is longer is no name that anyone misspells
        yield from {folded[:i] + folded[i + 1 :] for i in range(len(folded))}
