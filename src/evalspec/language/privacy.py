"""Which columns and messages are private: sent to models, and masked wherever they would be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.answer_types import LetterOf, OneOf, SomeOf, YesNo
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.language.expressions import Expression
    from evalspec.language.program import Dataset, Step, Task

MASK = "••• (private; --show-private shows it)"


@dataclass(frozen=True, slots=True)
class Privacy:
    """What must not be shown: columns, the messages of some steps, and what was answered to them.

    Answers that are labels of the spec are shown all the same: the spec says them itself.
    """

    columns: frozenset[str]
    messages: frozenset[str]  # the steps whose messages hold private columns, or answers that they led to

    def hides_value(self, step: Step) -> bool:
        """Whether what was read from a step's response is hidden."""
        return bool(self.columns) and not isinstance(step.answer, OneOf | YesNo | LetterOf | SomeOf)

    @property
    def hides_responses(self) -> bool:
        """Whether responses are hidden as a whole: they may repeat what was asked."""
        return bool(self.columns)

    def hides(self, expression: Expression | None) -> bool:
        """Whether a value that is computed from columns is hidden."""
        return expression is not None and bool(expression.columns & self.columns)


OPEN = Privacy(frozenset(), frozenset())


def private_columns(dataset: Dataset) -> frozenset[str]:
    """The private columns of a dataset, and those derived from them."""
    found = set(dataset.private)
    for derived in dataset.derive:  # each reads only those before it
        if derived.expression.columns & found:
            found.add(derived.name)
    return frozenset(found)


def privacy_of(task: Task, datasets: Mapping[str, Dataset]) -> Privacy:
    """What is private in a task."""
    columns = private_columns(datasets[task.dataset])
    messages: set[str] = set()
    for step in task.steps:  # in the order they are asked, so that each stands behind what it reads
        if _reads(step, columns) or set(step.reads) & messages or _shows(step, datasets):
            messages.add(step.name)
    return Privacy(columns or _of_shots(task, datasets), frozenset(messages))


def _reads(step: Step, columns: frozenset[str]) -> bool:
    read = {name for _, prompt in step.templates for name in prompt.names | prompt.members}
    return bool(columns & (read | set(step.images) | {step.messages_column or ""}))


def _shows(step: Step, datasets: Mapping[str, Dataset]) -> bool:
    """Whether its few-shot examples have private columns."""
    return step.shots is not None and bool(datasets[step.shots.of].private)


def _of_shots(task: Task, datasets: Mapping[str, Dataset]) -> frozenset[str]:
    """The private columns of few-shot examples: answers may repeat them, whatever the task's own data are."""
    return frozenset[str]().union(
        *(private_columns(datasets[s.shots.of]) for s in task.steps if s.shots is not None)
    )
