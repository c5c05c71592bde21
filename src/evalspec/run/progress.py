"""How far a run is, for people who wait: a row for each candidate on a terminal, seldom a line elsewhere.

Fed with events and ticks; writes to the stream it is given (standard error) and to nothing else. What the
rows say comes from `tallies`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from evalspec.run.events import Event, Measured, Noted
from evalspec.run.measuring import Underway
from evalspec.run.tallies import Ceiling, Clock, Tallies, Words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

TERMINAL_EVERY_S = 0.5
LINE_EVERY_S = 10.0  # at first, and less and less often,
LINE_AT_LEAST_EVERY_S = 60.0  # down to this
BARS = ((100, 24), (80, 8))  # from so many columns on, bars are so long; narrower terminals have none
IN_ALL = "in all"  # no candidate's name: it has a space


class Shown:
    """Progress as it is shown: call it with each event, `tick` it now and then, `say` what else there is.

    Nothing is drawn sooner than `every()` seconds after the last time, whatever happens.
    """

    def __init__(
        self,
        tallies: Tallies,
        *,
        draw: Callable[[], None],
        say: Callable[[str], None],
        every: Callable[[], float],
        clock: Clock,
        underway: Underway | None = None,
    ) -> None:
        self.say = say
        self._underway = underway or Underway()
        self._tallies = tallies
        self._draw = draw
        self._every = every
        self._clock = clock
        self._due_at = clock() + every()
        self._drawn: tuple[int, ...] = ()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Noted):
            self.say(f"{event.candidate}: {event.said}")
            return
        now = self._clock()
        if isinstance(event, Measured):
            self._underway.hear(event, now)
        else:
            self._tallies.by_name[event.candidate].add(event, now)
        if now >= self._due_at:
            self._draw_at(now)

    def tick(self) -> None:
        """Time goes by, whether anything happens or not."""
        now = self._clock()
        idle = self._tallies.over and self._drawn == self._tallies.counted and self._underway.now is None
        if now >= self._due_at and not idle:
            self._draw_at(now)

    def _draw_at(self, now: float) -> None:
        self._due_at = now + self._every()
        self._drawn = self._tallies.counted
        self._draw()


@contextmanager
def show_progress(
    totals: Mapping[str, int],
    stream: TextIO,
    *,
    ceilings: Sequence[Ceiling] = (),
    clock: Clock = time.monotonic,
) -> Iterator[Shown]:
    """Gives what is to be called with each event; `totals` are the jobs of each candidate."""
    tallies = Tallies(totals, ceilings)
    if _draws_on(stream):
        with _on_terminal(tallies, stream, clock) as shown:
            yield shown
    else:
        yield _in_lines(tallies, stream, clock)


def _draws_on(stream: TextIO) -> bool:
    """Whether somebody looks on who can see a line change. Some CI services offer terminals, to nobody."""
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────


def _in_lines(tallies: Tallies, stream: TextIO, clock: Clock) -> Shown:
    waits, underway = _growing_waits(), Underway()

    def say(line: str) -> None:
        print(line, file=stream, flush=True)

    def draw() -> None:
        measuring = underway.now
        say(_line(tallies, clock()) if measuring is None else measuring.line(clock()))

    return Shown(tallies, draw=draw, say=say, every=lambda: next(waits), clock=clock, underway=underway)


def _growing_waits() -> Iterator[float]:
    wait = LINE_EVERY_S
    while True:
        yield wait
        wait = min(LINE_AT_LEAST_EVERY_S, wait * 2)


def _line(tallies: Tallies, now: float) -> str:
    rows = [
        f"{n} {t.done:,}/{t.total:,}{_in_brackets(tallies.words(n, now))}" for n, t in tallies.by_name.items()
    ]
    in_all = tallies.in_all(now)
    return "; ".join(rows if in_all is None else [*rows, f"{IN_ALL} {in_all}"])


def _in_brackets(words: Words) -> str:
    return f" ({words})" if str(words) else ""


# ── a terminal ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _on_terminal(tallies: Tallies, stream: TextIO, clock: Clock) -> Iterator[Shown]:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream)
    bars = _bars(console)
    tasks = {name: _add(bars, name, tally.total) for name, tally in tallies.by_name.items()}
    in_all: list[TaskID] = []
    underway = Underway()
    passes: dict[str, TaskID] = {}

    def update() -> None:
        now = clock()
        for name, tally in tallies.by_name.items():
            _show(bars, tasks[name], tally.done, tallies.words(name, now))
        if (words := tallies.in_all(now)) is not None:
            total = sum(tally.total for tally in tallies.by_name.values())
            in_all[:] = in_all or [_add(bars, IN_ALL, total)]
            _show(bars, in_all[0], sum(tally.done for tally in tallies.by_name.values()), words)
        if (last := underway.last) is not None:
            if last.name not in passes:
                passes[last.name] = _add(bars, last.name, last.heard.requests)
            _show(bars, passes[last.name], last.heard.attended, last.words(now))

    def draw() -> None:
        update()
        bars.refresh()

    def say(line: str) -> None:
        bars.console.print(Text(line), soft_wrap=True)

    with bars:  # drawn at the beginning, and once more at the end
        every = TERMINAL_EVERY_S
        yield Shown(tallies, draw=draw, say=say, every=lambda: every, clock=clock, underway=underway)
        update()


def _add(bars: Progress, name: str, total: int | None) -> TaskID:
    return bars.add_task(name, total=total, rate="", troubles="", spend="", left="")


def _show(bars: Progress, task: TaskID, done: int, words: Words) -> None:
    bars.update(
        task, completed=done, rate=words.rate, troubles=words.troubles, spend=words.spend, left=words.left
    )


def _bars(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    fields = [
        TextColumn("{task.fields[" + name + "]}", markup=False, justify="right")
        for name in ("rate", "spend", "left")
    ]
    return Progress(
        TextColumn("{task.description}", markup=False),
        *[BarColumn(width) for least, width in BARS if console.width >= least][:1],
        MofNCompleteColumn(),
        *fields,
        TextColumn("{task.fields[troubles]}", markup=False),
        console=console,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
