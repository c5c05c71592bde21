"""A JSON object of one probability for each label: which is the largest, and the distribution it says."""

from __future__ import annotations

from decimal import Decimal

from evalspec.answers.confidence import Spread, Unknown
from evalspec.answers.json_text import values_in
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

ROUNDING = Decimal("0.1")  # a sum off 1 by no more is rounding, and is made to be 1
PERCENTAGE = Pattern(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s?(%?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What an object of probabilities says: its likeliest label, or None and `why` there is none; and the
    distribution, or why it is none."""

    leader: str | None
    why: str = ""
    spread: Spread | Unknown


def share_of(said: object) -> Decimal | None:
    """A share as a number or text (`0.85`), or a percentage as text (`85%`); None for anything else."""
    if isinstance(said, Decimal):
        return said
    match = PERCENTAGE.fullmatch(said) if isinstance(said, str) else None
    return None if match is None else Decimal(match[1]) / 100 if match[2] else Decimal(match[1])


def chances_in(text: str, labels: tuple[str, ...]) -> Chances | None:
    """What the last object of a text that has a figure for each label says; None where no object is about
    the labels. An object that names some of them only says none: what it leaves out may be the likeliest.

    Figures that sum to 1, or to 100, are probabilities, give or take a tenth for rounding.
    """
    objects = [s.value for s in values_in(text, "{") if s.sound and isinstance(s.value, dict)]
    for said in reversed(objects):
        figures = _figures(said, labels)
        if figures is not None:
            return _chances(figures)
    if any(_about(said, labels) for said in objects):
        why = "its object has no probability for each label"
        return Chances(leader=None, why=why, spread=Unknown(why))
    return None


def _about(said: dict[str, object], labels: tuple[str, ...]) -> bool:
    return not {key.strip().casefold() for key in said}.isdisjoint(label.casefold() for label in labels)


def _figures(said: dict[str, object], labels: tuple[str, ...]) -> dict[str, Decimal] | None:
    keys = {key.strip().casefold(): key for key in reversed(said)}
    found: dict[str, Decimal] = {}
    for label in labels:
        key = label if label in said else keys.get(label.casefold())
        share = share_of(said[key]) if key is not None else None
        if share is None or share < 0:
            return None
        found[label] = share
    return found if any(found.values()) else None


def _chances(figures: dict[str, Decimal]) -> Chances:
    top = max(figures.values())
    leaders = [label for label, figure in figures.items() if figure == top]
    total = sum(figures.values(), Decimal(0))
    whole = Decimal(100) if abs(total - 100) <= 100 * ROUNDING else Decimal(1)
    mass = total / whole
    spread: Spread | Unknown = Unknown(f"the probabilities sum to {float(total):.6g}, not to 1")
    if abs(mass - 1) <= ROUNDING:
        spread = Spread(probabilities={k: float(f / total) for k, f in figures.items()}, mass=float(mass))
    if len(leaders) > 1:
        return Chances(leader=None, why="several labels are equally likely", spread=spread)
    return Chances(leader=leaders[0], spread=spread)
