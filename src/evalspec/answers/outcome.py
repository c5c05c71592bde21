"""What became of one question, as a value: the outcome, the answer, and how sure it was.

Made by `reading.py`; what judges and scores looks at nothing else of a reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from evalspec.answers.finding import Value
from evalspec.language.program import ConfidenceSource
from evalspec.models.model import Failure, FailureKind
from evalspec.text.values import dataclass


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

    `value` is the declared label, the letter, the trimmed text, the number, the set of labels, the object
    by its fields, or the call with `name` and `arguments`. `distribution` has the probability of every
    label, `mass` what they summed to before they were made to sum to 1. `source` is where the confidence
    was looked for. `why` says why there is no answer, or no confidence.
    """

    outcome: Outcome
    value: Value | None = None
    confidence: float | None = None
    distribution: Mapping[str, float] | None = None
    source: ConfidenceSource | None = None
    mass: float | None = None
    why: str | None = None


def of_failure(failure: Failure, timeout_declared: bool) -> Reading:
    """What a failed request comes to; running out of time is an error unless the spec sets the time."""
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
