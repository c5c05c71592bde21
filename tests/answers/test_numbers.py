"""The last number of a text, exactly; and gold numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from answers.asking import NUMBER, said
from evalspec.answers.numbers import gold_number, same_number

SAYS = [
    ("42", "42"),
    ("The answer is 42.", "42"),
    ("3 + 4 = 7", "7"),
    ("1,234,567", "1234567"),
    ("1,00,000 rupees", "100000"),
    ("1 000 000", "1000000"),
    ("1\u202f000,50 €", "1000.50"),
    ("1'000'000", "1000000"),
    ("1.234.567,89", "1234567.89"),
    ("1.234.567", "1234567"),
    ("$5", "5"),
    ("-$5.00", "-5"),
    ("$-5", "-5"),
    ("1,000.99$", "1000.99"),
    ("about € 12.50 each", "12.50"),
    ("60%", "60"),
    ("12.50%", "12.5"),
    ("5 million", "5"),
    ("5km", "5"),
    ("1,000.99m²", "1000.99"),
    ("9.81 m/s^2", "9.81"),
    ("½", "0.5"),
    ("-½", "-0.5"),
    ("2½ cups", "2.5"),
    ("2 1/2", "2.5"),
    ("3/4", "0.75"),
    ("-3/4", "-0.75"),
    (r"\frac{3}{4}", "0.75"),
    (r"2\frac{1}{2}", "2.5"),
    (r"$49,\!479$", "49479"),
    (r"\boxed{42}", "42"),
    (r"100\%", "100"),
    ("−5", "-5"),
    ("10-5", "5"),
    ("between 3-5", "5"),
    ("(-3)", "-3"),
    ("f(2)-3", "3"),
    ("1e3", "1000"),
    ("1.5E-3", "0.0015"),
    ("3 × 10^5", "300000"),
    (r"3 \times 10^{-2}", "0.03"),
    ("6.02×10²³", "6.02e23"),
    ("10^6", "1000000"),
    ("2.0", "2"),
    ("342.", "342"),
    (".5", "0.5"),
    ("5...", "5"),
    ("**60**", "60"),
    ("_60_", "60"),
    ("**60** 7", "7"),
    ("１２３", "123"),
    ("答案是5", "5"),
    ("12, according to GPT-4", "12"),
    ("12 in total (see step_3 and x2)", "12"),
    ("x^2 = 9 in m^2", "9"),
    ("007", "7"),
    ("+5", "5"),
    ("0", "0"),
    ("x = - 5", "-5"),
    ("x=-5", "-5"),
    ("5 - 3", "3"),
    ("1_000", "1000"),
    ("-0", "0"),
]

SAYS_NOTHING = [
    "",
    "none",
    "AZYUK2A",
    "3,14",  # a decimal comma, or two numbers
    "(1,2)",
    "0,125",
    "1,2345",
    "2^10",
    "2**10",
    "5²",
    "5 ^ 2",
    "1920x1080",
    "0x1F",
    "1e5e5",
    "COVID-19",
    "10:30",
    "2024-05-01",
    "12/25/2024",
    "version 1.2.3",
    "v2.10.1",
    "5/0",
    "1/2/3",
    "1e9999999",
    "1e-9999999",
    "10^99999999999999999999",
    "1e" + "9" * 5000,
    "9" * 1001,
]


@pytest.mark.parametrize(("text", "value"), SAYS)
def test_a_text_says_its_last_number(text: str, value: str) -> None:
    assert said(NUMBER, text) == Decimal(value)


@pytest.mark.parametrize("text", SAYS_NOTHING, ids=lambda text: text[:20])
def test_what_is_no_number_or_two_is_no_answer(text: str) -> None:
    assert said(NUMBER, text) is None


@pytest.mark.parametrize(
    ("gold", "value"),
    [
        ("1,234", "1234"),
        ("$5", "5"),
        ("5 km", "5"),
        ("5 km/h.", "5"),
        (" 60% ", "60"),
        ("1e3", "1000"),
        ("1/3", Decimal(1) / 3),
        (7, "7"),
        (0.1, "0.1"),
        (Decimal("2.50"), "2.5"),
    ],
)
def test_gold_numbers_are_read_as_answers_are(gold: object, value: str | Decimal) -> None:
    number = gold_number(gold)
    assert number is not None
    assert abs(number - Decimal(value)) < Decimal("1e-27")


@pytest.mark.parametrize(
    "gold", ["7+", "", "3 or 4", "seven", "#### 18", "3,14", True, None, float("nan"), float("inf"), []]
)
def test_a_gold_that_is_not_one_number_is_none(gold: object) -> None:
    assert gold_number(gold) is None


def test_within_is_a_share_of_the_gold_or_a_distance() -> None:
    def near(answer: str, gold: str, **within: Decimal) -> bool:
        return same_number(Decimal(answer), Decimal(gold), **within)

    assert near("101", "100", relative=Decimal("0.01"))
    assert not near("101.0001", "100", relative=Decimal("0.01"))
    assert near("-99", "-100", relative=Decimal("0.01"))
    assert not near("0.0001", "0", relative=Decimal("0.01"))
    assert near("5.5", "5", absolute=Decimal("0.5"))
    assert not near("5.51", "5", absolute=Decimal("0.5"))
    assert near("1000.00", "1000")
    assert not near("1e-1000", "0")


def test_equal_fractions_are_equal_numbers() -> None:
    assert said(NUMBER, "2/6") == said(NUMBER, "1/3") == said(NUMBER, "⅓") == gold_number("1/3")


def test_long_numbers_are_kept_to_the_last_digit() -> None:
    digits = "-" + "123456789" * 10
    assert said(NUMBER, digits) == Decimal(digits)
    assert not same_number(Decimal("1" + "0" * 100), Decimal("1" + "0" * 99 + "1"))
