"""`evalspec import`: a promptfoo configuration as a spec, with the list of what has no counterpart."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from evalspec.cli.main import DONE, SPEC_WRONG, Usage
from evalspec.cli.output import OutputFault, tell
from evalspec.interop.listed import Exactness
from evalspec.interop.promptfoo import Imported, import_promptfoo
from evalspec.report.diagnostics import summary_line
from evalspec.report.glyphs import visible
from evalspec.starting.writing import AlreadyThere, Unwritable, write_new
from evalspec.text.diagnostics import errors

MOST_TOLD = 100
FORMATS = (".yaml", ".yml", ".json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `import` takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a promptfoo configuration: .yaml or .json")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the spec (beside FILE, as NAME.eval)"
    )


def run(options: argparse.Namespace) -> int:
    """Writes the spec and its data, and tells what was not carried over."""
    path: Path = options.file
    if path.suffix.lower() in (".js", ".ts", ".mjs", ".cjs", ".py"):
        raise Usage(f"{visible(str(path))} is code, and an import runs none\n"
                    "  = help: `promptfoo export` or print it as JSON, and import that")  # fmt: skip
    if path.suffix.lower() not in FORMATS:
        raise Usage(f"{visible(str(path))}: a promptfoo configuration ends in .yaml, .yml or .json")
    spec = options.output if options.output is not None else path.with_suffix(".eval")
    if spec.suffix != ".eval":
        raise Usage(f"`-o {visible(str(spec))}`: a spec ends in .eval")
    data = spec.with_name(f"{spec.stem}_tests.jsonl")
    imported, told = import_promptfoo(path, data.name)
    tell(told)
    if imported is None:
        print(f"{visible(str(path))}: {summary_line(errors(told))}; nothing was written", file=sys.stderr)
        return SPEC_WRONG
    _write(spec, data, imported)
    _tell(imported)
    print(f"wrote {visible(str(data))}\nwrote {visible(str(spec))}")
    print(f"next: evalspec plan {shlex.quote(visible(str(spec)))} --show 1")
    return DONE


def _write(spec: Path, data: Path, imported: Imported) -> None:
    try:
        write_new({data: imported.data, spec: imported.spec.encode()})
    except AlreadyThere as fault:
        there = ", ".join(visible(str(path)) for path in fault.paths)
        verb = "is" if len(fault.paths) == 1 else "are"
        help_line = "  = help: name another spec by `-o FILE`, or move what is there"
        raise Usage(f"{there} {verb} there already, and nothing was written\n{help_line}") from fault
    except Unwritable as fault:
        raise OutputFault(visible(str(fault))) from fault


def _tell(imported: Imported) -> None:
    for exactness, heading in (
        (Exactness.NEARLY, "with a changed meaning"),
        (Exactness.NONE, "not carried over"),
    ):
        told = [remark for remark in imported.remarks if remark.exactness is exactness]
        if told:
            print(f"{heading}:", file=sys.stderr)
        for remark in told[:MOST_TOLD]:
            print(f"  {visible(str(remark))}", file=sys.stderr)
        if len(told) > MOST_TOLD:
            print(f"  and {len(told) - MOST_TOLD:,} more", file=sys.stderr)
    print(imported.counts, file=sys.stderr)
