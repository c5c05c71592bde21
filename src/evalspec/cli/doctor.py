"""`evalspec doctor`: what this machine can do, found out by trying."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from evalspec.check.params import UnknownSetting
from evalspec.cli.main import DONE, INCOMPLETE, SPEC_WRONG, Usage
from evalspec.cli.output import environment, tell
from evalspec.cli.selecting import dollars_given
from evalspec.models import surroundings
from evalspec.models.surroundings import Finding, State
from evalspec.pipeline import SpecFault
from evalspec.plan.plan import EmptySelection
from evalspec.planning import load
from evalspec.report.diagnostics import summary_line
from evalspec.report.probed import findings_document, render_findings
from evalspec.running import STORE, Options, plan_of
from evalspec.store.probing import probe

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan

SANDBOX_S = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `doctor` takes."""
    parser.add_argument(
        "--ask",
        type=Path,
        metavar="SPEC",
        help="send one request to each model of SPEC that is asked over the network, for a dollar at most "
        "in all; keep nothing",
    )
    parser.add_argument("--max-spend", metavar="USD", help="with `--ask`: spend no more than this")
    parser.add_argument("--store", type=Path, metavar="DIR", help="where answers are to be kept (.evalspec)")
    parser.add_argument(
        "--env-file", type=Path, action="append", default=[], metavar="FILE", help="read variables from FILE"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed")


def run(options: argparse.Namespace) -> int:
    """Tries what runs need; 4 where something is in the way. Sends nothing without `--ask`."""
    variables = environment(options.env_file)
    most = None if options.max_spend is None else dollars_given(options.max_spend)
    if most is not None and options.ask is None:
        raise Usage("`--max-spend` is for `--ask`: without it nothing is sent")
    try:
        plan = _plan(options) if options.ask is not None else None
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{options.ask}: {summary_line(fault.diagnostics)}; nothing was asked", file=sys.stderr)
        return SPEC_WRONG
    except (EmptySelection, UnknownSetting) as fault:
        raise Usage(str(fault)) from fault
    found = [*_tried(options, variables), *(_asked(plan, variables, most) if plan is not None else ())]
    if options.format == "json":
        print(json.dumps(findings_document(found), indent=1, ensure_ascii=False))
    else:
        sys.stdout.write(render_findings(found, brief=plan is not None))
    return INCOMPLETE if any(one.state is State.FAULT for one in found) else DONE


def _plan(options: argparse.Namespace) -> Plan:
    front, how = load(options.ask, Options())
    return plan_of(front, how)


def _tried(options: argparse.Namespace, variables: Mapping[str, str]) -> Sequence[Finding]:
    folder = options.store or (options.ask.parent if options.ask is not None else Path()) / STORE
    return [
        *surroundings.libraries(),
        surroundings.sqlite(),
        *probe(folder),
        *surroundings.keys(variables),
        *surroundings.proxies(variables),
        surroundings.certificates(variables),
        _sandbox(),
    ]


def _asked(plan: Plan, variables: Mapping[str, str], most: Decimal | None) -> Sequence[Finding]:
    from evalspec.run.greeting import greet

    return anyio.run(greet, plan, variables, most)


def _sandbox() -> Finding:
    """bubblewrap, by running it: to have it is not to be allowed to use it."""
    found = shutil.which("bwrap")
    if found is None:
        return Finding(area="sandbox", name="bubblewrap", state=State.NOTE, found="not installed")
    command = [found, "--ro-bind", "/", "/", "--unshare-all", "true"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SANDBOX_S)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return Finding(area="sandbox", name="bubblewrap", state=State.NOTE, found=f"does not run: {fault}")
    if ran.returncode == 0:
        return Finding(area="sandbox", name="bubblewrap", state=State.GOOD, found="runs")
    told = f"does not run: {ran.stderr.strip()[:200]}"
    return Finding(area="sandbox", name="bubblewrap", state=State.NOTE, found=told)
