"""What people see while they wait."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import threading
from collections.abc import Callable, Iterator

from evalspec.models.model import Failure, FailureKind
from evalspec.run.events import Answered, Event, Finished, GivenUp, Sent
from evalspec.run.progress import show_progress

FAILURE = Failure(kind=FailureKind.TRANSIENT, message="reset")


def ticking(step: float) -> Callable[[], float]:
    def read() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += step

    times = read()
    return lambda: next(times)


def answer_some(show: Callable[[Event], None], name: str, count: int) -> None:
    for _ in range(count):
        for event in (Sent(name, 1), Answered(name), Finished(name)):
            show(event)


def test_quiet_says_nothing() -> None:
    stream = io.StringIO()
    with show_progress({"m": 100}, stream, quiet=True, clock=ticking(60.0)) as show:
        answer_some(show, "m", 100)
    assert stream.getvalue() == ""


def test_a_pipe_gets_a_plain_line_every_ten_seconds() -> None:
    stream = io.StringIO()
    with show_progress({"mini": 60, "large": 60}, stream, clock=ticking(0.1)) as show:
        for _ in range(60):
            answer_some(show, "mini", 1)
            show(GivenUp("large", FAILURE))
            show(Finished("large"))
    lines = stream.getvalue().splitlines()
    assert 2 <= len(lines) <= 3
    assert "\x1b" not in stream.getvalue()
    assert lines[0].startswith("mini ")
    assert "/60 (" in lines[0]
    assert " errors); " not in lines[0].split("; ")[0]
    assert lines[0].endswith(" errors)")


def test_a_short_run_in_a_pipe_says_nothing() -> None:
    stream = io.StringIO()
    with show_progress({"m": 100}, stream, clock=ticking(0.001)) as show:
        answer_some(show, "m", 100)
    assert stream.getvalue() == ""


def read_all(descriptor: int, pieces: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # how a terminal says that its other end is closed
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)


def on_a_terminal(name: str, count: int, step: float) -> str:
    """What a terminal is sent while so many answers come in."""
    parent, child = pty.openpty()
    pieces: list[bytes] = []
    reader = threading.Thread(target=read_all, args=(parent, pieces))
    reader.start()
    with os.fdopen(child, "w") as stream, show_progress({name: count}, stream, clock=ticking(step)) as show:
        answer_some(show, name, count)
        show(GivenUp(name, FAILURE))
    reader.join()
    os.close(parent)
    return b"".join(pieces).decode()


def test_a_terminal_shows_a_line_for_each_candidate_with_how_far_it_is() -> None:
    written = on_a_terminal("mini[bold]", 20, step=0.2)
    assert "mini[bold]" in written
    assert "20/20" in written
    assert "1 error" in written
    assert "/s" in written


def test_a_terminal_is_not_drawn_for_every_answer() -> None:
    # Nine hundred events in less than a tenth of a second: only beginning and end are drawn, each twice.
    assert on_a_terminal("m", 300, step=0.0001).count("/300") <= 4
