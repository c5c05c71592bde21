"""Chains: each step's accuracy both ways, where a chain first went wrong, and how errors compound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.language.candidates import ModelSpec, Recorded
from evalspec.language.program import Step, Task
from evalspec.metrics import Estimate
from evalspec.score.weighing import Design, Figure, mean_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.score.judged import Judgement

Verdicts = Mapping[str, bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScore:
    """A step: its accuracy both ways, and how many chains failed there first, of those that reached it."""

    free: Estimate
    given_gold: Estimate
    first_failures: int
    hazard: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Compounding:
    """How steps make a chain. `dependence_gap` is `all_right` minus `product_of_steps`; None where undefined.

    The product is of the accuracies as the steps really ran; `product_given_gold` is the forecast one
    would make from steps that were tested alone.
    """

    product_of_steps: float | None
    product_given_gold: float | None
    all_right: Estimate
    end_to_end: Estimate
    dependence_gap: float | None


def score_steps(
    task: Task, candidate: ModelSpec, heard: Sequence[Judgement], design: Design
) -> Mapping[str, StepScore]:
    """Every step of a chain. A step without gold has no accuracy, and no chain fails there first.

    Where a chain first failed is told of those whose every step has a verdict, so that the hazards'
    complements multiply to the share of chains with all steps right.
    """
    judged = judged_steps(task, heard)
    told = [j for j in heard if _told(j, judged)]
    firsts = [_first_failure(j.steps_right, judged) for j in told]
    return {
        step.name: StepScore(
            free=_rate(design, [(j.row, j.steps_right[step.name]) for j in heard], _why(step.name in judged)),
            given_gold=_rate(
                design,
                [(j.row, j.given_gold_right[step.name]) for j in heard],
                _why_not_given_gold(step, candidate),
            ),
            first_failures=firsts.count(step.name),
            hazard=_hazard(step.name, judged, list(zip([j.row for j in told], firsts, strict=True)), design),
        )
        for step in task.steps
    }


def judged_steps(task: Task, heard: Sequence[Judgement]) -> tuple[str, ...]:
    """The steps that have a verdict on some example, in the order they are asked."""
    return tuple(s.name for s in task.steps if any(j.steps_right[s.name] is not None for j in heard))


def _told(judgement: Judgement, judged: Sequence[str]) -> bool:
    """Whether every step that ran has a verdict; one that met an error and led to no other has none."""
    return all(judgement.steps_right[step] is not None or step in judgement.skipped for step in judged)


def _rate(design: Design, flags: Sequence[tuple[Row, bool | None]], why: str) -> Estimate:
    known = [Figure(row, float(f)) for row, f in flags if f is not None]
    if known:
        return mean_of(design, known, flags=True, whole=True)
    return Estimate(value=None, low=None, high=None, n=0, why=why)


def _why(judged: bool) -> str:
    return "no data" if judged else "the step has no gold"


def _why_not_given_gold(step: Step, candidate: ModelSpec) -> str:
    if step.gold is None:
        return "the step has no gold"
    if isinstance(candidate.use, Recorded):
        return "recorded answers were not given gold"
    if step.when is not None:
        return "given gold its condition never holds"
    return "a step that it reads has no gold"


def _first_failure(verdicts: Verdicts, steps: Sequence[str]) -> str | None:
    """The first step that went wrong; None where none did."""
    return next((s for s in steps if verdicts.get(s) is False), None)


def _hazard(
    step: str, judged: Sequence[str], firsts: Sequence[tuple[Row, str | None]], design: Design
) -> Estimate:
    """First failures at a step among the chains that came to it without a failure (Wilson)."""
    if step not in judged:
        return Estimate(value=None, low=None, high=None, n=0, why="the step has no gold")
    before = judged[: judged.index(step)]
    reached = [Figure(row, float(first == step)) for row, first in firsts if first not in before]
    if not reached:
        return Estimate(
            value=None, low=None, high=None, n=0, why="no chain came to this step without a failure"
        )
    return mean_of(design, reached, flags=True, whole=False)


def compound(
    task: Task,
    steps: Mapping[str, StepScore],
    heard: Sequence[Judgement],
    end_to_end: Estimate,
    design: Design,
) -> Compounding:
    """What the steps' accuracies say about the chain, and what the chain really does."""
    judged = judged_steps(task, heard)
    all_right = end_to_end
    if judged:
        right = [(j.row, _first_failure(j.steps_right, judged) is None) for j in heard if _told(j, judged)]
        all_right = _rate(design, right, "no data")
    product = _product([_passed(task.step(s), steps[s], heard, design) for s in judged])
    conditional = any(task.step(s).when is not None for s in judged)
    gap = all_right.value - product if all_right.value is not None and product is not None else None
    return Compounding(
        product_of_steps=product,
        # Given gold nobody knows how often a step would have run.
        product_given_gold=None if conditional else _product([steps[s].given_gold.value for s in judged]),
        all_right=all_right,
        end_to_end=end_to_end,
        dependence_gap=gap,
    )


def _passed(step: Step, score: StepScore, heard: Sequence[Judgement], design: Design) -> float | None:
    """The share of chains that a step does not spoil: its accuracy, or more where it runs only sometimes."""
    if step.when is None:
        return score.free.value
    flags = [(j.row, True if step.name in j.skipped else j.steps_right[step.name]) for j in heard]
    return _rate(design, flags, "no data").value


def _product(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return math.prod(known) if known and len(known) == len(values) else None
