"""One batch from its file to its answers: submitted, waited for, collected; or found again and taken up.

What was submitted is on the disk before it is waited for. Whoever is killed leaves a record with which the
next run goes on; a batch is forgotten when all that came of it is kept.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import anyio

from evalspec.models.batches import CallFailed
from evalspec.models.model import Failure, FailureKind
from evalspec.run.batch_collecting import Collecting
from evalspec.run.batch_drafts import MOST_LINES, Hall
from evalspec.run.events import CandidateStopped, GivenUp, Noted, Sent
from evalspec.run.retry import Patience, next_wait
from evalspec.text.values import dataclass, field, replace

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

FIRST_LOOK_S = 0.5
LONGEST_LOOK_S = 60.0
LOOK_GROWTH = 1.5
SILENT_S = 3600.0  # so long an endpoint may be down while a batch is waited for
OTHER_PROCESS_S = 1.0
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
        while not self.store.claim_batch(mark):
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
                await Collecting.of(self, waiting, batch).collect()
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
        self.of.store.release_batch(self.mark)


def _standing(batch: Batch) -> str:
    """How a batch stands, in words."""
    counts = f", {batch.done:,} of {batch.total:,} done" if batch.total else ""
    why = f": {batch.why}" if batch.why else ""
    return f"{batch.status.replace('_', ' ')}{counts}{why}"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"
