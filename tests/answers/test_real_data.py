"""Answers of real models, and labels and golds of real sets."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from answers.asking import NUMBER, reading, said, shared, step
from evalspec.answers.judge import gold_label, is_right, valid_gold
from evalspec.language.answer_types import LetterOf, OneOf
from evalspec.language.judging import Pattern

MMLU = LetterOf(columns=("A", "B", "C", "D"))


def _lines(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize(
    ("model", "published"),
    [("6b_finetuning", 286), ("6b_verification", 515), ("175b_finetuning", 458), ("175b_verification", 742)],
)
@pytest.mark.parametrize("pattern", [r"A: (.*)", None])
def test_as_many_answers_are_right_as_their_authors_published(
    model: str, published: int, pattern: str | None
) -> None:
    golds = {row["id"]: row["answer"] for row in _lines(shared("gsm8k", "examples.jsonl.gz"))}
    asked = step(NUMBER, *([Pattern(regex=pattern, last=True)] if pattern else []))
    replies = _lines(shared("gsm8k", "responses", f"{model}.jsonl.gz"))
    right = [is_right(asked, reading(asked, reply["response"]), golds[reply["id"]], {}) for reply in replies]
    assert sum(map(bool, right)) == published


def test_counts_of_steps_that_are_open_above_are_no_numbers() -> None:
    problems = [
        valid_gold(step(NUMBER), row["steps"], {}) for row in _lines(shared("gsm8k", "examples.jsonl.gz"))
    ]
    assert [problem for problem in problems if problem] == ["`7+` is not a number"] * 63


def test_every_intent_of_a_bank_is_read_from_every_way_to_write_it() -> None:
    intents = json.loads(shared("banking77", "categories.json").read_text(encoding="utf-8"))
    answer = OneOf(labels=tuple(intents))
    assert len(intents) == 77
    for intent in intents:
        spaced = intent.replace("_", " ")
        for text in (
            intent,
            intent.upper(),
            spaced,
            f"**{intent}**",
            f'"{spaced}".',
            f"The intent is `{intent}`.",
        ):
            assert said(answer, text) == intent, text
        assert said(answer, f"The intent is {spaced}, I think.") == intent


def _questions(path: Path, header: bool) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        names = None if header else ["question", "A", "B", "C", "D", "answer"]
        return list(csv.DictReader(file, fieldnames=names))


@pytest.mark.parametrize("layout", ["data", "with_header"])
def test_the_golds_of_multiple_choice_questions_mean_the_same_letter_in_both_layouts(layout: str) -> None:
    asked, seen = step(MMLU), 0
    for path in sorted(shared("mmlu", layout, "test").glob("*.csv")):
        for row in _questions(path, header=layout == "with_header"):
            columns = list(row)
            choices = (
                dict(zip("ABCD", (row[name] for name in columns[1:5]), strict=True))
                if "A" not in row
                else row
            )
            gold = row["answer"]
            letter = gold if gold in "ABCD" else "ABCD"[int(gold)]
            assert valid_gold(asked, gold, choices) is None
            assert gold_label(asked, gold, choices) == letter
            assert (
                is_right(asked, reading(asked, f"The answer is ({letter}).", row=choices), gold, choices)
                is True
            )
            seen += 1
    assert seen > 500
