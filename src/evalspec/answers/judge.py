"""Whether what was read is right, and what the truth is called: reading and gold → right or wrong.

The last step of reading; everything behind it works with these verdicts and labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import assert_never

from evalspec.answers.fields import equal, gold_fault, gold_object, same, same_fields
from evalspec.answers.finding import Value, as_text
from evalspec.answers.labels import gold_labels, gold_yes_no
from evalspec.answers.letters import gold_letter
from evalspec.answers.numbers import gold_number, same_number
from evalspec.answers.objects import gold_call, same_call
from evalspec.answers.reading import Outcome, Reading, labels_of
from evalspec.answers.scores import best_of, scores_of
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
from evalspec.language.expressions import holds
from evalspec.language.judging import Matches, named_scores, tells_right
from evalspec.language.program import Step

SHOWN = 60
UNHEARD = (Outcome.ERROR, Outcome.NOT_ASKED)


def is_right(step: Step, reading: Reading, gold: object, row: Mapping[str, object]) -> bool | None:
    """Whether a reading is right; None where the candidate was not heard (`error`, `not_asked`), and where
    nothing says what is right: texts of graded scores without `right`, code that was not run.

    A list of golds means that any of them is right, None (alone or among them) that abstaining is. All
    other outcomes but `answered` are not right. A text that is judged by `matches` needs no gold.
    """
    if reading.outcome in UNHEARD or isinstance(step.answer, CodeAnswer):
        return None
    if isinstance(step.answer, TextAnswer):
        return _text_is_right(step, text_scores(step, reading, gold))
    golds = _golds(step, gold)
    if reading.outcome is Outcome.ABSTAINED:
        return any(one is None or _declines(step, one) for one in golds)
    if reading.outcome is not Outcome.ANSWERED or reading.value is None:
        return False
    return any(_equals(step, reading.value, one, row) for one in golds if one is not None)


def text_scores(step: Step, reading: Reading, gold: object) -> Mapping[str, bool | float]:
    """Every score of a text by its name; empty where the candidate was not heard, or answers are no texts.

    What is no answer has the worst score, abstaining where that is right the best.
    """
    if reading.outcome in UNHEARD or not isinstance(step.answer, TextAnswer):
        return {}
    golds = _golds(step, gold)
    if reading.outcome is Outcome.ABSTAINED and None in golds:
        return best_of(step)
    unjudged = step.gold is not None and golds == (None,)
    said = str(reading.value) if reading.outcome is Outcome.ANSWERED and not unjudged else None
    return scores_of(step, said, [as_text(one) for one in golds if one is not None])


def fields_right(step: Step, reading: Reading, gold: object) -> Mapping[str, bool]:
    """Whether each field of a JSON answer is right, those that the gold says nothing about left out; none is
    where there is no answer. Empty where the candidate was not heard, and where abstaining was right.

    Of several golds it is the one that most fields agree with.
    """
    if reading.outcome in UNHEARD or not isinstance(step.answer, JsonAnswer):
        return {}
    said = reading.value if isinstance(reading.value, Mapping) else None
    verdicts = []
    for one in _golds(step, gold):
        meant = _gold_object(step, step.answer, one)
        if meant is not None:
            scored = [f for f in step.answer.fields if f.scored and f.name in meant]
            verdicts.append(
                {f.name: said is not None and same(f.type, said.get(f.name), meant[f.name]) for f in scored}
            )
    return max(verdicts, key=lambda verdict: sum(verdict.values()), default={})


def gold_label(
    step: Step, gold: object, row: Mapping[str, object], *, answer: str | None = None
) -> str | None:
    """The truth as a label, for confusion and costs: a declared label, yes or no, or a letter.

    None where there is none: no gold, a gold that is no label, an answer type without labels. Among
    several right labels it is the `answer` given, if that is one of them, else the first.
    """
    labels = [label for label in (_label(step, one, row) for one in _golds(step, gold)) if label is not None]
    return answer if answer in labels else next(iter(labels), None)


def valid_gold(step: Step, gold: object, row: Mapping[str, object]) -> str | None:
    """What is wrong with a gold value that no answer can equal, as the end of a sentence that begins with
    "the gold"; None for a sound one. None as gold is sound: abstaining is right."""
    golds = _golds(step, gold)
    if not golds:
        return "is an empty list, so that no answer is right"
    problems = (_problem(step, one, row) for one in golds if one is not None)
    return next((problem for problem in problems if problem is not None), None)


def _golds(step: Step, gold: object) -> tuple[object, ...]:
    """The golds that are right each; a list is one itself where answers are sets."""
    if isinstance(gold, list | tuple | set | frozenset) and not isinstance(step.answer, SomeOf):
        return tuple(gold)
    return (gold,)


def _declines(step: Step, gold: object) -> bool:
    answer = step.answer
    return isinstance(answer, OneOf) and answer.decline is not None and as_text(gold) == answer.decline


def _equals(step: Step, value: Value, gold: object, row: Mapping[str, object]) -> bool:
    match step.answer:
        case OneOf() | YesNo() | LetterOf():
            return value == _label(step, gold, row)
        case NumberAnswer(relative=relative, absolute=absolute):
            number = gold_number(gold)
            if number is None or not isinstance(value, Decimal):
                return False
            return same_number(value, number, relative=relative, absolute=absolute)
        case SomeOf(labels=labels):
            return (value, None) == gold_labels(gold, labels)
        case JsonAnswer():
            meant = _gold_object(step, step.answer, gold)
            if meant is None or not isinstance(value, Mapping):
                return False
            return (
                same_fields(step.answer.fields, value, meant) if step.answer.fields else equal(value, meant)
            )
        case ToolCall():
            call, _ = gold_call(gold, step.answer)
            return call is not None and same_call(value, call)
        case TextAnswer() | CodeAnswer():
            return False  # texts are right by their scores, code by what it does
        case _:
            assert_never(step.answer)


def _gold_object(step: Step, answer: JsonAnswer, gold: object) -> Mapping[str, Value | None] | None:
    """The gold of a JSON answer by its fields: all that are scored, or those of `gold { … }`."""
    fitted = gold_object(answer, gold, only=step.field_golds or None)
    return fitted.value if fitted is not None and isinstance(fitted.value, Mapping) else None


def _text_is_right(step: Step, scores: Mapping[str, bool | float]) -> bool | None:
    """By `right`, else by the one score that is true or false."""
    if step.right is not None:
        return holds(step.right, scores)
    if not tells_right(named_scores(step.score, step.scores)):
        return None
    return next((score is True for score in scores.values()), None)


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
        case TextAnswer():
            scores = named_scores(step.score, step.scores).values()
            needed = not all(isinstance(score, Matches) for score in scores)
            return "is blank, which no answer can be" if needed and not as_text(gold).strip() else None
        case SomeOf(labels=labels):
            foreign = gold_labels(gold, labels)[1]
            return None if foreign is None else f"has `{foreign[:SHOWN]}`, which is not among the labels"
        case JsonAnswer():
            return gold_fault(step.answer, gold, only=step.field_golds or None)
        case ToolCall():
            return gold_call(gold, step.answer)[1]
        case CodeAnswer():
            return None
        case _:
            assert_never(step.answer)
