"""Plans as documents, and specs or plans from files. Composes rooms; prints nothing."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.models.connect import keyer
from evalspec.models.model import Answer
from evalspec.pipeline import Front, SpecFault, check_file
from evalspec.plan.estimate import Estimate, estimate
from evalspec.plan.expecting import Usual
from evalspec.recording import data_digests, selection_json, selection_of, settings_of, text_digest
from evalspec.run.gates import START
from evalspec.run.latency_plan import Expected, expected_passes
from evalspec.run.session import settings_for, training_of
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
    known = functools.cache(lambda name: usual_in(store, name))
    return {
        planned.task.name: {
            c.name: estimate(
                planned, c, keyer(c, environment=environment, training=training), store.have, known
            )
            for c in planned.candidates
        }
        for planned in plan.tasks
    }


def passes_expected(plan: Plan, front: Front, options: Options) -> Mapping[str, Expected]:
    """What the latency passes behind a run will ask, by task."""
    folder = store_folder(front.source.path or Path(), options.store)
    with Store.open(folder, readonly=True) as store:
        return expected_passes(plan, functools.cache(lambda name: usual_in(store, name)))


def usual_in(store: Store, candidate: str) -> Usual | None:
    """What a candidate's kept answers are like; None where there are none with a count of tokens."""
    answers = [r for r in store.latest(candidate) if isinstance(r, Answer)]
    tokens = [a.output_tokens for a in answers if a.output_tokens is not None]
    seconds = [a.latency_ns / 1e9 for a in answers if a.latency_ns is not None]
    if not tokens or not seconds:
        return None
    return Usual(output_tokens=sum(tokens) / len(tokens), seconds=sum(seconds) / len(seconds), n=len(tokens))


def seconds_of(plan: Plan, options: Options, candidate: str, found: Estimate) -> float | None:
    """How long a candidate's part of a plan takes, with as many requests at once as its limits allow."""
    if found.work_s is None or found.kept is None:
        return None
    limits = settings_for(plan.program, concurrency=options.concurrency, keeping=options.keeping).limits
    shared = [most for most, names in limits.shared_concurrency if candidate in names]
    at_once = min([*shared, *([limits.concurrency] if limits.concurrency else [])], default=START)
    requests = found.requests - found.kept + found.later
    slowest = [requests / rate.per_s for rate in limits.rates if candidate in rate.candidates]
    return max(float(found.work_s) / max(1, min(at_once, requests)), *slowest, 0.0)


def plan_document(plan: Plan, front: Front, found: Estimates, beside: Path, options: Options) -> Document:
    """A plan as JSON, which `run` takes in the spec's stead, with the spec's path from the plan's folder."""
    spec = os.path.relpath((front.source.path or Path()).resolve(), beside.resolve().parent)
    passes = passes_expected(plan, front, options)
    tasks: Document = {
        planned.task.name: {
            "kind": planned.task.kind,
            "dataset": planned.task.dataset,
            "examples": [row.id for row in planned.rows],
            "candidates": {name: _estimate(e) for name, e in found[planned.task.name].items()},
            **_pass(passes.get(planned.task.name)),
        }
        for planned in plan.tasks
    }
    return {
        "format": FORMAT,
        "spec": spec,
        "spec_sha256": text_digest(front.sources),
        "data_sha256": data_digests(plan),
        "selection": selection_json(plan.selection),
        "params": dict(options.settings),
        "seed": plan.seed,
        "tasks": tasks,
    }


def _pass(expected: Expected | None) -> Document:
    return {} if expected is None else {"latency_pass": expected.as_json()}


def _estimate(found: Estimate) -> Document:
    return {
        "requests": found.requests,
        "from_store": found.kept,
        "depending_on_answers_at_most": found.later,
        "input_tokens_about": found.input_tokens,
        "expected_usd": None if found.expected_usd is None else float(found.expected_usd),
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
