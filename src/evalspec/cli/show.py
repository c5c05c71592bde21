"""`evalspec show`: single examples of a run, as they were asked, answered, read and priced."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from evalspec.cli.main import DONE, SPEC_WRONG, USAGE, Usage
from evalspec.cli.output import tell
from evalspec.cli.stored import Stale, add_stored, stored_run
from evalspec.language.expressions import holds
from evalspec.pipeline import SpecFault
from evalspec.report.diagnostics import summary_line
from evalspec.report.examples import Shown, render_example
from evalspec.score.judged import Judgement, judge
from evalspec.score.score import score_task

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.replay import Replayed


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `show` takes."""
    add_stored(parser)
    parser.add_argument("--wrong", action="store_true", help="only where some candidate is wrong")
    parser.add_argument("--disagree", action="store_true", help="only where candidates answer differently")
    parser.add_argument("--subset", metavar="S", help="only the examples of this subset")
    parser.add_argument("--candidate", metavar="C", help="only this candidate")
    parser.add_argument("--task", metavar="T", help="only this task")
    parser.add_argument("-n", type=int, default=5, metavar="N", help="how many examples (5)")


def run(options: argparse.Namespace) -> int:
    """Prints the first examples that fit."""
    if options.n < 1:
        raise Usage("`-n` is at least 1")
    try:
        with stored_run(options) as (front, plan, replayed, _):
            tell([d for d in front.diagnostics if d.severity == "error"])
            found = sum(_show_task(planned, replayed, plan, options) for planned in _tasks(plan, options))
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{options.run_name}: {summary_line(fault.diagnostics)}; nothing is shown", file=sys.stderr)
        return SPEC_WRONG
    except Stale as fault:
        print(f"error: {fault}", file=sys.stderr)
        return SPEC_WRONG
    if not found:
        print("no example fits", file=sys.stderr)
        return USAGE
    return DONE


def _tasks(plan: Plan, options: argparse.Namespace) -> list[PlannedTask]:
    known = [p.task.name for p in plan.tasks]
    if options.task is not None and options.task not in known:
        raise Usage(f"there is no task `{options.task}`; known: {', '.join(known)}")
    return [p for p in plan.tasks if options.task in (None, p.task.name)]


def _show_task(planned: PlannedTask, replayed: Replayed, plan: Plan, options: argparse.Namespace) -> int:
    names = [c.name for c in planned.candidates]
    if options.candidate is not None and options.candidate not in names:
        raise Usage(f"there is no candidate `{options.candidate}`; known: {', '.join(names)}")
    chosen = [c for c in planned.candidates if options.candidate in (None, c.name)]
    traces = {c.name: replayed.traces[planned.task.name, c.name] for c in chosen}
    scored = score_task(planned, [judge(planned, c, traces[c.name]) for c in chosen], plan.seed)
    fits = _filter(planned, options)
    shown = 0
    for i, row in enumerate(planned.rows):
        examples = {name: scored.candidates[name].examples[i] for name in traces}
        if shown >= options.n or not fits([e.judgement for e in examples.values()]):
            continue
        shown += 1
        own = {name: [t for t in traces[name] if t.visit.example == i] for name in traces}
        sys.stdout.write(render_example(Shown(planned=planned, row=row, examples=examples, traces=own)))
    total = sum(
        fits([scored.candidates[n].examples[i].judgement for n in traces]) for i in range(len(planned.rows))
    )
    if total > shown:
        print(
            f"{planned.task.name}: {shown} of {total} examples shown; `-n {total}` shows all", file=sys.stderr
        )
    return shown


def _filter(planned: PlannedTask, options: argparse.Namespace) -> Callable[[list[Judgement]], bool]:
    subset = next((s for s in planned.subsets if s.name == options.subset), None)
    if options.subset is not None and subset is None:
        raise Usage(
            f"there is no subset `{options.subset}`; known: {', '.join(s.name for s in planned.subsets)}"
        )

    def fits(judgements: list[Judgement]) -> bool:
        row = judgements[0].row
        if subset is not None and not holds(subset.where, row.values):
            return False
        if options.wrong and all(j.right is not False for j in judgements):
            return False
        return not options.disagree or len({str(j.reading.value) for j in judgements}) > 1

    return fits
