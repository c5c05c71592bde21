"""Which part of a response is the answer: `extract`, `abstains`, `strip_reasoning`, `missing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.values import call_of, flag_of, items_of, shown, word_of
from evalspec.language.answer_types import JsonAnswer, NumberAnswer, SomeOf, TextAnswer, ToolCall
from evalspec.language.expressions import MEANT_LITERALLY
from evalspec.language.functions import pattern_fault
from evalspec.language.judging import Fence, Pattern
from evalspec.language.program import ConfidenceSource
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults
    from evalspec.language.answer_types import AnswerType

MISSING = ("wrong", "abstain")


def read_extract(entries: Entries, faults: Faults) -> tuple[Pattern | Fence, ...]:
    """The extractions in the order they are tried."""
    value = entries.value("extract")
    found = [_extraction(item, faults) for item in items_of(value, 'write `last(r"…")`', faults)]
    return tuple(f for f in found if f is not None)


def _extraction(node: tree.Expr, faults: Faults) -> Pattern | Fence | None:
    match call_of(node):
        case ("last" | "first" as which, (tree.Text() as pattern,), {}):
            fault = pattern_fault(pattern.text)
            if fault is not None:
                faults.add("E0304", pattern.at, f"this is not a regular expression: {fault}", MEANT_LITERALLY)
                return None
            return Pattern(regex=pattern.text, last=which == "last")
        case ("fence", (tree.Name(text="last" | "first") as which,), {}):
            return Fence(last=which.text == "last")
    faults.add("E0305", node.at, f"`extract` is a pattern or a fence, and this is `{shown(node)}`",
               'write `last(r"Answer: (.*)")`, `first(r"…")`, `fence(last)` or a list of them')  # fmt: skip
    return None


def read_abstains(entries: Entries, answer: AnswerType, faults: Faults) -> str | None:
    """The pattern by which an answer that is no label declines."""
    value = entries.value("abstains")
    pattern = read_pattern(value, faults) if value is not None else None
    declines = TextAnswer | NumberAnswer | SomeOf | JsonAnswer | ToolCall
    if value is not None and not isinstance(answer, declines):
        faults.add("E0409", value.at, "`abstains` is for answers that are no label",
                   "a label that declines is named by `one_of(…, abstain = LABEL)`")  # fmt: skip
        return None
    return pattern


def read_pattern(node: tree.Expr, faults: Faults) -> str | None:
    """The regular expression of `matches(r"…")`."""
    match call_of(node):
        case ("matches", (tree.Text() as pattern,), {}):
            fault = pattern_fault(pattern.text)
            if fault is None:
                return pattern.text
            faults.add("E0304", pattern.at, f"this is not a regular expression: {fault}", MEANT_LITERALLY)
            return None
    faults.add("E0305", node.at, f"a pattern is due, and this is `{shown(node)}`", 'write `matches(r"…")`')
    return None


def read_strip(entries: Entries, faults: Faults) -> bool:
    """Whether reasoning between <think> tags is dropped."""
    value = entries.value("strip_reasoning")
    found = flag_of(value, "`strip_reasoning`", faults) if value is not None else None
    return True if found is None else found


def read_missing(entries: Entries, confidence: tuple[ConfidenceSource, ...], faults: Faults) -> str | None:
    """What an answer without a probability counts as; None where it stands, without a confidence."""
    value = entries.value("missing")
    word = word_of(value, "`missing`", faults) if value is not None else None
    if word is None:
        return None
    if word.text not in MISSING:
        help_line = did_you_mean(word.text, MISSING)[0]
        faults.add("E0305", word.at, f"`missing` is `wrong` or `abstain`, and not `{word.text}`", help_line)
        return None
    if ConfidenceSource.LOGPROBS not in confidence and "confidence" not in entries.spoiled:
        faults.add("E0409", word.at, "`missing` is about probabilities of tokens, and none are asked for",
                   "write `confidence = logprobs`")  # fmt: skip
        return None
    return word.text
