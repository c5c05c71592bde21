"""What came of an ended batch: kept as it is read, and decided on where there is no answer."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.run.batch_drafts import AT_ONCE
from evalspec.run.events import Answered, Retried
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.models.batches import Batch
    from evalspec.run.batch_rounds import Correspondent
    from evalspec.run.spending import Hold
    from evalspec.store.batches import Waiting

ATTEMPTS = 3  # batches in which a request is tried
USELESS = 3  # so many lines, and nothing but rejections: it is not the requests


@dataclass(slots=True, kw_only=True)
class Collecting:
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
    def of(cls, whom: Correspondent, waiting: Waiting, batch: Batch) -> Collecting:
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
