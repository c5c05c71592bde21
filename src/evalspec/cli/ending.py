"""The end of a run: files, table, what went wrong and how to go on, and the exit code."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.cli.main import DONE, INCOMPLETE, INTERRUPTED, NOT_VIABLE
from evalspec.cli.output import write_files
from evalspec.cli.stored import store_flag
from evalspec.language.candidates import Hosted, model_of
from evalspec.language.program import Program
from evalspec.models.endpoints import key_variable
from evalspec.report.glyphs import visible
from evalspec.report.table import TableForm, render_results
from evalspec.run.spending import dollars
from evalspec.running import Options, Ran, store_folder
from evalspec.score.wording import document, names

if TYPE_CHECKING:
    from evalspec.run.troubles import Trouble
    from evalspec.score.results import Results

MOST_TOLD = 3  # different failures of one candidate


def finish(ran: Ran, program: Program, spec: Path, how: Options, options: argparse.Namespace) -> int:
    """Writes and prints what a run found, and says what is missing; the exit code."""
    unwritten = write_files(ran.results, options.output)
    sys.stdout.write(render_results(ran.results, TableForm(options.format)))
    sys.stdout.flush()
    if not options.quiet:
        _say([_footer(ran, spec, how)])
        _say(aliases_told(ran.results, program))
    _say(troubles_told(ran.troubles, program))
    _say(f"error: {visible(name)} is not asked any more: {s.message}" for name, s in ran.short.items())
    _say(f"error: {fault}" for fault in (ran.fault, *unwritten) if fault is not None)
    return _how_it_ended(ran, again(options.given), unwritten, keep=how.keep)


def _how_it_ended(ran: Ran, go_on: str, unwritten: Sequence[str], *, keep: bool) -> int:
    missing = ran.fault is not None or not document(ran.results.document["run"])["complete"]
    down = any(trouble.down for trouble in ran.troubles.values())
    kept = "what was answered is kept" if keep else "nothing is kept (`--no-cache`)"
    if missing or down:
        _say([f"incomplete: {kept}; `{go_on}` {'continues' if keep else 'begins again'}"])
    elif any(trouble.passing for trouble in ran.troubles.values()):
        _say([f"what failed may pass: `{go_on}` asks it again"])
    if ran.interrupted:
        return INTERRUPTED
    return INCOMPLETE if missing or down or unwritten else exit_code(ran.results)


def exit_code(results: Results) -> int:
    """0 where each task has a viable candidate, else 3."""
    viable = [
        any(document(c)["viable"] for c in document(document(task)["candidates"]).values())
        for task in document(results.document["tasks"]).values()
    ]
    return DONE if all(viable) else NOT_VIABLE


def again(given: Sequence[str]) -> str:
    """The command that goes on where this one ended: what `--fresh` asked is not asked once more."""
    return shlex.join(["evalspec", *(word for word in given if word != "--fresh")])


def troubles_told(troubles: Mapping[str, Trouble], program: Program) -> Iterator[str]:
    """A sentence for each candidate that was stopped, and for what its failed requests said."""
    for name, trouble in troubles.items():
        if trouble.stopped is not None:
            use = program.models[model_of(name)].use
            variable = key_variable(use) if isinstance(use, Hosted) and trouble.refused else None
            key = f" (its key is the one in {variable})" if variable is not None else ""
            yield f"error: {visible(name)} is not asked any more: {visible(trouble.stopped.message)}{key}"
            continue
        for message, count in trouble.said.most_common(MOST_TOLD):
            requests = "1 request" if count == 1 else f"{count:,} requests"
            yield f"warning: {visible(name)}: {requests} failed: {visible(message)}"
        if (more := len(trouble.said) - MOST_TOLD) > 0:
            yield f"warning: {visible(name)}: and {more:,} more kinds of failures"


def aliases_told(results: Results, program: Program) -> Iterator[str]:
    """A note for each model whose name stands for a dated one today, and may for another one tomorrow."""
    told: set[tuple[str, str]] = set()
    for task in document(results.document["tasks"]).values():
        for found in map(document, document(document(task)["candidates"]).values()):
            spec = program.models.get(str(found.get("model")))
            if spec is None or not isinstance(spec.use, Hosted):
                continue
            asked = spec.use.route.rpartition("/")[2]
            for served in names(found.get("served_models")):
                if served.startswith(f"{asked}-") and (spec.name, served) not in told:
                    told.add((spec.name, served))
                    today = f"`{asked}` is served by `{visible(served)}` today"
                    yield f"note: {visible(spec.name)}: {today}; name that one, and it stays the same"


def _footer(ran: Ran, spec: Path, how: Options) -> str:
    run = document(ran.results.document["run"])
    requests = document(run["requests"])
    cost = f" ({dollars(ran.bill.asked)})" if ran.bill.asked is not None else ""
    asked = f"{requests['sent']:,} asked{cost}, {requests['from_store']:,} from the store"
    if not how.keep:
        return f"run {run['id']}: {asked} (nothing is kept)"
    folder = store_folder(spec, how.store)
    show = f"evalspec show {run['id']} --wrong{store_flag(folder)}"
    return f"run {run['id']}: {asked} ({folder})\nlook closer: {show}"


def _say(lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
