"""What the tests of other harnesses expect when they read and score a response, row by row."""

from __future__ import annotations

import json

import pytest

from answers.asking import shared, step
from evalspec.answers.judge import is_right, text_scores
from evalspec.answers.reading import Outcome, read
from evalspec.language.answer_types import (
    JsonAnswer,
    JsonField,
    JsonType,
    LetterOf,
    NumberAnswer,
    OneOf,
    TextAnswer,
    YesNo,
)
from evalspec.language.judging import Contains, Exact, Fence, Pattern, RougeL, TokenF1
from evalspec.language.program import Step
from evalspec.models.model import Answer

IGNORING_ALL = Exact(ignore=frozenset({"case", "space", "punctuation", "articles"}))
ANSWER_LINE = Pattern(regex=r"(?i)ANSWER\s*:\s*(.*)", last=True)
ANY_CASE = Exact(ignore=frozenset({"case", "punctuation"}))


def _object(**types: JsonType) -> Step:
    return step(JsonAnswer(fields=tuple(JsonField(name=name, type=kind) for name, kind in types.items())))


STEPS: dict[str, Step] = {
    "letter": step(LetterOf(columns=tuple("ABCD"))),
    "letter10": step(LetterOf(columns=tuple("ABCDEFGHIJ"))),
    "number": step(NumberAnswer()),
    "exact": step(TextAnswer(), score=IGNORING_ALL),
    "plain": step(TextAnswer()),
    "contains": step(TextAnswer(), score=Contains()),
    "pattern": step(TextAnswer(), Pattern(regex="(foo)", last=False)),
    "pattern_ab": step(LetterOf(columns=("A", "B")), Pattern(regex=r"ANSWER: (A|B)", last=False)),
    "pattern_abcd": step(
        LetterOf(columns=tuple("ABCD")), Pattern(regex=r"(?i)answer:\s*([A-D])", last=False)
    ),
    "line": step(TextAnswer(), ANSWER_LINE, score=ANY_CASE),
    "line_plain": step(TextAnswer(), ANSWER_LINE),
    "yes_no": step(YesNo()),
    "reasoning": step(TextAnswer()),
    "fence": step(TextAnswer(), Fence(last=True), Pattern(regex=r"[\s\S]+", last=False)),
    "labels_yes_no": step(OneOf(labels=("yes", "no"))),
    "labels_abc": step(OneOf(labels=("a", "b", "c"))),
    "json_key": _object(key=TextAnswer()),
    "json_key1_key2": _object(key1=TextAnswer(), key2=TextAnswer()),
    "json_key_number": _object(key=NumberAnswer()),
    "json_anotherkey": _object(anotherkey=TextAnswer()),
    "json_anotherkey_key": _object(anotherkey=TextAnswer(), key=TextAnswer()),
}
GRADED: dict[str, Step] = {
    "token_f1": step(TextAnswer(), score=TokenF1()),
    "rouge_l": step(TextAnswer(), score=RougeL()),
}
DIFFERENT: dict[str, str] = {}  # id → why we read it otherwise


def _cases() -> list[dict[str, object]]:
    lines = shared("answer_reading", "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [case for case in map(json.loads, lines) if "want" in case]


def _verdict(case: dict[str, object]) -> str | bool | None:
    asked = STEPS[str(case["kind"])]
    row = {letter: f"choice {letter}" for letter in "ABCDEFGHIJ"}
    reading = read(asked, Answer(response=str(case["response"])), source=None, row=row)
    if reading.outcome is Outcome.NO_ANSWER and case["want"] == "no_answer":
        return "no_answer"
    return is_right(asked, reading, case["gold"], row)


def test_every_row_is_read_as_its_own_tests_expect_or_differs_for_a_reason() -> None:
    ours = [case for case in _cases() if case["kind"] in STEPS]
    wrong = {}
    for case in ours:
        want = case["want"] if isinstance(case["want"], str) else case["want"] == 1
        if _verdict(case) != want:
            wrong[case["id"]] = case
    assert sorted(map(str, wrong)) == sorted(DIFFERENT), wrong
    assert len(ours) == 162


def test_every_degree_is_as_its_own_tests_expect() -> None:
    graded = [case for case in _cases() if case["kind"] in GRADED]
    for case in graded:
        asked = GRADED[str(case["kind"])]
        reading = read(asked, Answer(response=str(case["response"])), source=None, row={})
        (degree,) = text_scores(asked, reading, case["gold"]).values()
        assert degree == pytest.approx(float(str(case["want"])), abs=float(str(case["tol"])) + 1e-9), case[
            "id"
        ]
    assert len(graded) == 12


def test_no_kind_of_row_is_passed_over_unawares() -> None:
    kinds = {str(case["kind"]) for case in _cases()}
    unknown = kinds - set(STEPS) - set(GRADED)
    if not kinds:
        pytest.skip("no rows")
    assert not unknown
