"""What a candidate's reply says: the outcome, the answer, and how sure it was.

Between the answers of the run (or the store) and the scores; the other modules of this room are its
parts. It knows the step that was asked and the example's row, but not the gold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from evalspec.answers.confidence import (
    Spread,
    Stated,
    Unknown,
    own_confidence,
    spread_of_labels,
    spread_of_tokens,
    take_stated,
)
from evalspec.answers.extract import Excerpt, Missed, extract, occurs, strip_reasoning, whole
from evalspec.answers.finding import Finding, found, nothing
from evalspec.answers.labels import YES_NO, continues, read_label, read_yes_no
from evalspec.answers.letters import choices, read_letter
from evalspec.answers.numbers import read_number
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
from evalspec.models.model import Answer, Failure, FailureKind

CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens"})
WITHHELD = frozenset({"content_filter", "refusal", "safety"})


class Outcome(StrEnum):
    """What became of one question, as results count it."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    ERROR = "error"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply says. Only an answered one has a value, and perhaps a confidence (0 to 1).

    `value` is the declared label, the letter, the trimmed text, or the number. `distribution` has the
    probability of every label, `mass` what they summed to before they were made to sum to 1. `source`
    is where the confidence was looked for. `why` says why there is no answer, or no confidence.
    """

    outcome: Outcome
    value: str | Decimal | None = None
    confidence: float | None = None
    distribution: Mapping[str, float] | None = None
    source: ConfidenceSource | None = None
    mass: float | None = None
    why: str | None = None


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
        return _failed(reply, timeout_declared)
    recorded = _recorded(reply.outcome)
    if recorded is not None and recorded is not Outcome.ANSWERED:
        return Reading(outcome=recorded, why="so it was recorded")
    if reply.refused or (recorded is None and _reason(reply) in WITHHELD):
        return Reading(outcome=Outcome.REFUSED, why="the model refused")
    return _read_answer(step, reply, source, row)


def labels_of(step: Step, row: Mapping[str, object]) -> tuple[str, ...]:
    """The labels that a step's answer can be for a row: declared labels, yes and no, or letters."""
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


def _failed(failure: Failure, timeout_declared: bool) -> Reading:
    match failure.kind:
        case FailureKind.TIMEOUT:
            outcome = Outcome.TIMEOUT if timeout_declared else Outcome.ERROR
        case (
            FailureKind.NOT_ASKED | FailureKind.NOT_RECORDED | FailureKind.REFUSED_KEY | FailureKind.EXHAUSTED
        ):
            outcome = Outcome.NOT_ASKED
        case _:
            outcome = Outcome.ERROR
    return Reading(outcome=outcome, why=failure.message)


def _recorded(name: str | None) -> Outcome | None:
    return next((outcome for outcome in Outcome if outcome.value == name), None)


def _reason(answer: Answer) -> str:
    return (answer.finish_reason or "").casefold()


def _read_answer(
    step: Step, answer: Answer, source: ConfidenceSource | None, row: Mapping[str, object]
) -> Reading:
    said, stated = _said(step, answer, source)
    part = extract(step.extract, said) if step.extract else whole(said)
    if step.abstains is not None and occurs(step.abstains, part.text if isinstance(part, Excerpt) else said):
        return Reading(outcome=Outcome.ABSTAINED)
    cut = _recorded(answer.outcome) is None and _reason(answer) in CUT_OFF
    finding, spread = _found(step, part, row, cut=cut), _spread(step, answer, source, row, part)
    if isinstance(spread, Spread) and _takes_likeliest(step, source):
        finding = _likeliest(spread, finding)
    if finding.value is None:
        return Reading(outcome=Outcome.TRUNCATED if cut else Outcome.NO_ANSWER, why=finding.why)
    if isinstance(step.answer, OneOf) and finding.value == step.answer.decline:
        return Reading(outcome=Outcome.ABSTAINED)
    return _sure(
        Reading(outcome=Outcome.ANSWERED, value=finding.value, source=source), answer, spread, stated
    )


def _said(step: Step, answer: Answer, source: ConfidenceSource | None) -> tuple[str, Stated | None]:
    """The response as far as it can hold the answer, and the confidence that it states if it was asked to.

    Recorded responses may have been asked to as well, where the step names it.
    """
    said = strip_reasoning(answer.response) if step.strip_reasoning else answer.response
    if not _uses(step, source, ConfidenceSource.STATED):
        return said, None
    stated = take_stated(said)
    return stated.text, stated


def _uses(step: Step, source: ConfidenceSource | None, kind: ConfidenceSource) -> bool:
    return source is kind or (source is ConfidenceSource.OWN and kind in step.confidence)


def _found(step: Step, part: Excerpt | Missed, row: Mapping[str, object], *, cut: bool) -> Finding:
    """What the answer's part of a response says, as far as a cut cannot have changed it."""
    if isinstance(part, Missed):
        return nothing(part.why)
    finding = _find(step, part.text, row)
    if not cut or finding.value is None:
        return finding
    match step.answer:
        case NumberAnswer() | TextAnswer() | SomeOf() | JsonAnswer() | ToolCall() | CodeAnswer():
            certain = bool(step.extract) and not part.at_end
        case OneOf() | YesNo() | LetterOf():
            unfinished = part.at_end and continues(str(finding.value), labels_of(step, row))
            certain = (bool(step.extract) or finding.whole) and not unfinished
        case _:
            assert_never(step.answer)
    return finding if certain else nothing("the response was cut off before its answer was certain")


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
        case TextAnswer() | SomeOf() | JsonAnswer() | ToolCall() | CodeAnswer():
            return read_text(text)
        case _:
            assert_never(step.answer)


def _spread(
    step: Step,
    answer: Answer,
    source: ConfidenceSource | None,
    row: Mapping[str, object],
    part: Excerpt | Missed,
) -> Spread | Unknown:
    """The candidate's distribution over the labels, from where this candidate has it."""
    labels = labels_of(step, row)
    if not labels or isinstance(part, Missed):
        return Unknown("there is no label to weigh")
    if source is ConfidenceSource.LOGPROBS:
        begins = part.start == 0 and part.source == answer.response
        return spread_of_tokens(answer.tokens, None if begins else part.onward, labels)
    if source is ConfidenceSource.OWN:
        return spread_of_labels(answer, labels)
    return Unknown("no label probabilities were asked for")


def _takes_likeliest(step: Step, source: ConfidenceSource | None) -> bool:
    return isinstance(step.answer, LetterOf) and _uses(step, source, ConfidenceSource.LOGPROBS)


def _likeliest(spread: Spread, finding: Finding) -> Finding:
    """The likeliest letter, or what the text says where the model began otherwise and then said a letter."""
    if not spread.begun and finding.value is not None:
        return finding
    letter = spread.likeliest(finding.value)
    return nothing("several letters are equally likely") if letter is None else found(letter)


def _sure(reading: Reading, answer: Answer, spread: Spread | Unknown, stated: Stated | None) -> Reading:
    """The reading with the confidence that its source gives, or why it gives none."""
    known = spread if isinstance(spread, Spread) else None
    why = spread.why if isinstance(spread, Unknown) else "the answer got no probability"
    sure = known.confidence(reading.value) if known else None
    match reading.source:
        case None:
            return reading
        case ConfidenceSource.LOGPROBS:
            pass
        case ConfidenceSource.STATED:
            sure, why = (stated.confidence, stated.why or "") if stated else (None, "")
        case ConfidenceSource.OWN:
            given = own_confidence(answer)
            sure = given if given is not None else sure
            if sure is None and stated is not None:
                sure = stated.confidence
            why = why if answer.confidence is None else "the confidence given is not between 0 and 1"
        case ConfidenceSource.FIELD | ConfidenceSource.FIELDS | ConfidenceSource.VOTES | ConfidenceSource.ASK:
            sure, why = None, f"no confidence is read by `{reading.source}`"
        case _:
            assert_never(reading.source)
    return replace(
        reading,
        confidence=sure,
        distribution=known.probabilities if known else None,
        mass=known.mass if known else None,
        why=None if sure is not None else why,
    )
