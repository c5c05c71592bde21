"""How a step's answers are read and judged: everything but the answer type itself and how it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.answer_types import AnswerRead, read_answer
from evalspec.check.confidences import Confidence, read_confidence
from evalspec.check.extracting import read_abstains, read_extract, read_missing, read_strip
from evalspec.check.golds import Gold, gold_columns, gold_is_told, read_gold
from evalspec.check.scoring import Scoring, read_scoring
from evalspec.language.answer_types import JsonAnswer, ToolCall
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults
    from evalspec.language.judging import Fence, Pattern

__all__ = ["AnswerRead", "StepReading", "read_answer", "read_reading", "read_the_rest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReading:
    """What a step says of reading and judging. `secret` are the columns that tell the right answer."""

    extract: tuple[Pattern | Fence, ...]
    strip_reasoning: bool
    abstains: str | None
    missing: str | None
    gold: Gold
    secret: frozenset[str]
    scoring: Scoring
    confidence: Confidence


def read_reading(
    entries: Entries, answer: AnswerRead, data: Data, final: bool, faults: Faults
) -> StepReading:
    """How the answers of a step are read and judged. `final`: whether it answers for its task or chain."""
    gold = read_gold(entries, data, answer.type, final, faults)
    if final:
        gold_is_told(entries, data, gold, answer.type, faults)
    _enforced(entries, answer, faults)
    confidence = read_confidence(entries, answer, faults)
    return StepReading(
        extract=read_extract(entries, faults),
        strip_reasoning=read_strip(entries, faults),
        abstains=read_abstains(entries, answer.type, faults),
        missing=read_missing(entries, confidence.sources, faults),
        gold=gold,
        secret=gold_columns(entries, data, gold, final),
        scoring=read_scoring(entries, answer.type, data, faults),
        confidence=confidence,
    )


def read_the_rest(entries: Entries, data: Data, faults: Faults) -> None:
    """Says what else is wrong with a step whose answer type was not understood."""
    read_gold(entries, data, None, False, faults)
    read_extract(entries, faults)
    read_strip(entries, faults)
    read_confidence(entries, None, faults)


def _enforced(entries: Entries, answer: AnswerRead, faults: Faults) -> None:
    value = entries.value("enforce")
    if value is not None and not isinstance(answer.type, JsonAnswer | ToolCall):
        faults.add(
            "E0409", value.at, "`enforce` is for `json` and `tool_call`", "other answers have no schema"
        )
