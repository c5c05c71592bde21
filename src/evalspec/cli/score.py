"""`evalspec score`: a stored run again, with the spec as it stands now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalspec.cli.main import INCOMPLETE, SPEC_WRONG, USAGE
from evalspec.cli.output import form_of, tell, write_files
from evalspec.cli.run import exit_code
from evalspec.cli.stored import add_stored, stored_run
from evalspec.models.faults import EvalspecFault
from evalspec.pipeline import SpecFault
from evalspec.plan.plan import EmptySelection
from evalspec.report.table import TableForm, render_results
from evalspec.running import Outdated
from evalspec.score.wording import document


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `score` takes."""
    add_stored(parser)
    parser.add_argument("-o", "--output", type=Path, action="append", default=[], metavar="FILE",
                        help="write results to FILE, by its ending: .json .md .csv (repeatable)")  # fmt: skip
    parser.add_argument("--format", choices=[f.value for f in TableForm], default="table", help="what is printed")


def run(options: argparse.Namespace) -> int:
    """Scores a stored run again; no request is sent."""
    for path in options.output:
        form_of(path)
    try:
        with stored_run(options) as (front, _, _, results):
            tell(front.diagnostics)
    except SpecFault as fault:
        tell(fault.diagnostics)
        return SPEC_WRONG
    except Outdated as fault:
        print(f"error: {fault}\n  = help: ask what is missing with `evalspec run SPEC`", file=sys.stderr)
        return SPEC_WRONG
    except EmptySelection as fault:
        print(f"error: {fault}", file=sys.stderr)
        return USAGE
    except EvalspecFault as fault:
        print(f"error: {fault}", file=sys.stderr)
        return INCOMPLETE
    sys.stdout.write(render_results(results, TableForm(options.format)))
    write_files(results, options.output)
    complete = document(results.document["run"])["complete"]
    return exit_code(results) if complete else INCOMPLETE
