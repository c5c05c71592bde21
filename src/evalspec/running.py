"""A run from spec to results: planned, asked, recorded, scored. Composes rooms; prints nothing."""

from __future__ import annotations

import hashlib
import platform
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import anyio

from evalspec.models.faults import EvalspecFault
from evalspec.pipeline import Front, score
from evalspec.plan.plan import Plan, Selection, build_plan
from evalspec.run.asking import Keeping
from evalspec.run.events import Counter, Event
from evalspec.run.replay import Replayed, replay
from evalspec.run.session import Gathered, ask_all, settings_for
from evalspec.score.results import Document, Results
from evalspec.score.wording import document
from evalspec.store.store import Store
from evalspec.text.values import Json

STORE = ".evalspec"
LIBRARIES = ("evalspec", "numpy", "scikit-learn", "litellm", "aiohttp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is done, as the command line or a caller says it."""

    selection: Selection = field(default_factory=Selection)
    seed: int = 0
    concurrency: int | None = None
    store: Path | None = None
    keep: bool = True
    keeping: Keeping = field(default_factory=Keeping)


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. `fault` broke the asking off; `interrupted` tells of Ctrl-C."""

    results: Results
    fault: EvalspecFault | None
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Stopping:
    """How a run is stopped: `asked` sends nothing more, `dropped` leaves what is in flight too."""

    asked: anyio.Event = field(default_factory=anyio.Event)
    dropped: anyio.CancelScope = field(default_factory=anyio.CancelScope)


Watch = Callable[[Plan], AbstractContextManager[Callable[[Event], None]]]


def store_folder(spec: Path, given: Path | None) -> Path:
    """Where a spec's answers are kept: the folder given, else `.evalspec` beside the spec."""
    return given if given is not None else spec.parent / STORE


def plan_of(front: Front, options: Options) -> Plan:
    """The plan of a checked spec. Raises SpecFault and EmptySelection."""
    checked = front.ready
    return build_plan(checked.program, checked.data, options.selection, options.seed)


async def run_plan(
    plan: Plan,
    front: Front,
    options: Options,
    environment: Mapping[str, str],
    *,
    watch: Watch | None = None,
    stopping: Stopping | None = None,
) -> Ran:
    """Asks what is missing, keeps it, scores everything, and records the run.

    Raises EvalspecFault where nothing could be asked at all (a variable that is not set, a store that
    cannot be opened); one that comes later is in the result, beside what was answered before it.
    """
    stopping = stopping if stopping is not None else Stopping()
    counter, gathered = Counter(), Gathered()
    started = datetime.now(UTC)
    fault: EvalspecFault | None = None
    spec = front.source.path or Path()
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(store_folder(spec, options.store))) if options.keep else None
        tell = stack.enter_context(watch(plan) if watch is not None else nullcontext(_silent))

        def on_event(event: Event) -> None:
            counter(event)
            tell(event)

        try:
            with stopping.dropped:
                await ask_all(
                    plan,
                    store,
                    environment=environment,
                    settings=settings_for(plan.program, concurrency=options.concurrency, keeping=options.keeping),
                    on_event=on_event,
                    stop=stopping.asked,
                    gathered=gathered,
                )
        except EvalspecFault as broken:
            if not gathered.traces:
                raise
            fault = broken
        run = _run_record(plan, front, options, started, counter)
        results = _completed(score(plan, gathered.traces, run))
        if store is not None and fault is None:
            store.save_run(_stored(results, options))
    return Ran(results, fault, stopping.asked.is_set())


def _silent(event: Event) -> None:
    """Nobody watches."""


# ── the record of a run ───────────────────────────────────────────────────────────────────────────


def _run_record(
    plan: Plan, front: Front, options: Options, started: datetime, counter: Counter
) -> Document:
    spec_sha256 = hashlib.sha256(front.source.text.encode()).hexdigest()
    counts: Document = dict(counter.total.as_json())
    return {
        "id": f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        "spec": front.source.name,
        "spec_sha256": spec_sha256,
        "data_sha256": data_digests(plan),
        "started_at": started.isoformat(timespec="milliseconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "complete": False,
        "seed": options.seed,
        "selection": selection_json(plan.selection),
        "versions": _versions(),
        "simulated": False,
        "pacing": {},
        "requests": counts,
        "spend_usd": None,
    }


def data_digests(plan: Plan) -> Document:
    """The digest of each dataset that the plan reads."""
    used = {planned.task.dataset for planned in plan.tasks}
    for planned in plan.tasks:
        used |= {c.use.train for c in planned.candidates if hasattr(c.use, "train")}
    return {name: plan.data[name].sha256 for name in sorted(used)}


def selection_json(selection: Selection) -> Document:
    """A selection as JSON."""
    return {
        "models": list(selection.models),
        "tasks": list(selection.tasks),
        "subset": selection.subset,
        "limit": selection.limit,
    }


def selection_of(value: Json) -> Selection:
    """The selection that a record holds."""
    found = document(value)
    models, tasks, subset, limit = (found.get(k) for k in ("models", "tasks", "subset", "limit"))
    return Selection(
        models=tuple(map(str, models)) if isinstance(models, list) else (),
        tasks=tuple(map(str, tasks)) if isinstance(tasks, list) else (),
        subset=subset if isinstance(subset, str) else None,
        limit=limit if isinstance(limit, int) else None,
    )


def _versions() -> Document:
    found: Document = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return found


def _completed(results: Results) -> Results:
    """The results with `complete` told: whether every example of every candidate was asked."""
    outcomes = [
        document(document(c)["outcomes"])
        for task in document(results.document["tasks"]).values()
        for c in document(document(task)["candidates"]).values()
    ]
    complete = not any(o["not_asked"] for o in outcomes)
    run: Document = {**document(results.document["run"]), "complete": complete}
    return Results({**results.document, "run": run})


def _stored(results: Results, options: Options) -> Document:
    run: Document = dict(document(results.document["run"]))
    run["spec"] = str(Path(str(run["spec"])).resolve())
    return run


# ── a stored run again ────────────────────────────────────────────────────────────────────────────


class Outdated(Exception):
    """A stored run cannot be scored again with the spec as it stands; the message says why."""


def rescore(
    record: Mapping[str, Json], front: Front, store: Store, environment: Mapping[str, str]
) -> tuple[Plan, Replayed, Results]:
    """A stored run scored again, with the spec as it stands now. Raises SpecFault, Outdated."""
    seed = record.get("seed")
    options = Options(selection=selection_of(record.get("selection")), seed=seed if isinstance(seed, int) else 0)
    plan = plan_of(front, options)
    if data_digests(plan) != record.get("data_sha256"):
        raise Outdated("the data are not those of this run any more")
    replayed = replay(plan, store, environment)
    if replayed.missing and record.get("complete"):
        raise Outdated(f"{replayed.missing} of its examples would be asked differently now")
    run: Document = {**record, "spec": front.source.name}
    run["spec_sha256"] = hashlib.sha256(front.source.text.encode()).hexdigest()
    return plan, replayed, _completed(score(plan, replayed.traces, run))
