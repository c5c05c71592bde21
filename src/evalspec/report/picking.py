"""Which examples of a task to look at: where a candidate is wrong, where they differ, those of a subset."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.answers.finding import spelt
from evalspec.language.expressions import holds
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import Subset
    from evalspec.plan.plan import PlannedTask
    from evalspec.score.judged import Judgement

WRITTEN = re.compile(r'(\w+)\["(.*)"\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What someone wants to look at. The conditions hold together; without any, every example is wanted."""

    wrong: bool = False
    disagree: bool = False
    subset: str | None = None
    candidate: str | None = None


def subsets_called(name: str, subsets: Sequence[Subset]) -> tuple[Subset, ...]:
    """The subsets of a name: `language=es`, as a bound writes it `language["es"]`, or all of `language`."""
    written = WRITTEN.fullmatch(name)
    exact = {name, f"{written[1]}={written[2]}"} if written is not None else {name}
    return tuple(s for s in subsets if s.name in exact) or tuple(s for s in subsets if s.family == name)


def picked(
    planned: PlannedTask, judgements: Mapping[str, Sequence[Judgement]], wanted: Wanted
) -> tuple[int, ...]:
    """The numbers of the examples that fit, in the order of the data. `judgements` are of every candidate.

    With a candidate, `wrong` is about that one, and `disagree` about whether another one says otherwise.
    """
    within = subsets_called(wanted.subset, planned.subsets) if wanted.subset is not None else ()
    found = []
    for number, row in enumerate(planned.rows):
        here = {name: own[number] for name, own in judgements.items()}
        if wanted.subset is not None and not any(holds(s.where, row.values) for s in within):
            continue
        about = [here[wanted.candidate]] if wanted.candidate is not None else list(here.values())
        if wanted.wrong and all(j.right is not False for j in about):
            continue
        if wanted.disagree and not _differ(list(here.values()), about):
            continue
        found.append(number)
    return tuple(found)


def _differ(every: Sequence[Judgement], about: Sequence[Judgement]) -> bool:
    """Whether one of those looked at said something else than another that was heard."""
    said = {_said(j) for j in every if j.heard}
    return len(said) > 1 and any(j.heard for j in about)


def _said(judgement: Judgement) -> str:
    value = judgement.reading.value
    return f"={spelt(value)}" if value is not None else judgement.outcome.value
