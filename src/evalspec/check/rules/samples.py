"""Questions that are asked several times: whether the answers can differ, and chains whose steps do not go
together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted
from evalspec.language.program import ConfidenceSource
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program, Step, Task


def samples_can_differ(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each step that asks some candidates the same several times at temperature 0; an error
    where the steps of a chain are asked now so often, now so often."""
    for task in program.tasks.values():
        yield from _steps_go_together(task)
        for step in task.steps:
            often = step.samples > 1 or ConfidenceSource.VOTES in step.confidence
            frozen = [n for n in _asked(task, step) if often and _is_frozen(program, n, step)]
            if frozen:
                names = ", ".join(f"`{name}`" for name in frozen[:5])
                more = f" and {len(frozen) - 5} more" if len(frozen) > 5 else ""
                asked = f"the same is asked of {names}{more} several times"
                said = f"{asked} at temperature 0: answers hardly differ"
                way_out = "write `request { temperature = 1 }`, or ask each question once"
                yield problem("W0458", step.at, said, way_out)


def _asked(task: Task, step: Step) -> tuple[str, ...]:
    return task.assign.get(step.name) or task.models


def _is_frozen(program: Program, name: str, step: Step) -> bool:
    """Whether a candidate is told to say what is likeliest. Nothing is known of one that is told nothing."""
    spec = program.models.get(name)
    if spec is None or not isinstance(spec.use, Hosted):
        return False
    temperature = {**spec.use.parameters, **step.parameters}.get("temperature")
    return not isinstance(temperature, bool) and temperature == 0


def _steps_go_together(task: Task) -> Iterable[Diagnostic]:
    several = [step for step in task.steps if step.samples > 1]
    other = next((step for step in several if step.samples != several[0].samples), None)
    if other is not None:
        first = several[0]
        said = (
            f"`{other.name}` is asked {other.samples} times, and `{first.name}` {first.samples} times: "
            "a sample of a chain is one of each step"
        )
        yield problem(
            "E0459", other.at, said, f"write `samples = {first.samples}`, or leave it out to ask once"
        )
