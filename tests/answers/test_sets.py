"""Sets of labels: read from prose or JSON, right when they are equal."""

from __future__ import annotations

import pytest

from answers.asking import reading, step
from evalspec.answers.judge import is_right, valid_gold
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import SomeOf
from evalspec.models.model import Answer

TOPICS = step(SomeOf(labels=("billing", "bug", "abuse", "refund_request")))


@pytest.mark.parametrize(
    ("response", "labels"),
    [
        ("bug", ("bug",)),
        ("bug, billing", ("billing", "bug")),
        ('["Bug", "billing"]', ("billing", "bug")),
        ('```json\n["abuse"]\n```', ("abuse",)),
        ("- Billing\n- Refund request\n", ("billing", "refund_request")),
        ("It is about **billing** and a bug, bug, bug.", ("billing", "bug")),
        ("billing, but not abuse", ("billing",)),
        ("It mentions abuse, but only in passing.\nAnswer: bug; billing", ("billing", "bug")),
        ("debugging billings, a bug", ("bug",)),
        ("[]", ()),
        ("none", ()),
        ("None.", ()),
        ("I see nothing of the kind.\nAnswer: none", ()),
    ],
)
def test_the_labels_that_a_response_says(response: str, labels: tuple[str, ...]) -> None:
    found = reading(TOPICS, response)
    assert found.outcome is Outcome.ANSWERED
    assert found.value == labels


@pytest.mark.parametrize(
    "response", ["", "  ", "I do not know", '["bug", "weather"]', "not abuse", "billings"]
)
def test_what_says_no_label_is_no_answer_and_not_the_empty_set(response: str) -> None:
    assert reading(TOPICS, response).outcome is Outcome.NO_ANSWER


def test_a_cut_list_may_have_gone_on() -> None:
    cut = Answer(response="bug, billing", finish_reason="length")
    assert reading(TOPICS, cut).outcome is Outcome.TRUNCATED
    assert reading(TOPICS, Answer(response='["bug"]', finish_reason="length")).value == ("bug",)


@pytest.mark.parametrize(
    ("response", "gold", "right"),
    [
        ("bug, billing", ["billing", "bug"], True),
        ("bug", ["billing", "bug"], False),
        ("bug, billing, abuse", ["billing", "bug"], False),
        ("bug, billing", "billing; bug", True),
        ("bug, billing", "billing,bug", True),
        ("bug, billing", '["bug", "billing"]', True),
        ("none", [], True),
        ("none", "", True),
        ("none", "none", True),
        ("none", None, False),
        ("bug", "", False),
    ],
)
def test_a_set_is_right_when_it_is_the_gold(response: str, gold: object, right: bool) -> None:
    assert is_right(TOPICS, reading(TOPICS, response), gold, {}) is right


def test_a_label_may_hold_what_parts_others() -> None:
    places = step(SomeOf(labels=("Paris, Texas", "Rome")))
    assert is_right(places, reading(places, '["Paris, Texas"]'), "Paris, Texas", {}) is True
    assert is_right(places, reading(places, "Rome"), "Paris, Texas; Rome", {}) is False


def test_a_gold_with_a_foreign_label_is_told() -> None:
    assert valid_gold(TOPICS, ["bug", "Bug"], {}) == "has `Bug`, which is not among the labels"
    assert valid_gold(TOPICS, [], {}) is None
