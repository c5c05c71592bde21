"""`evalspec export`: every answer of a run as a file, or the decision rule of a candidate to ship."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.cli.main import DONE, INCOMPLETE, SPEC_WRONG, Usage
from evalspec.cli.output import demand_place, tell, write_whole
from evalspec.cli.stored import Stale, add_stored, kept_run, stored_run
from evalspec.language.privacy import OPEN, privacy_of
from evalspec.pipeline import SpecFault
from evalspec.recording import kept_passes
from evalspec.report.diagnostics import summary_line
from evalspec.report.exported import Exported, exported, line_of
from evalspec.report.exported_passes import pass_rows
from evalspec.report.glyphs import visible
from evalspec.score.judged import judge
from evalspec.score.score import score_task
from evalspec.score.shipping import NoPolicy, policy_to_ship
from evalspec.score.wording import document, number
from evalspec.text.diagnostics import nearest
from evalspec.text.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.replay import Replayed
    from evalspec.score.results import Results
    from evalspec.text.values import Json

FORMS = (".jsonl", ".csv", ".parquet")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `export` takes."""
    add_stored(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE",
        help="where to write: answers as .jsonl (which `recorded` reads) .csv .parquet, a policy as .json",
    )  # fmt: skip
    parser.add_argument("--policy", metavar="CANDIDATE", help="the decision rule of a candidate, to ship")
    parser.add_argument(
        "--latency", action="store_true", help="what a latency pass measured, in place of answers"
    )
    parser.add_argument("--task", metavar="T", help="only this task")
    parser.add_argument("--show-private", action="store_true", help="write private columns' answers, too")


def run(options: argparse.Namespace) -> int:
    """Writes the file, whole or not at all."""
    _demand_form(options)
    if options.latency:
        return _finish(options, *_samples(options))
    try:
        with stored_run(options) as (front, plan, replayed, results):
            tell([d for d in front.diagnostics if d.severity == "error"])
            tasks = _tasks(plan, options.task)
            if options.policy is not None:
                whole, said = _policy(tasks, plan, replayed, results, options.policy)
            else:
                whole, said = _answers(tasks, plan, replayed, options)
    except SpecFault as fault:
        tell(fault.diagnostics)
        print(f"{options.run_name}: {summary_line(fault.diagnostics)}; nothing was written", file=sys.stderr)
        return SPEC_WRONG
    except Stale as fault:
        print(f"error: {fault}", file=sys.stderr)
        return SPEC_WRONG
    return _finish(options, whole, said)


def _finish(options: argparse.Namespace, whole: bytes, said: str) -> int:
    unwritten = write_whole(options.output, whole)
    told = f"error: {unwritten}" if unwritten is not None else f"{options.output}: {said}"
    print(told, file=sys.stderr)
    return DONE if unwritten is None else INCOMPLETE


def _demand_form(options: argparse.Namespace) -> None:
    """Raises Usage, before anything is read, where the file's ending or its folder does not fit."""
    if options.latency and options.policy is not None:
        raise Usage("`--latency` and `--policy` are two files")
    endings = (".json",) if options.policy is not None else FORMS
    if options.output.suffix not in endings:
        what = "a policy is written as" if options.policy is not None else "answers are written as"
        raise Usage(f"`-o {options.output}`: {what} {' '.join(endings)}")
    demand_place(options.output)


def _tasks(plan: Plan, name: str | None) -> list[PlannedTask]:
    found = [p for p in plan.tasks if name in (None, p.task.name)]
    _demand("task", name, bool(found), [p.task.name for p in plan.tasks])
    return found


def _demand(kind: str, name: str | None, there: bool, known: Iterable[str]) -> None:
    if name is None or there:
        return
    names = list(dict.fromkeys(known))
    guess = nearest(name, names)
    listed = ", ".join(map(visible, names[:20])) or "none"
    way_out = f"did you mean `{visible(guess)}`?" if guess is not None else f"known: {listed}"
    raise Usage(f"there is no {kind} `{visible(name)}`\n  = help: {way_out}")


# ── answers ───────────────────────────────────────────────────────────────────────────────────────


def _answers(
    tasks: list[PlannedTask], plan: Plan, replayed: Replayed, options: argparse.Namespace
) -> tuple[bytes, str]:
    """Every answer of some tasks as a file, and what is said about it."""
    rows: list[Exported] = []
    masked = False
    for planned in tasks:
        private = OPEN if options.show_private else privacy_of(planned.task, plan.program.datasets)
        masked = masked or private.hides_responses
        for candidate in planned.candidates:
            rows += exported(planned, candidate, replayed.traces[planned.task.name, candidate.name], private)
    said = counted(len(rows), "answer")
    unlike = sum(not row.alike for row in rows)
    if unlike:
        said += f"; {unlike:,} of them would be read otherwise when they are read back"
    if masked:
        said += "; what is private is masked (`--show-private` writes it)"
    return _written(rows, options.output.suffix), said


def _written(rows: list[Exported], ending: str) -> bytes:
    if ending == ".jsonl":
        from evalspec.data.write import as_jsonl

        return as_jsonl([line_of(row.fields) for row in rows])
    return _table([{**row.fields, "answer": row.answer, "right": row.right} for row in rows], ending)


def _table(table: list[dict[str, Json]], ending: str) -> bytes:
    from evalspec.data.write import as_csv, as_jsonl, as_parquet

    if ending == ".jsonl":
        return as_jsonl([line_of(row) for row in table])
    if ending == ".csv":
        return as_csv(table)
    try:
        return as_parquet(table)
    except ImportError as fault:
        raise Usage(
            "Parquet needs the package pyarrow\n  = help: `pip install 'evalspec[parquet]'`"
        ) from fault


# ── latency passes ────────────────────────────────────────────────────────────────────────────────


def _samples(options: argparse.Namespace) -> tuple[bytes, str]:
    """Every request of a run's latency passes as a file, and what is said about it. Raises Usage."""
    with kept_run(str(options.run_name), options.store) as (store, record):
        passes = kept_passes(store, str(record["id"]))
    tasks = list(dict.fromkeys(task for task, _ in passes))
    if not tasks:
        raise Usage("this run made no latency pass\n  = help: a load in `latency { … }` asks for one")
    _demand("task", options.task, options.task in tasks, tasks)
    rows = [row for key, passed in passes.items() if options.task in (None, key[0])
            for row in pass_rows(*key, passed)]  # fmt: skip
    return _table(rows, options.output.suffix), counted(len(rows), "request")


# ── the policy to ship ────────────────────────────────────────────────────────────────────────────


def _policy(
    tasks: list[PlannedTask], plan: Plan, replayed: Replayed, results: Results, name: str
) -> tuple[bytes, str]:
    """The policy of a candidate as a file, and what is said about it. Raises Usage."""
    asked = [p for p in tasks if name in [c.name for c in p.candidates]]
    _demand("candidate", name, bool(asked), [c.name for p in tasks for c in p.candidates])
    if len(asked) > 1:
        listed = ", ".join(visible(p.task.name) for p in asked)
        raise Usage(f"`{visible(name)}` is in several tasks\n  = help: `--task` with one of: {listed}")
    planned = asked[0]
    traces = {c.name: replayed.traces[planned.task.name, c.name] for c in planned.candidates}
    judged = [judge(planned, c, traces[c.name]) for c in planned.candidates]
    scored = score_task(planned, judged, plan.seed, plan.program.datasets[planned.task.dataset])
    try:
        found = policy_to_ship(scored, name)
    except NoPolicy as fault:
        raise Usage(f"there is no policy to export: {fault}") from fault
    run = document(results.document["run"])
    found |= {"run": run["id"], "spec_sha256": run["spec_sha256"], "seed": plan.seed}
    examples = counted(number(found["n"]) or 0, "example")
    said = f"the policy of {visible(name)}, `{found['rule']}`, from {examples}"
    text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False)
    return f"{text}\n".encode("utf-8", "backslashreplace"), said
