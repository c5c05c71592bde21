"""Questions to candidates behind a test server, and runs over them.

As a program it asks COUNT of them with everything kept in FOLDER, for tests with several processes:
`python questions.py URL FOLDER COUNT CONCURRENCY`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from evalspec.language.candidates import Hosted
from evalspec.models.endpoints import connect_to
from evalspec.models.hosted import HostedModel
from evalspec.models.model import Answer, Failure, FailureKind, Message, Model, Request
from evalspec.models.openai_http import request_body
from evalspec.models.sessions import open_session
from evalspec.run.events import Counter, Event
from evalspec.run.execute import Conversation, Job, Settings, execute
from evalspec.run.gates import Limits
from evalspec.run.retry import Patience
from evalspec.store.store import Store

if TYPE_CHECKING:
    from servers import Body

Reply = Answer | Failure

SOON = Patience(first_wait_s=0.01)


def hosted(name: str, url: str) -> Hosted:
    return Hosted(route=f"openai/{name}", direct=True, base_url=url)


@asynccontextmanager
async def candidates(url: str, *names: str) -> AsyncIterator[dict[str, Model]]:
    """Candidates at a server, each named as the model it asks for."""
    async with open_session({}) as session:
        yield {
            name: HostedModel(
                name=name, use=(use := hosted(name, url)), at=connect_to(name, use, {}), session=session
            )
            for name in names
        }


def question(number: int, sample: int = 0) -> Request:
    message = Message("user", f"question {number}")
    return Request(task="t", step="", example=str(number), messages=(message,), sample=sample)


def body_of(name: str, number: int) -> Body:
    """What goes over the wire for a question."""
    return dict(request_body(hosted(name, "http://x"), question(number)))


def one_question(number: int, sample: int = 0) -> Conversation[Reply]:
    reply = yield question(number, sample)
    return reply


def jobs(candidate: str, numbers: Iterable[int]) -> Iterator[Job[Reply]]:
    """A job for each question, made when it is taken."""
    return (Job(candidate, lambda number=number: one_question(number)) for number in numbers)  # type: ignore[misc]


@dataclass(slots=True)
class Outcome:
    """What came of a run: each candidate's replies as they came, the counts, and all events."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    counter: Counter = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)

    def texts(self, name: str = "m") -> list[str | FailureKind]:
        """Each reply's text, or the kind of its failure."""
        return [r.response if isinstance(r, Answer) else r.kind for r in self.replies.get(name, [])]

    def kinds(self, name: str = "m") -> set[FailureKind | None]:
        return {None if isinstance(r, Answer) else r.kind for r in self.replies.get(name, [])}

    @property
    def counts(self) -> dict[str, int]:
        return self.counter.total.as_json()


async def ask_all(
    work: Mapping[str, Iterable[Job[Reply]]],
    models: Mapping[str, Model],
    store: Store | None = None,
    *,
    settings: Settings | None = None,
    stop: anyio.Event | None = None,
    outcome: Outcome | None = None,
    watch: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """A run, with short waits unless the settings say otherwise."""
    outcome = Outcome() if outcome is None else outcome

    def on_event(event: Event) -> None:
        outcome.events.append(event)
        outcome.counter(event)
        watch(event)

    await execute(
        work,
        models,
        store,
        settings=settings or Settings(patience=SOON),
        on_result=lambda job, reply: outcome.replies.setdefault(job.candidate, []).append(reply),
        on_event=on_event,
        stop=stop or anyio.Event(),
    )
    return outcome


async def main(url: str, folder: str, count: str, concurrency: str) -> None:
    """Asks, and prints the counts."""
    settings = Settings(patience=SOON, limits=Limits(endpoint_concurrency=int(concurrency)))
    async with candidates(url, "m") as models:
        with Store.open(Path(folder)) as store:
            outcome = await ask_all({"m": jobs("m", range(int(count)))}, models, store, settings=settings)
    print(outcome.counts, outcome.kinds())


if __name__ == "__main__":
    at, where, how_many, at_once = sys.argv[1:]
    anyio.run(main, at, where, how_many, at_once)
