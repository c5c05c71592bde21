"""What says the same, and what most say."""

from __future__ import annotations

from answers.asking import reading, step
from evalspec.answers.outcome import Outcome
from evalspec.answers.votes import ballot, elect
from evalspec.language.answer_types import AnswerType, NumberAnswer, OneOf, SomeOf, TextAnswer
from evalspec.language.judging import Exact, TextScore
from evalspec.models.model import Failure, FailureKind

LABELS = OneOf(labels=("a", "b", "unsure"), decline="unsure")


def alike(answer: AnswerType, one: str, other: str, score: TextScore | None = None) -> bool:
    asked = step(answer, score=score)
    return ballot(asked, reading(asked, one)) == ballot(asked, reading(asked, other))


def test_numbers_are_the_same_by_value() -> None:
    number = NumberAnswer()
    assert alike(number, "8", "8.0")
    assert alike(number, "1,000", "1e3")
    assert alike(number, "0", "-0.00")
    assert not alike(number, "8", "8.01")
    assert not alike(number, "8", "-8")
    assert not alike(number, "8", "80")


def test_sets_are_the_same_whatever_their_order() -> None:
    some = SomeOf(labels=("a", "b", "c"))
    assert alike(some, '["a", "b"]', '["b", "a"]')
    assert not alike(some, '["a"]', '["a", "b"]')


def test_texts_are_the_same_as_their_score_compares_them() -> None:
    assert not alike(TextAnswer(), "Paris.", "paris", Exact())
    assert alike(TextAnswer(), "Paris.", "paris", Exact(ignore=frozenset({"case", "punctuation"})))


def test_what_is_no_answer_is_the_same_as_its_like_alone() -> None:
    assert alike(LABELS, "hm", "who knows")
    assert not alike(LABELS, "hm", "unsure")
    assert not alike(LABELS, "hm", "a")


def elected(*replies: str | Failure) -> tuple[Outcome, object, float | None, int]:
    asked = step(LABELS)
    found = elect(asked, [reading(asked, reply) for reply in replies])
    return found.reading.outcome, found.reading.value, found.reading.confidence, found.place


GONE = Failure(kind=FailureKind.TRANSIENT, message="HTTP 500")
WAITING = Failure(kind=FailureKind.NOT_ASKED, message="not asked yet")


def test_most_win_and_between_equals_the_first() -> None:
    assert elected("b", "a", "a") == (Outcome.ANSWERED, "a", 2 / 3, 1)
    assert elected("b", "a", "a", "b") == (Outcome.ANSWERED, "b", 0.5, 0)


def test_abstaining_is_a_vote_and_being_unreadable_is_none() -> None:
    assert elected("unsure", "a", "unsure") == (Outcome.ABSTAINED, None, None, 0)
    assert elected("hm", "hm", "a") == (Outcome.ANSWERED, "a", 1 / 3, 2)
    assert elected("hm", "hm") == (Outcome.NO_ANSWER, None, None, 0)


def test_failures_have_no_vote_and_what_is_missing_is_waited_for() -> None:
    assert elected(GONE, "a", "a") == (Outcome.ANSWERED, "a", 1, 1)
    assert elected(GONE, GONE) == (Outcome.ERROR, None, None, 0)
    assert elected("a", WAITING, "a")[0] is Outcome.NOT_ASKED
