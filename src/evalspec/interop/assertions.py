"""promptfoo's assertions and how evalspec judges the same: by a gold text, by a pattern, or not at all.

The table of the whole import. Each type stands in exactly one of MAPPED and NOT_MAPPED; docs/promptfoo.md
tells them all, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalspec.interop.listed import Exactness
from evalspec.interop.patterns import Untranslatable, literal, translated
from evalspec.interop.scripts import as_string
from evalspec.text.values import dataclass

CASE_BLIND = "upper and lower case do not count where the texts differ from test to test"
CODE = "it runs code, and an import runs none"
NETWORK = "it asks an address on the network"
JUDGE = "a model judges, and so with another verdict each time it is worded otherwise"
EMBEDDING = "it compares embeddings of a model"
TRACE = "it reads a trace of calls, which evalspec does not record"
SCORE = "evalspec has no score of this definition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How one assertion is judged: by a `score` against a `gold`, by a `pattern`, or by either.

    `exactness` is that of the gold; a pattern is always exact. `why` names what a gold changes.
    """

    score: str | None = None  # exact, contains
    gold: str | tuple[str, ...] | None = None
    pattern: str | None = None
    exactness: Exactness = Exactness.EXACT
    why: str = ""


class NoCounterpart(ValueError):
    """An assertion that evalspec cannot judge alike; the message says why."""


def judged(kind: str, value: Any) -> Judged:
    """How an assertion of a type (perhaps with `not-` in front) and value is judged. Raises NoCounterpart."""
    base = kind.removeprefix("not-")
    if base in NOT_MAPPED:
        raise NoCounterpart(NOT_MAPPED[base])
    reader = MAPPED.get(base)
    if reader is None:
        raise NoCounterpart("this is no assertion that the import knows")
    found = reader(value)
    return found if base == kind else _negated(found)


def _negated(found: Judged) -> Judged:
    """The opposite, by a pattern: nowhere in the answer stands what the plain one looks for."""
    if found.pattern is None:
        raise NoCounterpart("its opposite has no pattern")
    flags, body = ("si", found.pattern[4:]) if found.pattern.startswith("(?i)") else ("s", found.pattern)
    return Judged(pattern=rf"(?{flags})\A(?!.*(?:{body.removeprefix('(?s)')}))")


def _equals(value: Any) -> Judged:
    if isinstance(value, dict | list):
        raise NoCounterpart("it compares parsed JSON, and evalspec's `exact` compares texts")
    text = as_string(value)
    if not text.strip():
        raise NoCounterpart("it waits for an empty answer, which evalspec counts as none")
    return Judged(score="exact", gold=text, pattern=rf"\A{literal(text)}\Z")


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value == "":
        raise NoCounterpart("it has no text or number to look for")
    return as_string(value)


def _contains(value: Any) -> Judged:
    text = _text(value)
    near = Exactness.NEARLY if text.strip() else Exactness.NONE
    return Judged(score="contains", gold=text, pattern=literal(text), exactness=near, why=CASE_BLIND)


def _icontains(value: Any) -> Judged:
    text = _text(value)
    return Judged(score="contains", gold=text, pattern=f"(?i){literal(text)}")


def _several(value: Any) -> tuple[str, ...]:
    """The texts of a list; a text is a list with commas between them."""
    listed = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        raise NoCounterpart("it has no list of texts")
    texts = tuple(as_string(item) for item in listed)
    if not all(texts):
        raise NoCounterpart("one of its texts is empty, and every answer contains that")
    return texts


def _contains_any(value: Any) -> Judged:
    texts = _several(value)
    pattern = "|".join(map(literal, texts))
    return Judged(score="contains", gold=texts, pattern=pattern, exactness=Exactness.NEARLY, why=CASE_BLIND)


def _icontains_any(value: Any) -> Judged:
    texts = _several(value)
    return Judged(score="contains", gold=texts, pattern="(?i)" + "|".join(map(literal, texts)))


def _contains_all(value: Any) -> Judged:
    return Judged(pattern=r"(?s)\A" + "".join(f"(?=.*{literal(text)})" for text in _several(value)))


def _icontains_all(value: Any) -> Judged:
    return Judged(pattern=r"(?si)\A" + "".join(f"(?=.*{literal(text)})" for text in _several(value)))


def _starts_with(value: Any) -> Judged:
    if not isinstance(value, str) or not value:
        raise NoCounterpart("it has no text to look for")
    return Judged(pattern=rf"\A{literal(value)}")


def _regex(value: Any) -> Judged:
    if not isinstance(value, str) or not value:
        raise NoCounterpart("it has no pattern")
    try:
        return Judged(pattern=translated(value))
    except Untranslatable as fault:
        raise NoCounterpart(
            f"its pattern is JavaScript's, and Python would read it otherwise: {fault}"
        ) from fault


MAPPED: Mapping[str, Callable[[Any], Judged]] = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _icontains,
    "contains-any": _contains_any,
    "icontains-any": _icontains_any,
    "contains-all": _contains_all,
    "icontains-all": _icontains_all,
    "starts-with": _starts_with,
    "regex": _regex,
}
NOT_MAPPED: Mapping[str, str] = {
    "javascript": CODE,
    "python": CODE,
    "ruby": CODE,
    "webhook": NETWORK,
    "llm-rubric": JUDGE,
    "agent-rubric": JUDGE,
    "search-rubric": JUDGE,
    "model-graded-closedqa": JUDGE,
    "model-graded-factuality": JUDGE,
    "factuality": JUDGE,
    "answer-relevance": JUDGE,
    "context-faithfulness": JUDGE,
    "context-recall": JUDGE,
    "context-relevance": JUDGE,
    "conversation-relevance": JUDGE,
    "g-eval": JUDGE,
    "pi": JUDGE,
    "select-best": "it compares the candidates' answers with each other by a judge",
    "max-score": "it compares the candidates' answers with each other",
    "similar": EMBEDDING,
    "similar:cosine": EMBEDDING,
    "similar:dot": EMBEDDING,
    "similar:euclidean": EMBEDDING,
    "classifier": "it asks a classifier that is hosted elsewhere",
    "moderation": "it asks a moderation service",
    "guardrails": "it reads what a provider's guardrails say",
    "is-json": "evalspec reads JSON also where other text stands around it",
    "contains-json": "without a right answer there is nothing to score JSON against",
    "is-xml": SCORE,
    "contains-xml": SCORE,
    "is-html": SCORE,
    "contains-html": SCORE,
    "is-sql": SCORE,
    "contains-sql": SCORE,
    "levenshtein": SCORE,
    "rouge-n": SCORE,
    "bleu": SCORE,
    "gleu": SCORE,
    "meteor": SCORE,
    "perplexity": SCORE,
    "perplexity-score": SCORE,
    "word-count": SCORE,
    "is-refusal": "evalspec counts refusals by the provider's own word: see `refusal_rate`",
    "finish-reason": "evalspec counts cut answers: see `truncation_rate`",
    "latency": "a limit for each answer; evalspec sets one for all: `latency { p95 <= 3s }`",
    "cost": "a limit for each answer; evalspec tells `cost_per_1k`",
    "is-valid-function-call": "function calls are not carried over",
    "is-valid-openai-function-call": "function calls are not carried over",
    "is-valid-openai-tools-call": "tool calls are not carried over",
    "tool-call-f1": "tool calls are not carried over",
    "skill-used": TRACE,
    "trajectory:tool-used": TRACE,
    "trajectory:tool-args-match": TRACE,
    "trajectory:tool-sequence": TRACE,
    "trajectory:step-count": TRACE,
    "trajectory:goal-success": TRACE,
    "trace-span-count": TRACE,
    "trace-span-duration": TRACE,
    "trace-error-spans": TRACE,
}
