"""Confidence that a candidate cannot give: it then answers everything, and is never found overconfident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted
from evalspec.language.program import ConfidenceSource
from evalspec.models.capabilities import gives_logprobs
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program, Task


def confidence_can_be_given(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each candidate of a task that can give none of the sources it names."""
    for task in program.tasks.values():
        if not any(set(step.confidence) == {ConfidenceSource.LOGPROBS} for step in task.steps):
            continue
        silent = [name for name in task.models if _silent(program, name)]
        if silent:
            yield _told(task, silent)


def _silent(program: Program, name: str) -> bool:
    spec = program.models.get(name)
    return spec is not None and isinstance(spec.use, Hosted) and not gives_logprobs(spec.use)


def _told(task: Task, silent: list[str]) -> Diagnostic:
    names = ", ".join(f"`{name}`" for name in silent[:5])
    more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
    return problem(
        "W0719",
        task.at,
        f"{names}{more} cannot give `logprobs`, and no other confidence is named",
        "write `confidence = [logprobs, stated]`: each candidate uses the first that it can give",
    )
