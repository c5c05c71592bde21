"""Which part of a response is the answer."""

from __future__ import annotations

import pytest

from answers.asking import NUMBER, QUEUES, TEXT, reading, step
from evalspec.answers.extract import Excerpt, Missed, extract, fences, strip_reasoning
from evalspec.answers.reading import Outcome
from evalspec.language.judging import Fence, Pattern


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>hm</think>yes", "yes"),
        ("Start<think>hm</think> End", "Start End"),
        ("hm</think> yes", " yes"),
        ("<think>hm", ""),
        ("yes <think>hm", "yes "),
        ("<think>a</think>b<think>c</think>d", "bd"),
        ("<THINK>hm</Think>yes", "yes"),
        ("<think>a<think>b</think>c</think>d", "d"),
        ("no tags", "no tags"),
        ("", ""),
    ],
)
def test_reasoning_is_dropped(text: str, left: str) -> None:
    assert strip_reasoning(text) == left


def test_reasoning_stays_where_the_spec_says_so() -> None:
    asked = step(QUEUES, strip_reasoning=False)
    assert reading(asked, "<think>bug?</think> billing").outcome is Outcome.NO_ANSWER
    assert reading(step(QUEUES), "<think>bug?</think> billing").value == "billing"


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        (Pattern(regex=r"Answer: (.*)", last=True), "Answer: 1\nAnswer: 2\n", "2"),
        (Pattern(regex=r"Answer: (.*)", last=False), "Answer: 1\nAnswer: 2\n", "1"),
        (Pattern(regex=r"\d+", last=True), "1 22 333.", "333"),
        (Pattern(regex=r"(?i)a: (?:(\d)|none)", last=True), "A: 1 a: none", "1"),
        (Pattern(regex=r"Answer: (.*)", last=True), "Answer: 1\nAnswer: \n", "1"),
        (Pattern(regex=r"x(?=y)", last=True), "xz", None),
        (Fence(last=True), "```python\na\n```\ntext\n~~~\nb\n~~~\n", "b\n"),
        (Fence(last=False), "```python\na\n```\ntext\n```\nb\n```\n", "a\n"),
        (Fence(last=True), "````\n```\na\n```\n````", "```\na\n```\n"),
        (Fence(last=True), "```\ncut off", "cut off"),
        (Fence(last=True), "so:\n```yes```", "yes"),
        (Fence(last=True), "  ```\r\n  a\r\n  ```\r\n", "  a\r\n"),
        (Fence(last=True), "no fence, `code` only", None),
    ],
)
def test_a_rule_finds_its_first_or_last(rule: Pattern | Fence, text: str, found: str | None) -> None:
    result = extract((rule,), text)
    assert (result.text if isinstance(result, Excerpt) else None) == found


def test_rules_are_tried_in_order() -> None:
    rules = (Pattern(regex=r"Final: (.*)", last=True), Fence(last=True), Pattern(regex=r"\d+", last=True))
    asked = step(NUMBER, *rules)
    assert reading(asked, "```\n7\n```\nFinal: 8\n9").value == 8
    assert reading(asked, "```\n7\n```\n9").value == 7
    assert reading(asked, "8 then 9").value == 9
    assert reading(asked, "none").why == "`extract` found nothing"


def test_no_match_is_no_answer_though_the_text_is_readable() -> None:
    found = reading(step(QUEUES, Pattern(regex="Answer: (.*)", last=True)), "billing")
    assert found.outcome is Outcome.NO_ANSWER


def test_what_was_extracted_is_read_like_a_response() -> None:
    assert (
        reading(step(QUEUES, Pattern(regex="Answer: (.*)", last=True)), "bug? Answer: *Billing*.").value
        == "billing"
    )
    assert reading(step(TEXT, Pattern(regex="A: (.*)", last=True)), "A:   x  ").value == "x"


def test_a_pattern_that_never_ends_is_no_answer() -> None:
    endless = Pattern(regex=r"(a|aa)+$", last=True)
    result = extract((endless, Pattern(regex=".", last=True)), "a" * 100 + "b")
    assert isinstance(result, Missed)
    assert "longer than" in result.why


def test_fences_are_found_in_one_pass() -> None:
    assert [block.text for block in fences("```\na\n```\n" * 3)] == ["a\n"] * 3
