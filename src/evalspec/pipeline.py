"""The whole program on one screen: text → tree → program → plan → answers → scores → results.

Each stage is a function from one value to the next. Here, and in `cli`, it is decided to stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.check import Checked, check
from evalspec.check.params import Settings
from evalspec.spec_files import Reader, gather, read_source
from evalspec.text.diagnostics import Diagnostic, errors, in_order
from evalspec.text.source import Source
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.plan.conversations import Trace
    from evalspec.plan.plan import Plan
    from evalspec.run.under_load import Passes
    from evalspec.score.racing import Raced
    from evalspec.score.results import Document, Results
    from evalspec.score.score import TaskScores


Heard = Mapping[tuple[str, str], Iterable["Trace"]]  # by task and candidate


class SpecFault(Exception):
    """A spec cannot be run as written; `diagnostics` say why."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(f"{len(errors(diagnostics))} errors")
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Front:
    """A spec as far as it was understood, with everything that is said about it.

    `sources` are its files: those imported first, the spec itself last.
    """

    sources: tuple[Source, ...]
    checked: Checked | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def source(self) -> Source:
        """The spec itself."""
        return self.sources[-1]

    @property
    def ready(self) -> Checked:
        """The checked program; raises SpecFault where there are errors."""
        if self.checked is None or errors(self.diagnostics):
            raise SpecFault(self.diagnostics)
        return self.checked


def check_file(path: Path, *, read_data: bool = True, settings: Settings | None = None) -> Front:
    """Text to Program: everything that is wrong with a spec and its data. Never raises for what they hold.

    `settings` replace figures of `params`; one that fits none raises UnknownSetting.
    """
    source, fault = read_source(path)
    if fault is not None:
        return Front((source,), None, (fault,))
    return check_source(source, read_data=read_data, settings=settings)


def check_source(
    source: Source, *, read_data: bool = True, settings: Settings | None = None, read: Reader = read_source
) -> Front:
    """The same for a text that is held in memory; `read` brings the files that it imports."""
    files, broken = gather(source, read)
    checked, wrong = check(files, read_data=read_data, settings=settings)
    return Front(tuple(file.source for file in files), checked, in_order((*broken, *wrong)))


def score(plan: Plan, traces: Heard, run: Document, passes: Passes | None = None) -> Results:
    """Answers to Results: judged, priced, measured, compared and ranked. `passes`: those under a load."""
    return score_whole(plan, traces, run, passes)[0]


def score_whole(
    plan: Plan, traces: Heard, run: Document, passes: Passes | None = None
) -> tuple[Results, Sequence[TaskScores]]:
    """The same, with the Scores that the Results are made of."""
    from evalspec.metrics.resample import on_one_thread
    from evalspec.score.overall import decide_over
    from evalspec.score.results import build_results

    with on_one_thread():
        scored = scores_of(plan, traces, passes)
        return build_results(plan, run, scored, decide_over(plan.program, scored, plan.seed)), scored


def scores_of(plan: Plan, traces: Heard, passes: Passes | None = None) -> list[TaskScores]:
    """Answers to Scores, task by task; of a raced plan, those that the race came to.

    Each trace is looked at once, and not held.
    """
    from evalspec.score.judged import judge
    from evalspec.score.racing import race_off
    from evalspec.score.score import score_task

    raced: Mapping[str, Raced] = {}
    if plan.race:
        traces, raced = race_off(plan, {place: tuple(own) for place, own in traces.items()})
    scored = []
    for planned in plan.tasks:
        judged = [judge(planned, c, traces.get((planned.task.name, c.name), ())) for c in planned.candidates]
        judged = [
            replace(j, passed=(passes or {}).get((planned.task.name, j.candidate.name))) for j in judged
        ]
        dataset, name = plan.program.datasets[planned.task.dataset], planned.task.name
        scored.append(score_task(planned, judged, plan.seed, dataset, raced.get(name)))
    return scored
