"""JavaScript's patterns in Python: the same answers match, or the pattern is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.interop.patterns import Untranslatable, literal, translated

# What `new RegExp(pattern).test(text)` gives in JavaScript, worked out by its specification.
CASES = [
    (r"\d{4}", "year 2024", True), (r"\d", "٣", False), (r"^\w+$", "naïve", False),
    (r"^\w+$", "naive_1", True),
    (r"a.b", "a\nb", False), (r"a.b", "a\u2028b", False), (r"a.b", "a\x85b", True), (r"^a$", "a\n", False),
    (r"\s", "\ufeff", True), (r"\s", "\x1c", False), (r"\bcat\b", "a cat.", True), (r"\bt", "ét", True),
    (r"[^\w-]", "a-b", False), (r"a{,3}", "a{,3}", True), (r"a{2,3}", "aa", True),
    (r"\$\d+\.\d{2}", "$3.50", True),
    (r"(?<year>\d+)!", "12!", True), (r"(?:yes|no)$", "no", True), (r"(?!x)y", "y", True), (r"\/", "/", True),
    (r"[\]a]", "]", True), (r"[[]", "[", True),
    (r"[a-c&&b]", "&", True), ("[^]", "\n", True), ("[]", "a", False),
    (r"\x41\u0042", "AB", True), (r"(?<=a)b", "ab", True), (r"}", "}", True), ('say "hi"', 'say "hi"', True),
    (r"a#b c", "a#b c", True), (r"\.", "x", False), (r"\u00e9", "é", True), ("\t", "\t", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text", "matches"), CASES)
def test_a_pattern_matches_what_it_matches_in_javascript(pattern: str, text: str, matches: bool) -> None:
    found = translated(pattern)
    assert (re.search(found, text) is not None) is matches
    assert '"' not in found  # so that it can stand in r"…"
    assert found.isprintable()


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)x",
        r"\p{L}",
        r"(a)\1",
        r"(?<n>x)\k<n>",
        "(?>a)",
        "a*+",
        "[a",
        r"\cA",
        "(",
        "*",
        r"[\D]",
        "a**",
        r"\u12",
    ],
)
def test_a_pattern_that_python_reads_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        translated(pattern)


@given(st.text(max_size=30))
def test_a_literal_finds_exactly_itself(text: str) -> None:
    found = literal(text)
    assert re.fullmatch(found, text) is not None
    assert '"' not in found
    assert "\n" not in found


@given(st.text(alphabet=r"ab^$.*+?()[]{}|\dws-,1", max_size=12))
def test_whatever_is_translated_compiles(pattern: str) -> None:
    try:
        re.compile(translated(pattern))
    except Untranslatable:
        return
