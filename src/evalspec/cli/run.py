"""`evalspec run`: asks what is missing, scores, prints the ranked table."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from evalspec.check.params import UnknownSetting
from evalspec.cli.ending import finish
from evalspec.cli.main import SPEC_WRONG, Usage
from evalspec.cli.output import demand_writable, environment, tell
from evalspec.cli.selecting import add_selection, dollars_given, selection, settings
from evalspec.models.faults import CodeNotAllowed, EvalspecFault
from evalspec.pipeline import Front, SpecFault
from evalspec.plan.allowing import demand_allowed
from evalspec.plan.plan import EmptySelection, Plan
from evalspec.planning import load
from evalspec.report.diagnostics import summary_line
from evalspec.report.table import TableForm
from evalspec.run.asking import Keeping
from evalspec.run.loops import loop_options, settle
from evalspec.run.progress import TERMINAL_EVERY_S, Shown, show_progress
from evalspec.run.session import job_counts
from evalspec.run.spending import caps_of
from evalspec.run.tallies import ceilings_of
from evalspec.running import Options, Ran, Stopping, run_plan, runnable_plan
from evalspec.text.diagnostics import errors

LATER = {
    "--sandbox": True,
    "--show-private": False, "--shard": True, "--on": True,
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` takes."""
    parser.add_argument(
        "spec", metavar="SPEC", type=Path, help="a spec, or a plan made by `evalspec plan -o`"
    )
    add_selection(parser)
    parser.add_argument("-j", "--max-concurrency", type=int, metavar="N", help="at most N requests in flight")
    parser.add_argument(
        "--max-spend", metavar="USD", help="send nothing that could cost more than this in all"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor keep answers")
    parser.add_argument("--fresh", action="store_true", help="ask everything again, and keep it")
    parser.add_argument("--max-age", metavar="AGE", help="ask answers again that are older, such as 7d")
    parser.add_argument("--retry-errors", action="store_true", help="ask requests again that were rejected")
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="where answers are kept (.evalspec beside the spec)"
    )
    parser.add_argument("-o", "--output", type=Path, action="append", default=[], metavar="FILE",
                        help="write results to FILE (repeatable): .json .md .csv .junit.xml")  # fmt: skip
    parser.add_argument(
        "--format", choices=[f.value for f in TableForm], default="table", help="what is printed"
    )
    parser.add_argument("--no-progress", action="store_true", help="show no progress")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no warnings")
    parser.add_argument("-v", "--verbose", action="store_true", help="notes too")
    parser.add_argument(
        "--env-file", type=Path, action="append", default=[], metavar="FILE", help="read variables from FILE"
    )
    parser.add_argument(
        "--allow-code", action="store_true", help="run functions of your own that the spec names"
    )
    parser.add_argument(
        "--race", action="store_true", default=None, help="stop asking candidates that are certainly beaten"
    )
    for flag, takes in LATER.items():
        parser.add_argument(flag, help=argparse.SUPPRESS, default=None, **_later(takes))


def _later(takes_value: bool) -> dict[str, Any]:
    return {"metavar": "X"} if takes_value else {"action": "store_const", "const": True}


def run(options: argparse.Namespace) -> int:
    """Runs a spec; the exit code says what came of it."""
    _demand_built(options)
    demand_writable(options.output)
    variables = environment(options.env_file)
    how = _options(options)
    try:
        front, how = load(options.spec, how)
        plan = runnable_plan(front, how)
        demand_allowed(plan, allowed=how.allow_code)
    except SpecFault as fault:
        tell(errors(fault.diagnostics) if options.quiet else fault.diagnostics, notes=options.verbose)
        print(f"{options.spec}: {summary_line(fault.diagnostics)}; nothing was asked", file=sys.stderr)
        return SPEC_WRONG
    except (EmptySelection, UnknownSetting, CodeNotAllowed) as fault:
        raise Usage(str(fault)) from fault
    if not options.quiet:
        tell(front.diagnostics, notes=options.verbose)
    settle()
    ran = anyio.run(_run, plan, front, how, variables, options, backend_options=loop_options())
    return finish(ran, plan.program, front.source.path or Path(), how, options)


def _demand_built(options: argparse.Namespace) -> None:
    for flag in LATER:
        if getattr(options, flag.removeprefix("--").replace("-", "_")) is not None:
            raise Usage(f"`{flag}` is not built yet")
    if options.max_concurrency is not None and options.max_concurrency < 1:
        raise Usage("`--max-concurrency` is at least 1")


def _options(options: argparse.Namespace) -> Options:
    now = datetime.now(UTC)
    since = now if options.fresh else now - _age(options.max_age) if options.max_age else None
    return Options(
        selection=selection(options),
        seed=options.seed,
        concurrency=options.max_concurrency,
        store=options.store,
        keep=not options.no_cache,
        allow_code=options.allow_code,
        settings=settings(options),
        race=options.race,
        keeping=Keeping(since=since, retry_errors=options.retry_errors),
        max_spend=None if options.max_spend is None else dollars_given(options.max_spend),
    )


def _age(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})(min|h|d)", text)
    if match is None:
        raise Usage("`--max-age` is written 30min, 12h or 7d")
    unit = {"min": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


async def _run(
    plan: Plan, front: Front, how: Options, variables: Mapping[str, str], options: argparse.Namespace
) -> Ran:
    """The run, with Ctrl-C: the first stops asking and waits, the second drops what is in flight."""
    stopping = Stopping()
    view = _View(quiet=options.quiet or options.no_progress, most=how.max_spend)
    ran: Ran | EvalspecFault
    async with anyio.create_task_group() as watching:
        watching.start_soon(_on_signals, stopping, view)
        watching.start_soon(view.keep_time)
        try:
            watch, say = None if view.quiet else view.watch, view.say
            ran = await run_plan(plan, front, how, variables, watch=watch, stopping=stopping, say=say)
        except EvalspecFault as fault:  # out of the group as it is, not as a group of its own
            ran = fault
        watching.cancel_scope.cancel()
    if isinstance(ran, EvalspecFault):
        raise ran
    return ran


class _View:
    """What is said while a run goes on: beside its progress where that is shown, else by itself."""

    def __init__(self, *, quiet: bool, most: Decimal | None) -> None:
        self.quiet = quiet
        self._most = most
        self._shown: Shown | None = None

    @contextmanager
    def watch(self, of: Plan) -> Iterator[Shown]:
        """Shows the progress of a plan."""
        ceilings = ceilings_of(of, caps_of(of.program, self._most))
        with show_progress(job_counts(of), sys.stderr, ceilings=ceilings) as shown:
            self._shown = shown
            try:
                yield shown
            finally:
                self._shown = None

    def say(self, line: str) -> None:
        """A line, unless one wants none."""
        if not self.quiet:
            self.tell(line)

    def tell(self, line: str) -> None:
        """A line that is said in any case."""
        if self._shown is not None:
            self._shown.say(line)
        else:
            print(line, file=sys.stderr, flush=True)

    async def keep_time(self) -> None:
        """Lets progress know that time goes by."""
        while True:
            await anyio.sleep(TERMINAL_EVERY_S)
            if self._shown is not None:
                self._shown.tick()


async def _on_signals(stopping: Stopping, view: _View) -> None:
    with _receiver() as signals:
        async for _ in signals:
            if stopping.asked.is_set():
                stopping.dropped.cancel()
                return
            view.tell("\nstopping: waiting for what is in flight (again to drop it)")
            stopping.asked.set()


@contextmanager
def _receiver() -> Iterator[Any]:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        yield signals
