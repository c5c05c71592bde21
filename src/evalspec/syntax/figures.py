"""What is wrong where a figure is written in a way that the language does not have, and how it is written.

`messages.py` asks these rules like its own; each gives None where no figure is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax import repairs
from evalspec.syntax.build import MEANT
from evalspec.text.diagnostics import problem
from evalspec.text.patterns import Pattern
from evalspec.text.source import Span
from evalspec.text.units import SECONDS

if TYPE_CHECKING:
    from evalspec.syntax.messages import Situation
    from evalspec.text.diagnostics import Diagnostic

UNITS = {**{unit: unit for unit in SECONDS}, **MEANT, "percentage": "%"}
DOLLARS = ("usd", "dollar", "dollars")
BARE = Pattern(r"[0-9][0-9_]*(\.[0-9]+)?")
THOUSANDS = Pattern(r"[0-9]{1,3}(,[0-9]{3})+(?![0-9A-Za-z_.,%])")
BEHIND_SIGN = Pattern(r"[ \t]*(-?)[ \t]*([0-9][0-9_]*(?:\.[0-9]+)?)(?![0-9A-Za-z_.%/])")


def misspelt_figure(here: Situation) -> Diagnostic | None:
    """The diagnostic for a figure whose parts stand apart, or that is written as elsewhere."""
    if here.token.type == "ODD":
        return _money(here) if here.token.value in "$€£¥" else _several(here)
    if here.token.value == "," and here.before is not None and here.before.type == "QUANTITY":
        return _thousands(here)
    if here.token.type in ("DOT", "PLUS"):
        return _half_a_number(here)
    return _unit_apart(here)


def _money(here: Situation) -> Diagnostic:
    """A sign of money that is not directly before a figure, or another currency's."""
    sign, text = here.token.value, here.source.text
    figure = BEHIND_SIGN.match(text, here.at.end)
    if figure is None:
        return problem("E0103", here.at, f"`{sign}` has no meaning here", "money is written `$5.00`")
    at = Span(here.source, here.at.start, figure.end())
    meant = f"{figure[1]}${figure[2]}"
    if sign != "$":
        said = f"`{sign}` has no meaning here: money is in dollars"
        return problem("E0103", at, said, f"write `{meant}`, or the number alone and `unit = …`")
    said = "`$` stands directly before its number"
    return problem("E0103", at, said, f"write `{meant}`", fixes=repairs.replaced(at, meant))


def _several(here: Situation) -> Diagnostic | None:
    """`@` or `^` apart from the name and figure that it joins."""
    if here.token.value not in "@^":
        return None
    said = f"`{here.token.value}` has no meaning here"
    return problem("E0103", here.at, said, "a metric with a figure is one word: `pass@10`, `coverage@5%`")


def _thousands(here: Situation) -> Diagnostic | None:
    assert here.before is not None  # noqa: S101 - the caller saw to it
    start = here.before.start_pos
    found = THOUSANDS.match(here.source.text, start)
    if found is None or here.entry[-1] is not here.before:
        return None
    at = Span(here.source, start, found.end())
    meant = found[0].replace(",", "_")
    return problem(
        "E0106", at, "a comma does not part thousands", f"write `{meant}`", fixes=repairs.replaced(at, meant)
    )


def _half_a_number(here: Situation) -> Diagnostic | None:
    """`.5` and `+5`."""
    figure = here.after
    ready = "SEP" not in here.accepts and figure is not None and figure.type == "QUANTITY"
    if not ready or figure is None or figure.start_pos != here.at.end:
        return None
    at = Span(here.source, here.at.start, figure.end_pos)
    meant = f"0.{figure.value}" if here.token.type == "DOT" else figure.value
    if here.token.type == "DOT" and "." in figure.value:
        return None
    said = f"`{here.token.value}` does not begin a number"
    return problem("E0101", at, said, f"write `{meant}`", fixes=repairs.replaced(at, meant))


def _unit_apart(here: Situation) -> Diagnostic | None:
    """`900 ms`, `85 percent`, `85 %`, `4 /s`, `5 usd`: the number and its unit are two words."""
    percent = here.before is not None and here.before.type == "PERCENT"
    number = here.entry[-2] if percent and len(here.entry) > 1 else here.before
    if number is None or number.type != "QUANTITY" or BARE.fullmatch(number.value) is None:
        return None
    if percent:
        unit, end = ("%", here.entry[-1].end_pos) if here.token.type in ("SEP", "RBRACE", "$END") else ("", 0)
    else:
        unit, end = _unit_of(here), here.at.end
    if not unit:
        return None
    at = Span(here.source, number.start_pos, end)
    meant = f"${number.value}" if unit == "$" else f"{number.value}{unit}"
    said = "a number and its unit are one word"
    code = "E0111" if percent else "E0106"
    return problem(code, at, said, f"write `{meant}`", fixes=repairs.replaced(at, meant))


def _unit_of(here: Situation) -> str:
    if here.token.type != "NAME":
        return ""
    word = here.token.value.lower()
    return "$" if word in DOLLARS else UNITS.get(word, "")
