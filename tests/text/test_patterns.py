"""Patterns compile when they are used and do what compiled ones do."""

from __future__ import annotations

import re

import pytest

from evalspec.text.patterns import Pattern

TEXT = "ab {one} cd {two} AB"


@pytest.mark.parametrize("written", [r"\{(\w+)\}", r"[a-d]+", r"x"])
def test_each_method_is_that_of_a_compiled_pattern(written: str) -> None:
    ours, standard = Pattern(written, re.IGNORECASE), re.compile(written, re.IGNORECASE)
    for method in ("match", "search", "fullmatch"):
        assert str(getattr(ours, method)(TEXT)) == str(getattr(standard, method)(TEXT))
    assert list(map(str, ours.finditer(TEXT))) == list(map(str, standard.finditer(TEXT)))
    assert ours.findall(TEXT) == standard.findall(TEXT)
    assert ours.split(TEXT) == standard.split(TEXT)
    assert ours.sub("-", TEXT) == standard.sub("-", TEXT)
    assert ours.sub(lambda found: found.group().upper(), TEXT) == standard.sub(
        lambda f: f.group().upper(), TEXT
    )


def test_what_is_no_pattern_is_told_when_it_is_used() -> None:
    wrong = Pattern("(")
    with pytest.raises(re.error):
        wrong.match("a")
