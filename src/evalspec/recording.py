"""What is written down of a run, and what of it is read back when the run is scored again.

The record is the `run` of results.json. In the store it also says what the store cannot repeat: which
requests failed for the moment, and how many visits were not made at all.
"""

from __future__ import annotations

import hashlib
import platform
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec import __version__
from evalspec.answers.reading import Outcome
from evalspec.language.candidates import Baseline, is_simulated
from evalspec.models.model import Failure, FailureKind
from evalspec.pipeline import Front
from evalspec.plan.plan import Plan, Selection
from evalspec.run.replay import FailedStep
from evalspec.run.session import job_counts
from evalspec.run.under_load import passes_in, passes_json
from evalspec.score.results import Document, Results
from evalspec.score.wording import document, items
from evalspec.store.faults import damage
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.plan.conversations import Trace
    from evalspec.run.events import Counts
    from evalspec.run.under_load import Passes
    from evalspec.store.store import Store
    from evalspec.text.source import Source
    from evalspec.text.values import Json

LIBRARIES = ("numpy", "scikit-learn", "litellm", "aiohttp")
ONLY_KEPT = ("failed", "unanswered", "as_of", "first")

Traces = Mapping[tuple[str, str], Sequence["Trace"]]


def run_record(
    plan: Plan, front: Front, settings: Mapping[str, str], started: datetime, counts: Counts
) -> Document:
    """The record of a run that ends now."""
    requests: Document = dict(counts.as_json())
    return {
        "id": f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        "spec": front.source.name,
        "spec_sha256": text_digest(front.sources),
        "data_sha256": data_digests(plan),
        "started_at": started.isoformat(timespec="milliseconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "complete": False,
        "seed": plan.seed,
        **({"race": True} if plan.race else {}),
        "selection": selection_json(plan.selection),
        "params": dict(settings),
        "versions": _versions(),
        "simulated": _simulated(plan),
        "pacing": {},
        "requests": requests,
        "spend_usd": None,
    }


def text_digest(sources: Sequence[Source]) -> str:
    """The SHA-256 of a spec's text; of one that imports others, that of the digests of all its files."""
    digests = [hashlib.sha256(source.text.encode()).hexdigest() for source in sources]
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def settings_of(value: Json) -> Mapping[str, str]:
    """The settings of parameters that a record holds."""
    return {name: str(setting) for name, setting in document(value).items()} if value else {}


def data_digests(plan: Plan) -> Document:
    """The digest of each dataset that the plan reads."""
    used = {planned.task.dataset for planned in plan.tasks}
    used |= {s.shots.of for planned in plan.tasks for s in planned.task.steps if s.shots is not None}
    for planned in plan.tasks:
        used |= {c.use.train for c in planned.candidates if isinstance(c.use, Baseline)}
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
    subset, limit = found.get("subset"), found.get("limit")
    return Selection(
        models=tuple(map(str, items(found.get("models")))),
        tasks=tuple(map(str, items(found.get("tasks")))),
        subset=subset if isinstance(subset, str) else None,
        limit=limit if isinstance(limit, int) else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the traces of a run tell beside its scores: where something was not asked (task and candidate),
    the failures that may pass, as they are kept, and how many visits were made to their end."""

    unasked: frozenset[tuple[str, str]]
    failed: tuple[Document, ...]
    made: int


def account_of(plan: Plan, traces: Traces) -> Account:
    """The account of a run, taken before its traces are scored and let go."""
    return Account(
        unasked=frozenset(place for place, own in traces.items() if any(map(_lacks, own))),
        failed=tuple(_failures(plan, traces)),
        made=sum(not _was_cut_short(trace) for own in traces.values() for trace in own),
    )


def _lacks(trace: Trace) -> bool:
    return any(step.reading.outcome is Outcome.NOT_ASKED for step in trace.steps)


def completed(results: Results, account: Account) -> Results:
    """The results with `complete` told: whether every step of every example was asked of every candidate that
    was not stopped in a race."""
    tasks = document(results.document["tasks"])
    found = {
        (t, c): document(d) for t in tasks for c, d in document(document(tasks[t])["candidates"]).items()
    }
    asked_on = {place: d for place, d in found.items() if d.get("race") is None}
    unasked = not account.unasked.isdisjoint(asked_on)
    outcomes = [document(d["outcomes"]) for d in asked_on.values()]
    complete = not unasked and not any(o["not_asked"] for o in outcomes)
    run: Document = {**document(results.document["run"]), "complete": complete}
    return Results({**results.document, "run": run})


def _simulated(plan: Plan) -> bool:
    """Whether some of the answers are made up."""
    return any(is_simulated(c) for planned in plan.tasks for c in planned.candidates)


def _versions() -> Document:
    found: Document = {"python": platform.python_version(), "evalspec": __version__}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return found


# ── what only the store keeps ─────────────────────────────────────────────────────────────────────


def stored_record(results: Results, plan: Plan, account: Account) -> Document:
    """The record that is kept: with the spec's whole path, and what the answers in the store do not tell."""
    run: Document = dict(document(results.document["run"]))
    run["spec"] = str(Path(str(run["spec"])).resolve())
    run["failed"] = [*account.failed]
    run["unanswered"] = sum(job_counts(plan).values()) - account.made
    run["first"] = _first(results)
    run["as_of"] = datetime.now(UTC).isoformat(timespec="microseconds")
    return run


def keep_passes(store: Store, run: str, passes: Passes) -> None:
    """Keeps what the latency passes of a run measured. Raises StoreFault when it cannot."""
    if passes:
        store.save_figures(f"{run}/latency", passes_json(passes))


def kept_passes(store: Store, run: str) -> Passes:
    """What the latency passes of a kept run measured; empty where it made none. Raises StoreFault for what
    cannot be read."""
    try:
        return passes_in(store.figures(f"{run}/latency"))
    except (KeyError, TypeError, ValueError) as error:
        raise damage(store.path, ValueError(f"its latency pass: {error}")) from error


def _first(results: Results) -> Document:
    """The candidate that stands first in each task, null where none is viable."""
    found: Document = {}
    for name, task in document(results.document["tasks"]).items():
        order = [str(candidate) for candidate in items(document(task)["order"])]
        viable = bool(order) and bool(document(document(document(task)["candidates"])[order[0]])["viable"])
        found[name] = order[0] if viable else None
    return found


def shown_record(record: Mapping[str, Json], front: Front) -> Document:
    """A kept record as results tell it, scored with this spec."""
    told: Document = {name: value for name, value in record.items() if name not in ONLY_KEPT}
    return {**told, "spec": front.source.name, "spec_sha256": text_digest(front.sources)}


def unanswered_of(record: Mapping[str, Json]) -> int:
    """How many visits of a kept run were not made, or not to their end."""
    count = record.get("unanswered")
    return count if isinstance(count, int) else 0


def as_of(record: Mapping[str, Json]) -> datetime | None:
    """When a kept run had all its answers; None for runs that do not say it."""
    moment = record.get("as_of")
    return datetime.fromisoformat(moment) if isinstance(moment, str) else None


def failures_of(record: Mapping[str, Json]) -> Mapping[FailedStep, Failure]:
    """The failures of a kept run that the store does not hold."""
    found: dict[FailedStep, Failure] = {}
    for entry in map(document, items(record.get("failed"))):
        step = FailedStep(**{name: str(entry[name]) for name in FailedStep._fields if name in entry})
        found[step] = Failure(kind=FailureKind(str(entry.get("kind"))), message=str(entry.get("message")))
    return found


def _failures(plan: Plan, traces: Traces) -> Iterator[Document]:
    ids = {planned.task.name: [row.id for row in planned.rows] for planned in plan.tasks}
    for visit, step in (
        (trace.visit, step) for own in traces.values() for trace in own for step in trace.steps
    ):
        for sample, reply in enumerate(step.replies, step.sample):
            if isinstance(reply, Failure) and reply.kind.worth_retrying:
                place = FailedStep.of(visit, ids[visit.task][visit.example], step.step, sample)
                yield {**place._asdict(), "kind": reply.kind.value, "message": reply.message}


def _was_cut_short(trace: Trace) -> bool:
    """Whether something was not asked on a visit, because its candidate or the run was stopped."""
    replies = [reply for step in trace.steps for reply in step.replies]
    kinds = [reply.kind for reply in replies if isinstance(reply, Failure)]
    return any(kind.stops_candidate or kind is FailureKind.NOT_ASKED for kind in kinds)
