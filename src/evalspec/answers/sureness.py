"""How sure a candidate was of what it said: its confidence, from the source that it uses.

Between what `confidence.py` and `chances.py` find in a reply and the reading: here it is decided which of it
counts. A confidence that cannot be had is None with a reason.
"""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from evalspec.answers.chances import Chances, chances_in, share_of
from evalspec.answers.confidence import (
    Spread,
    Stated,
    Unknown,
    own_confidence,
    spread_of_labels,
    spread_of_tokens,
    take_stated,
)
from evalspec.answers.extract import Excerpt, Missed, strip_reasoning
from evalspec.answers.finding import Finding, found, nothing
from evalspec.answers.outcome import Outcome, Reading
from evalspec.language.answer_types import LetterOf
from evalspec.language.program import ConfidenceSource, Step
from evalspec.models.model import Answer
from evalspec.text.values import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Surety:
    """All that a reply tells about how sure the candidate was."""

    spread: Spread | Unknown
    stated: Stated | None
    chances: Chances | None


def said_by(step: Step, answer: Answer, source: ConfidenceSource | None) -> tuple[str, Stated | None]:
    """The response as far as it can hold the answer, and the confidence that it states if it was asked to.

    Recorded responses may have been asked to as well, where the step names it.
    """
    said = strip_reasoning(answer.response) if step.strip_reasoning else answer.response
    if not _uses(step, source, ConfidenceSource.STATED):
        return said, None
    stated = take_stated(said)
    return stated.text, stated


def surety(
    step: Step,
    answer: Answer,
    source: ConfidenceSource | None,
    part: Excerpt | Missed,
    *,
    labels: tuple[str, ...],
    stated: Stated | None,
) -> Surety:
    """What a reply tells about how sure its candidate was of an answer that is one of these labels."""
    if not labels or isinstance(part, Missed):
        return Surety(spread=Unknown("there is no label to weigh"), stated=stated, chances=None)
    chances = chances_in(part.text, labels) if _uses(step, source, ConfidenceSource.FIELDS) else None
    return Surety(spread=_spread(answer, source, labels, part, chances), stated=stated, chances=chances)


def decided(step: Step, source: ConfidenceSource | None, finding: Finding, sure: Surety) -> Finding:
    """The answer, where probabilities decide it: the likeliest label of an object of them, the likeliest
    letter by its tokens; else what the text says."""
    if sure.chances is not None:
        leader = sure.chances.leader
        return nothing(sure.chances.why) if leader is None else found(leader, whole=True)
    takes_likeliest = isinstance(step.answer, LetterOf) and _uses(step, source, ConfidenceSource.LOGPROBS)
    if not takes_likeliest or not isinstance(sure.spread, Spread):
        return finding
    if not sure.spread.begun and finding.value is not None:  # it began otherwise, and then said a letter
        return finding
    letter = sure.spread.likeliest(finding.value)
    return nothing("several letters are equally likely") if letter is None else found(letter)


def with_confidence(step: Step, reading: Reading, answer: Answer, finding: Finding, sure: Surety) -> Reading:
    """The reading with the confidence that its source gives, or why it gives none; and with what `missing`
    makes of a choice that has no probability."""
    known = sure.spread if isinstance(sure.spread, Spread) else None
    given, why = _given(step, reading, answer, finding, sure)
    if given is None and reading.source is ConfidenceSource.LOGPROBS and step.missing is not None:
        outcome = Outcome.ABSTAINED if step.missing == "abstain" else Outcome.NO_ANSWER
        return Reading(outcome=outcome, why=f"the answer has no probability: {why}")
    return replace(
        reading,
        confidence=given,
        distribution=known.probabilities if known else None,
        mass=known.mass if known else None,
        why=None if given is not None else why,
    )


def _uses(step: Step, source: ConfidenceSource | None, kind: ConfidenceSource) -> bool:
    return source is kind or (source is ConfidenceSource.OWN and kind in step.confidence)


def _spread(
    answer: Answer,
    source: ConfidenceSource | None,
    labels: tuple[str, ...],
    part: Excerpt,
    chances: Chances | None,
) -> Spread | Unknown:
    """The candidate's distribution over the labels, from where this candidate has it."""
    match source:
        case ConfidenceSource.LOGPROBS:
            begins = part.start == 0 and part.source == answer.response
            return spread_of_tokens(answer.tokens, None if begins else part.onward, labels)
        case ConfidenceSource.OWN:
            own = spread_of_labels(answer, labels)
            return chances.spread if isinstance(own, Unknown) and chances is not None else own
        case ConfidenceSource.FIELDS:
            return (
                chances.spread if chances else Unknown("it holds no object of a probability for each label")
            )
        case _:
            return Unknown("no label probabilities were asked for")


def _given(
    step: Step, reading: Reading, answer: Answer, finding: Finding, sure: Surety
) -> tuple[float | None, str]:
    """The confidence that the reading's source gives, and why it gives none."""
    why = sure.spread.why if isinstance(sure.spread, Unknown) else "the answer got no probability"
    spread = sure.spread.confidence(reading.value) if isinstance(sure.spread, Spread) else None
    match reading.source:
        case None:
            return None, ""
        case ConfidenceSource.LOGPROBS | ConfidenceSource.FIELDS:
            return spread, why
        case ConfidenceSource.STATED:
            return (sure.stated.confidence, sure.stated.why or "") if sure.stated else (None, "")
        case ConfidenceSource.FIELD:
            return _of_field(step, finding)
        case ConfidenceSource.OWN:
            field, why = (
                _of_field(step, finding) if ConfidenceSource.FIELD in step.confidence else (None, why)
            )
            stated = sure.stated.confidence if sure.stated is not None else None
            known = (c for c in (own_confidence(answer), spread, stated, field) if c is not None)
            outside = "the confidence given is not between 0 and 1"
            return next(known, None), why if answer.confidence is None else outside
        case ConfidenceSource.VOTES | ConfidenceSource.ASK:
            return None, "it was asked once only"
        case _:
            assert_never(reading.source)


def _of_field(step: Step, finding: Finding) -> tuple[float | None, str]:
    """The confidence in a field of the answer's object: a share, or a percentage as text."""
    name = next(iter(step.confidence_fields), "")
    if finding.said is None or name not in finding.said:
        return None, f"the field `{name}` is missing"
    share = share_of(finding.said[name])
    if share is None or not Decimal(0) <= share <= 1:
        return None, f"the field `{name}` holds no figure from 0 to 1 and no percentage"
    return float(share), ""
