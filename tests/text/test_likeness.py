"""Guessing which name was meant: by likeness where names are few, by one letter where they are many."""

from __future__ import annotations

import pytest

from evalspec.text.diagnostics import MOST_NAMES, did_you_mean, nearest
from evalspec.text.likeness import FEW, closest

MANY = tuple(f"tickets_{number:05}" for number in range(9 * FEW))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tikets", "tickets"),
        ("ticketes", "tickets"),
        ("TICKETS", "tickets"),
        ("queue", None),
        ("modles", "models"),
    ],
)
def test_the_most_alike_of_few(written: str, meant: str | None) -> None:
    assert closest(written, ("models", "tickets", "route")) == meant


@pytest.mark.parametrize(
    "written", ["tikets_00042", "ticketts_00042", "tickest_00042", "tiCkets_00042", "tuckets_00042"]
)
def test_one_letter_is_enough_to_be_found_among_many(written: str) -> None:
    assert closest(written, MANY) == "tickets_00042"


def test_what_is_far_from_all_of_many_is_no_guess() -> None:
    assert closest("something", MANY) is None
    assert closest("t" * 100_000, MANY) is None


def test_a_known_name_is_meant_itself() -> None:
    assert nearest("Route", {"route", "Route"}) == "Route"
    assert nearest("tickets_00042", MANY) == "tickets_00042"


def test_of_too_many_names_none_is_guessed() -> None:
    names = dict.fromkeys(f"m{number}" for number in range(MOST_NAMES + 1))
    assert nearest("m", names) is None
    assert did_you_mean("m", names) == ("3,001 names are known here", ())
