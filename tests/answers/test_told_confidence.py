"""Confidence that stands in the answer's own JSON, and what a choice without a probability counts as."""

from __future__ import annotations

from decimal import Decimal
from math import log

import pytest
from pytest import approx  # noqa: PT013

from answers.asking import CHOICES, LETTERS, QUEUES, reading, step, token
from evalspec.answers.reading import Outcome, Reading
from evalspec.language.answer_types import JsonAnswer, JsonField, NumberAnswer
from evalspec.language.program import ConfidenceSource, Step
from evalspec.models.model import Answer

FIELD, FIELDS, OWN = ConfidenceSource.FIELD, ConfidenceSource.FIELDS, ConfidenceSource.OWN
NUMBER = NumberAnswer()
SURE = step(
    JsonAnswer(
        fields=(
            JsonField(name="n", type=NUMBER),
            JsonField(name="sure", type=NUMBER, scored=False),
        )
    ),
    confidence=(FIELD,),
    confidence_fields=("sure",),
)
WEIGHED = step(QUEUES, confidence=(FIELDS,))
LETTERED = step(LETTERS, confidence=(FIELDS,))


def weighed(response: str, asked: Step = WEIGHED, source: ConfidenceSource = FIELDS) -> Reading:
    return reading(asked, response, source=source, row=CHOICES)


class TestAField:
    @pytest.mark.parametrize(
        ("said", "confidence"),
        [("0.85", 0.85), ("1", 1.0), ("0", 0.0), ('"85%"', 0.85), ('" 85.5 % "', 0.855), ('"0.85"', 0.85)],
    )
    def test_holds_a_share_or_a_percentage_as_text(self, said: str, confidence: float) -> None:
        found = reading(SURE, f'{{"n": 3, "sure": {said}}}', source=FIELD)
        assert found.confidence == approx(confidence)
        assert found.why is None

    @pytest.mark.parametrize("said", ["85", "-0.1", '"85"', '"very"', "null", "true", "[1]", '"120%"'])
    def test_else_there_is_none_and_the_answer_stands(self, said: str) -> None:
        found = reading(SURE, f'{{"n": 3, "sure": {said}}}', source=FIELD)
        assert found.outcome is Outcome.ANSWERED
        assert found.confidence is None
        assert "`sure`" in (found.why or "")

    def test_missing_there_is_none(self) -> None:
        found = reading(SURE, '{"n": 3}', source=FIELD)
        assert found.value == {"n": Decimal(3), "sure": None}
        assert found.why == "the field `sure` is missing"

    def test_recorded_answers_tell_it_too_but_their_own_comes_first(self) -> None:
        response = '{"n": 3, "sure": 0.7}'
        assert reading(SURE, response, source=OWN).confidence == approx(0.7)
        assert reading(SURE, Answer(response=response, confidence=0.4), source=OWN).confidence == 0.4


class TestAnObjectOfProbabilities:
    ALL = '{"billing": 0.7, "bug": 0.2, "abuse": 0.1, "other": 0}'

    @pytest.mark.parametrize("response", [ALL, f"I weigh them:\n```json\n{ALL}\n```", f"bug? {ALL}"])
    def test_the_largest_is_the_answer_and_all_are_the_distribution(self, response: str) -> None:
        found = weighed(response)
        assert found.value == "billing"
        assert found.confidence == approx(0.7)
        assert found.distribution == approx({"billing": 0.7, "bug": 0.2, "abuse": 0.1, "other": 0})

    @pytest.mark.parametrize(
        "said",
        [
            '{"billing": 70, "bug": 20, "abuse": 10, "other": 0}',
            '{"Billing": "70%", "bug": "20%", "abuse": "10%", "other": "0%", "why": "a bill"}',
            '{"billing": 0.735, "bug": 0.21, "abuse": 0.105, "other": 0}',
        ],
    )
    def test_percentages_and_roundings_are_made_to_sum_to_1(self, said: str) -> None:
        assert weighed(said).confidence == approx(0.7)

    def test_what_sums_to_something_else_is_an_answer_without_confidence(self) -> None:
        found = weighed('{"billing": 0.9, "bug": 0.8, "abuse": 0.1, "other": 0}')
        assert (found.value, found.confidence, found.distribution) == ("billing", None, None)
        assert found.why == "the probabilities sum to 1.8, not to 1"

    @pytest.mark.parametrize(
        "said", ['{"billing": 0.5, "bug": 0.5, "abuse": 0, "other": 0}', '{"billing": 0.7, "bug": 0.3}']
    )
    def test_two_leaders_or_a_label_left_out_are_no_answer(self, said: str) -> None:
        assert weighed(said).outcome is Outcome.NO_ANSWER

    def test_without_an_object_the_text_says_the_answer(self) -> None:
        found = weighed("bug")
        assert (found.value, found.confidence) == ("bug", None)

    def test_letters_are_those_that_are_offered(self) -> None:
        said = '{"A": 0.1, "B": 0.6, "C": 0.3}'
        assert reading(LETTERED, said, source=FIELDS, row=CHOICES | {"D": ""}).value == "B"
        assert reading(LETTERED, said, source=FIELDS, row=CHOICES).outcome is Outcome.NO_ANSWER

    def test_recorded_answers_are_read_alike(self) -> None:
        assert weighed(self.ALL, source=OWN).distribution == approx(
            {"billing": 0.7, "bug": 0.2, "abuse": 0.1, "other": 0}
        )


class TestMissing:
    UNSEEN = Answer(response="bug", tokens=(token("bug", the=log(0.9)),))

    @pytest.mark.parametrize(
        ("missing", "outcome"),
        [(None, Outcome.ANSWERED), ("wrong", Outcome.NO_ANSWER), ("abstain", Outcome.ABSTAINED)],
    )
    def test_says_what_a_choice_without_probability_counts_as(
        self, missing: str | None, outcome: Outcome
    ) -> None:
        logprobs = ConfidenceSource.LOGPROBS
        asked = step(QUEUES, confidence=(logprobs,), missing=missing)
        untold = Answer(response="bug")
        assert reading(asked, untold, source=logprobs).outcome is outcome
        seen = Answer(response="bug", tokens=(token("bug", bug=log(0.9)),))
        assert reading(asked, seen, source=logprobs).outcome is Outcome.ANSWERED
