"""Assertions judged by evalspec as promptfoo judges them, over answers made to find a difference."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.answers.extract import occurs
from evalspec.answers.texts import contains_text, same_text
from evalspec.interop.assertions import MAPPED, NOT_MAPPED, Judged, NoCounterpart, judged
from evalspec.interop.listed import Exactness

DOCS = Path(__file__).parents[2] / "docs" / "promptfoo.md"

# What promptfoo does with an answer and a value, said again in Python.
PROMPTFOO: Mapping[str, Callable[[str, Any], bool]] = {
    "equals": lambda answer, value: answer == value,
    "contains": lambda answer, value: value in answer,
    "icontains": lambda answer, value: value.lower() in answer.lower(),
    "contains-any": lambda answer, value: any(v in answer for v in value),
    "icontains-any": lambda answer, value: any(v.lower() in answer.lower() for v in value),
    "contains-all": lambda answer, value: all(v in answer for v in value),
    "icontains-all": lambda answer, value: all(v.lower() in answer.lower() for v in value),
    "starts-with": lambda answer, value: answer.startswith(value),
}
ALPHABET = 'aAbB .*+?[](){}|^$\\"/-#\n'
VALUE = st.text(alphabet=ALPHABET, min_size=1, max_size=4).filter(lambda text: bool(text.strip()))
ANSWER = st.text(alphabet=ALPHABET, max_size=10).map(str.strip).filter(bool)
KINDS = st.sampled_from([*PROMPTFOO, *(f"not-{kind}" for kind in PROMPTFOO)])


def right_by_gold(found: Judged, answer: str) -> bool:
    """What evalspec says with the gold."""
    golds = found.gold if isinstance(found.gold, tuple) else (found.gold or "",)
    if found.score == "exact":
        return any(same_text(answer, gold, frozenset()) for gold in golds)
    return any(contains_text(answer, gold) for gold in golds)


@given(KINDS, st.lists(VALUE, min_size=1, max_size=3), ANSWER)
def test_what_is_called_exact_gives_the_same_verdict(kind: str, values: list[str], answer: str) -> None:
    base = kind.removeprefix("not-")
    value: Any = (
        values if base.endswith(("-any", "-all")) else values[0].strip() if base == "equals" else values[0]
    )
    said = PROMPTFOO[base](answer, value) is not kind.startswith("not-")
    found = judged(kind, value)
    assert found.pattern is not None
    assert occurs(found.pattern, answer) is said
    if found.gold is not None and found.exactness is Exactness.EXACT and values[0] == values[0].strip():
        plain = all(v == v.strip() for v in values)
        assert not plain or right_by_gold(found, answer) is said


def test_what_is_called_nearly_differs_as_it_is_said_to() -> None:
    found = judged("contains", "Paris")
    assert (found.exactness, found.why) == (
        Exactness.NEARLY,
        "upper and lower case do not count where the texts differ from test to test",
    )
    assert right_by_gold(found, "in PARIS") is True


@pytest.mark.parametrize("kind", [*NOT_MAPPED, "no-such-thing", *(f"not-{kind}" for kind in NOT_MAPPED)])
def test_what_has_no_counterpart_says_why(kind: str) -> None:
    with pytest.raises(NoCounterpart, match=r"\w+ \w+"):
        judged(kind, "x")


@pytest.mark.parametrize(
    ("kind", "value"),
    [("equals", {"a": 1}), ("equals", ""), ("contains", None), ("contains", ""), ("contains-any", []),
     ("contains-any", [""]), ("regex", "(?i)a"), ("regex", None), ("starts-with", 4), ("contains", [1])],
)  # fmt: skip
def test_values_that_cannot_be_judged_alike_are_refused(kind: str, value: object) -> None:
    with pytest.raises(NoCounterpart):
        judged(kind, value)


@pytest.mark.parametrize(
    ("value", "text"), [(4, "4"), (1.0, "1"), (0.5, "0.5"), (True, "true"), (None, "null")]
)
def test_values_are_compared_as_javascript_writes_them(value: object, text: str) -> None:
    assert judged("equals", value).gold == text


def test_the_page_tells_every_assertion_and_what_becomes_of_it() -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = {
        name: row for row in rows for name in row.split("|")[1].replace("`", "").replace(" ", "").split(",")
    }
    for kind in MAPPED:
        assert "exactly" in told[kind] or "nearly" in told[kind], kind
    for kind in NOT_MAPPED:
        assert "no counterpart" in told[kind], kind


def test_normal_forms_are_the_one_difference_of_characters() -> None:
    composed, apart = "café", unicodedata.normalize("NFD", "café")
    assert right_by_gold(judged("equals", composed), apart)  # the page says so
