"""Whether a reading is right, what the truth is called, and which golds no answer can equal."""

from __future__ import annotations

from decimal import Decimal

import pytest

from answers.asking import CHOICES, LETTERS, NUMBER, QUEUES, TEXT, YES_NO, reading, step
from evalspec.answers.judge import gold_label, is_right, valid_gold
from evalspec.answers.reading import Outcome, Reading
from evalspec.language.answer_types import AnswerType, NumberAnswer, OneOf
from evalspec.language.judging import Contains, Exact, Matches, TextScore

DECLINING = OneOf(labels=("a", "b"), decline="unsure")
ALL = frozenset({"case", "space", "punctuation", "articles"})


def right(answer: AnswerType, response: str, gold: object, score: TextScore | None = None) -> bool | None:
    asked = step(answer, score=score)
    return is_right(asked, reading(asked, response), gold, CHOICES)


@pytest.mark.parametrize(
    ("answer", "response", "gold", "verdict"),
    [
        (QUEUES, "Billing.", "billing", True),
        (QUEUES, "billing", "Billing", False),  # gold is read as it is written
        (QUEUES, "billing", "bug", False),
        (QUEUES, "what?", "billing", False),
        (QUEUES, "billing", ["bug", "billing"], True),
        (QUEUES, "billing", [], False),
        (QUEUES, "billing", None, False),
        (OneOf(labels=("1", "2")), "2", 2, True),
        (OneOf(labels=("true", "false")), "True", True, True),
        (YES_NO, "Yes", "yes", True),
        (YES_NO, "Yes", True, True),
        (YES_NO, "Yes", "TRUE", True),
        (YES_NO, "Yes", "1", True),
        (YES_NO, "Yes", 1, True),
        (YES_NO, "No", 0, True),
        (YES_NO, "No", 0.0, True),
        (YES_NO, "No", False, True),
        (YES_NO, "No", "yes", False),
        (NUMBER, "$1,234.00", "1,234", True),
        (NUMBER, "5", "$5", True),
        (NUMBER, "5", 5, True),
        (NUMBER, "0.1", 0.1, True),
        (NUMBER, "5", Decimal("5.0"), True),
        (NUMBER, "5", ["4", "5"], True),
        (NUMBER, "5", "many", False),
        (NUMBER, "1", True, False),
        (NumberAnswer(relative=Decimal("0.01")), "99", "100", True),
        (NumberAnswer(absolute=Decimal("0.5")), "99", "100", False),
        (LETTERS, "The answer is C", "C", True),
        (LETTERS, "C", 2, True),
        (LETTERS, "C", "2", True),
        (LETTERS, "C", "Rome", True),
        (LETTERS, "Rome", "C", True),
        (LETTERS, "B", "C", False),
        (LETTERS, "C", ["A", "Rome"], True),
        (TEXT, " Paris ", "Paris", True),
        (TEXT, "paris", "Paris", False),
        (TEXT, "33", 33, True),
        (TEXT, "Paris", ["London", "Paris"], True),
    ],
)
def test_an_answer_is_right_when_it_equals_a_gold(
    answer: AnswerType, response: str, gold: object, verdict: bool
) -> None:
    assert right(answer, response, gold) is verdict


@pytest.mark.parametrize(
    ("ignore", "answer", "gold", "verdict"),
    [
        ({"case"}, "PARIS", "paris", True),
        ({"space"}, "New  York", "NewYork", True),
        ({"case"}, "New  York", "new york", False),
        ({"punctuation"}, "U.S.", "US", True),
        ({"punctuation"}, "$1,000.", "1000", True),
        ({"punctuation"}, "3.14", "314", False),
        ({"punctuation"}, "-5", "5", False),
        ({"punctuation"}, "−5", "-5", True),
        ({"punctuation"}, "a - b", "a b", True),
        ({"articles"}, "the cat", "cat", True),
        ({"articles"}, "The cat", "a cat", True),
        ({"articles"}, "theory", "ory", False),
        (ALL, "The   Cat!", "cat", True),
    ],
)
def test_exact_ignores_what_it_names(ignore: set[str], answer: str, gold: str, verdict: bool) -> None:
    assert right(TEXT, answer, gold, Exact(ignore=frozenset(ignore))) is verdict


def test_contains_looks_anywhere_case_blind() -> None:
    assert right(TEXT, "It is PARIS, of course", "paris", Contains()) is True
    assert right(TEXT, "It is Paris", ["Rome", "par"], Contains()) is True
    assert right(TEXT, "Par", "Paris", Contains()) is False


def test_matches_needs_no_gold() -> None:
    assert right(TEXT, "ticket 42", None, Matches(regex=r"\d+")) is True
    assert right(TEXT, "ticket", None, Matches(regex=r"\d+")) is False


@pytest.mark.parametrize(
    ("outcome", "gold", "verdict"),
    [
        (Outcome.ABSTAINED, "a", False),
        (Outcome.ABSTAINED, None, True),
        (Outcome.ABSTAINED, ["a", None], True),
        (Outcome.ABSTAINED, "unsure", True),
        (Outcome.NO_ANSWER, None, False),
        (Outcome.NO_ANSWER, "a", False),
        (Outcome.REFUSED, "a", False),
        (Outcome.TRUNCATED, "a", False),
        (Outcome.TIMEOUT, "a", False),
        (Outcome.ERROR, "a", None),
        (Outcome.NOT_ASKED, None, None),
    ],
)
def test_what_was_not_answered_is_not_right_and_what_was_not_heard_is_neither(
    outcome: Outcome, gold: object, verdict: bool | None
) -> None:
    assert is_right(step(DECLINING), Reading(outcome=outcome), gold, {}) is verdict


@pytest.mark.parametrize(
    ("answer", "gold", "label"),
    [
        (QUEUES, "bug", "bug"),
        (QUEUES, "Bug", None),
        (QUEUES, None, None),
        (QUEUES, ["bug", "billing"], "bug"),
        (YES_NO, "TRUE", "yes"),
        (YES_NO, 0, "no"),
        (LETTERS, "2", "C"),
        (LETTERS, "Rome", "C"),
        (NUMBER, "5", None),
        (TEXT, "x", None),
    ],
)
def test_the_truth_has_a_label_where_the_answer_type_has(
    answer: AnswerType, gold: object, label: str | None
) -> None:
    assert gold_label(step(answer), gold, CHOICES) == label


def test_among_several_truths_it_is_the_one_that_was_answered() -> None:
    assert gold_label(step(QUEUES), ["bug", "billing"], {}, answer="billing") == "billing"
    assert gold_label(step(QUEUES), ["bug", "billing"], {}, answer="other") == "bug"


@pytest.mark.parametrize(
    ("answer", "gold", "problem"),
    [
        (QUEUES, "bug", None),
        (QUEUES, None, None),
        (QUEUES, ["bug", None], None),
        (QUEUES, "Bug", "`Bug` is not among the labels"),
        (QUEUES, ["bug", "bgu"], "`bgu` is not among the labels"),
        (QUEUES, [], "is an empty list, so that no answer is right"),
        (DECLINING, "unsure", None),
        (YES_NO, "maybe", "`maybe` is neither yes nor no"),
        (NUMBER, "7+", "`7+` is not a number"),
        (NUMBER, "$1,234", None),
        (LETTERS, "E", "`E` is no letter, index or text of a choice"),
        (LETTERS, 3, None),
        (LETTERS, 4, "`4` is no letter, index or text of a choice"),
        (TEXT, "  ", "is blank, which no answer can be"),
        (TEXT, "x", None),
        (QUEUES, "x" * 100, "`" + "x" * 60 + "…` is not among the labels"),
    ],
)
def test_a_gold_that_no_answer_can_equal_is_told(
    answer: AnswerType, gold: object, problem: str | None
) -> None:
    assert valid_gold(step(answer), gold, CHOICES) == problem


def test_a_gold_whose_choice_is_missing_or_repeated_is_told() -> None:
    assert valid_gold(step(LETTERS), "2", {**CHOICES, "C": ""}) == "`2` means a choice that is missing"
    assert (
        valid_gold(step(LETTERS), "Rome", {**CHOICES, "D": "Rome"}) == "`Rome` is the text of several choices"
    )
