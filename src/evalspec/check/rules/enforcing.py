"""Schemas that a candidate cannot be held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.answer_types import JsonAnswer
from evalspec.language.candidates import Hosted
from evalspec.models.capabilities import takes_schema
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program


def schemas_reach_candidates(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each hosted candidate that is not sent the schema which its task enforces."""
    for task in program.tasks.values():
        for step in task.steps:
            if not (isinstance(step.answer, JsonAnswer) and step.answer.enforce):
                continue
            uses = {name: program.models[name].use for name in task.models if name in program.models}
            loose = [n for n, use in uses.items() if isinstance(use, Hosted) and not takes_schema(use)]
            for name in loose:
                said = f"`{name}` is not held to the schema: its provider is not known to take one"
                yield problem("W0441", step.at, said, "ask for JSON in the prompt, or leave `enforce` out")
