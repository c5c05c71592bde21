"""What a latency pass measured in the recorded form: a row for each request, with when it was due and sent.

`recorded("…")` passes such rows over: they tell of a load, and hold no answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from evalspec.run.under_load import Fate

if TYPE_CHECKING:
    from evalspec.run.under_load import Passed, Sample
    from evalspec.text.values import Json

OUTCOMES = {
    Fate.ANSWERED: "answered",
    Fate.TIMED_OUT: "timeout",
    Fate.FAILED: "error",
    Fate.DROPPED: "not_asked",
    Fate.HELD_BACK: "not_asked",
}


def pass_rows(task: str, candidate: str, passed: Passed) -> Iterator[dict[str, Json]]:
    """A row for each request of a candidate's pass, in the order in which they ended. `latency_s` is service
    time: from `sent_at` to the end."""
    model, _, variant = candidate.partition("/")
    whose: dict[str, Json] = {"task": task, "model": model, **({"prompt": variant} if variant else {})}
    began = datetime.fromisoformat(passed.began_at)
    for sample in passed.samples:
        row: dict[str, Json] = {
            "id": sample.example,
            **whose,
            "outcome": OUTCOMES[sample.fate],
            "due_at": _moment(began, sample.due_ns),
            "sent_at": _moment(began, sample.sent_ns),
            "latency_s": _between(sample, sample.last_ns),
            "first_token_s": _between(sample, sample.first_ns),
            "output_tokens": sample.output_tokens,
            "load": passed.load.said,
            "warmup": True if sample.warmup else None,
        }
        yield {name: value for name, value in row.items() if value is not None}


def _moment(began: datetime, since_ns: int | None) -> str | None:
    if since_ns is None:
        return None
    return (began + timedelta(microseconds=since_ns / 1000)).isoformat(timespec="microseconds")


def _between(sample: Sample, end: int | None) -> float | None:
    known = end is not None and sample.sent_ns is not None and sample.fate is Fate.ANSWERED
    return ((end or 0) - (sample.sent_ns or 0)) / 1e9 if known else None
