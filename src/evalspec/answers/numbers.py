"""Which number a text says: the reader of `number`, and of gold numbers.

The last number of the text, exactly: thousands separators, currency, percent signs and units are
dropped, so that `60%` is 60 and `5 million` is 5. What can be read in two ways (`3,14`, `1,2`), a
power, a time or a date is no number; where that is the last thing said, there is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from decimal import Context, Decimal

from evalspec.answers.finding import WORD, Finding, found, nothing
from evalspec.text.patterns import Pattern

MAX_DIGITS = 1000
MAX_EXPONENT = 1000
DIVISION = Context(prec=60)
# Enough digits for exact sums of numbers within the limits; nothing here may raise.
COMPARISON = Context(prec=3 * (MAX_DIGITS + MAX_EXPONENT), traps=[])

VULGAR = {
    chr(c): unicodedata.normalize("NFKC", chr(c))
    for c in (*range(0xBC, 0xBF), *range(0x2150, 0x215F), 0x2189)
}
SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
CURRENCY = "$€£¥₹₽₩₺₪₫₱฿₴¢"
BLANK = " \u00a0\u2009\u202f\u2007'’"  # what may part groups of three digits

NUMBER = Pattern(
    rf"""
    (?P<other> (?<![\d.,]) \d{{1,4}} (?P<bar>[-/.]) \d{{1,2}} (?P=bar) \d{{1,4}} (?![\d]) )      # a date
  | (?P<sign> (?<!{WORD}) (?<![)\]}}%]) [-−﹣－–+] | (?<==) \s? [-−] \s | (?<==\s) [-−] \s )?
    (?: [{CURRENCY}] \s? (?P<inner>[-−])? )?
    (?<!{WORD}) (?<!{WORD}_) (?<![^\W\d_]-) (?<!\d[.,]) (?<!\^) (?<!\^\s) (?<!\^{{) (?<!\^[-−]) (?<!\^{{[-−])
    (?:
        (?P<number>
            \d{{1,3}} (?: [{BLANK}] \d{{3}} (?!\d) )++ (?: [.,] \d++ )?
          | \d++ (?: [.,_] \d++ )*+
          | (?<![\d.]) \. \d++
        )
        (?: [eE] (?P<exponent>[-−+]?\d++) (?!{WORD}) )?+
        (?:
            \s? (?P<part> [{"".join(VULGAR)}] )
          | [ ] (?P<over>\d++) / (?P<under>\d++) (?! /? \d )
          | [ ]? / [ ]? (?P<divisor>\d++) (?! [.,/]? \d )
          | \s{{0,3}} (?:×|[xX*·⋅]|\\times|\\cdot) \s{{0,3}} 10
            (?: \s? (?:\^|\*\*) \s? \{{? (?P<ten>[-−+]?\d++) \}}? | (?P<raised>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]++) )
          | (?<=\b10) (?:\^|\*\*) \{{? (?P<tenth>[-−+]?\d++) \}}?
          | (?P<power> \s? \^ | \*\* \d | [⁰¹²³⁴⁵⁶⁷⁸⁹] | / \d | [xXeE] [-−+]? \d )
        )?+
      | (?P<vulgar> [{"".join(VULGAR)}] )
    )
    """,
    re.VERBOSE,
)
PLAIN = Pattern(r"\d+(?:\.\d+)?|\.\d+")
GROUPED = Pattern(
    rf"[1-9]\d{{0,2}}(?:([,_{BLANK}])\d{{3}})(?:\1\d{{3}})*(?:\.\d+)?|[1-9]\d?(?:,\d\d)+,\d{{3}}(?:\.\d+)?"
)
GROUPED_BY_DOTS = Pattern(
    rf"[1-9]\d{{0,2}}(?:\.\d{{3}})+,\d+|[1-9]\d{{0,2}}(?:\.\d{{3}}){{2,}}|[1-9]\d{{0,2}}(?:[{BLANK}]\d{{3}})+,\d+"
)
UNIT = Pattern(rf"\s?(?:[%‰°{CURRENCY}]|[^\W\d_]+[²³]?(?:/[^\W\d_]+[²³]?)?)?\.?")

FRACTION = Pattern(r"\\[dt]?frac\{([-−]?\d++)\}\{(\d++)\}")


def read_number(text: str) -> Finding:
    """The last number that a text says."""
    text = _without_latex(text)
    last = deque(NUMBER.finditer(text), maxlen=1)
    if not last:
        return nothing("no number stands in it" if text.strip() else "the response is empty")
    if re.search(r"\d:\Z", text[max(0, last[0].start() - 2) : last[0].start()]):
        return nothing("the last thing like a number is a time or a ratio")
    return _value(last[0])


def gold_number(gold: object) -> Decimal | None:
    """The number that a gold value is: a number, or a text that is one, with currency and unit if need be."""
    if isinstance(gold, bool):
        return None
    if isinstance(gold, Decimal | int | float):
        exact = Decimal(repr(gold)) if isinstance(gold, float) else Decimal(gold)
        return exact if _within_limits(exact) else None
    if not isinstance(gold, str):
        return None
    text = _without_latex(gold).strip()
    match = NUMBER.match(text)
    if match is None or not UNIT.fullmatch(text, match.end()):
        return None
    value = _value(match).value
    return value if isinstance(value, Decimal) else None


def same_number(
    answer: Decimal, gold: Decimal, *, relative: Decimal | None = None, absolute: Decimal | None = None
) -> bool:
    """Whether an answer is the gold number, or no further from it than `relative` (a share of the gold's
    size) or `absolute` allows."""
    if answer == gold:
        return True
    distance = COMPARISON.abs(COMPARISON.subtract(answer, gold))
    if relative is not None and distance <= COMPARISON.multiply(relative, COMPARISON.abs(gold)):
        return True
    return absolute is not None and distance <= absolute


def _without_latex(text: str) -> str:
    """The text with LaTeX's spaces in numbers, its escaped signs and its fractions written plainly."""
    if "\\" not in text and "{,}" not in text:
        return text
    plain = text.replace("\\!", "").replace("{,}", ",").replace("\\%", "%").replace("\\$", "$")
    plain = re.sub(r"(?<=\d)\\[,:; ](?=\d{3})", "", plain)
    plain = re.sub(r"(?<=\d)(?=\\[dt]?frac\{)", " ", plain)
    return FRACTION.sub(r"\1/\2", plain)


def _value(match: re.Match[str]) -> Finding:
    """The value of one matched number."""
    groups = match.groupdict()
    if groups["other"]:
        return nothing("the last thing like a number is a date or a version")
    if groups["power"]:
        return nothing("the last thing like a number is a power or a calculation")
    if any(len(part) > MAX_DIGITS for part in groups.values() if part):
        return nothing(f"a number of more than {MAX_DIGITS} digits")
    size = _size(groups)
    if size is None:
        return nothing("the last number can be read in more than one way")
    if not _within_limits(size):
        return nothing("a number out of range")
    negative = (groups["sign"] or "+").strip() != "+" or groups["inner"] is not None
    return found(size.copy_negate() if negative and size else size)


def _size(groups: dict[str, str | None]) -> Decimal | None:
    """The number without its sign; None for what can be read in more than one way."""
    if groups["vulgar"]:
        return _vulgar(groups["vulgar"])
    plain = _plain(groups["number"] or "")
    if plain is None:
        return None
    over, under, divisor = groups["over"], groups["under"], groups["divisor"]
    if groups["part"]:
        return COMPARISON.add(plain, _vulgar(groups["part"]))
    if over and under:
        share = _divided(Decimal(over), Decimal(under))
        proper = share is not None and share < 1 and plain == plain.to_integral_value()
        return COMPARISON.add(plain, share) if share is not None and proper else share
    if divisor:
        return _divided(plain, Decimal(divisor))
    if groups["tenth"]:
        return _scaled(Decimal(1), groups["tenth"]) if plain == 10 else None
    ten = groups["ten"] or (groups["raised"] or "").translate(SUPERSCRIPT)
    return _scaled(_scaled(plain, groups["exponent"]), ten)


def _plain(digits: str) -> Decimal | None:
    """The value of digits with their separators, where there is one way to read them."""
    if PLAIN.fullmatch(digits):
        return Decimal(digits)
    if GROUPED.fullmatch(digits):
        return Decimal(re.sub(rf"[,_{BLANK}]", "", digits))
    if GROUPED_BY_DOTS.fullmatch(digits):
        return Decimal(re.sub(rf"[.{BLANK}]", "", digits).replace(",", "."))
    return None


def _vulgar(sign: str) -> Decimal:
    over, under = VULGAR[sign].split("⁄")
    return DIVISION.divide(Decimal(over), Decimal(under))


def _divided(over: Decimal, under: Decimal) -> Decimal | None:
    return DIVISION.divide(over, under) if under else None


def _scaled(number: Decimal, exponent: str | None) -> Decimal:
    """The number times ten to an exponent; an exponent far out of range stays out of range."""
    if not exponent:
        return number
    power = exponent.replace("−", "-")
    capped = int(power) if len(power) <= 6 else 10 * MAX_EXPONENT
    return number.scaleb(max(-10 * MAX_EXPONENT, min(10 * MAX_EXPONENT, capped)), COMPARISON)


def _within_limits(number: Decimal) -> bool:
    if not number.is_finite():
        return False
    digits = len(number.as_tuple().digits)
    return digits <= 2 * MAX_DIGITS and abs(number.adjusted()) <= MAX_EXPONENT + MAX_DIGITS
