"""Scores of texts, held against the programs that made their names, and what counts as right by them."""

from __future__ import annotations

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx  # noqa: PT013
from rouge_score.rouge_scorer import RougeScorer

from answers.asking import reading, step
from evalspec.answers.judge import is_right, text_scores
from evalspec.answers.overlap import bleu, rouge_l, token_f1
from evalspec.language.answer_types import TextAnswer
from evalspec.language.judging import Bleu, Contains, Exact, Matches, RougeL, TextScore, TokenF1
from evalspec.models.model import Answer

WORDS = st.sampled_from(
    [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "mat,",
        "dog!",
        "3.14",
        "1,000",
        "U.S.",
        "it's",
        "-",
        "(x)",
        "5-6",
        "&amp;",
        "<b>",
        "end.",
        "end",
        ".",
        "The",
    ]
)
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
ROUGE = RougeScorer(["rougeL"])


@given(TEXTS, st.lists(TEXTS.filter(bool), min_size=1, max_size=3))
def test_bleu_agrees_with_sacrebleu(answer: str, golds: list[str]) -> None:
    assert bleu(answer, golds) == approx(sacrebleu.sentence_bleu(answer, golds).score / 100, abs=1e-9)


@given(TEXTS, TEXTS)
def test_rouge_l_agrees_with_rouge_score(answer: str, gold: str) -> None:
    assert rouge_l(answer, gold) == approx(ROUGE.score(gold, answer)["rougeL"].fmeasure, abs=1e-9)


def test_rouge_l_knows_more_than_english() -> None:
    assert rouge_l("Привет мир", "привет большой мир") == approx(0.8)
    assert rouge_l("東京都", "東京") == approx(0.8)


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [  # by hand, after the evaluation script of SQuAD
        ("The Eiffel Tower!", "eiffel tower", 1.0),
        ("in the city of Paris", "Paris", 2 * (1 / 4) / (1 / 4 + 1)),
        ("a b b", "b b b c", 2 * (2 / 2) * (2 / 4) / (2 / 2 + 2 / 4)),
        ("Rome", "Paris", 0.0),
        ("the", "a", 1.0),
        ("the", "Paris", 0.0),
    ],
)
def test_token_f1_counts_as_squad_does(answer: str, gold: str, f1: float) -> None:
    assert token_f1(answer, gold) == approx(f1)


@given(TEXTS, TEXTS.filter(bool))
def test_scores_lie_between_0_and_1_and_a_text_is_its_own_equal(answer: str, gold: str) -> None:
    for score in (token_f1(answer, gold), rouge_l(answer, gold), bleu(answer, [gold])):
        assert -1e-12 <= score <= 1 + 1e-12
    assert token_f1(gold, gold) == 1


# ── by name, and what is right ────────────────────────────────────────────────────────────────────


def scored(response: str | Answer, gold: object, score: TextScore) -> object:
    asked = step(TextAnswer(), score=score, abstains="no idea")
    asked_gold = text_scores(asked, reading(asked, response), gold)
    return next(iter(asked_gold.values()))


@pytest.mark.parametrize("score", [TokenF1(), RougeL(), Bleu()])
def test_the_nearest_gold_counts_and_no_answer_is_the_worst(score: TextScore) -> None:
    assert scored("a red fox ran far", ["a blue sky", "a red fox ran far"], score) == approx(1)
    assert scored("", "a red fox", score) == 0.0
    assert scored(Answer(response="x", refused=True), "a red fox", score) == 0.0
    assert scored("a red fox", None, score) == 0.0
    assert scored("no idea", "a red fox", score) == 0.0
    assert scored("no idea", None, score) == 1.0


def test_scores_go_by_their_names() -> None:
    asked = step(TextAnswer(), scores={"same": Exact(), "near": TokenF1()})
    assert text_scores(asked, reading(asked, "red fox"), "red dog") == {"same": False, "near": approx(0.5)}
    assert is_right(asked, reading(asked, "red fox"), "red fox", {}) is None  # nothing says what is right


@pytest.mark.parametrize("score", [TokenF1(), RougeL(), Bleu()])
def test_a_degree_alone_is_neither_right_nor_wrong(score: TextScore) -> None:
    asked = step(TextAnswer(), score=score)
    assert is_right(asked, reading(asked, "red fox"), "red fox", {}) is None


@pytest.mark.parametrize("score", [Exact(), Contains(), Matches(regex="fox$")])
def test_a_single_verdict_says_what_is_right(score: TextScore) -> None:
    asked = step(TextAnswer(), score=score)
    assert is_right(asked, reading(asked, "red fox"), "red fox", {}) is True
    assert is_right(asked, reading(asked, "red"), "red fox", {}) is False
