"""What a latency pass and its parent say to each other, over the standard input and output of its process.

The parent says first an errand, then letters: stop, drop, and in a chain the next request of an arrival.
The process says lines of JSON. Both ends of the process are threads of their own, so that its event loop
waits for nobody: neither for a parent that is slow to read, nor for one that is slow to write.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.models.model import Answer, Request
    from evalspec.run.arrivals import Block
    from evalspec.text.values import Json

STOP, DROP, NEXT = b"s", b"d", b"n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What the process is to do. `requests` are those of each candidate, taken in turn.

    `asks_on`: what an arrival asks behind its first request depends on the answer, and the parent says it.
    `wait_ns` is how long an arrival is waited for at most; `most_in_flight` guards the machine.
    """

    specs: tuple[ModelSpec, ...]
    environment: Mapping[str, str] = field(repr=False)
    requests: Mapping[str, tuple[Request, ...]] = field(repr=False)
    blocks: tuple[Block, ...]
    in_flight: int | None
    warmup: int
    wait_ns: int
    most_in_flight: int
    asks_on: bool = False
    allow_code: bool = False


class NoErrand(EOFError):
    """Standard input ended before it said what to do."""


# ── as the parent says and hears it ───────────────────────────────────────────────────────────────


def written(errand: Errand) -> bytes:
    """An errand as the process reads it."""
    return _behind_its_length(pickle.dumps(errand))


def next_request(place: int, request: Request | None) -> bytes:
    """What an arrival asks next, None where it has come to its end."""
    return NEXT + _behind_its_length(pickle.dumps((place, request)))


def answer_in(line: Mapping[str, object]) -> Answer:
    """The answer of one that asks what comes next."""
    answer: Answer = pickle.loads(base64.b64decode(str(line["answer"])))  # noqa: S301  from our own process
    return answer


def _behind_its_length(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data


# ── as the process hears and says it ──────────────────────────────────────────────────────────────


def read_errand() -> Errand:
    """The errand. Raises NoErrand where there is none."""
    errand = pickle.loads(_exactly(_length()))  # noqa: S301  from the process that started this one
    if not isinstance(errand, Errand):
        raise NoErrand
    return errand


def _length() -> int:
    return int.from_bytes(_exactly(8), "big")


def _exactly(length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.read(0, min(length, 1 << 20))
        if not part:
            raise NoErrand
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


Come = Callable[[int, "Request | None"], None]


@dataclass(slots=True)
class Ear:
    """Hears what the parent says later. `asked` and `dropped` are set once; its end drops everything.

    `come` is told what an arrival asks next; it is called in the thread that listens.
    """

    asked: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    come: Come | None = None

    def listen(self) -> None:
        """Listens until standard input ends; runs in a thread of its own."""
        try:
            while not self.dropped:
                self._hear(os.read(0, 1))
        except NoErrand:
            self._hear(DROP)

    def _hear(self, letter: bytes) -> None:
        if letter == NEXT:
            arrival, request = pickle.loads(_exactly(_length()))  # noqa: S301  likewise
            if self.come is not None:
                self.come(arrival, request)
            return
        self.dropped = letter != STOP
        self.asked.set()


@dataclass(slots=True)
class Mouth:
    """Says lines to the parent, in the order in which they were said, without holding up who says them."""

    waiting: list[str] = field(default_factory=list)
    out: SimpleQueue[bytes | None] = field(default_factory=SimpleQueue)
    writer: threading.Thread | None = None

    def say(self, line: Json) -> None:
        """Keeps a line until the next `flush`."""
        self.waiting.append(_encode(line))

    def ask_on(self, place: int, candidate: str, number: int, answer: Answer) -> None:
        """Asks at once what comes next where this was answered; `place` is one arrival's alone."""
        said = base64.b64encode(pickle.dumps(answer)).decode()
        self.say({"asks_on": place, "candidate": candidate, "number": number, "answer": said})
        self.flush()

    def flush(self) -> None:
        """Has what waits written; the parent does nothing but read it."""
        if self.writer is None:
            self.writer = threading.Thread(target=self._write, daemon=True)
            self.writer.start()
        if self.waiting:
            self.out.put("".join(line + "\n" for line in self.waiting).encode())
            self.waiting.clear()

    def close(self) -> None:
        """Writes what is left, and ends when it is written."""
        self.flush()
        self.out.put(None)
        if self.writer is not None:
            self.writer.join()

    def _write(self) -> None:
        try:
            while (data := self.out.get()) is not None:
                while data:
                    data = data[os.write(1, data) :]
        except BrokenPipeError:  # whoever wanted to know is gone, as the ear hears too
            pass


_encode = json.JSONEncoder(separators=(",", ":")).encode
