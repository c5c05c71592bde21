"""`evalspec power`: how small a difference the examples can tell apart, before a run or after it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.params import UnknownSetting
from evalspec.cli.main import DONE, SPEC_WRONG, Usage
from evalspec.cli.output import tell
from evalspec.cli.selecting import add_selection, selection, settings
from evalspec.cli.stored import Stale, add_stored, stored_run
from evalspec.pipeline import SpecFault, scores_of
from evalspec.plan.plan import EmptySelection
from evalspec.planning import load
from evalspec.report.diagnostics import summary_line
from evalspec.report.power import forecast_json, forecast_text, seen_json, seen_text
from evalspec.running import Options, plan_of
from evalspec.score.power import Asked, forecast, seen
from evalspec.score.wording import document

if TYPE_CHECKING:
    from evalspec.text.values import Json

ONLY_OF_SPECS = ("models", "tasks", "subset", "limit")
DIFFERENCE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(%?)")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `power` takes."""
    add_stored(parser)
    add_selection(parser)
    parser.add_argument(
        "--difference", metavar="D", help="how many examples D takes: 3%% of accuracy, or 0.05 of the costs"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed")


def run(options: argparse.Namespace) -> int:
    """Says what a spec's examples, or those of a run, can tell apart; sends nothing."""
    name = str(options.run_name)
    if name.endswith(".eval") or (Path(name).is_file() and not _holds_results(Path(name))):
        return _of_spec(Path(name), options)
    if options.difference is not None:
        raise Usage("`--difference` is asked of a spec; a run tells `examples needed` for each pair")
    if any(getattr(options, flag) for flag in ONLY_OF_SPECS):
        raise Usage("a run was made with its selection; `--models` and the like go with a spec")
    return _of_run(options)


def _holds_results(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return path.suffix == ".json" and "evalspec.results/" in file.read(4096)
    except (OSError, UnicodeDecodeError):
        return False


def _of_spec(path: Path, options: argparse.Namespace) -> int:
    asked = _asked(options.difference)
    how = Options(
        selection=selection(options), seed=options.seed, store=options.store, settings=settings(options)
    )
    try:
        front, how = load(path, how)
        plan = plan_of(front, how)
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{path}: {summary_line(fault.diagnostics)}", file=sys.stderr)
        return SPEC_WRONG
    except (EmptySelection, UnknownSetting) as fault:
        raise Usage(str(fault)) from fault
    datasets = plan.program.datasets
    found = [forecast(planned, datasets[planned.task.dataset], asked) for planned in plan.tasks]
    if asked is not None and not any(f.wanted for f in found):
        raise Usage(
            f"`--difference {options.difference}`: no task here has costs; write `{options.difference}%`"
        )
    _print(forecast_json(found) if options.format == "json" else forecast_text(found))
    return DONE


def _asked(text: str | None) -> Asked | None:
    """A difference as it is written: a percentage is of accuracy, a figure of costs."""
    if text is None:
        return None
    found = DIFFERENCE.fullmatch(text.strip())
    value = float(found[1]) if found is not None else 0.0
    share = found is not None and found[2] == "%"
    if found is None or value <= 0 or value > (100 if share else 1e15):
        raise Usage(f"`--difference {text}`: write 3% for accuracy, or 0.05 for a difference in costs")
    return Asked(value=value / 100 if share else value, share=share)


def _of_run(options: argparse.Namespace) -> int:
    try:
        with stored_run(options) as (_, plan, replayed, results):
            scored = scores_of(plan, replayed.traces)
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{options.run_name}: {summary_line(fault.diagnostics)}", file=sys.stderr)
        return SPEC_WRONG
    except Stale as fault:
        print(f"error: {fault}", file=sys.stderr)
        return SPEC_WRONG
    tasks = {scores.planned.task.name: seen(scores) for scores in scored}
    costs = {scores.planned.task.name: scores.planned.task.costs for scores in scored}
    units = {name: None if c is None else c.unit for name, c in costs.items()}
    run_id = str(document(results.document["run"])["id"])
    _print(seen_json(run_id, tasks) if options.format == "json" else seen_text(tasks, units))
    return DONE


def _print(found: Json | str) -> None:
    text = found if isinstance(found, str) else json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
