"""Whether a task can be raced: what a race needs of its metric, its policy and its examples.

Known from the program alone, so that `check` can say it before anything is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import Cascade, Vote, in_batches
from evalspec.language.program import LeastConfident, WhenCheaper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalspec.language.program import Program, Task

# Means of figures of single examples that lie between bounds known beforehand: 0 and 1, and the costs'.
FROM_0_TO_1 = frozenset((
    "accuracy", "end_to_end", "exact", "contains", "token_f1", "rouge_l", "bleu", "brier",
    "invalid_rate", "refusal_rate", "truncation_rate", "abstain_rate",
))  # fmt: skip
RACED = FROM_0_TO_1 | {"expected_cost"}


def why_no_race(task: Task, candidates: int, program: Program) -> str | None:
    """Why a task with so many candidates is not raced, as the end of a sentence; None where it can be."""
    return next(_reasons(task, candidates, program), None)


def _reasons(task: Task, candidates: int, program: Program) -> Iterator[str]:
    metric = task.rank[0]
    if candidates < 2:
        yield "there is one candidate only"
    for name in task.models:
        if in_batches(program.models[name]):
            yield f"`{name}` is asked in batches, all at once"
    if metric not in RACED:
        yield f"it is ranked by {metric}, which is no mean of figures that lie between known bounds"
    if metric == "expected_cost" and task.abstain is WhenCheaper.RECALIBRATED:
        yield "`abstain = when_cheaper(recalibrated)` learns from all answers together"
    if metric == "expected_cost" and isinstance(task.abstain, LeastConfident):
        yield "`abstain = least_confident(…)` compares all answers with each other"
    if program.datasets[task.dataset].cluster is not None:
        yield "its examples stand together in clusters, and a race needs each to be evidence of its own"
    decision = next((d.name for d in program.decisions.values() if task.name in d.weights), None)
    if decision is not None:
        yield f"`{decision}` weighs it, and needs all its candidates' figures"
    made = next((m for m in task.models if isinstance(program.models[m].use, Cascade | Vote)), None)
    if made is not None:
        yield f"`{made}` is made of other candidates' answers, and needs them all"
