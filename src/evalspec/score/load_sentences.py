"""What a latency pass says of a candidate: at what load, what people wait for, and what the model takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalspec.language.metric_names import figure_in
from evalspec.score.wording import document, number
from evalspec.text.units import short_duration

if TYPE_CHECKING:
    from evalspec.score.wording import Document

LEVEL = 0.05
BEYOND = "longer than was waited for"


def load_sentences(name: str, latency: Document) -> Iterator[str]:
    """The p95 since requests were due and since they were sent; failures; why a verdict is withheld."""
    if latency.get("measured") not in ("open_loop", "closed_loop"):
        return
    served = _p95(latency, "service")
    if latency["measured"] == "open_loop":
        answered = f"answers 95 % within {_p95(latency, 'response')} of when they were due"
        told = f"{name} at {latency['load']} {answered} (response time), {served} of when they were sent"
    else:
        told = f"{name} with {latency['load']} answers 95 % within {served} of when they were sent"
    if latency.get("first_token") is not None:
        told += f", the first token within {_p95(latency, 'first_token')}"
    yield f"{told} (n = {_count(latency, 'sent'):,}){_missing(latency)}."
    if steps := document(latency.get("steps")):
        each = (f"{step} within {_p95(steps, step)}" for step in steps)
        yield f"Of its steps {name} answers 95 % of when they were sent: {', '.join(each)}."
    if (why := latency.get("withheld")) is not None:
        yield f"No verdict on the latency of {name}: {why}."
    if latency.get("partial"):
        yield f"The latency pass of {name} was broken off: this is what was measured until then."


def too_few(budget: Document) -> str:
    """How many requests a percentile takes at least, where there were fewer; nothing of other budgets."""
    name = str(budget["clause"]).partition(" ")[0].partition("(")[0]
    share = (figure_in(name, "percentile") or 0.0) / 100
    if budget["verdict"] != "not_enough_data" or number(budget.get("value")) is None or not 0 < share < 1:
        return ""
    needed = math.ceil(math.log(LEVEL) / math.log(share))
    return f"; it takes at least {needed:,}" if (number(budget.get("n")) or 0) < needed else ""


def _p95(latency: Document, of: str) -> str:
    value = number(document(document(latency[of])["p95"]).get("value"))
    return BEYOND if value is None else short_duration(value)


def _missing(latency: Document) -> str:
    failed, late = _count(latency, "failed"), _count(latency, "timed_out")
    parts = ([f"{failed:,} failed"] if failed else []) + ([f"{late:,} timed out"] if late else [])
    return "; " + ", ".join(parts) if parts else ""


def _count(latency: Document, of: str) -> int:
    return int(number(document(latency["requests"]).get(of)) or 0)
