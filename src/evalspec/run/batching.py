"""Candidates that are asked in batches: round by round, each with all that can be asked by then.

A pass drives the conversations with the replies that are kept. What is missing is written down as batches
(`batch_drafts`), these are answered (`batch_rounds`), and the next pass goes further: to a chain's next
step, or to what failed. Beside the candidates that `execute` asks one by one; only rounds are known here.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from evalspec.models.batch_lines import LineReader
from evalspec.models.batches import BatchDoor
from evalspec.models.faults import EvalspecFault, UnusableSetting
from evalspec.models.hosted import HostedModel
from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.plan.conversations import Trace, Visit, converse, visits
from evalspec.plan.plan import Passing
from evalspec.run.batch_drafts import Drafts, Due, Hall
from evalspec.run.batch_rounds import Correspondent
from evalspec.run.events import Event, Finished, FromStore, Left, Planned
from evalspec.run.execute import Job, Settings
from evalspec.run.racing import was_cut_short
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.models.model import Model
    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.asking import Keeping, Reply
    from evalspec.store.store import Store

Visited = tuple["PlannedTask", "ModelSpec", Visit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What batches need of a run: where replies are kept, how it asks, and who is told."""

    store: Store
    settings: Settings
    on_result: Callable[[Job[Trace], Trace], None]
    on_event: Callable[[Event], None]
    stop: anyio.Event


def in_batches(models: Mapping[str, Model], store: Store | None) -> dict[str, HostedModel]:
    """Those of the candidates that are asked in batches. Raises UnusableSetting for any without a store,
    because it is there that batches are found again."""
    asked = {n: m for n, m in models.items() if isinstance(m, HostedModel) and m.use.batch}
    if store is None and asked:
        names = ", ".join(f"`{name}`" for name in asked)
        raise UnusableSetting(
            f"{names} cannot be asked without a store: with `mode = batch`, what was submitted is found "
            "again by what the store holds; leave out `--no-cache`, or `mode`"
        )
    return asked


async def beside(*asking: Callable[[], Awaitable[None]]) -> None:
    """Asks in several ways at once, each to its end. Raises the EvalspecFault that broke one of them off."""
    faults: list[EvalspecFault] = []

    async def one(ask: Callable[[], Awaitable[None]]) -> None:
        try:
            await ask()
        except EvalspecFault as fault:
            faults.append(fault)

    async with anyio.create_task_group() as group:
        for ask in asking:
            group.start_soon(one, ask)
    if faults:
        raise faults[0]


async def ask_in_batches(plan: Plan, models: Mapping[str, HostedModel], around: Around) -> None:
    """Asks what the store has not; each trace goes to `on_result` as it is whole, and at the end all others.

    Raises StoreFault where nothing can be kept any more, after all traces were given.
    """
    hall = Hall()
    await beside(*(_Candidate.of(plan, n, model, hall, around).ask_all for n, model in models.items()))


@dataclass(slots=True, kw_only=True)
class _Candidate:
    """A candidate on its way through its rounds. `done` are the visits whose traces were given."""

    plan: Plan
    model: HostedModel
    whom: Correspondent
    around: Around
    done: set[int] = field(default_factory=set)
    met: set[str] = field(default_factory=set)  # requests that were counted

    @classmethod
    def of(cls, plan: Plan, name: str, model: HostedModel, hall: Hall, around: Around) -> _Candidate:
        whom = Correspondent(
            name=name,
            door=BatchDoor(at=model.at, session=model.session),
            reader=LineReader(price=model.price, secrets=model.at.secrets),
            store=around.store,
            hall=hall,
            purse=around.settings.purse,
            tell=around.on_event,
            stop=around.stop,
        )
        return cls(plan=plan, model=model, whom=whom, around=around)

    async def ask_all(self) -> None:
        """All rounds. Raises the EvalspecFault that broke them off."""
        fault: EvalspecFault | None = None
        try:
            with tempfile.TemporaryDirectory(prefix="evalspec-") as folder:
                while await self._round(Path(folder)):
                    pass
        except* EvalspecFault as broken:
            fault = _first(broken)
        self._give_the_rest(fault)
        if fault is not None:
            raise fault

    async def _round(self, folder: Path) -> bool:
        """One pass and the batches that it makes; whether there is a reason for another one."""
        whom = self.whom
        drafts = Drafts(
            name=whom.name,
            model=self.model,
            address=whom.door.address,
            store=whom.store,
            hall=whom.hall,
            folder=folder,
            purse=whom.purse,
            most_lines=whom.most_lines,
        )
        async for due in self._missing():
            await drafts.take(due)
            if whom.stop.is_set():
                break
        await drafts.end()
        for key, failure in drafts.impossible.items():
            whom.give_up(key, failure)
        async with anyio.create_task_group() as group:
            for draft in drafts.full:
                group.start_soon(whom.submit, draft)
            for mark in sorted(drafts.elsewhere):
                group.start_soon(whom.take_up, mark)
        for draft in drafts.full:
            draft.path.unlink(missing_ok=True)
        something = bool(drafts.full or drafts.elsewhere or drafts.impossible)
        if drafts.short is not None and not something:
            whom.shut_by = whom.shut_by or _not_asked(drafts.short.message)
        return something and whom.shut_by is None and not whom.stop.is_set()

    # ── passes ────────────────────────────────────────────────────────────────────────────────────

    async def _missing(self) -> AsyncIterator[Due]:
        """Every request that can be asked and has no reply; conversations that are whole are given away."""
        found: set[str] = set()
        for number, visited in enumerate(self._visits()):
            if number in self.done:
                continue
            for due in self._follow(number, visited):
                if due.key not in found:
                    found.add(due.key)
                    yield due
            await anyio.lowlevel.checkpoint()

    def _visits(self) -> Iterator[Visited]:
        for planned in self.plan.tasks:
            for spec in planned.candidates:
                if spec.name == self.whom.name:
                    for visit in visits(planned, spec):
                        yield planned, spec, visit

    def _follow(self, number: int, visited: Visited) -> list[Due]:
        """A visit's requests that can be asked now; none where it is whole, and its trace was given."""
        missing: list[Due] = []
        unheard: set[str] = set()

        def reply_to(request: Request) -> Reply:
            key = self.model.key(request)
            reply = self._reply(key)
            if reply is not None:
                return reply
            if not (_behind(visited, unheard) & {request.step}):
                missing.append(Due(key, request, self.whom.tried.get(key, 0) + 1))
            unheard.add(request.step)
            return _not_asked("not asked yet")

        trace = _held(visited, reply_to)
        if not unheard:
            self._give(number, visited, trace)
        return missing

    def _reply(self, key: str) -> Reply | None:
        """What is known of a request: kept, or given up in this run."""
        whom = self.whom
        own = key in whom.hall.answered
        failure = whom.given_up.get(key)
        if failure is None or own:
            kept = _kept(whom.store, key, self.around.settings.keeping, own=own)
            self._meet(key, kept, own=own)
            return kept if kept is not None else failure
        return failure

    def _meet(self, key: str, kept: Reply | None, *, own: bool) -> None:
        """Counts a request that comes up for the first time, and one that was kept before."""
        if key not in self.met:
            self.whom.tell(Planned(self.whom.name))
            self.met.add(key)
            if kept is not None and not own:
                self.whom.tell(FromStore(self.whom.name, kept.cost_usd if isinstance(kept, Answer) else None))

    def _give(self, number: int, visited: Visited, trace: Trace) -> None:
        self.done.add(number)
        planned, spec, visit = visited
        self.around.on_result(Job(self.whom.name, partial(converse, planned, spec, visit)), trace)
        self.whom.tell(Left(self.whom.name) if was_cut_short(trace) else Finished(self.whom.name))

    def _give_the_rest(self, fault: EvalspecFault | None) -> None:
        """The traces that did not become whole: what was not asked says why."""
        reason = _not_asked(self._why(fault))
        for number, visited in enumerate(self._visits()):
            if number not in self.done:
                self._give(
                    number, visited, _held(visited, lambda r: self._reply(self.model.key(r)) or reason)
                )

    def _why(self, fault: EvalspecFault | None) -> str:
        if fault is not None:
            return f"the asking broke off: {fault}"
        shut = self.whom.shut_by
        if shut is not None and not self.whom.stop.is_set():
            return f"`{self.whom.name}` is not asked any more: {shut.message}"
        return "interrupted while its batch is being answered" if self.whom.left else "interrupted"


def _held(visited: Visited, reply_to: Callable[[Request], Reply]) -> Trace:
    """The trace of a visit whose requests get these replies."""
    conversation = converse(*visited)
    with closing(conversation):
        try:
            request = next(conversation)
            while True:
                request = conversation.send(reply_to(request))
        except StopIteration as end:
            trace: Trace = end.value
    return trace


def _behind(visited: Visited, unheard: Collection[str]) -> frozenset[str]:
    """The steps that read what is still missing, or read one that does; given gold, none does."""
    planned, _, visit = visited
    found: set[str] = set()
    if visit.passing is Passing.FREE and unheard:
        for step in planned.task.steps:
            if (found | set(unheard)) & set(step.reads):
                found.add(step.name)
    return frozenset(found)


def _kept(store: Store, key: str, keeping: Keeping, *, own: bool) -> Reply | None:
    """A kept reply that counts; any does that was brought by this run."""
    if own:
        return store.get(key)
    reply = store.get(key, since=keeping.since)
    return None if keeping.retry_errors and isinstance(reply, Failure) else reply


def _not_asked(message: str) -> Failure:
    return Failure(kind=FailureKind.NOT_ASKED, message=message)


def _first(broken: BaseExceptionGroup[EvalspecFault]) -> EvalspecFault:
    """One of the faults of a group, which says what happened as well as any."""
    error: BaseException = broken
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, EvalspecFault) else EvalspecFault(str(error))
