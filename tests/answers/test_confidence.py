"""How sure a candidate was: token probabilities, stated percentages, its own figures."""

from __future__ import annotations

from math import log

import pytest
from pytest import approx  # noqa: PT013

from answers.asking import CHOICES, LETTERS, QUEUES, TEXT, YES_NO, reading, step, token
from evalspec.answers.confidence import STATED_INSTRUCTION, spread_of_tokens, take_stated
from evalspec.answers.reading import Outcome, Reading
from evalspec.language.answer_types import NumberAnswer, OneOf
from evalspec.language.judging import Pattern
from evalspec.language.program import ConfidenceSource
from evalspec.models.model import Answer, TokenChoice

LOGPROBS, STATED, OWN = ConfidenceSource.LOGPROBS, ConfidenceSource.STATED, ConfidenceSource.OWN


def these(*values: object) -> tuple[object, ...]:
    return values


def ln(**probabilities: float) -> dict[str, float]:
    return {name: log(p) for name, p in probabilities.items()}


class TestTokenProbabilities:
    def test_the_answered_labels_share_of_all_labels_is_the_confidence(self) -> None:
        tokens = (token("b", **ln(billing=0.5, bill=0.1, bug=0.2, other=0.1, the=0.05)), token("illing"))
        found = reading(step(QUEUES), Answer(response="billing", tokens=tokens), source=LOGPROBS)
        assert found.value == "billing"
        assert found.confidence == approx(0.6 / 0.9)
        assert found.mass == approx(0.9)
        assert found.distribution == approx(
            {"billing": 0.6 / 0.9, "bug": 0.2 / 0.9, "abuse": 0, "other": 0.1 / 0.9}
        )
        assert these(found.source, found.why) == (LOGPROBS, None)

    def test_the_text_is_the_answer_though_another_label_is_likelier(self) -> None:
        tokens = (token("bug", **ln(billing=0.7, bug=0.3)),)
        found = reading(step(QUEUES), Answer(response="bug", tokens=tokens), source=LOGPROBS)
        assert these(found.value, found.confidence) == ("bug", approx(0.3))

    def test_blank_tokens_are_skipped_and_leading_blanks_and_case_do_not_matter(self) -> None:
        tokens = (token("\n"), token(" "), token(" Bug", **ln(_Bug=0.5, bug=0.2, _BILLING=0.3)))
        found = reading(step(QUEUES), Answer(response="\n  Bug", tokens=tokens), source=LOGPROBS)
        assert found.confidence == approx(0.7)

    def test_mass_that_fits_several_labels_is_nobodys(self) -> None:
        labels = ("card_arrival", "card_linking", "top_up")
        spread = spread_of_tokens((token("card", **ln(card=0.6, top=0.3)),), None, labels)
        assert spread.probabilities == {"card_arrival": 0, "card_linking": 0, "top_up": 1}  # type: ignore[union-attr]
        assert spread.mass == approx(0.3)  # type: ignore[union-attr]

    def test_a_token_that_spells_a_label_out_names_it_though_others_begin_so(self) -> None:
        spread = spread_of_tokens(
            (token("card", **ln(card=0.6, card_a=0.2)),), None, ("card", "card_arrival")
        )
        assert spread.probabilities == approx({"card": 0.75, "card_arrival": 0.25})  # type: ignore[union-attr]

    def test_a_label_without_mass_has_no_confidence(self) -> None:
        tokens = (token("The", **ln(The=0.9, bug=0.1)),)
        found = reading(step(QUEUES), Answer(response="The queue is billing", tokens=tokens), source=LOGPROBS)
        assert these(found.outcome, found.value, found.confidence) == (Outcome.ANSWERED, "billing", None)
        assert found.why == "the answer got no probability"
        assert found.mass == approx(0.1)

    @pytest.mark.parametrize(
        "tokens",
        [
            (),
            (token("The", **ln(The=1.0)),),
            (token("billing", billing=-9999.0),),
            (token("billing", billing=float("nan")),),
            (token("billing", billing=5e8),),
            (token("  "),),
        ],
    )
    def test_without_usable_probabilities_the_confidence_is_missing(
        self, tokens: tuple[TokenChoice, ...]
    ) -> None:
        found = reading(step(QUEUES), Answer(response="billing", tokens=tokens), source=LOGPROBS)
        assert these(found.value, found.confidence, found.distribution) == ("billing", None, None)
        assert found.why

    def test_a_hair_above_certainty_is_rounding(self) -> None:
        found = reading(
            step(QUEUES), Answer(response="bug", tokens=(token("bug", bug=1e-7),)), source=LOGPROBS
        )
        assert found.confidence == 1.0
        assert found.mass == 1.0

    def test_the_sampled_token_counts_once_among_its_alternatives(self) -> None:
        alone = TokenChoice("yes", log(0.6), (("no", log(0.4)),))
        listed = TokenChoice("yes", log(0.6), (("yes", log(0.6)), ("no", log(0.4))))
        for first in (alone, listed):
            found = reading(step(YES_NO), Answer(response="yes", tokens=(first,)), source=LOGPROBS)
            assert found.confidence == approx(0.6)

    def test_the_distribution_stands_where_the_extracted_answer_begins(self) -> None:
        tokens = (
            token("bug"),
            token("?\n"),
            token("Answer"),
            token(":"),
            token(" billing", **ln(_billing=0.8, _bug=0.2)),
        )
        asked = step(QUEUES, Pattern(regex="Answer: (.*)", last=True))
        found = reading(asked, Answer(response="bug?\nAnswer: billing", tokens=tokens), source=LOGPROBS)
        assert these(found.value, found.confidence) == ("billing", approx(0.8))

    def test_the_distribution_stands_behind_the_reasoning(self) -> None:
        tokens = (
            token("<think>"),
            token("bug"),
            token("</think>"),
            token("\n"),
            token("no", **ln(no=0.9, yes=0.1)),
        )
        found = reading(
            step(YES_NO), Answer(response="<think>bug</think>\nno", tokens=tokens), source=LOGPROBS
        )
        assert these(found.value, found.confidence) == ("no", approx(0.9))

    def test_unreadable_text_has_no_confidence(self) -> None:
        tokens = (token("bill", **ln(bill=0.9)),)
        found = reading(step(QUEUES), Answer(response="bill", tokens=tokens), source=LOGPROBS)
        assert found == Reading(outcome=Outcome.NO_ANSWER, why=found.why)


class TestLetters:
    def test_the_likeliest_letter_is_the_answer(self) -> None:
        tokens = (token(" B", **ln(_B=0.3, A=0.25, _A=0.15, E=0.2)),)
        found = reading(step(LETTERS), Answer(response=" B", tokens=tokens), source=LOGPROBS)
        assert these(found.value, found.confidence, found.mass) == ("A", approx(0.4 / 0.7), approx(0.7))

    def test_a_first_token_cut_off_by_max_tokens_is_an_answer(self) -> None:
        answer = Answer(
            response="The", tokens=(token("The", **ln(The=0.9, C=0.06, A=0.02)),), finish_reason="length"
        )
        found = reading(step(LETTERS), answer, source=LOGPROBS)
        assert these(found.outcome, found.value, found.mass) == (Outcome.ANSWERED, "C", approx(0.08))

    def test_a_letter_that_the_text_says_after_prose_is_the_answer(self) -> None:
        answer = Answer(response="The answer is B", tokens=(token("The", **ln(The=0.9, A=0.06, B=0.02)),))
        found = reading(step(LETTERS), answer, source=LOGPROBS)
        assert these(found.value, found.confidence) == ("B", approx(0.25))

    def test_a_missing_choice_has_no_share(self) -> None:
        tokens = (token("D", **ln(D=0.9, A=0.1)),)
        row = {**CHOICES, "D": None}
        found = reading(step(LETTERS), Answer(response="D", tokens=tokens), source=LOGPROBS, row=row)
        assert these(found.value, found.distribution) == ("A", {"A": 1.0, "B": 0.0, "C": 0.0})

    @pytest.mark.parametrize(("response", "value"), [("B", "B"), ("C", None)])
    def test_between_equals_the_text_decides_or_nobody(self, response: str, value: str | None) -> None:
        tokens = (token(response, A=-1.0, B=-1.0, C=-3.0),)
        found = reading(step(LETTERS), Answer(response=response, tokens=tokens), source=LOGPROBS)
        assert found.value == value

    def test_without_probabilities_the_text_is_read(self) -> None:
        found = reading(step(LETTERS), "The answer is B", source=LOGPROBS)
        assert these(found.value, found.confidence) == ("B", None)


class TestStated:
    @pytest.mark.parametrize(
        ("line", "confidence"),
        [
            ("Confidence: 85%", 0.85),
            ("confidence: 85 %", 0.85),
            ("**Confidence:** 85%", 0.85),
            ("- Confidence: **85%**.", 0.85),
            ("Confidence: 85", 0.85),
            ("Confidence level: 85 percent", 0.85),
            ("Confidence: ~85% (fairly sure)", 0.85),
            ("Confidence: 99,5%", 0.995),
            ("Confidence: 0.85%", 0.0085),
            ("Confidence: 1%", 0.01),
            ("Confidence: 0", 0.0),
            ("Confidence: 100%", 1.0),
            ("Confidence: 0.85", None),
            ("Confidence: 1", None),
            ("Confidence: 101%", None),
            ("Confidence: -5%", None),
            ("Confidence: 80-90%", None),
            ("Confidence: 80% to 90%", None),
            ("Confidence: 1,000%", None),
            ("Confidence: high", None),
            ("Confidence:", None),
        ],
    )
    def test_the_last_line_is_taken_off_and_read(self, line: str, confidence: float | None) -> None:
        stated = take_stated(f"42 apples\n\n{line}\n")
        assert stated.text.strip() == "42 apples"
        assert stated.confidence == (None if confidence is None else approx(confidence))
        assert (stated.why is None) == (confidence is not None)

    def test_the_line_never_passes_for_the_answer(self) -> None:
        found = reading(step(NumberAnswer()), "It is 42.\nConfidence: 85%\nThanks!", source=STATED)
        assert these(found.value, found.confidence, found.source) == (42, 0.85, STATED)

    def test_a_confidence_behind_the_answer_on_its_line_is_read_too(self) -> None:
        found = reading(step(NumberAnswer()), "It is 42. Confidence: 85%", source=STATED)
        assert these(found.value, found.confidence) == (42, 0.85)

    def test_of_several_lines_the_last_counts(self) -> None:
        assert take_stated("a\nConfidence: 10%\nb\nConfidence: 20%").confidence == 0.2

    def test_without_a_line_the_confidence_is_missing(self) -> None:
        found = reading(step(QUEUES), "billing", source=STATED)
        assert these(found.value, found.confidence, found.why) == (
            "billing",
            None,
            "no confidence was stated",
        )

    def test_the_instruction_is_one_that_its_reader_understands(self) -> None:
        line = STATED_INSTRUCTION.splitlines()[-1].replace("N", "73")
        assert take_stated(f"x\n{line}").confidence == approx(0.73)

    def test_other_sources_leave_the_line_where_it_is(self) -> None:
        assert reading(step(TEXT), "x\nConfidence: 85%").value == "x\nConfidence: 85%"


class TestOwn:
    def test_a_confidence_is_taken_as_it_stands(self) -> None:
        found = reading(step(TEXT), Answer(response="x", confidence=0.7), source=OWN)
        assert these(found.confidence, found.source, found.distribution) == (0.7, OWN, None)

    def test_label_probabilities_give_the_answered_labels(self) -> None:
        answer = Answer(response="bug", label_logprobs=ln(bug=0.6, billing=0.4))
        found = reading(step(QUEUES), answer, source=OWN)
        assert found.confidence == approx(0.6)
        assert found.distribution == approx({"billing": 0.4, "bug": 0.6, "abuse": 0.0, "other": 0.0})

    def test_a_confidence_goes_before_the_probabilities(self) -> None:
        answer = Answer(response="bug", confidence=0.5, label_logprobs=ln(bug=0.6, billing=0.4))
        found = reading(step(QUEUES), answer, source=OWN)
        assert found.confidence == 0.5
        assert found.distribution is not None

    def test_rounding_is_evened_out_and_more_is_no_distribution(self) -> None:
        near = reading(
            step(YES_NO), Answer(response="yes", label_logprobs=ln(yes=0.6, no=0.4000005)), source=OWN
        )
        assert near.distribution is not None
        assert sum(near.distribution.values()) == approx(1, abs=1e-12)
        far = reading(step(YES_NO), Answer(response="yes", label_logprobs=ln(yes=0.6, no=0.3)), source=OWN)
        assert these(far.confidence, far.distribution) == (None, None)
        assert far.why == "the labels' probabilities sum to 0.9, not to 1"

    @pytest.mark.parametrize("wrong", [1.2, -0.1, float("nan")])
    def test_a_confidence_outside_0_to_1_is_missing_and_not_clipped(self, wrong: float) -> None:
        found = reading(step(TEXT), Answer(response="x", confidence=wrong), source=OWN)
        assert found.confidence is None
        assert found.why == "the confidence given is not between 0 and 1"

    def test_what_was_exported_from_token_probabilities_reads_the_same(self) -> None:
        asked = step(LETTERS, confidence=(LOGPROBS,))
        tokens = (token(" B", **ln(_B=0.3, _A=0.6, C=0.1)),)
        first = reading(asked, Answer(response=" B", tokens=tokens), source=LOGPROBS)
        assert first.distribution is not None
        logs = {label: log(p) for label, p in first.distribution.items() if p}
        answer = Answer(response=" B", confidence=first.confidence, label_logprobs=logs, outcome="answered")
        again = reading(asked, answer, source=OWN)
        assert (
            these(again.value, again.confidence) == these(first.value, first.confidence) == ("A", approx(0.6))
        )
        assert again.distribution == approx(first.distribution)

    def test_what_was_exported_with_a_stated_confidence_reads_the_same(self) -> None:
        asked = step(NumberAnswer(), confidence=(STATED,))
        answer = Answer(response="42\nConfidence: 85%", confidence=0.85, outcome="answered")
        found = reading(asked, answer, source=OWN)
        assert these(found.value, found.confidence) == (42, 0.85)

    def test_a_recorded_line_counts_where_the_step_asks_for_it(self) -> None:
        asked = step(OneOf(labels=("a", "b")), confidence=(STATED,))
        assert reading(asked, "b\nConfidence: 60%", source=OWN).confidence == 0.6


def test_without_a_source_there_is_no_confidence() -> None:
    answer = Answer(
        response="bug", confidence=0.5, label_logprobs=ln(bug=1.0), tokens=(token("bug", bug=-0.1),)
    )
    found = reading(step(QUEUES), answer)
    assert found == Reading(outcome=Outcome.ANSWERED, value="bug")
