"""Judged candidates to Scores: metrics overall and by subset, calibration, policy, requirements, ranks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.answers.reading import Outcome, labels_of
from evalspec.language.answer_types import LetterOf
from evalspec.language.expressions import holds
from evalspec.language.program import Dataset, Subset, Task
from evalspec.score.budgets import Budget, budgets
from evalspec.score.calibration_details import CalibrationDetails, calibration_details
from evalspec.score.chains import Compounding, StepScore, compound, score_steps
from evalspec.score.loaded import with_load
from evalspec.score.margins import Comparing, Margin, MarginVerdict, margins
from evalspec.score.measures import (
    Example,
    Part,
    confident_pairs,
    each_sample,
    has_labels,
)
from evalspec.score.policy import PolicyScore, decided, score_policy
from evalspec.score.ranking import Pair, Standing, badness, pairs, standings
from evalspec.score.requirements import Requirement, Verdict, requirements
from evalspec.score.sampled_calibration import bins_of_samples, line_of_samples
from evalspec.score.weighed import fields_measured, measured
from evalspec.score.weighing import Design, design_of, weights_of
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.metrics import EceNull, Estimate, ReliabilityBin
    from evalspec.plan.plan import PlannedTask
    from evalspec.run.racing import Stopped
    from evalspec.score.decisions import Decision
    from evalspec.score.judged import Judged
    from evalspec.score.racing import Raced

MOST_UNHEARD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How confidence meets accuracy: the bins, the noise floor of the ECE, and the fitted line."""

    binning: str
    bins: tuple[ReliabilityBin, ...]
    floor: EceNull
    slope: Estimate
    intercept: Estimate
    details: CalibrationDetails


class Special(Enum):
    """What stands in a confusion where no label was answered. No text, as labels may be named so too."""

    ABSTAIN = "abstain"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each truth (row) got each answer (column)."""

    truth: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateScores:
    """Everything that is said about one candidate."""

    judged: Judged
    part: Part
    outcomes: Mapping[str, int]
    fields: Mapping[str, Estimate]  # the accuracy of each field of a JSON answer
    subsets: Mapping[str, Part]
    confusion: Confusion | None
    calibration: Calibration | None
    policy: PolicyScore | None
    requirements: tuple[Requirement, ...]
    budgets: tuple[Budget, ...]
    margins: tuple[Margin, ...] = ()
    steps: Mapping[str, StepScore]
    compounding: Compounding | None
    reasons: tuple[str, ...]
    ranked: bool
    stopped: Stopped | None = None  # where a race asked it no more

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.judged.candidate.name

    @property
    def model(self) -> str:
        """The model's own name, without its prompt variant."""
        return self.judged.candidate.model

    @property
    def variant(self) -> str:
        """The prompt variant it was asked with; empty where there is none."""
        return self.judged.candidate.variant

    @property
    def whole(self) -> Part:
        """All its examples, with every metric over them."""
        return self.part

    @property
    def examples(self) -> tuple[Example, ...]:
        """Its judged examples, in the order of the data."""
        return self.part.examples

    @property
    def metrics(self) -> Mapping[str, Estimate]:
        """Every metric over all examples."""
        return self.part.metrics

    @property
    def viable(self) -> bool:
        """Whether nothing speaks against choosing this candidate."""
        return not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScores:
    """A task: its candidates, their order, and what separates them."""

    planned: PlannedTask
    candidates: Mapping[str, CandidateScores]
    order: tuple[str, ...]
    standings: Mapping[str, Standing]
    pairs: tuple[Pair, ...]
    design: Design
    raced: Raced | None = None


def score_task(
    planned: PlannedTask,
    judged: Sequence[Judged],
    seed: int,
    dataset: Dataset | None = None,
    raced: Raced | None = None,
) -> TaskScores:
    """The scores of a task. `dataset` tells how its examples stand for production, else they count alike;
    `raced` who was stopped before the end."""
    design = design_of(dataset, planned.rows)
    alone = [_score(planned, j, seed, design) for j in judged]
    comparing = Comparing(planned.task, {s.name: s for s in planned.subsets}, design, seed)
    candidates = {c.name: _held_against(c, margins(comparing, c, alone)) for c in alone}
    if raced is not None:
        candidates = {name: _ended(c, raced.stopped.get(name)) for name, c in candidates.items()}
    order = _order(planned.task, candidates)
    first = planned.task.rank[0]
    compared = [name for name in order if candidates[name].ranked and candidates[name].stopped is None]
    ranked = {name: candidates[name].examples for name in compared}
    metrics_compared = dict.fromkeys((first, "accuracy"))
    return TaskScores(
        planned=planned,
        candidates=candidates,
        order=order,
        standings=_standings(first, [candidates[name] for name in order], seed, design),
        design=design,
        raced=raced,
        pairs=tuple(p for metric in metrics_compared for p in pairs(metric, ranked, seed, design)),
    )


def _held_against(scores: CandidateScores, found: tuple[Margin, ...]) -> CandidateScores:
    """The candidate with its margins; one that breaks a margin is out."""
    broken = [f"{m.clause} against {m.model} is broken" for m in found if m.verdict is MarginVerdict.BROKEN]
    return replace(scores, margins=found, reasons=(*scores.reasons, *broken))


def _ended(scores: CandidateScores, stopped: Stopped | None) -> CandidateScores:
    """The candidate with its end in the race, which is the one thing that speaks against it."""
    if stopped is None:
        return scores
    behind = (
        f"dominated by {stopped.by}" if stopped.by is not None else f"{stopped.clause} is certainly not met"
    )
    return replace(scores, stopped=stopped, ranked=True, reasons=(f"stopped at n = {stopped.n:,}, {behind}",))


def _standings(
    metric: str, candidates: Sequence[CandidateScores], seed: int, design: Design
) -> Mapping[str, Standing]:
    """The places of those that have the metric. One that is out stands where it would if it were not."""
    known = [c for c in candidates if c.ranked and c.stopped is None]
    told = [c for c in known if c.metrics[metric].value is not None]
    viable = {c.name: c.examples for c in told if c.viable}
    found = dict(standings(metric, viable, seed, design)) if viable else {}
    if len(viable) < len(told):
        everyone = standings(metric, {c.name: c.examples for c in told}, seed, design)
        found |= {c.name: everyone[c.name] for c in told if not c.viable}
    return found


def _order(task: Task, candidates: Mapping[str, CandidateScores]) -> tuple[str, ...]:
    """Viable candidates first, then those that are out, then those without a rank; within, by the metrics."""

    def place(name: str) -> tuple[object, ...]:
        scores = candidates[name]
        figures = tuple(badness(metric, scores.metrics[metric]) for metric in task.rank)
        early = -scores.stopped.n if scores.stopped is not None else -len(scores.examples) - 1
        return (scores.stopped is not None, not scores.ranked, not scores.viable, early, *figures)

    return tuple(sorted(candidates, key=place))


def _score(planned: PlannedTask, judged: Judged, seed: int, design: Design) -> CandidateScores:
    task = planned.task
    design = replace(design, repeated=judged.samples > 1)
    examples = _examples(task, judged, design, seed)
    whole = with_load(task, judged, Part(examples, measured(task, examples, design, whole=True)))
    samples = each_sample(examples)
    heard = [e for e in samples if e.judgement.heard]
    subsets = {s.name: with_load(task, judged, _subset(task, s, whole, design)) for s in planned.subsets}
    required = requirements(task, subsets, whole, design)
    timed = budgets(task, judged, samples)
    spoken = [e.judgement for e in heard]
    steps = score_steps(task, judged.candidate, spoken, design) if task.kind == "chain" else {}
    n = len(samples)
    ranked = n - len(heard) <= MOST_UNHEARD * n
    counted = "examples" if judged.samples == 1 else "samples"
    silent = [] if ranked else [f"{n - len(heard)} of {n} {counted} have no answer"]
    accuracy = whole.metrics["accuracy"]
    return CandidateScores(
        judged=judged,
        part=whole,
        outcomes=_outcomes(judged),
        fields=fields_measured(task, heard, design),
        subsets=subsets,
        confusion=_confusion(task, heard),
        calibration=_calibration(task, heard, seed, design),
        policy=score_policy(task, judged.judgements, design, seed),
        requirements=required,
        budgets=timed,
        steps=steps,
        compounding=compound(task, steps, spoken, accuracy, design) if steps else None,
        reasons=(*silent, *_reasons(task, required), *_over(task, timed)),
        ranked=ranked,
    )


def _subset(task: Task, subset: Subset, whole: Part, design: Design) -> Part:
    own = tuple(e for e in whole.examples if holds(subset.where, e.judgement.row.values))
    return Part(own, measured(task, own, design, whole=False, group=subset))


def _examples(task: Task, judged: Judged, design: Design, seed: int) -> tuple[Example, ...]:
    decisions: Sequence[Decision | None] = [None] * len(judged.judgements)
    if task.costs is not None:
        decisions = decided(task, judged.judgements, design, seed)
    found = [Example(j, d) for j, d in zip(judged.judgements, decisions, strict=True)]
    together = (found[i : i + judged.samples] for i in range(0, len(found), judged.samples))
    return tuple(replace(first, others=tuple(others)) if others else first for first, *others in together)


def _outcomes(judged: Judged) -> Mapping[str, int]:
    counts = Counter(j.outcome for j in judged.judgements)
    return {outcome.value: counts.get(outcome, 0) for outcome in Outcome}


def _reasons(task: Task, required: Sequence[Requirement]) -> tuple[str, ...]:
    if not task.exclude:
        return ()
    return tuple(f"{r.clause} is not met" for r in required if r.verdict is Verdict.NOT_MET)


def _over(task: Task, timed: Sequence[Budget]) -> tuple[str, ...]:
    """The budgets that put a candidate out."""
    if task.budgets is None or not task.budgets.exclude:
        return ()
    return tuple(f"{b.clause} is over" for b in timed if b.verdict is metrics.BudgetVerdict.OVER)


def _confusion(task: Task, heard: Sequence[Example]) -> Confusion | None:
    """Every answer to an example that has a label as its truth."""
    if not has_labels(task):
        return None
    counts = Counter((e.judgement.truth, _column(e)) for e in heard if e.judgement.truth is not None)
    truths = _labels(task, heard)
    columns: tuple[str | Special, ...] = (
        *truths,
        *(special for special in Special if any(answer is special for _, answer in counts)),
    )
    return Confusion(
        truth=truths,
        answers=tuple(c if isinstance(c, str) else c.value for c in columns),
        counts=tuple(tuple(counts[t, c] for c in columns) for t in truths),
    )


def _labels(task: Task, heard: Sequence[Example]) -> tuple[str, ...]:
    answer = task.final.answer
    if isinstance(answer, LetterOf):  # which of them are offered differs by row
        return answer.letters
    return labels_of(task.final, heard[0].judgement.row.values) if heard else ()


def _column(example: Example) -> str | Special:
    judgement = example.judgement
    if judgement.outcome is Outcome.ABSTAINED:
        return Special.ABSTAIN
    return judgement.answer if judgement.answer is not None else Special.INVALID


def _calibration(task: Task, heard: Sequence[Example], seed: int, design: Design) -> Calibration | None:
    confidence, right = confident_pairs(heard)
    if not confidence:
        return None
    c, y = np.array(confidence), np.array(right, dtype=np.float64)
    binning, bins = task.binning
    known = [
        e.judgement for e in heard if e.judgement.confidence is not None and e.judgement.right is not None
    ]
    w = weights_of(design, [j.row for j in known]) if design.weighted else None
    line = metrics.calibration_line(c, y, weights=w)
    found = metrics.reliability_bins(c, y, bins=bins, binning=binning, weights=w)
    drawn = [str(design.unit(j.row)) for j in known] if design.clustered else None
    floor = metrics.ece_null(c, bins=bins, binning=binning, seed=seed, correct=y, weights=w, cluster=drawn)
    return Calibration(
        details=calibration_details(c, y, w, task.binning, design),
        binning=metrics.chosen_binning(c, binning),
        bins=bins_of_samples(found, known, design, task.binning) if design.clustered else tuple(found),
        floor=floor,
        slope=line_of_samples(line.slope, known, design) if design.clustered else line.slope,
        intercept=line_of_samples(line.intercept, known, design) if design.clustered else line.intercept,
    )
