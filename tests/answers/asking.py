"""Steps and replies, written shortly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from evalspec.answers.finding import Value
from evalspec.answers.reading import Reading, read
from evalspec.language.answer_types import AnswerType, LetterOf, NumberAnswer, OneOf, TextAnswer, YesNo
from evalspec.language.judging import Exact, Fence, Pattern, TextScore
from evalspec.language.program import ConfidenceSource, Step
from evalspec.models.model import Answer, Failure, TokenChoice
from evalspec.text.source import Source, Span

NOWHERE = Span(Source(name="s.eval", text=""), 0, 0)
CHOICES = {"A": "Paris", "B": "a field", "C": "Rome", "D": "both A and B"}
LETTERS = LetterOf(columns=("A", "B", "C", "D"))
QUEUES = OneOf(labels=("billing", "bug", "abuse", "other"))
YES_NO = YesNo()
NUMBER = NumberAnswer()
TEXT = TextAnswer()


def step(
    answer: AnswerType,
    *extract: Pattern | Fence,
    abstains: str | None = None,
    score: TextScore | None = None,
    confidence: tuple[ConfidenceSource, ...] = (),
    strip_reasoning: bool = True,
    scores: Mapping[str, TextScore] | None = None,
    confidence_fields: tuple[str, ...] = (),
    missing: str | None = None,
) -> Step:
    """A step with that answer type, and nothing else that matters here."""
    return Step(
        name="",
        at=NOWHERE,
        messages=(),
        parameters={},
        answer=answer,
        extract=extract,
        strip_reasoning=strip_reasoning,
        abstains=abstains,
        gold=None,
        score=score or Exact(),
        confidence=confidence,
        reads=(),
        scores=scores or {},
        confidence_fields=confidence_fields,
        missing=missing,
    )


def reading(
    asked: Step,
    reply: str | Answer | Failure,
    *,
    source: ConfidenceSource | None = None,
    row: Mapping[str, object] = CHOICES,
) -> Reading:
    """What a reply says."""
    return read(asked, Answer(response=reply) if isinstance(reply, str) else reply, source=source, row=row)


def said(answer: AnswerType, response: str, *, row: Mapping[str, object] = CHOICES) -> Value | None:
    """The value that a response says, None where it says none."""
    return reading(step(answer), response, row=row).value


def token(text: str, **alternatives: float) -> TokenChoice:
    """A token with what was weighed there, as logarithms; `_` in a name is a leading blank."""
    weighed = {name.replace("_", " "): logprob for name, logprob in alternatives.items()}
    return TokenChoice(text, weighed.get(text, -0.1), tuple(weighed.items()))


def shared(*parts: str) -> Path:
    """A file of the shared test data; skips the test where it is missing."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("EVALSPEC_TEST_DATA") or root.parent / "shared" / "data")
    path = folder.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no test data at {'/'.join(parts)}: set EVALSPEC_TEST_DATA")
    return path
