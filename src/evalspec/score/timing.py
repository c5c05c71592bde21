"""When the parts of an answer were there: its first token, and each step of a chain. For budgets on them.

Kept with a judgement only where a task has such a budget, since a hundred thousand examples have as many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.answers.reading import Outcome
from evalspec.models.model import Answer
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.program import Budgets, Task
    from evalspec.plan.conversations import StepTrace

FIRST_TOKEN = "first_token"  # noqa: S105  no password


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from when the first request of an example was sent, as far as it tells of them.

    `first_token_s` is None where the answer came in one piece, or had to be voted on; `steps_s` are how long
    the steps took, by their names, infinite where one ran out of its time.
    """

    first_token_s: float | None
    steps_s: Mapping[str, float] = field(default_factory=dict)


def is_timed(budgets: Budgets | None) -> bool:
    """Whether a task has budgets on parts of its answers."""
    return budgets is not None and any(b.step is not None or b.label == FIRST_TOKEN for b in budgets.bounds)


def timing_of(
    task: Task, asked: Sequence[StepTrace], took: Callable[[StepTrace], int | None]
) -> Timing | None:
    """When the parts of an example's answer were there; None where no budget wants to know. `took` is the
    nanoseconds of a step."""
    if not is_timed(task.budgets):
        return None
    each = {s.step: _seconds(s, took(s)) for s in asked if s.replies}
    return Timing(_first_token(asked, each), {name: s for name, s in each.items() if s is not None})


def _seconds(step: StepTrace, took: int | None) -> float | None:
    if step.reading.outcome is Outcome.TIMEOUT:
        return math.inf
    return None if took is None else took / 1e9


def _first_token(asked: Sequence[StepTrace], each: Mapping[str, float | None]) -> float | None:
    """The first token of what is answered last comes when all before it is done."""
    last = next((s for s in reversed(asked) if s.replies), None)
    if last is None or math.inf in each.values():
        return None if last is None else math.inf
    reply = last.reply
    first = reply.first_token_ns if isinstance(reply, Answer) and not last.ballots else None
    before = [s for name, s in each.items() if name != last.step]
    known = [s for s in before if s is not None]
    return None if first is None or len(known) < len(before) else sum(known) + first / 1e9
