"""Quantities as the language writes them: a number and its unit in one token.

`900ms` and `1.5s` are durations, `85%` is a ratio, `$0.012` is money, `4/s` is a rate. Durations are
whole nanoseconds and everything else is exact decimal, so that nothing is rounded before it is used.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass


class Unit(StrEnum):
    """What a quantity measures."""

    NUMBER = "number"
    DURATION = "duration"
    RATIO = "share"
    MONEY = "money"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit: seconds for durations, a fraction for shares, dollars, or per second."""

    value: Decimal
    unit: Unit
    text: str

    @property
    def nanoseconds(self) -> int:
        """The duration in whole nanoseconds (only for durations)."""
        return int(self.value * 1_000_000_000)

    def __str__(self) -> str:
        return self.text


class UnknownUnit(ValueError):
    """The suffix of a quantity is no unit of the language; its argument is the suffix."""


class OutOfRange(ValueError):
    """A number has so many digits that to compute with it would take forever."""


MOST_DIGITS = 30
SECONDS = {
    "us": Decimal("0.000001"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
PER = {"s": Decimal(1), "min": Decimal(60), "h": Decimal(3600)}
QUANTITY = Pattern(r"(\$?)([0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?)(.*)", re.DOTALL)


def read_quantity(text: str) -> Quantity:
    """The quantity that a token says; raises UnknownUnit for a suffix that is none, and OutOfRange."""
    match = QUANTITY.fullmatch(text)
    if match is None:
        raise UnknownUnit(text)
    dollar, digits, suffix = match.groups()
    number = _number(digits.replace("_", ""))
    if dollar:
        if suffix:
            raise UnknownUnit(suffix)
        return Quantity(number, Unit.MONEY, text)
    return _with_suffix(number, suffix, text)


def _number(digits: str) -> Decimal:
    """The number, exactly; raises OutOfRange before its digits are looked at where they are too many."""
    if len(digits) > 10 * MOST_DIGITS:
        raise OutOfRange(digits)
    number = Decimal(digits)
    if number and abs(number.adjusted()) > MOST_DIGITS:
        raise OutOfRange(digits)
    return number if number else Decimal(0)


def _with_suffix(number: Decimal, suffix: str, text: str) -> Quantity:
    if not suffix:
        return Quantity(number, Unit.NUMBER, text)
    if suffix == "%":
        return Quantity(number / 100, Unit.RATIO, text)
    if suffix in SECONDS:
        return Quantity(number * SECONDS[suffix], Unit.DURATION, text)
    if suffix.startswith("/") and suffix[1:] in PER:
        return Quantity(number / PER[suffix[1:]], Unit.RATE, text)
    raise UnknownUnit(suffix)


def short_duration(seconds: float) -> str:
    """A duration as a person reads it: `640 ms`, `1.4 s`, `3 min 20 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1000:.2g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(count: float, noun: str) -> str:
    """A count with its noun: `1 example`, `1,204 examples`."""
    return f"{count:,.0f} {noun}" + ("" if count == 1 else "s")
