"""`evalspec runs`: the runs that are kept here, the newest first."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.cli.main import DONE, Usage
from evalspec.cli.stored import from_here, stores_here
from evalspec.report.runs import listed_runs, render_runs
from evalspec.store.store import Store

if TYPE_CHECKING:
    from evalspec.text.values import Json


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `runs` takes."""
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="where answers are kept (.evalspec here or one folder down)"
    )
    parser.add_argument("-n", "--limit", type=int, default=20, metavar="N", help="at most so many (20)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how they are printed")


def run(options: argparse.Namespace) -> int:
    """Lists the runs. A folder without any is no error."""
    if options.limit < 1:
        raise Usage("`--limit` is at least 1")
    found = [pair for folder in stores_here(options.store) for pair in _runs(folder)]
    newest = sorted(found, key=lambda pair: str(pair[1].get("started_at")), reverse=True)[: options.limit]
    told = listed_runs(
        (folder, {**run, "spec": str(from_here(Path(str(run["spec"]))))}) for folder, run in newest
    )
    if options.format == "json":
        print(json.dumps({"runs": told}, indent=1, ensure_ascii=False))
    elif not told:
        print(
            "no run is kept here yet: `evalspec run SPEC` keeps its answers beside the spec", file=sys.stderr
        )
    else:
        sys.stdout.write(render_runs(told))
    return DONE


def _runs(folder: Path) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    with Store.open(folder, readonly=True) as store:
        yield from ((folder, run) for run in store.runs())
