"""Bounds that no figure can meet together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Diagnostic, Label, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Bound, Program


def bounds_agree(declared: Declared, program: Program, data: Mapping[str, Loaded]) -> Iterable[Diagnostic]:
    """A warning where two bounds on one figure leave it nothing to be."""
    for task in program.tasks.values():
        for i, bound in enumerate(task.requirements):
            against = (b for b in task.requirements[:i] if _about_the_same(bound, b))
            before = next((b for b in against if _leave_nothing(bound, b)), None)
            if before is not None:  # the first is enough
                label = Label(at=before.at, message="the other stands here")
                message = f"nothing can meet both `{before.clause}` and `{bound.clause}`"
                yield problem("W0703", bound.at, message, "change one of them", labels=[label])


def _about_the_same(one: Bound, other: Bound) -> bool:
    return (one.metric, one.subset, one.label, one.step) == (
        other.metric,
        other.subset,
        other.label,
        other.step,
    )


def _leave_nothing(one: Bound, other: Bound) -> bool:
    """Whether one asks for more than the other allows. The size is what is bounded, so the sign of a
    metric such as overconfidence plays no part."""
    low, high = (one, other) if one.operator.startswith(">") else (other, one)
    if not (low.operator.startswith(">") and high.operator.startswith("<")):
        return False
    strict = low.operator == ">" or high.operator == "<"
    return low.value > high.value or (strict and low.value == high.value)
