"""Code of the user's own that a plan would run, which nobody runs who was not told so with `--allow-code`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import PythonFunction
from evalspec.models.faults import CodeNotAllowed

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan


def demand_allowed(plan: Plan, *, allowed: bool) -> None:
    """Raises CodeNotAllowed where the plan would run a function and that is not allowed."""
    for planned in plan.tasks if not allowed else ():
        for candidate in planned.candidates:
            for step in planned.task.steps:
                spec = candidate.at_step(step.name)
                if isinstance(spec.use, PythonFunction):
                    raise CodeNotAllowed(spec.model, f"{spec.use.file.name}:{spec.use.function}")
