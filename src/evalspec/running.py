"""A run from spec to results: planned, asked, recorded, scored. Composes rooms; prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from evalspec.check.rules.spending import lacking
from evalspec.language.candidates import Environment, Hosted
from evalspec.models.faults import EvalspecFault, MissingEnvironment
from evalspec.pipeline import Front, SpecFault, score, score_whole
from evalspec.plan.allowing import demand_allowed
from evalspec.plan.plan import Plan, Selection, build_plan, not_runnable
from evalspec.recording import (
    account_of,
    as_of,
    completed,
    data_digests,
    failures_of,
    keep_passes,
    kept_passes,
    run_record,
    selection_of,
    shown_record,
    stored_record,
    unanswered_of,
)
from evalspec.run.asking import Keeping
from evalspec.run.events import Counter, Event, told_apart
from evalspec.run.latency_pass import Around, make_passes
from evalspec.run.replay import Replayed, replay
from evalspec.run.session import Gathered, ask_all, settings_for
from evalspec.run.spending import Bill, Purse, Spent, caps_of, with_bill
from evalspec.run.troubles import Trouble, Troubles
from evalspec.store.ledger import Ledger
from evalspec.store.store import Store
from evalspec.text.diagnostics import problem
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from decimal import Decimal

    from evalspec.run.under_load import Passed, Passes
    from evalspec.score.results import Document, Results
    from evalspec.text.values import Json

STORE = ".evalspec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is done, as the command line or a caller says it."""

    selection: Selection = field(default_factory=Selection)
    seed: int = 0
    concurrency: int | None = None
    store: Path | None = None
    keep: bool = True
    keeping: Keeping = field(default_factory=Keeping)
    settings: Mapping[str, str] = field(default_factory=dict)
    max_spend: Decimal | None = None
    race: bool | None = None  # None: as the spec says
    allow_code: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. `fault` broke the asking off, or the keeping; `interrupted` tells of Ctrl-C.

    `bill` is what its answers cost; `short` are the candidates that ran out of money.
    """

    results: Results
    fault: EvalspecFault | None
    interrupted: bool
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    bill: Bill = field(default_factory=Bill)
    short: Mapping[str, Spent] = field(default_factory=dict)


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
    race = checked.program.limits.race if options.race is None else options.race
    return replace(build_plan(checked.program, checked.data, options.selection, options.seed), race=race)


def runnable_plan(front: Front, options: Options) -> Plan:
    """The plan of a spec that `run` can do wholly. Raises SpecFault and EmptySelection."""
    plan = plan_of(front, options)
    later = not_runnable(plan)
    if later:
        raise SpecFault(later)
    if options.max_spend is not None:
        _demand_prices(plan)
    return plan


def _demand_prices(plan: Plan) -> None:
    """Raises SpecFault for models whose worst case nobody knows, as `check` does for a limit in the spec."""
    asked = (
        (candidate.at_step(step.name), step)
        for planned in plan.tasks
        for candidate in planned.candidates
        for step in planned.task.steps
    )
    found = tuple(problem(lack.code, spec.at, lack.said, lack.way_out) for spec, lack in lacking(asked))
    if found:
        raise SpecFault(found)


async def run_plan(
    plan: Plan,
    front: Front,
    options: Options,
    environment: Mapping[str, str],
    *,
    watch: Watch | None = None,
    stopping: Stopping | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Ran:
    """Asks what is missing, keeps it, makes the latency passes, scores everything, and records the run.

    Raises EvalspecFault where nothing could be asked at all (a variable that is not set, a store that
    cannot be opened); one that comes later is in the result, beside what was answered before it.
    """
    demand_allowed(plan, allowed=options.allow_code)
    spec = front.source.path or Path()
    with ExitStack() as stack:
        folder = store_folder(spec, options.store) if options.keep else None
        going = _Going(
            plan=plan,
            front=front,
            options=options,
            environment=environment,
            store=stack.enter_context(Store.open(folder)) if folder is not None else None,
            purse=stack.enter_context(_purse(plan, options, spec, folder)),
            stopping=stopping if stopping is not None else Stopping(),
            tell=stack.enter_context(watch(plan) if watch is not None else nullcontext(_silent)),
            say=say,
        )
        try:
            await going.ask()
        except EvalspecFault as broken:
            if not going.gathered.traces:
                raise
            going.fault = broken
        results = going.scored()
    return going.ended(results)


@dataclass(slots=True, kw_only=True)
class _Going:
    """A run on its way: what it was given, and what came of it so far."""

    plan: Plan
    front: Front
    options: Options
    environment: Mapping[str, str]
    store: Store | None
    purse: Purse | None
    stopping: Stopping
    tell: Callable[[Event], None]
    say: Callable[[str], None]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    counter: Counter = field(default_factory=Counter)
    troubles: Troubles = field(default_factory=Troubles)
    bill: Bill = field(default_factory=Bill)
    gathered: Gathered = field(default_factory=Gathered)
    passes: dict[tuple[str, str], Passed] = field(default_factory=dict)
    fault: EvalspecFault | None = None

    async def ask(self) -> None:
        """Asks what is missing and makes the latency passes. Raises the EvalspecFault that broke it off."""
        from evalspec.run.racing import Racing
        from evalspec.score.racing import courses_of

        plan, options = self.plan, self.options
        racing = Racing(courses_of(plan)) if plan.race else None
        settings = settings_for(plan.program, concurrency=options.concurrency, keeping=options.keeping)
        heard = told_apart((self.counter, self.troubles, self.bill, self.tell))

        def hear(event: Event) -> None:
            for listener in heard[type(event)]:
                listener(event)

        with self.stopping.dropped:
            await ask_all(
                plan,
                self.store,
                environment=self.environment,
                settings=replace(settings, purse=self.purse),
                on_event=hear,
                stop=self.stopping.asked,
                gathered=self.gathered,
                racing=racing,
                allow_code=options.allow_code,
            )
            around = Around(
                environment=self.environment,
                purse=self.purse,
                on_event=self.bill,
                stop=self.stopping.asked,
                say=self.say,
                show=self.tell,
                racing=racing,
                allow_code=options.allow_code,
            )
            await make_passes(plan, self.gathered.traces, around, self.passes)

    def scored(self) -> Results:
        """What was found; recorded in the store, where there is one that nothing is wrong with."""
        from evalspec.score.kept import kept_figures

        record = run_record(self.plan, self.front, self.options.settings, self.started, self.counter.total)
        run = with_bill({**record, "pacing": dict(self.gathered.pacing)}, self.bill)
        account = account_of(self.plan, self.gathered.traces)
        results, scores = score_whole(self.plan, self.gathered.let_go(), run, self.passes)
        results = completed(results, account)
        if self.store is not None and self.fault is None:
            record = stored_record(results, self.plan, account)
            self.fault = _kept(self.store, record, kept_figures(scores), self.passes)
        return results

    def ended(self, results: Results) -> Ran:
        """The run with its results, what went wrong, and who ran out of money."""
        short = self.purse.short if self.purse is not None else {}
        interrupted = self.stopping.asked.is_set()
        return Ran(results, self.fault, interrupted, self.troubles.found, self.bill, short)


@contextmanager
def _purse(plan: Plan, options: Options, spec: Path, folder: Path | None) -> Iterator[Purse | None]:
    """What the run may spend, None without a cap; other runs of the spec on this store have a part in it."""
    caps = caps_of(plan.program, options.max_spend)
    if not caps:
        yield None
        return
    specs = {c.name: c for planned in plan.tasks for c in planned.candidates}
    with ExitStack() as stack:
        shared = Ledger.open(folder, str(spec.resolve())) if folder is not None else None
        yield Purse(specs, caps, stack.enter_context(shared) if shared is not None else None)


def _silent(event: Event) -> None:
    """Nobody watches."""


def _kept(store: Store, record: Document, figures: Document, passes: Passes) -> EvalspecFault | None:
    """Keeps a run's record, figures and latency passes; or the fault, which is no reason to lose them."""
    try:
        store.save_figures(str(record["id"]), figures)
        keep_passes(store, str(record["id"]), passes)
        store.save_run(record)
    except EvalspecFault as fault:
        return fault
    return None


# ── a stored run again ────────────────────────────────────────────────────────────────────────────


class Outdated(Exception):
    """A stored run cannot be scored again with the spec as it stands; the message says why."""


def rescore(
    record: Mapping[str, Json], front: Front, store: Store, environment: Mapping[str, str]
) -> tuple[Plan, Replayed, Results]:
    """A stored run scored again, with the spec as it stands now.

    Raises SpecFault, EmptySelection, Outdated and MissingEnvironment.
    """
    seed = record.get("seed")
    options = Options(
        selection=selection_of(record.get("selection")),
        seed=seed if isinstance(seed, int) else 0,
        race=bool(record.get("race")),
    )
    plan = runnable_plan(front, options)
    if data_digests(plan) != record.get("data_sha256"):
        raise Outdated("the data are not those of this run any more")
    _demand_addresses(plan, environment)
    replayed = replay(plan, store.as_of(as_of(record)), environment, failures_of(record))
    if replayed.missing > unanswered_of(record):
        raise Outdated(
            f"{replayed.missing} of its answers are not kept, or would be asked for differently now"
        )
    run = shown_record(record, front)
    return (
        plan,
        replayed,
        completed(
            score(plan, replayed.traces, run, kept_passes(store, str(run["id"]))),
            account_of(plan, replayed.traces),
        ),
    )


def _demand_addresses(plan: Plan, environment: Mapping[str, str]) -> None:
    """Kept answers are found by where they were asked, so that an address in a variable has to be known."""
    for candidate in (c for planned in plan.tasks for c in planned.candidates):
        base = candidate.use.base_url if isinstance(candidate.use, Hosted) else None
        if isinstance(base, Environment) and not environment.get(base.variable, "").strip():
            raise MissingEnvironment(candidate.name, base.variable)
