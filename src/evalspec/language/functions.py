"""What the operators and functions of expressions do to values. Total: nothing here raises.

Missing values are None. Conditions over them follow three-valued logic, so that `not (x > 3)` is not
true either where x is missing.
"""

from __future__ import annotations

import datetime
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from enum import StrEnum

from evalspec.syntax.tree import Operator
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass, field

LONGEST = 10_000_000
SECONDS_FOR_A_PATTERN = 1.0


class Type(StrEnum):
    """The type of a column or expression. UNKNOWN fits everything: nothing is known before it runs."""

    TEXT = "text"
    NUMBER = "number"
    BOOL = "condition"
    DATE = "date"
    LIST = "list"
    OBJECT = "object"
    UNKNOWN = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the language: the types each argument may have, what it gives, and how."""

    name: str
    shape: str
    takes: tuple[frozenset[Type], ...]
    gives: Type
    apply: Callable[..., object] = field(repr=False)


def either(left: object, right: object) -> bool | None:
    """`or` in three-valued logic."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def both(left: object, right: object) -> bool | None:
    """`and` in three-valued logic."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else left is True and right is True


def negate(value: object) -> bool | None:
    """`not` in three-valued logic."""
    return None if value is None else value is not True


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def arithmetic(sign: Operator, left: object, right: object) -> object:
    """A number, or None where a side is missing or the result is none (division by zero, overflow)."""
    if not (_number(left) and _number(right)):
        return None
    calculate = {
        Operator.PLUS: operator.add,
        Operator.MINUS: operator.sub,
        Operator.TIMES: operator.mul,
        Operator.DIVIDED: operator.truediv,
        Operator.MODULO: operator.mod,
    }[sign]
    try:
        result = calculate(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    if isinstance(result, int) and result.bit_length() > 4096:
        return None
    return result if math.isfinite(float(result) if not isinstance(result, int) else 0) else None


def added(left: object, right: object) -> object:
    """The sum of numbers, or texts one behind the other."""
    if isinstance(left, str) and isinstance(right, str):
        return left + right if len(left) + len(right) <= LONGEST else None
    return arithmetic(Operator.PLUS, left, right)


def _comparable(left: object, right: object) -> bool:
    if type(left) is type(right) is str or (_number(left) and _number(right)):
        return True
    kinds = (str, bool, datetime.date, list, dict)
    return any(isinstance(left, kind) and isinstance(right, kind) for kind in kinds)


TESTS: Mapping[Operator, Callable[..., object]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.LESS_EQUAL: operator.le,
    Operator.MORE: operator.gt,
    Operator.MORE_EQUAL: operator.ge,
}


def compared(sign: Operator, left: object, right: object) -> bool | None:
    """The comparison, or None where a side is missing. Values of different types are unequal, unordered."""
    if left is None or right is None:
        return None
    if not _comparable(left, right):
        return {Operator.EQUAL: False, Operator.UNEQUAL: True}.get(sign)
    try:
        return bool(TESTS[sign](left, right))
    except TypeError:  # lists and objects have no order
        return None


def member_of(value: object, items: object, inside: bool) -> bool | None:
    """Whether a value is in a list (or is not, unless `inside`)."""
    if value is None or not isinstance(items, list):
        return None
    found = any(compared(Operator.EQUAL, value, item) is True for item in items)
    return found if inside else not found


def contained(whole: object, part: object) -> bool | None:
    """Whether a text contains a text, or a list a value. Case counts: `lower(x)` makes it not count."""
    if isinstance(whole, str) and isinstance(part, str):
        return part in whole
    return member_of(part, whole, True)


def field_of(value: object, key: str) -> object:
    """A field of an object, or None where there is none."""
    return value.get(key) if isinstance(value, Mapping) else None


def pattern_fault(pattern: str) -> str | None:
    """Why a text is no regular expression, or None where it is one.

    Python's own dialect is what the language promises; the engine that runs it, under a time limit, must
    take it too.
    """
    import regex

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what later versions of Python may read differently
        for compiled in (re.compile, regex.compile):
            try:
                compiled(pattern)
            except (re.error, regex.error, OverflowError, RecursionError) as fault:
                return str(fault)
    return None


def matched(value: object, pattern: str) -> bool | None:
    """Whether a regular expression is found in a text; None where it takes too long to say."""
    if not isinstance(value, str):
        return None
    import regex

    try:
        return regex.search(pattern, value, timeout=SECONDS_FOR_A_PATTERN) is not None
    except (TimeoutError, regex.error):
        return None


NUMBER_TEXT = Pattern(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?")


def to_number(value: object) -> object:
    """The number that a text says (`1,234.5` too), or None."""
    if isinstance(value, bool) or value is None:
        return None
    if _number(value):
        return value
    text = str(value).strip().replace("−", "-")
    if len(text) > 400 or not any(c.isdigit() for c in text) or not NUMBER_TEXT.fullmatch(text):
        return None
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return (
        (int(number) if number.is_integer() and abs(number) < 2**53 else number)
        if math.isfinite(number)
        else None
    )


def to_text(value: object) -> object:
    """The value as text, or None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def to_date(value: object) -> object:
    """The day that a text says in ISO form (`2026-11-23`, a time behind it is dropped), or None."""
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        return None


def is_missing(value: object) -> bool:
    """Whether there is nothing: null, an empty cell, or blanks only."""
    return value is None or (isinstance(value, str) and not value.strip())


def _of_text(apply: Callable[[str], object]) -> Callable[[object], object]:
    return lambda value: apply(value) if isinstance(value, str) else None


def _of_texts(apply: Callable[..., object]) -> Callable[..., object]:
    return lambda *values: apply(*values) if all(isinstance(v, str) for v in values) else None


def _length(value: object) -> object:
    return len(value) if isinstance(value, str | list | dict) else None


def _replaced(text: str, old: str, new: str) -> str | None:
    grown = len(text) + text.count(old) * max(0, len(new) - len(old)) if old else LONGEST + 1
    return text.replace(old, new) if grown <= LONGEST else None


TEXT = frozenset((Type.TEXT,))
SIZED = frozenset((Type.TEXT, Type.LIST, Type.OBJECT))
SCALAR = frozenset((Type.TEXT, Type.NUMBER, Type.BOOL, Type.DATE))
ANY = frozenset(Type)

FUNCTIONS: Mapping[str, Function] = {
    f.name: f
    for f in (
        Function(name="len", shape="len(text or list)", takes=(SIZED,), gives=Type.NUMBER, apply=_length),
        Function(
            name="words",
            shape="words(text)",
            takes=(TEXT,),
            gives=Type.NUMBER,
            apply=_of_text(lambda t: len(t.split())),
        ),
        Function(
            name="lower", shape="lower(text)", takes=(TEXT,), gives=Type.TEXT, apply=_of_text(str.lower)
        ),
        Function(
            name="upper", shape="upper(text)", takes=(TEXT,), gives=Type.TEXT, apply=_of_text(str.upper)
        ),
        Function(
            name="strip", shape="strip(text)", takes=(TEXT,), gives=Type.TEXT, apply=_of_text(str.strip)
        ),
        Function(
            name="starts_with",
            shape="starts_with(text, beginning)",
            takes=(TEXT, TEXT),
            gives=Type.BOOL,
            apply=_of_texts(str.startswith),
        ),
        Function(
            name="ends_with",
            shape="ends_with(text, ending)",
            takes=(TEXT, TEXT),
            gives=Type.BOOL,
            apply=_of_texts(str.endswith),
        ),
        Function(
            name="replace",
            shape="replace(text, old, new)",
            takes=(TEXT, TEXT, TEXT),
            gives=Type.TEXT,
            apply=_of_texts(_replaced),
        ),
        Function(name="number", shape="number(text)", takes=(SCALAR,), gives=Type.NUMBER, apply=to_number),
        Function(name="text", shape="text(value)", takes=(SCALAR,), gives=Type.TEXT, apply=to_text),
        Function(
            name="date",
            shape="date(text)",
            takes=(frozenset((Type.TEXT, Type.DATE)),),
            gives=Type.DATE,
            apply=to_date,
        ),
        Function(
            name="is_missing", shape="is_missing(value)", takes=(ANY,), gives=Type.BOOL, apply=is_missing
        ),
    )
}
