"""`evalspec check`: says what is wrong with specs and their data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalspec.cli.main import DONE, SPEC_WRONG, Usage
from evalspec.cli.output import colour_for, is_folder
from evalspec.pipeline import check_file
from evalspec.report.diagnostics import Form, render, summary_line
from evalspec.text.diagnostics import Diagnostic, Severity


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `check` takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="a spec, or a folder of specs")
    parser.add_argument("--no-data", action="store_true", help="leave the data files unread")
    parser.add_argument(
        "--format", choices=[f.value for f in Form], default="text", help="how diagnostics are printed"
    )
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.add_argument("--fix", action="store_true", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Checks every spec; 1 where one is wrong."""
    if options.fix:
        raise Usage("`--fix` is not built yet; each diagnostic says what to write")
    specs = [spec for path in options.paths for spec in _specs(path)]
    found = [d for spec in specs for d in check_file(spec, read_data=not options.no_data).diagnostics]
    form = Form(options.format)
    stream = sys.stderr if form is Form.TEXT else sys.stdout
    stream.write(render(found, form, colour=form is Form.TEXT and colour_for(stream)))
    if form is Form.TEXT:
        several = f"{len(specs)} specs: " if len(specs) > 1 else f"{specs[0]}: "
        print(several + summary_line(found), file=sys.stderr)
    return SPEC_WRONG if _fails(found, strict=options.strict) else DONE


def _specs(path: Path) -> list[Path]:
    """The specs that a path means."""
    if not is_folder(path):
        return [path]
    found = sorted(path.rglob("*.eval"))
    if not found:
        raise Usage(f"there is no spec (*.eval) in {path}")
    return found


def _fails(found: list[Diagnostic], *, strict: bool) -> bool:
    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(d.severity in failing for d in found)
