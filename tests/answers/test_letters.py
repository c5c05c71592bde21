"""The letter of a choice; never a pronoun, an article, or a choice that is not there."""

from __future__ import annotations

import pytest

from answers.asking import CHOICES, LETTERS, said
from evalspec.answers.letters import gold_letter
from evalspec.language.answer_types import LetterOf

TEN = LetterOf(columns=tuple("ABCDEFGHIJ"))
TEN_CHOICES = {letter: f"choice {letter}" for letter in "ABCDEFGHIJ"}

SAYS = [
    ("C", "C"),
    (" c\n", "C"),
    ("(C)", "C"),
    ("**C**", "C"),
    ("C.", "C"),
    ("C) Rome", "C"),
    ("C: Rome, because it is old", "C"),
    ("The answer is C", "C"),
    ("The correct answer is: **C**.", "C"),
    ("the correct option is (c)", "C"),
    ("Answer: C because A is wrong", "C"),
    ("**Answer:** C", "C"),
    ("Answer\nC", "C"),
    ("Final answer: option C", "C"),
    (r"So $\boxed{C}$", "C"),
    (r"\boxed{\textbf{(C)}}", "C"),
    ("Answer: A\nNo, wrong.\nAnswer: C", "C"),
    ("The answer is most likely C, not A or B.", "C"),
    ("The answer is A because Paris is in France", "A"),
    ("It's not A, so I think it's B", "B"),
    ("Therefore Option C", "C"),
    ("I would choose C.", "C"),
    ("First I weigh them.\n\nC\n", "C"),
    ("I believe (C) fits best", "C"),
    ("Rome", "C"),
    ("rome.", "C"),
    ("The answer is Rome.", "C"),
    ("Answer: A field", "B"),  # the text of B, not the letter A
    ("Answer: both A and B", "D"),
    ("答案是C", "C"),
    ("答案：C", "C"),
    ("Respuesta: C", "C"),
    ("La réponse est C", "C"),
    ("<answer>C</answer>", "C"),
    ('{"answer": "C"}', "C"),
    ("Of these, C is the best choice", "C"),
    ("C because it is old", "C"),
    ("Option A is wrong. The correct answer is option C.", "C"),
    ("B is wrong. The answer's C.", "C"),
]

SAYS_NOTHING = [
    "",
    "I do not know",
    "A careful reader would say nothing",
    "Answer: A careful reader would say nothing",
    "The answer is a bit tricky",
    "The answer is not A",
    "The answer isn't A",
    "The answer is A or B",
    "Answer: A, B",
    "A and B are right; answer: A/B",
    "N/A",
    "Answer: N/A",
    "E",
    "Answer: E",
    "(A) or (B)",
    "A) Paris\nB) a field\nC) Rome",
    "vitamin C is healthy",
    "A: C",
    "~C",
    "B is wrong",
    "A is correct, or B is correct",
    "The answer is C++",
    "The answer is C = 5",
    "the answer: e.g. something",
    "none of these",
    "f(A)",
]


@pytest.mark.parametrize(("text", "letter"), SAYS)
def test_a_text_says_its_letter(text: str, letter: str) -> None:
    assert said(LETTERS, text) == letter


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_what_says_no_letter_or_two_is_no_answer(text: str) -> None:
    assert said(LETTERS, text) is None


@pytest.mark.parametrize(
    "text", ["I do not know", "I think so", "Answer: I am not sure", "I", "The answer is I"]
)
def test_the_pronoun_is_a_letter_only_where_nothing_follows_it(text: str) -> None:
    alone = text in ("I", "The answer is I")
    assert said(TEN, text, row=TEN_CHOICES) == ("I" if alone else None)


@pytest.mark.parametrize("missing", [None, "", "  ", float("nan")])
def test_a_letter_whose_column_is_missing_is_never_said(missing: object) -> None:
    row = {**CHOICES, "C": missing}
    assert said(LETTERS, "C", row=row) is None
    assert said(LETTERS, "The answer is C", row=row) is None
    assert said(LETTERS, "(B), surely not (C)", row=row) == "B"


def test_only_the_exact_text_of_a_choice_counts() -> None:
    row = {"A": "~~C", "B": "[0, 1)", "C": "x", "D": "X"}
    assert said(LETTERS, "The answer is (C).", row=row) == "C"
    assert said(LETTERS, "(0, 1)", row=row) is None
    assert said(LETTERS, "The answer is **[0, 1)**.", row=row) == "B"
    assert said(LETTERS, "Answer: ~~c", row=row) == "A"


def test_a_choice_that_occurs_twice_names_no_letter() -> None:
    assert said(LETTERS, "Rome", row={**CHOICES, "D": "Rome"}) is None


@pytest.mark.parametrize(
    ("gold", "letter"),
    [
        ("C", "C"),
        ("c", "C"),
        (" C ", "C"),
        (2, "C"),
        ("2", "C"),
        (2.0, "C"),
        ("Rome", "C"),
        ("rome", "C"),
        (0, "A"),
    ],
)
def test_gold_is_a_letter_an_index_or_the_text(gold: object, letter: str) -> None:
    assert gold_letter(gold, LETTERS.columns, CHOICES).value == letter


@pytest.mark.parametrize("gold", ["E", 4, -1, "4", "London", "", 1.5, True])
def test_other_golds_mean_no_letter(gold: object) -> None:
    finding = gold_letter(gold, LETTERS.columns, CHOICES)
    assert finding.value is None
    assert finding.why


def test_an_index_comes_before_a_text_of_the_same_digits() -> None:
    assert gold_letter("2", ("A", "B", "C"), {"A": "2", "B": "1", "C": "0"}).value == "C"
    assert gold_letter("12", ("A", "B"), {"A": "12", "B": "1"}).value == "A"
