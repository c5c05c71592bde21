"""One batch from its file to its answers: submitted, waited for, collected; or found again and taken up.

What was submitted is on the disk before it is waited for. Whoever is killed leaves a record with which the
next run goes on; a batch is forgotten when all that came of it is kept.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import anyio

from evalspec.models.batches import CallFailed
from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.run.batch_drafts import AT_ONCE, MOST_LINES, Hall, claim_of
from evalspec.run.events import Answered, CandidateStopped, GivenUp, Noted, Retried, Sent
from evalspec.run.retry import Patience, next_wait

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evalspec.models.batch_lines import LineReader
    from evalspec.models.batches import Batch, BatchDoor
    from evalspec.run.batch_drafts import Draft
    from evalspec.run.events import Event
    from evalspec.run.spending import Hold, Purse
    from evalspec.store.batches import Waiting
    from evalspec.store.store import Store

ATTEMPTS = 3  # batches in which a request is tried
FIRST_LOOK_S = 0.5
LONGEST_LOOK_S = 60.0
LOOK_GROWTH = 1.5
SILENT_S = 3600.0  # so long an endpoint may be down while a batch is waited for
OTHER_PROCESS_S = 1.0
USELESS = 3  # so many lines, and nothing but rejections: it is not the requests
PATIENCE = Patience()

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Correspondent:
    """A candidate that is asked in batches, and what this run knows of its requests.

    `tried` says how often a request was asked that is to be asked again, `given_up` what became of those
    that are not. `shut_by` is why nothing more is submitted, `left` the batches that are not waited for any
    more.
    """

    name: str
    door: BatchDoor
    reader: LineReader
    store: Store
    hall: Hall
    purse: Purse | None
    tell: Callable[[Event], None]
    stop: anyio.Event
    most_lines: int = MOST_LINES
    tried: dict[str, int] = field(default_factory=dict)
    given_up: dict[str, Failure] = field(default_factory=dict)
    shut_by: Failure | None = None
    left: list[str] = field(default_factory=list)
    heard: bool = False

    # ── from the first line to the last ───────────────────────────────────────────────────────────

    async def submit(self, draft: Draft) -> None:
        """Has a batch answered that was just written down."""
        with self._attending(draft.mark):
            waiting = self.store.batches.waiting(draft.mark)
            if waiting is not None:
                await self._see_through(waiting, draft.path)

    async def take_up(self, mark: str) -> None:
        """Goes on with a batch that another candidate, process or run wrote down."""
        other = self.hall.attended.get(mark)
        if other is not None:
            await self._either(other.wait)
            return
        while not self.store.claim(claim_of(mark)):
            await self._rest(OTHER_PROCESS_S)
            if self.stop.is_set() or self.store.batches.waiting(mark) is None:
                return
        with self._attending(mark):
            waiting = self.store.batches.waiting(mark)
            if waiting is not None and waiting.sealed:
                if self.purse is not None:
                    self.purse.hold_again(self.name, waiting.worst_usd)
                await self._see_through(waiting, None)
            elif waiting is not None:  # whoever wrote it was killed before it was sent
                self.store.batches.forget(mark)

    def _attending(self, mark: str) -> _Attending:
        return _Attending(self, mark)

    async def _see_through(self, waiting: Waiting, path: Path | None) -> None:
        try:
            batch = await self._submitted(waiting, path)
            if batch is not None:
                batch = await self._ended(waiting, batch)
            if batch is not None:
                await _Collecting.of(self, waiting, batch).collect()
        except CallFailed as error:
            if not self.stop.is_set():
                self.shut(error.failure)
        if self.store.batches.waiting(waiting.mark) is not None:
            self.left.append(waiting.mark)

    def shut(self, failure: Failure) -> None:
        """Submits nothing more for this candidate."""
        if self.shut_by is None:
            self.shut_by = failure
            self.tell(CandidateStopped(self.name, failure))

    # ── submitting ────────────────────────────────────────────────────────────────────────────────

    async def _submitted(self, waiting: Waiting, path: Path | None) -> Batch | None:
        """The batch as its provider has it; None where it has none, and it is forgotten."""
        if waiting.id:
            return await self._looked_at(waiting)
        if path is None:
            return await self._found(waiting)
        attempts = self.store.batches.attempts(waiting.mark)
        sent = False
        try:
            file = await self.patiently(partial(self.door.upload, path))
            sent = True
            batch = await self._created(file, waiting.mark)
        except CallFailed as error:
            if not self.stop.is_set() and (not sent or error.failure.kind is not FailureKind.TRANSIENT):
                said = f"no batch could be submitted: {error.failure.message}"
                failure = replace(error.failure, message=said)
                self._give_up_all(waiting, attempts, failure)
                raise CallFailed(failure) from error
            raise
        self.store.batches.know(waiting.mark, batch.id)
        for attempt in attempts.values():
            self.tell(Sent(self.name, attempt))
        self.tell(Noted(self.name, f"batch {batch.id} is submitted, with {_requests(len(attempts))}"))
        return batch

    async def _created(self, file: str, mark: str) -> Batch:
        """Has the batch made once: where it is not known whether that worked, it is looked for first."""
        unsure = False

        async def create() -> Batch:
            nonlocal unsure
            found = await self.door.find(mark) if unsure else ()
            unsure = True
            return found[-1] if found else await self.door.create(file, mark)

        return await self.patiently(create)

    async def _found(self, waiting: Waiting) -> Batch | None:
        """A batch that may have been submitted before its run was killed."""
        found = await self.patiently(partial(self.door.find, waiting.mark))
        if not found:
            self._settle_all(waiting, Failure(kind=FailureKind.NOT_ASKED, message="not sent", status=404))
            self.store.batches.forget(waiting.mark)
            return None
        *doubles, batch = found
        for double in doubles:
            if not double.ended:
                await self.patiently(partial(self.door.cancel, double.id))
        self.store.batches.know(waiting.mark, batch.id)
        return self._resumed(batch)

    async def _looked_at(self, waiting: Waiting) -> Batch | None:
        try:
            return self._resumed(await self.patiently(partial(self.door.look, waiting.id)))
        except CallFailed as error:
            if error.failure.status != 404:
                raise
        self.tell(Noted(self.name, f"batch {waiting.id} is not there any more: its requests are asked again"))
        self._settle_all(waiting, None)
        self.store.batches.forget(waiting.mark)
        return None

    def _resumed(self, batch: Batch) -> Batch:
        self.tell(Noted(self.name, f"batch {batch.id} was submitted before, and is waited for"))
        return batch

    def _give_up_all(self, waiting: Waiting, keys: Mapping[str, int], failure: Failure) -> None:
        """Ends a batch that its provider did not take."""
        for key in keys:
            self.give_up(key, failure)
        self._settle_all(waiting, replace(failure, status=failure.status or 400))
        self.store.batches.forget(waiting.mark)

    def give_up(self, key: str, failure: Failure) -> None:
        """A request is not asked again in this run."""
        self.given_up[key] = failure
        self.tell(GivenUp(self.name, failure))

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────

    async def _ended(self, waiting: Waiting, batch: Batch) -> Batch | None:
        """The batch once nothing more comes of it; None where the run was stopped before."""
        wait, heard_at, status = FIRST_LOOK_S, monotonic(), ""
        while True:
            if batch.status != status:
                status = batch.status
                self.tell(Noted(self.name, f"batch {batch.id}: {_standing(batch)}"))
            if batch.ended:
                return batch
            await self._rest(wait)
            if self.stop.is_set():
                said = f"batch {batch.id} goes on at its provider; the next run collects it"
                self.tell(Noted(self.name, said))
                return None
            wait = min(LONGEST_LOOK_S, wait * LOOK_GROWTH)
            try:
                batch = await self.door.look(batch.id)
                heard_at = monotonic()
            except CallFailed as error:
                if not error.failure.kind.worth_retrying or monotonic() - heard_at > SILENT_S:
                    raise

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """What a call brings that is made again as long as its failures may pass. Raises CallFailed."""
        began, attempt = monotonic(), 0
        while True:
            attempt += 1
            try:
                return await call()
            except CallFailed as error:
                chance, elapsed = random.random(), monotonic() - began  # noqa: S311  jitter
                wait = next_wait(error.failure, attempt, elapsed, chance, PATIENCE)
                if wait is None or self.stop.is_set():
                    raise
            await self._rest(wait)

    async def _rest(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self.stop.wait()

    async def _either(self, wait: Callable[[], Awaitable[object]]) -> None:
        """Waits for something, or for the run to be stopped."""
        async with anyio.create_task_group() as group:

            async def first(event: Callable[[], Awaitable[object]]) -> None:
                await event()
                group.cancel_scope.cancel()

            group.start_soon(first, wait)
            group.start_soon(first, self.stop.wait)

    # ── money ─────────────────────────────────────────────────────────────────────────────────────

    def share(self, waiting: Waiting, lines: int) -> Hold | None:
        """What is held back for each line of a batch."""
        if self.purse is None:
            return None
        return self.purse.held(self.name, waiting.worst_usd / max(1, lines))

    def _settle_all(self, waiting: Waiting, reply: Failure | None) -> None:
        if (hold := self.share(waiting, 1)) is not None and self.purse is not None:
            self.purse.settle(hold, reply)


@dataclass(slots=True)
class _Attending:
    """While a batch is attended to here; its claim is made before."""

    of: Correspondent
    mark: str

    def __enter__(self) -> None:
        self.of.hall.attended.setdefault(self.mark, anyio.Event())

    def __exit__(self, *error: object) -> None:
        self.of.hall.attended.pop(self.mark).set()
        self.of.store.release(claim_of(self.mark))


@dataclass(slots=True, kw_only=True)
class _Collecting:
    """An ended batch whose lines are being kept. `open` are the requests that no line was read for yet."""

    of_whom: Correspondent
    waiting: Waiting
    batch: Batch
    open: dict[str, int]
    hold: Hold | None
    rejected: dict[str, Failure] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, whom: Correspondent, waiting: Waiting, batch: Batch) -> _Collecting:
        attempts = whom.store.batches.attempts(waiting.mark)
        hold = whom.share(waiting, len(attempts))
        return cls(
            of_whom=whom, waiting=waiting, batch=batch, open=attempts, hold=hold, attempts=dict(attempts)
        )

    async def collect(self) -> None:
        """Keeps what came, decides on the rest, and forgets the batch. Raises CallFailed, StoreFault."""
        whom, mark = self.of_whom, self.waiting.mark
        written = datetime.fromisoformat(self.waiting.at)
        for key in whom.store.have(list(self.open), since=written):  # by a run that was killed meanwhile
            self._close(key, None)
            whom.hall.answered.add(key)
        for file in self.batch.files:
            await whom.patiently(partial(self._read, file))
        self._end_missing()
        await self._keep_rejected()
        for key, failure in self.failed.items():
            self._decide(key, failure)
        whom.store.batches.forget(mark)

    async def _read(self, file: str) -> None:
        some: dict[str, Answer | Failure] = {}
        async for line in self.of_whom.door.lines(file):
            read = self.of_whom.reader.read(line)
            if read is not None and read[0] in self.open:
                some[read[0]] = read[1]
            if len(some) >= AT_ONCE:
                await self._take(some)
                some = {}
        await self._take(some)

    def _close(self, key: str, reply: Answer | Failure | None) -> None:
        del self.open[key]
        if self.hold is not None and self.of_whom.purse is not None:
            self.of_whom.purse.settle(self.hold, reply)

    async def _take(self, some: Mapping[str, Answer | Failure]) -> None:
        answers = {key: reply for key, reply in some.items() if isinstance(reply, Answer)}
        if answers:
            await self._keep(answers)
        for key, reply in some.items():
            self._close(key, reply)
            if isinstance(reply, Failure):
                where = self.rejected if reply.kind is FailureKind.REJECTED else self.failed
                where[key] = reply
        for answer in answers.values():
            self.of_whom.heard = True
            self.of_whom.tell(Answered(self.of_whom.name, answer.cost_usd))

    async def _keep(self, replies: Mapping[str, Answer | Failure]) -> None:
        whom = self.of_whom
        asked = whom.store.batches.asked(replies)
        rows = [(key, asked.get(key, "{}"), reply) for key, reply in replies.items()]
        await whom.store.put_described(whom.name, rows)
        whom.hall.answered.update(replies)

    def _end_missing(self) -> None:
        said = f"batch {self.batch.id} {self.batch.status}"
        why = f"{said}: {self.batch.why}" if self.batch.why else f"{said} without a reply to it"
        status = None if self.batch.status == "completed" else 408  # what was not begun costs nothing
        for key in list(self.open):
            failure = Failure(kind=FailureKind.TRANSIENT, message=why, status=status)
            self._close(key, failure)
            self.failed[key] = failure

    async def _keep_rejected(self) -> None:
        """What is rejected will be so for ever, unless nothing was ever heard but rejections."""
        whom, rejected = self.of_whom, self.rejected
        useless = not whom.heard and len(rejected) >= USELESS and not self.failed
        if rejected and not useless:
            await self._keep(rejected)
        for key, failure in rejected.items():
            whom.give_up(key, failure)
        if useless:
            whom.shut(next(iter(rejected.values())))

    def _decide(self, key: str, failure: Failure) -> None:
        """Whether a request that failed is asked again, in another batch."""
        whom, attempt = self.of_whom, self.attempts[key]
        if self.batch.full and len(self.attempts) > 1:
            whom.most_lines = max(1, len(self.attempts) // 2)
            whom.tried[key] = attempt - 1
            whom.tell(Retried(whom.name, failure, 0.0))
            return
        hopeless = failure.kind.stops_candidate or self.batch.status in ("failed", "cancelled")
        if hopeless or attempt >= ATTEMPTS:
            whom.give_up(key, failure)
        else:
            whom.tried[key] = attempt
            whom.tell(Retried(whom.name, failure, 0.0))
        if hopeless:
            whom.shut(failure)


def _standing(batch: Batch) -> str:
    """How a batch stands, in words."""
    counts = f", {batch.done:,} of {batch.total:,} done" if batch.total else ""
    why = f": {batch.why}" if batch.why else ""
    return f"{batch.status.replace('_', ' ')}{counts}{why}"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"
