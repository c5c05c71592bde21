"""Whether a step of a chain runs for an example, and what it comes to where it runs and cannot be asked.

Looked at by the conversations, with the readings of the steps before; a step that did not run has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.answers.finding import plain
from evalspec.answers.reading import Outcome, Reading
from evalspec.language.expressions import holds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.data.rows import Row
    from evalspec.language.program import Step

    Readings = Mapping[str, Reading]


def runs(step: Step, row: Row, readings: Readings) -> bool:
    """Whether a step runs for an example, or may run as far as can be told yet.

    Its condition reads columns, the answers that were given, and their confidence. A step that did not
    run, or did not answer, has neither, and what is missing makes a condition not true.
    """
    return _holds(step, row, readings) or _unheard(step.reads, readings) is not None


def kept_waiting(step: Step, row: Row, readings: Readings) -> Reading | None:
    """What a step comes to of which nobody can tell yet whether it runs; None where it does."""
    return None if _holds(step, row, readings) else _unheard(step.reads, readings)


def _holds(step: Step, row: Row, readings: Readings) -> bool:
    if step.when is None:
        return True
    values: dict[str, object] = dict(row.values)
    for name in step.reads:
        found = readings.get(name)
        answered = found if found is not None and found.outcome is Outcome.ANSWERED else None
        values[name] = plain(answered.value) if answered is not None else None
        values[f"{name}.confidence"] = answered.confidence if answered is not None else None
    return holds(step.when, values)


def runs_given(step: Step, row: Row, golds: Mapping[str, object]) -> bool:
    """Whether a step runs, and can be asked, where the steps before it are right; gold has no confidence."""
    if any(golds.get(name) is None for name in step.quoted):
        return False
    return step.when is None or holds(step.when, {**row.values, **golds})


def blocked_by(step: Step, readings: Readings) -> Reading | None:
    """What a step comes to that cannot be asked, because one that it reads has no answer.

    What is not known yet comes before what failed, and that before what the model did not answer: no chain
    is wrong while asking again may still tell.
    """
    quoted = step.quoted
    unheard = _unheard(quoted, readings) if quoted else None
    if unheard is not None:
        return unheard
    for name in quoted:
        if name not in readings:
            return Reading(outcome=Outcome.NO_ANSWER, why=f"step `{name}`, which it reads, did not run")
        if readings[name].outcome is not Outcome.ANSWERED:
            return Reading(outcome=Outcome.NO_ANSWER, why=f"step `{name}` has no answer to read")
    return None


def _unheard(names: Sequence[str], readings: Readings) -> Reading | None:
    outcomes = {readings[name].outcome: name for name in reversed(names) if name in readings}
    for outcome in (Outcome.NOT_ASKED, Outcome.ERROR):
        if outcome in outcomes:
            said = "not asked yet" if outcome is Outcome.NOT_ASKED else "not answered"
            return Reading(outcome=outcome, why=f"step `{outcomes[outcome]}` was {said}")
    return None
