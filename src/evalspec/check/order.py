"""The steps of a chain together: the order they are asked in, their prompt variants, and steps left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.entries import Faults
    from evalspec.check.steps import StepRead
    from evalspec.language.program import Step


def in_order(steps: Sequence[StepRead], faults: Faults) -> tuple[StepRead, ...] | None:
    """The steps so that each stands behind those it reads; a circle is told and gives None."""
    waiting = list(steps)
    done: list[StepRead] = []
    while waiting:
        ready = {d.step.name for d in done}
        following = next((s for s in waiting if set(s.step.reads) <= ready), None)
        if following is None:
            circle = _circle(waiting)
            faults.add("E0420", circle[0].step.at, "these steps read each other in a circle: "
                       + " → ".join(s.step.name for s in (*circle, circle[0])),
                       "a step reads only answers that were given before it")  # fmt: skip
            return None
        waiting.remove(following)
        done.append(following)
    return tuple(done)


def _circle(waiting: Sequence[StepRead]) -> list[StepRead]:
    """One circle among steps that all wait for each other."""
    by_name = {s.step.name: s for s in waiting}
    path = [waiting[0]]
    while True:
        following = by_name[next(r for r in path[-1].step.reads if r in by_name)]
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def same_variants(steps: Sequence[StepRead], faults: Faults) -> None:
    """Says that steps have different prompt variants: a candidate is one variant in all of them."""
    having = [s.step for s in steps if s.step.variants]
    for step in having[1:]:
        if set(step.variants) != set(having[0].variants):
            first = Label(at=having[0].at, message=f"this step has {_names(having[0])}")
            message = f"step `{step.name}` has the prompt variants {_names(step)}"
            faults.add(
                "E0513", step.at, message, "give all steps with variants the same names", labels=[first]
            )


def _names(step: Step) -> str:
    return ", ".join(f"`{name}`" for name in step.variants)


def read_sometimes(steps: Sequence[StepRead], faults: Faults) -> None:
    """Warns of a step that needs the answer of one that runs for some examples only.

    A step whose own condition looks at the other does not run either where that has no answer.
    """
    conditional = {s.step.name: s.step for s in steps if s.step.when is not None}
    for step in (s.step for s in steps):
        looked_at = step.when.columns if step.when is not None else frozenset()
        for name in step.quoted:
            if name in conditional and name not in looked_at:
                first = Label(at=conditional[name].at, message="this step has a `when`")
                message = f"step `{step.name}` reads `{name}`, which runs only sometimes"
                way_out = (
                    f"where `{name}` does not run, `{step.name}` has no answer: give it a `when` as well"
                )
                faults.add("W0520", step.at, message, way_out, labels=[first])


def stand_ins(steps: Sequence[StepRead], final: StepRead, faults: Faults) -> tuple[str, ...]:
    """The steps whose answer is the chain's where the last one does not run, the latest first.

    They end with one that always runs. All of them give the same kind of answer, or it is told.
    """
    found: list[Step] = []
    last = final.step
    for step in reversed([s.step for s in steps if s is not final]):
        if last.when is None:
            break
        found.append(step)
        last = step
    other = next((s for s in found if s.answer != final.step.answer), None)
    if other is not None:
        first = Label(at=other.at, message="and this one where it does not run")
        message = f"`{final.step.name}` answers for some examples only, and `{other.name}` answers otherwise"
        way_out = f"say which answer counts: `answer_of = {other.name}`"
        faults.add("E0521", final.step.at, message, way_out, labels=[first])
        return ()
    return tuple(step.name for step in found)
