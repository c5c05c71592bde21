"""Plans as documents, and specs or plans from files. Composes rooms; prints nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.models.connect import keyer
from evalspec.pipeline import Front, SpecFault, check_file
from evalspec.plan.estimate import Estimate, estimate
from evalspec.recording import data_digests, selection_json, selection_of, settings_of, text_digest
from evalspec.run.session import training_of
from evalspec.running import Options, store_folder
from evalspec.score.wording import document
from evalspec.store.store import Store
from evalspec.text.diagnostics import problem
from evalspec.text.source import Source, Span
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan
    from evalspec.score.results import Document
    from evalspec.text.values import Json

FORMAT = "evalspec.plan/1"

Estimates = Mapping[str, Mapping[str, Estimate]]


def estimates(plan: Plan, front: Front, options: Options, environment: Mapping[str, str]) -> Estimates:
    """What each task will ask of each candidate, and what the store already has. Sends and writes nothing."""
    folder = store_folder(front.source.path or Path(), options.store)
    with Store.open(folder, readonly=True) as store:
        return _estimates(plan, store, environment)


def _estimates(plan: Plan, store: Store, environment: Mapping[str, str]) -> Estimates:
    training = training_of(plan)
    return {
        planned.task.name: {
            candidate.name: estimate(
                planned, candidate, keyer(candidate, environment=environment, training=training), store.have
            )
            for candidate in planned.candidates
        }
        for planned in plan.tasks
    }


def plan_document(
    plan: Plan, front: Front, found: Estimates, beside: Path, settings: Mapping[str, str]
) -> Document:
    """A plan as JSON, which `run` takes in the spec's stead, with the spec's path from the plan's folder."""
    spec = os.path.relpath((front.source.path or Path()).resolve(), beside.resolve().parent)
    tasks: Document = {
        planned.task.name: {
            "kind": planned.task.kind,
            "dataset": planned.task.dataset,
            "examples": [row.id for row in planned.rows],
            "candidates": {name: _estimate(e) for name, e in found[planned.task.name].items()},
        }
        for planned in plan.tasks
    }
    return {
        "format": FORMAT,
        "spec": spec,
        "spec_sha256": text_digest(front.sources),
        "data_sha256": data_digests(plan),
        "selection": selection_json(plan.selection),
        "params": dict(settings),
        "seed": plan.seed,
        "tasks": tasks,
    }


def _estimate(found: Estimate) -> Document:
    return {
        "requests": found.requests,
        "from_store": found.kept,
        "depending_on_answers_at_most": found.later,
        "input_tokens_about": found.input_tokens,
        "worst_usd": None if found.worst_usd is None else float(found.worst_usd),
    }


def load(path: Path, options: Options) -> tuple[Front, Options]:
    """A spec, or the spec of a plan together with what the plan selected. Raises SpecFault."""
    if path.suffix != ".json":
        return check_file(path, settings=options.settings), options
    held = _read_plan(path)
    settings = {**settings_of(held.get("params")), **options.settings}
    front = check_file(Path(os.path.normpath(path.parent / str(held.get("spec", "")))), settings=settings)
    if text_digest(front.sources) != held.get("spec_sha256"):
        raise _outdated(path, "the spec has changed since this plan was made")
    seed = held.get("seed")
    chosen = replace(
        options,
        selection=selection_of(held.get("selection")),
        seed=seed if isinstance(seed, int) else 0,
        settings=settings,
    )
    digests = {name: loaded.sha256 for name, loaded in front.ready.data.items()}
    if any(digests.get(name) != digest for name, digest in document(held.get("data_sha256")).items()):
        raise _outdated(path, "the data have changed since this plan was made")
    return front, chosen


def _read_plan(path: Path) -> Mapping[str, Json]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise _outdated(path, f"this is no plan: {fault}") from fault
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise _outdated(path, f"this is no plan ({FORMAT})")
    return held


def _outdated(path: Path, message: str) -> SpecFault:
    nowhere = Span(Source(name=str(path), text="", path=path), 0, 0)
    return SpecFault((problem("E0703", nowhere, message, "make it again with `evalspec plan SPEC -o FILE`"),))
