"""The scores of a text: what each makes of an answer and its golds, by the names they have in results.

A score is a flag (true or false) or graded (from 0 to 1). What a model or a function of the user's own
would have to judge is not scored here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from evalspec.answers.extract import occurs
from evalspec.answers.overlap import bleu, rouge_l, token_f1
from evalspec.answers.texts import contains_text, same_text
from evalspec.language.answer_types import TextAnswer
from evalspec.language.judging import (
    Bleu,
    Contains,
    Exact,
    Judge,
    Matches,
    Prefer,
    PythonScore,
    RougeL,
    Similarity,
    TextScore,
    TokenF1,
    named_scores,
)
from evalspec.language.program import Step


def scores_of(step: Step, answer: str | None, golds: Sequence[str]) -> Mapping[str, bool | float]:
    """Every score of an answer by its name; of no answer (None), or where no gold is left, the worst.

    Among several golds the nearest counts; BLEU takes all of them together. Empty where answers are no texts.
    """
    if not isinstance(step.answer, TextAnswer):
        return {}
    found = {
        name: _score(score, answer, golds) for name, score in named_scores(step.score, step.scores).items()
    }
    return {name: value for name, value in found.items() if value is not None}


def best_of(step: Step) -> Mapping[str, bool | float]:
    """Every score where abstaining was right, and done."""
    whole = scores_of(step, None, ())
    return {name: True if isinstance(value, bool) else 1.0 for name, value in whole.items()}


def _score(score: TextScore, answer: str | None, golds: Sequence[str]) -> bool | float | None:
    said = answer is not None
    text = answer or ""
    match score:
        case Exact(ignore=ignore):
            return said and any(same_text(text, gold, ignore) for gold in golds)
        case Contains():
            return said and any(contains_text(text, gold) for gold in golds)
        case Matches(regex=regex):
            return said and occurs(regex, text)
        case TokenF1():
            return max((token_f1(text, gold) for gold in golds), default=0.0) if said else 0.0
        case RougeL():
            return max((rouge_l(text, gold) for gold in golds), default=0.0) if said else 0.0
        case Bleu():
            return bleu(text, golds) if said and golds else 0.0
        case Similarity() | PythonScore() | Judge() | Prefer():
            return None
        case _:
            assert_never(score)
