"""From jobs to results: so many workers for each candidate, and one owner of them all.

A job is a conversation: it yields requests, is sent replies, and returns what the caller made of them.
What the requests say, and what the replies mean, is not known here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
import anyio.lowlevel

from evalspec.models.model import Failure, FailureKind, Model, Request
from evalspec.run.asking import Desk, Keeping, Lane, Reply
from evalspec.run.events import Event, Finished, Left
from evalspec.run.gates import Limits, build_gates, is_remote
from evalspec.run.retry import Patience
from evalspec.store.store import ATTEND_S
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from evalspec.run.spending import Purse
    from evalspec.store.store import Store
    from evalspec.text.values import Json

NO_TIME_S = 0.001  # what took longer has waited

T = TypeVar("T")
Wait = Callable[[], AbstractContextManager[None]]
Conversation = Generator[Request, Reply, T]


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """One piece of work with one candidate. `converse` begins its conversation.

    `ready` waits until it is time for it, within what it is given, and says whether it is to be done at all.
    """

    candidate: str
    converse: Callable[[], Conversation[T]]
    ready: Callable[[Wait], Awaitable[bool]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run asks: its limits, how patient it is, which kept replies it takes, and its money."""

    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)
    keeping: Keeping = field(default_factory=Keeping)
    purse: Purse | None = None


async def execute(
    jobs: Mapping[str, Iterable[Job[T]]],
    models: Mapping[str, Model],
    store: Store | None,
    *,
    settings: Settings,
    on_result: Callable[[Job[T], T], None],
    on_event: Callable[[Event], None],
    stop: anyio.Event,
    on_paced: Callable[[Mapping[str, Json]], None] = lambda pacing: None,
) -> None:
    """Holds every job's conversation, each candidate's in their order, and gives each result to `on_result`.

    Jobs are taken from their iterators as there is room for them. Once `stop` is set nothing more is sent:
    what is on its way arrives and is kept, other requests are answered from the store or are NOT_ASKED.
    When cancelled, what had arrived is kept. Raises the EvalspecFault (a full disk) that broke the asking
    off, after all jobs have had their results. At the end `on_paced` is given what the limiter did, by
    endpoint.
    """
    gates = build_gates(models, settings.limits)
    lanes = {
        name: Lane(name, model, gates.by_candidate[name], settings.purse) for name, model in models.items()
    }
    desk = Desk(lanes.values(), store, settings.keeping, settings.patience, on_event)

    for idle in models.keys() - jobs.keys():
        desk.finished(lanes[idle])

    try:
        async with anyio.create_task_group() as outer:
            outer.start_soon(_shut_when, stop, desk)
            outer.start_soon(gates.crowd.keep_time)
            async with _keeping(desk, outer), anyio.create_task_group() as workers:
                for name, own in jobs.items():
                    crew = _Crew(lanes[name], desk, iter(own), on_result, on_event)
                    crew.grow_by(partial(workers.start_soon, crew.work))
            outer.cancel_scope.cancel()
    finally:
        on_paced({name: endpoint.as_json() for name, endpoint in gates.endpoints.items() if is_remote(name)})
    if desk.fault is not None:
        raise desk.fault


@asynccontextmanager
async def _keeping(desk: Desk, beside: TaskGroup) -> AsyncIterator[None]:
    """Replies are kept as they come; on leaving, all are, however it is left."""
    if desk.shelf is None:
        yield
        return
    with desk.shelf.store.asking() as attend:
        beside.start_soon(_again_and_again, attend)
        beside.start_soon(desk.shelf.carry)
        try:
            yield
        finally:
            await desk.shelf.clear()


async def _again_and_again(attend: Callable[[], None]) -> None:
    while True:
        await anyio.sleep(ATTEND_S)
        attend()


@dataclass(slots=True)
class _Crew(Generic[T]):
    """The workers of a candidate: as many as can be of use, more when its endpoint takes more."""

    lane: Lane
    desk: Desk
    waiting: Iterator[Job[T]]
    on_result: Callable[[Job[T], T], None]
    on_event: Callable[[Event], None]
    hired: int = 0
    at_work: int = 0
    held_up: int = 0  # of those at work, until it is time for their job

    def grow_by(self, hire: Callable[[], object]) -> None:
        """Hires now, and whenever the gate grows wider."""

        def fill() -> None:
            while self.hired < self.lane.gate.width:
                self.hired += 1
                self.at_work += 1
                hire()

        self.lane.gate.when_wider(fill)
        fill()

    async def work(self) -> None:
        """What one worker does: a job after the other, while there are any."""
        finished, left = Finished(self.lane.name), Left(self.lane.name)
        for job in self.waiting:
            if job.ready is not None and not await job.ready(self._waiting):
                self.on_event(left)
                continue
            begun = monotonic()
            result, whole = await _hold(job.converse(), self.desk, self.lane)
            self.on_result(job, result)
            self.on_event(finished if whole else left)
            # Replies from the store never wait; stopping and progress want their turn.
            if monotonic() - begun < NO_TIME_S:
                await anyio.lowlevel.checkpoint()
        self.at_work -= 1
        if not self.at_work:
            self.desk.finished(self.lane)
        self._notice()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self.held_up += 1
        self._notice()
        try:
            yield
        finally:
            self.held_up -= 1

    def _notice(self) -> None:
        """When all wait, it may be for others, who must not wait for this candidate's first call."""
        if self.held_up == self.at_work:
            self.desk.idle(self.lane)


async def _hold(conversation: Conversation[T], desk: Desk, lane: Lane) -> tuple[T, bool]:
    """What a conversation came to, and whether all of it was asked."""
    reply: Reply | None = None
    whole = True
    with closing(conversation):
        while True:
            try:
                request = next(conversation) if reply is None else conversation.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result, whole
            reply = await desk.ask(lane, request)
            if isinstance(reply, Failure) and reply.kind is FailureKind.NOT_ASKED:
                whole = False


async def _shut_when(stop: anyio.Event, desk: Desk) -> None:
    if not stop.is_set():  # waiting would let others send first
        await stop.wait()
    desk.shut("interrupted")
