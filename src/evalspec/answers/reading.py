"""What a candidate's reply says: the outcome, the answer, and how sure it was.

Between the answers of the run (or the store) and the scores; the other modules of this room are its
parts. It knows the step that was asked and the example's row, but not the gold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from evalspec.answers.extract import Excerpt, Missed, extract, fences, occurs, whole
from evalspec.answers.finding import Finding, found, nothing
from evalspec.answers.json_text import list_of
from evalspec.answers.labels import YES_NO, continues, read_label, read_labels, read_yes_no
from evalspec.answers.letters import choices, read_letter
from evalspec.answers.numbers import read_number
from evalspec.answers.objects import read_call, read_json
from evalspec.answers.outcome import Outcome, Reading, of_failure
from evalspec.answers.sureness import decided, said_by, surety, with_confidence
from evalspec.answers.texts import read_text
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
from evalspec.language.program import ConfidenceSource, Step
from evalspec.models.model import Answer, Failure

__all__ = ["Outcome", "Reading", "labels_of", "read"]

CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded"})
RECORDED = {outcome.value: outcome for outcome in Outcome}
WITHHELD = frozenset({"content_filter", "refusal", "safety"})


def read(
    step: Step,
    reply: Answer | Failure,
    *,
    source: ConfidenceSource | None,
    row: Mapping[str, object],
    timeout_declared: bool = False,
) -> Reading:
    """What a reply to a step's question about a row says. Never raises on anything that a model wrote.

    `source` is the confidence source that this candidate uses; `timeout_declared` tells whether the
    spec sets its timeout, without which running out of time is an error. A recorded outcome is believed,
    but for `answered`, which the response must bear out.

    Text that was cut off is read only where the cut cannot have changed the answer: a label or letter
    that `extract` found or that is the whole text (and does not begin another label at the cut), a
    number or text that `extract` found and that something follows. The rest is `truncated`.
    """
    if isinstance(reply, Failure):
        return of_failure(reply, timeout_declared)
    recorded = _recorded(reply.outcome)
    if recorded is not None and recorded is not Outcome.ANSWERED:
        return Reading(outcome=recorded, why="so it was recorded")
    if reply.refused or (recorded is None and _reason(reply) in WITHHELD):
        return Reading(outcome=Outcome.REFUSED, why="the model refused")
    return _read_answer(step, reply, source, row)


def labels_of(step: Step, row: Mapping[str, object]) -> tuple[str, ...]:
    """The labels that a step's answer can be for a row: declared labels, yes and no, or letters. Empty where
    an answer is no single label."""
    match step.answer:
        case OneOf(labels=labels, decline=decline):
            return labels if decline is None or decline in labels else (*labels, decline)
        case YesNo():
            return YES_NO
        case LetterOf(columns=columns):
            return tuple(choices(columns, row))
        case NumberAnswer() | TextAnswer() | SomeOf() | JsonAnswer() | ToolCall() | CodeAnswer():
            return ()
        case _:
            assert_never(step.answer)


def _recorded(name: str | None) -> Outcome | None:
    return None if name is None else RECORDED.get(name)


def _reason(answer: Answer) -> str:
    return (answer.finish_reason or "").casefold()


def _read_answer(
    step: Step, answer: Answer, source: ConfidenceSource | None, row: Mapping[str, object]
) -> Reading:
    said, stated = said_by(step, answer, source)
    part = extract(step.extract, said) if step.extract else whole(said)
    if step.abstains is not None and occurs(step.abstains, part.text if isinstance(part, Excerpt) else said):
        return Reading(outcome=Outcome.ABSTAINED)
    cut = _recorded(answer.outcome) is None and _reason(answer) in CUT_OFF
    finding = _found(step, part, row, cut=cut)
    if source is None:  # nobody wants to know how sure it is
        return _said(step, finding, source, cut=cut)
    sure = surety(step, answer, source, part, labels=labels_of(step, row), stated=stated)
    finding = decided(step, source, finding, sure)
    reading = _said(step, finding, source, cut=cut)
    if reading.outcome is not Outcome.ANSWERED:
        return reading
    return with_confidence(step, reading, answer, finding, sure)


def _said(step: Step, finding: Finding, source: ConfidenceSource | None, *, cut: bool) -> Reading:
    if finding.value is None:
        return Reading(outcome=Outcome.TRUNCATED if cut else Outcome.NO_ANSWER, why=finding.why)
    if isinstance(step.answer, OneOf) and finding.value == step.answer.decline:
        return Reading(outcome=Outcome.ABSTAINED)
    return Reading(outcome=Outcome.ANSWERED, value=finding.value, source=source)


def _found(step: Step, part: Excerpt | Missed, row: Mapping[str, object], *, cut: bool) -> Finding:
    """What the answer's part of a response says, as far as a cut cannot have changed it."""
    if isinstance(part, Missed):
        return nothing(part.why)
    finding = _find(step, part.text, row)
    if not cut or finding.value is None or _certain(step, part, finding, row):
        return finding
    return nothing("the response was cut off before its answer was certain")


def _certain(step: Step, part: Excerpt, finding: Finding, row: Mapping[str, object]) -> bool:
    """Whether what stands behind the cut could not have changed the answer."""
    followed = bool(step.extract) and not part.at_end
    match step.answer:
        case NumberAnswer() | TextAnswer() | CodeAnswer():
            return followed
        case SomeOf():
            return followed or list_of(part.text) is not None
        case JsonAnswer() | ToolCall():
            return followed or finding.whole
        case OneOf() | YesNo() | LetterOf():
            unfinished = part.at_end and continues(str(finding.value), labels_of(step, row))
            return (bool(step.extract) or finding.whole) and not unfinished
        case _:
            assert_never(step.answer)


def _find(step: Step, text: str, row: Mapping[str, object]) -> Finding:
    match step.answer:
        case OneOf():
            return read_label(text, labels_of(step, row))
        case YesNo():
            return read_yes_no(text)
        case LetterOf(columns=columns):
            return read_letter(text, choices(columns, row))
        case NumberAnswer():
            return read_number(text)
        case TextAnswer():
            return read_text(text)
        case SomeOf(labels=labels):
            return read_labels(text, labels)
        case JsonAnswer():
            return read_json(text, step.answer)
        case ToolCall():
            return read_call(text, step.answer)
        case CodeAnswer():
            return _code(text)
        case _:
            assert_never(step.answer)


def _code(text: str) -> Finding:
    """The last fenced block, else the whole text, whose blanks at its beginning mean something."""
    blocks = [block.text for block in fences(text)]
    code = blocks[-1] if blocks else text
    return found(code) if code.strip() else nothing("the response is empty")
