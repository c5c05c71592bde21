"""What is still to be asked, written down as batches: each request in one, with its money held back.

Between the passes of `batching`, which say what is missing, and `batch_rounds`, which has it answered.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import anyio
from anyio import to_thread

from evalspec.models.batch_lines import written_line
from evalspec.models.images import NoImage
from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.models.wires import Untranslatable
from evalspec.run.spending import Hold, Spent
from evalspec.store.batches import Line
from evalspec.store.codec import encode_request
from evalspec.store.faults import explained
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from pathlib import Path

    from evalspec.models.hosted import HostedModel
    from evalspec.run.spending import Purse
    from evalspec.store.store import Store

MOST_LINES = 50_000  # both of the protocol
MOST_BYTES = 200_000_000
AT_ONCE = 200
NOTHING_SPENT = Answer(response="", cost_usd=Decimal(0))


@dataclass(slots=True)
class Hall:
    """What all candidates of a run share: which batches are attended to here, and what was answered."""

    attended: dict[str, anyio.Event] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)


class Due(NamedTuple):
    """A request that is to be asked, and which attempt that is."""

    key: str
    request: Request
    attempt: int


class _Written(NamedTuple):
    due: Due
    line: bytes
    hold: Hold | None


@dataclass(slots=True)
class Draft:
    """A batch that is being written: its file, its lines, what they can cost at most."""

    mark: str
    path: Path
    lines: int = 0
    size: int = 0
    worst_usd: Decimal = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Drafts:
    """Takes requests and makes batches of them, of `most_lines` at most.

    `full` are the batches that are wholly written down, `elsewhere` those of other candidates and processes
    in which some of the requests stand already, `impossible` the requests that cannot be sent, and why.
    """

    name: str
    model: HostedModel
    address: str
    store: Store
    hall: Hall
    folder: Path
    purse: Purse | None
    most_lines: int = MOST_LINES
    full: list[Draft] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    impossible: dict[str, Failure] = field(default_factory=dict)
    short: Spent | None = None
    _open: Draft | None = None
    _waiting: list[Due] = field(default_factory=list)

    async def take(self, due: Due) -> None:
        """Takes a request; where there is no money left it is left out, and `short` says why."""
        if self.short is None:
            self._waiting.append(due)
            if len(self._waiting) >= AT_ONCE:
                await self._write()

    async def end(self) -> None:
        """Writes down what was taken."""
        await self._write()
        self._seal()

    async def _write(self) -> None:
        some, self._waiting = self._waiting, []
        holders = self.store.batches.holders([due.key for due in some])
        self.elsewhere.update(holders.values())
        written: list[_Written] = []
        for due in some:
            if due.key not in holders and self.short is None and (line := await self._line(due)) is not None:
                hold = await self._money(due)
                if not isinstance(hold, Spent):
                    written.append(_Written(due, line, hold))
        while written:
            written = self._book(written)

    async def _line(self, due: Due) -> bytes | None:
        body = partial(self.model.wire.body, self.model.use, due.request, True)
        try:
            if any(message.images for message in due.request.messages):
                return written_line(due.key, await to_thread.run_sync(body))
            return written_line(due.key, body())
        except NoImage as error:
            self.impossible[due.key] = Failure(kind=FailureKind.TRANSIENT, message=f"the image {error}")
        except Untranslatable as error:
            self.impossible[due.key] = Failure(kind=FailureKind.REJECTED, message=f"not sent: {error}")
        return None

    async def _money(self, due: Due) -> Hold | Spent | None:
        """The worst case held back. What is held for other batches comes free when these are answered."""
        if self.purse is None:
            return None
        hold = await self.purse.take(self.name, due.request, lambda: True)
        if isinstance(hold, Spent):
            self.short = hold
        return hold

    def _book(self, written: Sequence[_Written]) -> list[_Written]:
        """Writes as many as there is room for into a batch; those that are left."""
        draft = self._open = self._open or self._begun()
        room = max(1, self.most_lines - draft.lines)
        some: list[_Written] = []
        size = draft.size
        for entry in written[:room]:
            size += len(entry.line)
            if size > MOST_BYTES and (some or draft.lines):
                break
            some.append(entry)
        if some:
            self._add(draft, some)
        if len(some) < len(written) or draft.lines >= self.most_lines:
            self._seal()
        return list(written[len(some) :])

    def _add(self, draft: Draft, some: Sequence[_Written]) -> None:
        lines = [Line(w.due.key, w.due.attempt, encode_request(w.due.request)) for w in some]
        ours = self.store.batches.book(draft.mark, lines)
        kept = [w for w in some if w.due.key in ours]
        with explained(draft.path), draft.path.open("ab") as file:
            file.writelines(w.line for w in kept)
        draft.lines += len(kept)
        draft.size += sum(len(w.line) for w in kept)
        draft.worst_usd += sum((w.hold.usd for w in kept if w.hold is not None), Decimal(0))
        if len(kept) < len(some):  # another process wrote them down a moment ago
            others = [w for w in some if w.due.key not in ours]
            self.elsewhere.update(self.store.batches.holders([w.due.key for w in others]).values())
            for entry in others:
                if entry.hold is not None and self.purse is not None:
                    self.purse.settle(entry.hold, NOTHING_SPENT)

    def _begun(self) -> Draft:
        mark = secrets.token_hex(16)
        self.store.claim_batch(mark)
        self.hall.attended[mark] = anyio.Event()
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        self.store.batches.open(mark, at, self.address, self.name)
        return Draft(mark, self.folder / f"{mark}.jsonl")

    def _seal(self) -> None:
        draft, self._open = self._open, None
        if draft is None:
            return
        if draft.lines:
            self.store.batches.seal(draft.mark, draft.worst_usd)
            self.full.append(draft)
        else:
            self.store.batches.forget(draft.mark)
            self.hall.attended.pop(draft.mark).set()
            self.store.release_batch(draft.mark)
