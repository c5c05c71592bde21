"""One line of the recorded form, read into a value: the answer or failure it holds, and what it is for.

Pure: a line of bytes in, a row out, or a BadRow that says what is wrong with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from evalspec.models.masking import presentable
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.values import Json

DEEPEST = 200
OUTCOMES = frozenset(
    {"answered", "no_answer", "abstained", "refused", "truncated", "timeout", "error", "not_asked"}
)
READ = frozenset(
    {"id", "response", "task", "model", "step", "sample", "confidence", "label_logprobs", "latency_s"}
    | {"first_token_s", "input_tokens", "output_tokens", "cost_usd", "finish_reason", "outcome", "error"}
    | {"at", "served_model", "system_fingerprint"}
)


class BadRow(ValueError):
    """A row that cannot be used; the argument says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRow:
    """What a line says: about which example, by whom, and what came back. None of `held`: never asked."""

    example: str
    task: str | None
    step: str | None
    sample: int
    model: str | None
    prompt: str | None
    perturbed: bool
    under_load: bool
    held: Answer | Failure | None


def read_row(line: bytes) -> RecordedRow:
    """The row that a line holds; raises BadRow."""
    said = _object(line)
    return RecordedRow(
        example=_id(said.get("id")),
        task=_text(said, "task"),
        step=_text(said, "step"),
        sample=_count(said, "sample") or 0,
        model=_text(said, "model"),
        prompt=_name(said, "prompt"),
        perturbed=bool(said.get("perturbation")),
        under_load=bool(said.get("due_at")),
        held=_held(said),
    )


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRow(f"not UTF-8 at byte {error.start + 1} of the line") from error
    try:
        said = json.loads(text)
    except RecursionError as error:
        raise BadRow(f"nested deeper than {DEEPEST} levels") from error
    except json.JSONDecodeError as error:
        raise BadRow(f"not JSON: {error.msg} at column {error.colno}") from error
    except ValueError as error:  # a number of thousands of digits
        raise BadRow(f"not JSON: {error}") from error
    if not isinstance(said, dict):
        raise BadRow("not a JSON object")
    if text.count("{") + text.count("[") > DEEPEST and _deeper_than(said, DEEPEST):
        raise BadRow(f"nested deeper than {DEEPEST} levels")
    return said


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def _id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise BadRow("no `id`" if value is None or value == "" else "`id` is neither text nor a number")
    return str(value)


def _held(said: Mapping[str, Any]) -> Answer | Failure | None:
    outcome = _text(said, "outcome")
    if outcome is not None and outcome not in OUTCOMES:
        raise BadRow(f"`outcome` is none of {', '.join(sorted(OUTCOMES))}")
    error = said.get("error")
    if error or outcome == "error":
        told = error if isinstance(error, str) else json.dumps(error)
        message = presentable(told) if error else "the recorded call failed"
        return Failure(kind=FailureKind.RECORDED_ERROR, message=message)
    if outcome == "not_asked":
        return None
    return _answer(said, outcome)


def _answer(said: Mapping[str, Any], outcome: str | None) -> Answer:
    response = said.get("response")
    if response is None and outcome is None:
        raise BadRow("neither `response` nor `error`")
    if response is not None and not isinstance(response, str):
        raise BadRow("`response` is not text")
    finish = _text(said, "finish_reason")
    return Answer(
        response=response or "",
        confidence=_confidence(said),
        label_logprobs=_label_logprobs(said.get("label_logprobs")),
        refused=outcome == "refused" or finish == "content_filter",
        finish_reason=finish,
        latency_ns=_nanoseconds(said, "latency_s"),
        first_token_ns=_nanoseconds(said, "first_token_s"),
        input_tokens=_count(said, "input_tokens"),
        output_tokens=_count(said, "output_tokens"),
        cost_usd=_cost(said.get("cost_usd")),
        served_model=_text(said, "served_model"),
        system_fingerprint=_text(said, "system_fingerprint"),
        at=_text(said, "at"),
        outcome=outcome,
        extra=_extra(said),
    )


def _extra(said: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in said.items() if name not in READ}


def _text(said: Mapping[str, Any], name: str) -> str | None:
    """A name or text; an empty one is none."""
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRow(f"`{name}` is not text")
    return value or None


def _name(said: Mapping[str, Any], name: str) -> str | None:
    """A name where there is one; anything else (other tools write whole prompts there) is none."""
    value = said.get(name)
    return value if isinstance(value, str) and value else None


def _number(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadRow(f"`{name}` is not a number")
    return value


def _confidence(said: Mapping[str, Any]) -> float | None:
    value = _number(said, "confidence")
    if value is not None and not 0 <= value <= 1:
        raise BadRow(f"`confidence` is {value:g}, not between 0 and 1")
    return value if value is None else float(value)


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = _number(said, name)
    if value is not None and (value < 0 or value != int(value)):
        raise BadRow(f"`{name}` is not a whole number from 0")
    return value if value is None else int(value)


def _nanoseconds(said: Mapping[str, Any], name: str) -> int | None:
    value = _number(said, name)
    if value is not None and value < 0:
        raise BadRow(f"`{name}` is negative")
    return value if value is None else round(value * 1_000_000_000)


def _cost(value: object) -> Decimal | None:
    if value is None:
        return None
    try:
        cost = Decimal(str(value))
    except InvalidOperation:
        cost = Decimal("nan")
    if isinstance(value, bool) or not cost.is_finite() or cost < 0:
        raise BadRow("`cost_usd` is not an amount from 0")
    return cost


def _label_logprobs(value: object) -> Mapping[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(_is_logprob(logprob) for logprob in value.values()):
        raise BadRow("`label_logprobs` is not an object of logarithms of probabilities")
    return {label: float(logprob) for label, logprob in value.items()}


def _is_logprob(value: object) -> bool:
    # A hair above zero is what adding up token probabilities gives.
    return not isinstance(value, bool) and isinstance(value, int | float) and value <= 1e-6
