"""`evalspec diff`: two runs held against each other, example by example."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.cli.main import DONE, NOT_VIABLE, SPEC_WRONG
from evalspec.cli.output import tell
from evalspec.cli.stored import Stale, kept_run, stored_run
from evalspec.pipeline import SpecFault, scores_of
from evalspec.report.diagnostics import summary_line

if TYPE_CHECKING:
    from evalspec.text.values import Json

Found = tuple[Mapping[str, "Json"], Mapping[str, "Json"]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `diff` takes."""
    named = "an id, the beginning of one, `last`, `last~1`, or a results file"
    parser.add_argument("before", metavar="RUN", help=f"the earlier run: {named}")
    parser.add_argument("after", metavar="RUN", help="the later run")
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="where answers are kept (.evalspec here or one folder down)"
    )
    parser.add_argument(
        "--env-file", type=Path, action="append", default=[], metavar="FILE", help="read variables from FILE"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed")


def run(options: argparse.Namespace) -> int:
    """Compares two stored runs; 3 where a candidate became worse beyond chance. Sends nothing."""
    try:
        (before, old), (after, new) = (_found(name, options) for name in (options.before, options.after))
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{summary_line(fault.diagnostics)}; nothing was compared", file=sys.stderr)
        return SPEC_WRONG
    except Stale as fault:
        print(f"error: {fault}", file=sys.stderr)
        return SPEC_WRONG
    from evalspec.report.comparing import moves_document, notes_on, regressed, render_moves
    from evalspec.score.comparing import compare

    tasks, notes = compare(old, new), notes_on(before, after)
    if options.format == "json":
        print(json.dumps(moves_document(tasks, (before, after), notes), indent=1, ensure_ascii=False))
    else:
        sys.stdout.write(render_moves(tasks, (before, after), notes))
    return NOT_VIABLE if regressed(tasks) else DONE


def _found(name: str, options: argparse.Namespace) -> Found:
    """A run's record and what it found; of runs that did not keep that, by scoring them again."""
    with kept_run(name, options.store) as (store, record):
        figures = store.figures(str(record["id"]))
    if isinstance(figures, dict):
        return record, figures
    from evalspec.score.kept import kept_figures

    named = argparse.Namespace(
        run_name=name, spec=None, store=options.store, env_file=options.env_file, given=options.given
    )
    with stored_run(named) as (_, plan, replayed, _):
        return record, kept_figures(scores_of(plan, replayed.traces))
