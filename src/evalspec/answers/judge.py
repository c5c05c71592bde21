"""Whether what was read is right, and what the truth is called: reading and gold → right or wrong.

The last step of reading; everything behind it works with these verdicts and labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import assert_never

from evalspec.answers.extract import occurs
from evalspec.answers.finding import as_text
from evalspec.answers.labels import gold_yes_no
from evalspec.answers.letters import gold_letter
from evalspec.answers.numbers import gold_number, same_number
from evalspec.answers.reading import Outcome, Reading, labels_of
from evalspec.answers.texts import contains_text, same_text
from evalspec.language.answer_types import (
    CodeAnswer,
    JsonAnswer,
    LetterOf,
    NumberAnswer,
    OneOf,
    SomeOf,
    TextAnswer,
    ToolCall,
    YesNo,
)
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
    TokenF1,
)
from evalspec.language.program import Step

SHOWN = 60


def is_right(step: Step, reading: Reading, gold: object, row: Mapping[str, object]) -> bool | None:
    """Whether a reading is right; None where the candidate was not heard (`error`, `not_asked`).

    A list of golds means that any of them is right, None (alone or among them) that abstaining is. All
    other outcomes but `answered` are not right. A text that is judged by `matches` needs no gold.
    """
    if reading.outcome in (Outcome.ERROR, Outcome.NOT_ASKED):
        return None
    golds = _golds(gold)
    if reading.outcome is Outcome.ABSTAINED:
        return any(one is None or _declines(step, one) for one in golds)
    if reading.outcome is not Outcome.ANSWERED or reading.value is None:
        return False
    if isinstance(step.answer, TextAnswer) and isinstance(step.score, Matches):
        return (gold is not None or step.gold is None) and occurs(step.score.regex, str(reading.value))
    return any(_equals(step, reading.value, one, row) for one in golds if one is not None)


def gold_label(
    step: Step, gold: object, row: Mapping[str, object], *, answer: str | None = None
) -> str | None:
    """The truth as a label, for confusion and costs: a declared label, yes or no, or a letter.

    None where there is none: no gold, a gold that is no label, an answer type without labels. Among
    several right labels it is the `answer` given, if that is one of them, else the first.
    """
    labels = [label for label in (_label(step, one, row) for one in _golds(gold)) if label is not None]
    return answer if answer in labels else next(iter(labels), None)


def valid_gold(step: Step, gold: object, row: Mapping[str, object]) -> str | None:
    """What is wrong with a gold value that no answer can equal, as the end of a sentence that begins with
    "the gold"; None for a sound one. None as gold is sound: abstaining is right."""
    golds = _golds(gold)
    if not golds:
        return "is an empty list, so that no answer is right"
    problems = (_problem(step, one, row) for one in golds if one is not None)
    return next((problem for problem in problems if problem is not None), None)


def _golds(gold: object) -> tuple[object, ...]:
    return tuple(gold) if isinstance(gold, list | tuple | set | frozenset) else (gold,)


def _declines(step: Step, gold: object) -> bool:
    answer = step.answer
    return isinstance(answer, OneOf) and answer.decline is not None and as_text(gold) == answer.decline


def _equals(step: Step, value: str | Decimal, gold: object, row: Mapping[str, object]) -> bool:
    match step.answer:
        case OneOf() | YesNo() | LetterOf():
            return value == _label(step, gold, row)
        case NumberAnswer(relative=relative, absolute=absolute):
            number = gold_number(gold)
            if number is None or not isinstance(value, Decimal):
                return False
            return same_number(value, number, relative=relative, absolute=absolute)
        case TextAnswer() | SomeOf() | JsonAnswer() | ToolCall() | CodeAnswer():
            return _text_is_right(step, str(value), as_text(gold))
        case _:
            assert_never(step.answer)


def _text_is_right(step: Step, answer: str, gold: str) -> bool:
    match step.score:
        case Exact(ignore=ignore):
            return same_text(answer, gold, ignore)
        case Contains():
            return contains_text(answer, gold)
        case Matches(regex=regex):
            return occurs(regex, answer)
        case TokenF1() | RougeL() | Bleu() | Similarity() | PythonScore() | Judge() | Prefer():
            return False  # graded: no text is right by itself
        case _:
            assert_never(step.score)


def _label(step: Step, gold: object, row: Mapping[str, object]) -> str | None:
    """The label that one gold value means; labels of the data are compared as they are written."""
    if gold is None:
        return None
    match step.answer:
        case OneOf():
            text = as_text(gold)
            return text if text in labels_of(step, row) else None
        case YesNo():
            return gold_yes_no(gold)
        case LetterOf(columns=columns):
            letter = gold_letter(gold, columns, row).value
            return letter if isinstance(letter, str) else None
        case NumberAnswer() | TextAnswer() | SomeOf() | JsonAnswer() | ToolCall() | CodeAnswer():
            return None
        case _:
            assert_never(step.answer)


def _problem(step: Step, gold: object, row: Mapping[str, object]) -> str | None:
    """Why no answer can equal one gold value."""
    shown = as_text(gold)
    shown = f"`{shown[:SHOWN]}…`" if len(shown) > SHOWN else f"`{shown}`"
    match step.answer:
        case OneOf():
            return None if _label(step, gold, row) is not None else f"{shown} is not among the labels"
        case YesNo():
            return None if gold_yes_no(gold) is not None else f"{shown} is neither yes nor no"
        case LetterOf(columns=columns):
            why = gold_letter(gold, columns, row).why
            return None if why is None else f"{shown} {why}"
        case NumberAnswer():
            return None if gold_number(gold) is not None else f"{shown} is not a number"
        case TextAnswer() | SomeOf() | JsonAnswer() | ToolCall() | CodeAnswer():
            needed = not isinstance(step.score, Matches)
            return "is blank, which no answer can be" if needed and not as_text(gold).strip() else None
        case _:
            assert_never(step.answer)
