"""What became of a question: the outcome of every kind of reply."""

from __future__ import annotations

import pytest

from answers.asking import CHOICES, LETTERS, NUMBER, QUEUES, TEXT, YES_NO, reading, step
from evalspec.answers.reading import Outcome, labels_of, read
from evalspec.language.answer_types import AnswerType, OneOf
from evalspec.language.judging import Fence, Pattern
from evalspec.models.model import Answer, Failure, FailureKind

OUTCOMES = {
    FailureKind.TRANSIENT: Outcome.ERROR,
    FailureKind.RATE_LIMITED: Outcome.ERROR,
    FailureKind.TIMEOUT: Outcome.ERROR,
    FailureKind.REJECTED: Outcome.ERROR,
    FailureKind.RECORDED_ERROR: Outcome.ERROR,
    FailureKind.REFUSED_KEY: Outcome.NOT_ASKED,
    FailureKind.EXHAUSTED: Outcome.NOT_ASKED,
    FailureKind.NOT_RECORDED: Outcome.NOT_ASKED,
    FailureKind.NOT_ASKED: Outcome.NOT_ASKED,
}
LINE = Pattern(regex=r"Answer: (.*)", last=True)


@pytest.mark.parametrize("kind", FailureKind)
def test_failures_are_errors_or_were_not_asked(kind: FailureKind) -> None:
    found = reading(step(QUEUES), Failure(kind=kind, message="why"))
    assert (found.outcome, found.value, found.why) == (OUTCOMES[kind], None, "why")


def test_running_out_of_time_is_an_outcome_where_the_spec_sets_a_limit() -> None:
    failure = Failure(kind=FailureKind.TIMEOUT, message="2 s")
    found = read(step(QUEUES), failure, source=None, row={}, timeout_declared=True)
    assert found.outcome is Outcome.TIMEOUT


@pytest.mark.parametrize(
    "answer",
    [
        Answer(response="billing", refused=True),
        Answer(response="billing", finish_reason="content_filter"),
        Answer(response="", finish_reason="refusal"),
    ],
)
def test_a_refusal_is_a_refusal_whatever_it_says(answer: Answer) -> None:
    assert reading(step(QUEUES), answer).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "name", ["no_answer", "abstained", "refused", "truncated", "timeout", "error", "not_asked"]
)
def test_a_recorded_outcome_is_believed(name: str) -> None:
    assert reading(step(QUEUES), Answer(response="billing", outcome=name)).outcome == name


def test_a_recorded_answer_must_be_readable() -> None:
    assert reading(step(QUEUES), Answer(response="what?", outcome="answered")).outcome is Outcome.NO_ANSWER
    answer = Answer(response="I say billing", outcome="answered", finish_reason="length")
    assert reading(step(QUEUES), answer).value == "billing"


@pytest.mark.parametrize("name", ["correct", "", "ANSWERED"])
def test_an_unknown_recorded_outcome_says_nothing(name: str) -> None:
    assert reading(step(QUEUES), Answer(response="billing", outcome=name)).outcome is Outcome.ANSWERED
    cut = Answer(response="I say billing", outcome=name, finish_reason="length")
    assert reading(step(QUEUES), cut).outcome is Outcome.TRUNCATED


@pytest.mark.parametrize(
    ("answer", "rules", "response", "value"),
    [
        (QUEUES, (), "billing", "billing"),
        (QUEUES, (), "**Billing", "billing"),
        (QUEUES, (), "The queue is billing", None),
        (QUEUES, (LINE,), "Hm.\nAnswer: billing", "billing"),
        (QUEUES, (LINE,), "Hm.\nAnswer: bill", None),
        (QUEUES, (LINE,), "Hm. It is billing", None),
        (OneOf(labels=("card", "card_arrival")), (), "card", None),
        (OneOf(labels=("card", "card_arrival")), (LINE,), "Answer: card", None),
        (OneOf(labels=("card", "card_arrival")), (LINE,), "Answer: card\nsince", "card"),
        (YES_NO, (), "Yes", "yes"),
        (YES_NO, (), "Yes, because", None),
        (LETTERS, (), "B", "B"),
        (LETTERS, (), "(B", "B"),
        (LETTERS, (), "The answer is B, because", None),
        (LETTERS, (LINE,), "Answer: B) a fi", "B"),
        (NUMBER, (), "12", None),
        (NUMBER, (LINE,), "Answer: 12", None),
        (NUMBER, (LINE,), "Answer: 12\nCheck", 12),
        (TEXT, (), "half a sent", None),
        (TEXT, (LINE,), "Answer: all of it\nand", "all of it"),
        (TEXT, (Fence(last=True),), "```\nhalf", None),
        (QUEUES, (), "<think>billing", None),
        (QUEUES, (), "", None),
    ],
)
@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS"])
def test_cut_off_text_is_read_only_where_the_cut_changes_nothing(
    answer: AnswerType, rules: tuple[Pattern | Fence, ...], response: str, value: object, reason: str
) -> None:
    found = reading(step(answer, *rules), Answer(response=response, finish_reason=reason))
    assert found.value == value
    assert found.outcome is (Outcome.TRUNCATED if value is None else Outcome.ANSWERED)


@pytest.mark.parametrize(
    "answer", [QUEUES, YES_NO, LETTERS, NUMBER, TEXT], ids=lambda answer: type(answer).__name__
)
@pytest.mark.parametrize("response", ["", " \n", "<think>so</think>"])
def test_an_empty_response_is_no_answer(answer: AnswerType, response: str) -> None:
    found = reading(step(answer), response)
    assert (found.outcome, found.why) == (Outcome.NO_ANSWER, "the response is empty")


@pytest.mark.parametrize("answer", [TEXT, NUMBER])
def test_a_free_answer_declines_by_its_pattern(answer: AnswerType) -> None:
    asked = step(answer, abstains=r"(?i)\bi (do not|don't) know\b")
    assert reading(asked, "I don't know, perhaps 5.").outcome is Outcome.ABSTAINED
    assert reading(asked, "I know: 5").outcome is Outcome.ANSWERED


def test_declining_is_heard_where_extract_finds_nothing_and_only_there() -> None:
    asked = step(TEXT, LINE, abstains="unsure")
    assert reading(asked, "I am unsure.").outcome is Outcome.ABSTAINED
    assert reading(asked, "I was unsure.\nAnswer: 5").value == "5"
    assert reading(asked, "Answer: unsure").outcome is Outcome.ABSTAINED


def test_a_text_is_trimmed_and_otherwise_left_alone() -> None:
    assert reading(step(TEXT), "\n A  b,\n c. \n").value == "A  b,\n c."


def test_the_labels_of_an_answer_are_those_of_its_row() -> None:
    assert labels_of(step(OneOf(labels=("a", "b"), decline="c")), {}) == ("a", "b", "c")
    assert labels_of(step(LETTERS), {**CHOICES, "B": ""}) == ("A", "C", "D")
    assert labels_of(step(YES_NO), {}) == ("yes", "no")
    assert labels_of(step(NUMBER), {}) == ()
