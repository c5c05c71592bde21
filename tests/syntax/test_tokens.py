"""Strings, quantities and the words that are operators only at times."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.syntax import tree
from evalspec.syntax.parse import parse
from evalspec.syntax.strings import long_text
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import Source
from evalspec.text.units import OutOfRange, Quantity, Unit, UnknownUnit, read_quantity


def parsed(text: str) -> tuple[tuple[tree.Entry, ...], tuple[Diagnostic, ...]]:
    file, faults = parse(Source(name="a.eval", text=text))
    return file.entries, faults


def value_of(written: str) -> tree.Expr:
    """The value of an attribute written so."""
    (entry,), faults = parsed(f"x = {written}")
    assert faults == ()
    assert isinstance(entry, tree.Attribute)
    return entry.value


# ── strings ───────────────────────────────────────────────────────────────────────────────────────


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_string_says_what_was_written(text: str) -> None:
    value = value_of(json.dumps(text))
    assert isinstance(value, tree.Text)
    assert value.text == text


@given(st.text(alphabet=st.characters(exclude_characters='"\n\r', exclude_categories=["Cs"])))
def test_a_raw_string_keeps_every_backslash(text: str) -> None:
    value = value_of(f'r"{text}"')
    assert isinstance(value, tree.Text)
    assert (value.text, value.form) == (text, "raw")


@given(st.lists(st.text(alphabet="ab {}\\'é", max_size=8), min_size=1, max_size=5), st.integers(0, 8))
def test_a_long_string_loses_its_indentation_and_nothing_else(lines: list[str], indent: int) -> None:
    lines = [line.rstrip() for line in lines]
    lines[0] = "x" + lines[0]  # something stands at the margin
    block = "\n".join(" " * indent + line if line else "" for line in lines)
    value = value_of(f'"""\n{block}\n{" " * indent}"""')
    assert isinstance(value, tree.Text)
    assert value.text == "\n".join(lines)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('""""""', ""),
        ('"""one line"""', "one line"),
        ('"""\n    a\n      b\n    """', "a\n  b"),
        ('"""\n    a\n\n    b\n    """', "a\n\nb"),
        ('"""a\n    b"""', "a\n    b"),  # what stands behind the quotes has no indentation to share
        ('"""\r\n    a\r\n    b\r\n    """', "a\nb"),
        ('"""\n    a \\n {{ b }}\n    """', "a \\n {{ b }}"),
        ('"""\n\n    a\n    """', "\na"),
    ],
)
def test_long_strings(written: str, text: str) -> None:
    assert long_text(written) == text
    value = value_of(written)
    assert isinstance(value, tree.Text)
    assert (value.text, value.form) == (text, "long")


@pytest.mark.parametrize("written", [r'"\d"', r'"\x41"', r'"\u12"', r'"a\q"', r'"\\\z"'])
def test_an_escape_that_is_none_is_told_at_its_place(written: str) -> None:
    _, (fault,) = parsed(f"x = {written}")
    assert fault.code == "E0114"
    _line, column = fault.at.begin
    assert f"x = {written}"[column - 1] == "\\"


# ── quantities ────────────────────────────────────────────────────────────────────────────────────

NUMBERS = st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False, allow_infinity=False)
SUFFIXES = {
    "": (Unit.NUMBER, Decimal(1)),
    "%": (Unit.RATIO, Decimal("0.01")),
    "us": (Unit.DURATION, Decimal("0.000001")),
    "ms": (Unit.DURATION, Decimal("0.001")),
    "s": (Unit.DURATION, Decimal(1)),
    "min": (Unit.DURATION, Decimal(60)),
    "h": (Unit.DURATION, Decimal(3600)),
    "d": (Unit.DURATION, Decimal(86400)),
    "/s": (Unit.RATE, Decimal(1)),
}


@given(NUMBERS, st.sampled_from(sorted(SUFFIXES)))
def test_a_quantity_is_its_number_in_its_unit(number: Decimal, suffix: str) -> None:
    unit, factor = SUFFIXES[suffix]
    value = value_of(f"{number}{suffix}")
    assert isinstance(value, tree.Amount)
    assert value.quantity == Quantity(number * factor, unit, f"{number}{suffix}")
    assert str(value.quantity) == f"{number}{suffix}"


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("1_500", "1500", Unit.NUMBER),
        ("1e3", "1000", Unit.NUMBER),
        ("2.5E-2", "0.025", Unit.NUMBER),
        ("85%", "0.85", Unit.RATIO),
        ("$0.012", "0.012", Unit.MONEY),
        ("$5.00", "5", Unit.MONEY),
        ("4/s", "4", Unit.RATE),
        ("600/min", "10", Unit.RATE),
        ("7200/h", "2", Unit.RATE),
        ("1.5s", "1.5", Unit.DURATION),
        ("900ms", "0.9", Unit.DURATION),
        ("3min", "180", Unit.DURATION),
        ("0", "0", Unit.NUMBER),
    ],
)
def test_quantities(written: str, value: str, unit: Unit) -> None:
    found = read_quantity(written)
    assert (found.value, found.unit) == (Decimal(value), unit)


@pytest.mark.parametrize("written", ["30sec", "900mss", "5x", "$5s", "1.5m"])
def test_what_is_no_unit_is_told(written: str) -> None:
    with pytest.raises(UnknownUnit):
        read_quantity(written)
    _, (fault,) = parsed(f"x = {written}")
    assert fault.code == "E0301"


@pytest.mark.parametrize("written", ["1e99", "9" * 40, "1e-99", "0." + "0" * 400 + "1", "1e999999999999"])
def test_a_number_that_nobody_can_count_with_is_refused(written: str) -> None:
    with pytest.raises(OutOfRange):
        read_quantity(written)


def test_durations_are_whole_nanoseconds() -> None:
    assert read_quantity("1.5s").nanoseconds == 1_500_000_000
    assert read_quantity("0.1us").nanoseconds == 100


def test_modulo_needs_blanks() -> None:
    assert isinstance(value_of("7 % 2"), tree.Binary)
    (_,), (fault,) = parsed("x = 7%2")
    assert fault.code == "E0106"


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["of", "contains", "matches", "from", "where", "min"])
def test_operators_are_names_elsewhere(word: str) -> None:
    assert isinstance(value_of(word), tree.Name)
    (entry,), faults = parsed(f"{word} = 1")
    assert faults == ()
    assert isinstance(entry, tree.Attribute)
    assert entry.key.text == word


@pytest.mark.parametrize("word", ["and", "or", "not", "in", "import", "true", "false", "null"])
def test_reserved_words_are_no_names(word: str) -> None:
    assert parsed(f"{word} = 1")[1] != ()


@pytest.mark.parametrize("metric", ["pass@10", "pass^5", "coverage@5%", "p99.9"])
def test_a_metric_with_its_figure_is_one_word(metric: str) -> None:
    value = value_of(metric)
    assert isinstance(value, tree.Name)
    assert value.text == metric


def test_inside_brackets_line_breaks_mean_nothing_and_a_comma_may_trail() -> None:
    value = value_of("[\n  a,  # first\n  b,\n]")
    assert isinstance(value, tree.Sequence)
    assert len(value.items) == 2
    call = value_of("f(\n  a,\n  n = 1,\n)")
    assert isinstance(call, tree.Call)
    assert (len(call.arguments), len(call.named)) == (1, 1)
