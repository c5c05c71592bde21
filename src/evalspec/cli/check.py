"""`evalspec check`: says what is wrong with specs and their data, and with `--fix` mends what is certain."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evalspec.cli.main import DONE, INCOMPLETE, SPEC_WRONG, Usage
from evalspec.cli.output import colour_for, is_folder, width_of
from evalspec.pipeline import check_file
from evalspec.report.diagnostics import Form, applied_line, closing_lines, refused_line, render
from evalspec.text.diagnostics import Diagnostic, Severity


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `check` takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="a spec, or a folder of specs")
    parser.add_argument("--no-data", action="store_true", help="leave the data files unread")
    parser.add_argument(
        "--format", choices=[f.value for f in Form], default="text", help="how diagnostics are printed"
    )
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.add_argument("--fix", action="store_true", help="change the specs where a fix is certain")


def run(options: argparse.Namespace) -> int:
    """Checks every spec; 1 where one is wrong, 4 where a fix could not be written."""
    specs = list(dict.fromkeys(spec for path in options.paths for spec in _specs(path)))
    written = _fix(specs, read_data=not options.no_data) if options.fix else True
    said = (d for spec in specs for d in check_file(spec, read_data=not options.no_data).diagnostics)
    found = list(dict.fromkeys(said))  # a file that several specs import says the same each time
    form = Form(options.format)
    stream = sys.stderr if form is Form.TEXT else sys.stdout
    colour = form is Form.TEXT and colour_for(stream)
    stream.write(render(found, form, colour=colour, width=width_of(stream)))
    if form is Form.TEXT:
        sys.stderr.write(closing_lines(found, [str(spec) for spec in specs], fixed=options.fix))
    if not written:
        return INCOMPLETE
    return SPEC_WRONG if _fails(found, strict=options.strict) else DONE


def _fix(specs: Sequence[Path], *, read_data: bool) -> bool:
    """Fixes what is certain and tells what was changed; false where a file could not be written."""
    from evalspec.cli.fixing import fix_files

    fixing = fix_files(specs, lambda spec: check_file(spec, read_data=read_data).diagnostics)
    for fix in fixing.applied:
        print(applied_line(fix.diagnostic, fix.fix), file=sys.stderr)
    for fix in fixing.refused:
        print(refused_line(fix.diagnostic, fix.fix), file=sys.stderr)
    for fault in fixing.unwritten:
        print(f"error: {fault}", file=sys.stderr)
    if not (fixing.applied or fixing.refused or fixing.unwritten):
        print("nothing to fix: no diagnostic has a fix that is certain", file=sys.stderr)
    print(file=sys.stderr)
    return not fixing.unwritten


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
