"""`evalspec plan`: what a run would ask, and the exact messages."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.params import UnknownSetting
from evalspec.cli.main import DONE, SPEC_WRONG, Usage
from evalspec.cli.output import OutputFault, demand_writable, environment, tell, write_whole
from evalspec.cli.selecting import add_selection, selection, settings
from evalspec.language.privacy import OPEN, privacy_of
from evalspec.pipeline import SpecFault
from evalspec.plan.estimate import Estimate
from evalspec.plan.plan import EmptySelection, Plan, not_runnable
from evalspec.planning import Estimates, estimates, load, passes_expected, plan_document, seconds_of
from evalspec.report.asked import Asked, Unasked, asked, asked_document, render_asked
from evalspec.report.diagnostics import summary_line
from evalspec.report.differing import differences, render_differences
from evalspec.report.glyphs import visible
from evalspec.run.spending import dollars
from evalspec.running import Options, plan_of
from evalspec.text.units import counted, short_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.run.latency_plan import Expected
    from evalspec.score.results import Document


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `plan` takes."""
    parser.add_argument("spec", metavar="SPEC", type=Path, help="the spec")
    add_selection(parser)
    parser.add_argument("--show", type=int, metavar="N", help="print the exact messages of N examples")
    parser.add_argument("--show-private", action="store_true", help="show private columns, too")
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="where answers are kept (.evalspec beside the spec)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the plan, which `run` takes as a spec"
    )
    parser.add_argument(
        "--env-file", type=Path, action="append", default=[], metavar="FILE", help="read variables from FILE"
    )
    parser.add_argument(
        "--diff",
        type=Path,
        metavar="OTHER",
        help="say what is asked more and less than by another spec or plan",
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="how the plan, or `--show`, is printed"
    )


def run(options: argparse.Namespace) -> int:
    """Plans a spec and says what it would ask; sends nothing."""
    if options.diff is not None and (options.show is not None or options.format != "text"):
        raise Usage("`--diff` says how two plans differ; it goes without `--show` and `--format`")
    if options.show is not None and options.show < 1:
        raise Usage("`--show` is at least 1")
    if options.output is not None and options.output.suffix != ".json":
        raise Usage(f"`-o {options.output}`: a plan is written as .json")
    demand_writable([] if options.output is None else [options.output])
    how = Options(
        selection=selection(options), seed=options.seed, store=options.store, settings=settings(options)
    )
    variables = environment(options.env_file)
    try:
        front, how = load(options.spec, how)
        plan = plan_of(front, how)
        other = _other(options.diff, how) if options.diff is not None else None
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{options.spec}: {summary_line(fault.diagnostics)}", file=sys.stderr)
        return SPEC_WRONG
    except (EmptySelection, UnknownSetting) as fault:
        raise Usage(str(fault)) from fault
    tell(front.diagnostics)
    for later in not_runnable(plan):
        print(f"note: {later.message} ({later.at.file}:{later.at.begin[0]})", file=sys.stderr)
    found = estimates(plan, front, how, variables)
    if other is not None:
        sys.stdout.write(render_differences(differences(plan, other), str(options.diff)))
    elif options.show is not None:
        _show(plan, options)
    elif options.format == "json":
        print(json.dumps(plan_document(plan, front, found, Path("plan.json"), how), indent=1))
    else:
        _print(plan, found, how)
        _print_passes(passes_expected(plan, front, how))
    if options.output is not None:
        _write(plan_document(plan, front, found, options.output, how), options.output)
    return SPEC_WRONG if any(e.faults for task in found.values() for e in task.values()) else DONE


def _write(plan: Document, path: Path) -> None:
    fault = write_whole(path, json.dumps(plan, indent=1, ensure_ascii=False) + "\n")
    if fault is not None:
        raise OutputFault(fault)


def _print(plan: Plan, found: Estimates, how: Options) -> None:
    from tabulate import tabulate

    for planned in plan.tasks:
        own = found[planned.task.name]
        steps = f", {len(planned.task.steps)} steps" if planned.task.kind == "chain" else ""
        examples = counted(len(planned.rows), "example")
        print(f"{planned.task.name}: {examples} of `{planned.task.dataset}`{steps}\n")
        rows = [_row(name, e, seconds_of(plan, how, name, e)) for name, e in own.items()]
        headers = [
            "candidate",
            "requests",
            "in the store",
            "to ask",
            "depend on answers",
            "input tokens",
            "expected",
            "at worst",
            "time",
        ]
        told = [i for i, head in enumerate(headers) if not i or any(row[i] != "-" for row in rows)]
        shown = [[row[i] for i in told] for row in rows]
        right = ("left",) + ("right",) * (len(told) - 1)
        print(tabulate(shown, headers=[headers[i] for i in told], tablefmt="simple",
                       disable_numparse=True, colalign=right))  # fmt: skip
        print()
        for name, e in own.items():
            for example, why in e.faults[:5]:
                print(f"{name}: the prompt of example {visible(example)} cannot be rendered: {visible(why)}")


def _row(name: str, e: Estimate, seconds: float | None) -> list[str]:
    kept = "?" if e.kept is None else f"{e.kept:,}"
    to_ask = "?" if e.kept is None else f"{e.requests - e.kept:,}"
    later = f"at most {e.later:,}" if e.later else "-"
    return [
        name,
        f"{e.requests:,}",
        kept,
        to_ask,
        later,
        f"about {e.input_tokens:,}" if e.input_tokens else "-",
        *("?" if usd is None else dollars(usd) for usd in (e.expected_usd, e.worst_usd)),
        "?" if seconds is None else "-" if not seconds else f"about {short_duration(seconds)}",
    ]


def _print_passes(passes: Mapping[str, Expected]) -> None:
    """What is asked behind the run, to measure latencies under a load."""
    for task, found in passes.items():
        most = "at most " if found.at_most else ""
        each = "" if found.requests is None else f", {most}{counted(found.requests, 'request')} each"
        tokens = "" if found.input_tokens is None else f", about {found.input_tokens:,} input tokens"
        usd = [("expected", found.expected_usd), ("at worst", found.worst_usd)]
        money = "".join(f", {dollars(value)} {what}" for what, value in usd if value is not None)
        several = "" if len(found.candidates) == 1 else "s"
        print(f"then a latency pass of {visible(task)}: {len(found.candidates)} candidate{several} at "
              f"{found.load.said}{each}, {short_duration(found.seconds)}{tokens}{money}")  # fmt: skip


def _show(plan: Plan, options: argparse.Namespace) -> None:
    """The exact messages of the first examples, as each candidate would get them."""
    found: list[Asked | Unasked] = []
    for planned in plan.tasks:
        hidden = OPEN if options.show_private else privacy_of(planned.task, plan.program.datasets)
        found += asked(planned, options.show, hidden)
    if options.format == "json":
        print(json.dumps([asked_document(one) for one in found], indent=1, ensure_ascii=False))
    else:
        sys.stdout.write("".join(map(render_asked, found)))


def _other(path: Path, how: Options) -> Plan:
    """The plan that this one is held against; what was selected holds for a spec, a plan has its own."""
    front, theirs = load(path, how)
    return plan_of(front, theirs)
