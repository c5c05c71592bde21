"""`evalspec score`: a stored run again, with the spec as it stands now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalspec.cli.ending import exit_code
from evalspec.cli.main import INCOMPLETE, SPEC_WRONG
from evalspec.cli.output import demand_writable, tell, write_files
from evalspec.cli.stored import Stale, add_stored, stored_run
from evalspec.pipeline import SpecFault
from evalspec.report.diagnostics import summary_line
from evalspec.report.table import TableForm, render_results
from evalspec.score.wording import document


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `score` takes."""
    add_stored(parser)
    parser.add_argument("-o", "--output", type=Path, action="append", default=[], metavar="FILE",
                        help="write results to FILE, by its ending: .json .md .csv (repeatable)")  # fmt: skip
    parser.add_argument(
        "--format", choices=[f.value for f in TableForm], default="table", help="what is printed"
    )


def run(options: argparse.Namespace) -> int:
    """Scores a stored run again; no request is sent."""
    demand_writable(options.output)
    try:
        with stored_run(options) as (front, _, _, results):
            tell(front.diagnostics)
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{options.run_name}: {summary_line(fault.diagnostics)}; nothing was scored", file=sys.stderr)
        return SPEC_WRONG
    except Stale as fault:
        print(f"error: {fault}", file=sys.stderr)
        return SPEC_WRONG
    unwritten = write_files(results, options.output)
    sys.stdout.write(render_results(results, TableForm(options.format)))
    for sentence in unwritten:
        print(f"error: {sentence}", file=sys.stderr)
    complete = document(results.document["run"])["complete"] and not unwritten
    return exit_code(results) if complete else INCOMPLETE
