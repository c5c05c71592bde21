"""How far a run is, for people who wait: a line for each candidate on a terminal, seldom a line elsewhere.

Fed with events; writes to the stream it is given (standard error) and to nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from evalspec.run.events import Answered, Event, Finished, GivenUp, Noted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

TERMINAL_EVERY_S = 0.5
LINE_EVERY_S = 10.0

Show = Callable[[Event], None]


@dataclass(slots=True)
class Tally:
    """How far one candidate is: jobs done of `total`, requests answered, requests given up."""

    total: int
    done: int = 0
    answered: int = 0
    failed: int = 0

    def add(self, event: Event) -> None:
        """Counts an event of this candidate."""
        self.done += isinstance(event, Finished)
        self.answered += isinstance(event, Answered)
        self.failed += isinstance(event, GivenUp)

    def words(self, elapsed_s: float) -> str:
        """The rate of answers and the errors, as in `8.1/s, 2 errors`."""
        rate = f"{self.answered / elapsed_s if elapsed_s > 0 else 0:.1f}/s"
        errors = f", {self.failed} error{'s' if self.failed != 1 else ''}" if self.failed else ""
        return rate + errors


@contextmanager
def show_progress(
    totals: Mapping[str, int],
    stream: TextIO,
    *,
    quiet: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Show]:
    """Gives what is to be called with each event; `totals` are the jobs of each candidate."""
    tallies = {name: Tally(total) for name, total in totals.items()}
    if quiet:
        yield lambda event: None
    elif stream.isatty():
        with _on_terminal(tallies, stream, clock) as (draw, say):
            yield from _every(TERMINAL_EVERY_S, tallies, draw, say, clock)
            draw()
    else:
        began = clock()

        def say(line: str) -> None:
            print(line, file=stream, flush=True)

        def draw() -> None:
            say(_line(tallies, clock() - began))

        yield from _every(LINE_EVERY_S, tallies, draw, say, clock)


def _every(
    seconds: float,
    tallies: Mapping[str, Tally],
    draw: Callable[[], None],
    say: Callable[[str], None],
    clock: Callable[[], float],
) -> Iterator[Show]:
    drawn_at = clock()

    def show(event: Event) -> None:
        nonlocal drawn_at
        if isinstance(event, Noted):
            say(f"{event.candidate}: {event.said}")
            return
        tallies[event.candidate].add(event)
        if clock() - drawn_at >= seconds:
            drawn_at = clock()
            draw()

    yield show


def _line(tallies: Mapping[str, Tally], elapsed_s: float) -> str:
    parts = (f"{name} {t.done}/{t.total} ({t.words(elapsed_s)})" for name, t in tallies.items())
    return "; ".join(parts)


@contextmanager
def _on_terminal(
    tallies: Mapping[str, Tally], stream: TextIO, clock: Callable[[], float]
) -> Iterator[tuple[Callable[[], None], Callable[[str], None]]]:
    from rich.console import Console

    began = clock()
    with _bars(Console(file=stream)) as bars:
        tasks: dict[str, TaskID] = {
            name: bars.add_task(name, total=tally.total, words="") for name, tally in tallies.items()
        }

        def draw() -> None:
            for name, tally in tallies.items():
                bars.update(tasks[name], completed=tally.done, words=tally.words(clock() - began))
            bars.refresh()

        def say(line: str) -> None:
            bars.console.print(line, markup=False, highlight=False)

        draw()
        yield draw, say


def _bars(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        console=console,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
