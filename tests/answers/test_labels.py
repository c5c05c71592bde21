"""The one label that a text says."""

from __future__ import annotations

import pytest

from answers.asking import QUEUES, YES_NO, reading, said, step
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import OneOf

SPAM = OneOf(labels=("spam", "not spam"))
CARDS = OneOf(labels=("card", "card_arrival", "reverted_card_payment?", "top_up"))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("billing", "billing"),
        (" Billing.\n", "billing"),
        ('"billing"', "billing"),
        ("**billing**", "billing"),
        ("`billing`", "billing"),
        ("# Billing", "billing"),
        ("Queue: billing", "billing"),
        ("This ticket belongs to the billing queue.", "billing"),
        ("billing, billing, and again BILLING", "billing"),
        ('{"queue": "bug"}', "bug"),
        ("It might be billing or a bug.\n\n**Answer:** bug", "bug"),
        ("Answer: billing\nno, wait\nAnswer: bug", "bug"),
    ],
)
def test_one_label_in_a_text_is_said(text: str, label: str) -> None:
    assert said(QUEUES, text) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "none of them",
        "billing or bug",
        "It is not billing, it is bug",
        "It is not billing",
        "It isn't a bug",
        "non-billing",
        "debugging",
        "billing-related",
        "billing_and_more",
        "Answer: billing or bug",
    ],
)
def test_no_label_two_labels_or_a_denied_one_are_no_answer(text: str) -> None:
    found = reading(step(QUEUES), text)
    assert found.outcome is Outcome.NO_ANSWER
    assert found.value is None
    assert found.why


def test_the_reason_names_labels_and_never_quotes_the_response() -> None:
    why = reading(step(QUEUES), "SECRET billing SECRET bug").why
    assert why == "several labels stand in it: `billing`, `bug`"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("spam", "spam"),
        ("Not spam", "not spam"),
        ("This is not spam.", "not spam"),
        ("This is not-spam.", "not spam"),
        ("This is spam.", "spam"),
        ("spam, not not spam", None),
    ],
)
def test_a_longer_label_hides_the_shorter_one_inside_it(text: str, label: str | None) -> None:
    assert said(SPAM, text) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("card_arrival", "card_arrival"),
        ("card arrival", "card_arrival"),
        ("Card-Arrival", "card_arrival"),
        ("The intent is card_arrival.", "card_arrival"),
        ("The intent is card arrival.", "card_arrival"),
        ("card", "card"),
        ("reverted_card_payment?", "reverted_card_payment?"),
        ("reverted_card_payment", "reverted_card_payment?"),
        ("Intent: reverted card payment", "reverted_card_payment?"),
        ("card_payment", None),
        ("card_arrival, top_up", None),
    ],
)
def test_odd_spellings_of_labels_are_understood(text: str, label: str | None) -> None:
    assert said(CARDS, text) == label


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        (("Bug", "bug"), "bug", "bug"),
        (("Bug", "bug"), "BUG", None),
        (("C", "C++", "C#"), "C#", "C#"),
        (("C", "C++"), "It is C++.", "C++"),
        (("+", "-"), "-", "-"),
        (("-1", "0", "1"), "-1", "-1"),
        (("-1", "0", "1"), "The score is -1.", "-1"),
        (("0", "1"), "The score is -1.", None),
        (("1", "2"), "1.5", None),
        (("a", "b"), "This is a test", None),
        (("a", "b"), "It is a.", "a"),
        (("退款", "投诉"), "答案是退款。", "退款"),
        (("billing", "bug"), "答案是billing。", "billing"),
        (("Straße",), "STRASSE", "Straße"),
        (("café",), "cafe\u0301", "café"),
        (("i", "x"), "İ", None),
        ((), "anything", None),
    ],
)
def test_odd_labels(labels: tuple[str, ...], text: str, label: str | None) -> None:
    assert said(OneOf(labels=labels), text) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes", "yes"),
        ("no.", "no"),
        ("Y", "yes"),
        ("n", "no"),
        ("Yes, it does.", "yes"),
        ("Answer: No", "no"),
        ("ANSWER: No\nActually...\nANSWER: Yes", "yes"),
        ("yes and no", None),
        ("y or n", None),
        ("I have no idea", None),
        ("true", None),
        ("nothing", None),
        ("yesterday", None),
    ],
)
def test_yes_and_no(text: str, label: str | None) -> None:
    assert said(YES_NO, text) == label


@pytest.mark.parametrize("labels", [("a", "b", "unsure"), ("a", "b")])
def test_the_declining_label_abstains_declared_among_the_labels_or_beside_them(
    labels: tuple[str, ...],
) -> None:
    found = reading(step(OneOf(labels=labels, decline="unsure")), "Unsure.")
    assert (found.outcome, found.value) == (Outcome.ABSTAINED, None)
