"""`evalspec show`: single examples of a run, as they were asked, answered, read and priced."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from evalspec.cli.main import DONE, SPEC_WRONG, USAGE, Usage
from evalspec.cli.output import tell, width_of
from evalspec.cli.stored import Stale, add_stored, stored_run
from evalspec.language.privacy import OPEN, privacy_of
from evalspec.pipeline import SpecFault
from evalspec.report.diagnostics import summary_line
from evalspec.report.examples import WIDTH, Form, Shown, render_example
from evalspec.report.glyphs import visible
from evalspec.report.picking import Wanted, picked, subsets_called
from evalspec.score.judged import judge
from evalspec.score.score import score_task
from evalspec.text.diagnostics import nearest
from evalspec.text.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.replay import Replayed
    from evalspec.score.judged import Judgement
    from evalspec.score.measures import Example


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `show` takes."""
    add_stored(parser)
    parser.add_argument("--wrong", action="store_true", help="only where a candidate is wrong")
    parser.add_argument("--disagree", action="store_true", help="only where candidates answer differently")
    parser.add_argument("--subset", metavar="S", help="only the examples of this subset")
    parser.add_argument("--candidate", metavar="C", help="only this candidate")
    parser.add_argument("--task", metavar="T", help="only this task")
    parser.add_argument("-n", type=int, default=5, metavar="N", help="how many examples of each task (5)")
    parser.add_argument("--show-private", action="store_true", help="show private columns, too")
    parser.add_argument("--full", action="store_true", help="whole texts, however long")


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
    """The tasks that are looked at: those that have the candidate and the subset asked for. Raises Usage."""
    named = [p for p in plan.tasks if options.task in (None, p.task.name)]
    _demand("task", options.task, named, [p.task.name for p in plan.tasks])
    candidate, subset = options.candidate, options.subset
    asked = [p for p in named if candidate in (None, *(c.name for c in p.candidates))]
    _demand("candidate", candidate, asked, [c.name for p in named for c in p.candidates])
    found = [p for p in asked if subset is None or subsets_called(subset, p.subsets)]
    _demand("subset", subset, found, [s.name for p in asked for s in p.subsets])
    return found


def _demand(kind: str, name: str | None, found: list[PlannedTask], known: Iterable[str]) -> None:
    if name is None or found:
        return
    names = list(dict.fromkeys(known))
    guess = nearest(name, names)
    listed = ", ".join(map(visible, names[:20])) or "none"
    way_out = f"did you mean `{visible(guess)}`?" if guess is not None else f"known: {listed}"
    raise Usage(f"there is no {kind} `{visible(name)}`\n  = help: {way_out}")


def _telling(example: Example) -> Judgement:
    """The sample that an example is picked by: one that is wrong where there is one."""
    return next((s.judgement for s in example.samples if s.judgement.right is False), example.judgement)


def _show_task(planned: PlannedTask, replayed: Replayed, plan: Plan, options: argparse.Namespace) -> int:
    """Prints a task's examples that fit, the first of them; how many that were."""
    traces = {c.name: replayed.traces[planned.task.name, c.name] for c in planned.candidates}
    judged = [judge(planned, c, traces[c.name]) for c in planned.candidates]
    scored = score_task(planned, judged, plan.seed, plan.program.datasets[planned.task.dataset])
    private = OPEN if options.show_private else privacy_of(planned.task, plan.program.datasets)
    judgements = {name: [_telling(e) for e in scored.candidates[name].examples] for name in traces}
    wanted = Wanted(
        wrong=options.wrong, disagree=options.disagree, subset=options.subset, candidate=options.candidate
    )
    numbers = picked(planned, judgements, wanted)
    form = Form(width=min(width_of(sys.stdout) or WIDTH, 2 * WIDTH), whole=options.full)
    names = [name for name in traces if options.candidate in (None, name)]
    for number in numbers[: options.n]:
        shown = Shown(
            planned=planned,
            row=planned.rows[number],
            examples={name: scored.candidates[name].examples[number] for name in names},
            traces={name: [t for t in traces[name] if t.visit.example == number] for name in names},
            private=private,
        )
        sys.stdout.write(render_example(shown, form))
    if len(numbers) > options.n:
        print(
            f"{visible(planned.task.name)}: {options.n} of {counted(len(numbers), 'example')} shown; "
            f"`-n {len(numbers)}` shows all",
            file=sys.stderr,
        )
    return len(numbers[: options.n])
