"""A race that is asked for where none can be run: said before a run that would ask everybody everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.rules.power import candidates_of
from evalspec.language.racing import why_no_race
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, Label, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program
    from evalspec.text.source import Span

WAY_OUT = "all its candidates are asked about all examples, as without `race`"


def races_can_be_run(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A note for each task that `race = true` does not race, with the reason that the results would give."""
    asked = _asked_at(declared)
    if asked is None or not program.limits.race:
        return
    label = Label(at=asked, message="asked for here")
    for task in program.tasks.values():
        why = why_no_race(task, candidates_of(task, program), program)
        if why is not None:
            yield problem("N0734", task.at, f"`{task.name}` is not raced: {why}", WAY_OUT, labels=[label])


def _asked_at(declared: Declared) -> Span | None:
    for entry in declared.limits.entries if declared.limits is not None else ():
        if isinstance(entry, tree.Attribute) and entry.key.text == "race":
            return entry.at
    return None
