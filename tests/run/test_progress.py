"""What people see while they wait."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import re
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from evalspec.models.model import Failure, FailureKind
from evalspec.run.events import Answered, Event, Finished, FromStore, GivenUp, Left, Retried, Sent
from evalspec.run.progress import show_progress
from evalspec.run.tallies import Ceiling, Tallies, clock_time

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


@pytest.fixture(autouse=True)
def somebody_looks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


class Watched:
    """Tallies that are told what happens, at the seconds that are given."""

    def __init__(self, *ceilings: Ceiling, **totals: int) -> None:
        self.tallies = Tallies(totals, ceilings)

    def answer(self, name: str, count: int, *, at: float, usd: str | None = None) -> None:
        cost = None if usd is None else Decimal(usd)
        for _ in range(count):
            for event in (Sent(name, 1), Answered(name, cost), Finished(name)):
                self.tell(event, at=at)

    def tell(self, event: Event, *, at: float) -> None:
        self.tallies.by_name[event.candidate].add(event, at)

    def at_a_second_each(self, name: str, seconds: range, count: int, usd: str | None = None) -> None:
        for second in seconds:
            self.answer(name, count, at=float(second), usd=usd)

    def said(self, name: str, at: float) -> str:
        return str(self.tallies.words(name, at))


def test_time_left_is_what_the_rest_takes_at_this_pace() -> None:
    run = Watched(m=400)
    run.tell(Sent("m", 1), at=0.0)
    run.at_a_second_each("m", range(1, 11), 10)
    assert run.said("m", 10.0) == "10.0/s, 0:30 left"
    run.at_a_second_each("m", range(11, 31), 2)  # slower now: what was before is forgotten
    assert run.tallies.by_name["m"].seconds_left(30.0) == pytest.approx(260 / 2, rel=0.1)


def test_what_came_from_the_store_took_no_time_and_promises_nothing() -> None:
    run = Watched(m=2400)
    for _ in range(2000):
        run.tell(FromStore("m", Decimal("0.001")), at=0.0)
        run.tell(Finished("m"), at=0.0)
    run.at_a_second_each("m", range(11), 10, usd="0.002")
    assert run.tallies.by_name["m"].done == 2110
    assert run.said("m", 11.0) == "10.0/s, $0.22, 0:29 left"  # of what was asked now; 290 are left


def test_who_needs_several_requests_for_a_job_is_told_by_jobs() -> None:
    run = Watched(m=100)
    run.tell(Sent("m", 1), at=0.0)
    for second in range(1, 11):
        for _ in range(3):
            run.tell(Answered("m"), at=float(second))
        run.tell(Finished("m"), at=float(second))
    assert run.said("m", 10.0) == "3.0/s, 1:30 left"


def test_nothing_is_promised_on_a_handful_of_answers() -> None:
    run = Watched(m=1000)
    run.tell(Sent("m", 1), at=0.0)
    run.answer("m", 1, at=5.0)
    assert run.said("m", 5.0) == ""


def test_failed_attempts_and_what_was_given_up_are_told() -> None:
    run = Watched(m=3)
    run.tell(Sent("m", 1), at=0.0)
    run.tell(Retried("m", FAILURE, 1.0), at=1.0)
    run.tell(GivenUp("m", FAILURE), at=2.0)
    run.tell(Finished("m"), at=2.0)
    run.tell(Left("m"), at=2.0)
    run.tell(Left("m"), at=2.0)
    assert run.said("m", 2.0) == "0.5/s, 1 error, 1 retried, 2 not asked, in 0:02"
    assert run.tallies.by_name["m"].done == 1


def test_money_that_ends_before_the_examples_is_said() -> None:
    run = Watched(Ceiling(Decimal("2.00"), frozenset({"a", "b"})), a=100, b=100)
    for name in ("a", "b"):
        run.tell(Sent(name, 1), at=0.0)
        run.at_a_second_each(name, range(1, 11), 2, usd="0.02")
    assert run.said("a", 10.0) == "2.0/s, $0.40, money for 0:15"  # 1.20 left, 0.08 a second
    assert str(run.tallies.in_all(10.0)) == "4.0/s, $0.80 of $2.00, money for 0:15"


def test_money_that_lasts_is_no_news() -> None:
    run = Watched(Ceiling(Decimal("20.00"), frozenset({"m"})), m=100)
    run.tell(Sent("m", 1), at=0.0)
    run.at_a_second_each("m", range(1, 11), 2, usd="0.02")
    assert run.said("m", 10.0) == "2.0/s, $0.40 of $20.00, 0:40 left"
    assert run.tallies.in_all(10.0) is None


def test_spend_that_is_known_in_part_is_marked() -> None:
    run = Watched(m=100, free=10)
    run.answer("m", 1, at=0.0, usd="0.02")
    run.answer("m", 1, at=0.0)
    assert run.said("m", 0.0) == "$0.02+"
    assert run.said("free", 0.0) == ""


def test_times_are_written_as_on_a_clock() -> None:
    assert [clock_time(s) for s in (0, 7.4, 75, 3600, 36_061)] == [
        "0:00",
        "0:07",
        "1:15",
        "1:00:00",
        "10:01:01",
    ]


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


def test_lines_come_less_and_less_often_and_only_while_there_is_something_to_wait_for() -> None:
    stream, now = io.StringIO(), 0.0
    with show_progress({"m": 10}, stream, clock=lambda: now) as show:
        show(Sent("m", 1))
        for second in range(600):
            now = float(second)
            show.tick()
        waited = len(stream.getvalue().splitlines())
        answer_some(show, "m", 10)
        for second in range(600, 1800):
            now = float(second)
            show.tick()
    assert waited == 11  # at 10, 30, 70, 130, 190, …
    assert len(stream.getvalue().splitlines()) == waited + 1
    assert stream.getvalue().splitlines()[-1].startswith("m 10/10 (")


def test_a_terminal_that_nobody_sees_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    written = on_a_terminal("m", 20, step=0.2)
    assert "\x1b" not in written
    assert written.startswith("m ")
    monkeypatch.delenv("CI")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_a_terminal("m", 20, step=0.2)


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
    # Nine hundred events in less than a tenth of a second: only beginning and end are drawn.
    assert on_a_terminal("m", 300, step=0.0001).count("/300") == 2


def test_what_is_said_beside_the_rows_stands_above_them_on_lines_of_its_own() -> None:
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    pieces: list[bytes] = []
    reader = threading.Thread(target=read_all, args=(parent, pieces))
    reader.start()
    with os.fdopen(child, "w") as stream, show_progress({"m": 2}, stream) as show:
        show.say("measuring at 4 requests a second [0.5, 1]")
        answer_some(show, "m", 2)
    reader.join()
    os.close(parent)
    lines = on_screen(b"".join(pieces).decode())
    assert lines[0] == "measuring at 4 requests a second [0.5, 1]"
    assert lines[1].startswith("m ")
    assert "2/2" in lines[1]
    assert lines[2:] == [""]


def on_screen(written: str) -> list[str]:
    """What stands on a terminal that was sent this: cursor up, erase line and return are obeyed."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece.startswith("\x1b["):
            row -= int(piece[2:-1] or 1) if piece.endswith("A") else 0
            lines[row] = "" if piece.endswith("K") else lines[row]
        elif piece != "\r":
            lines[row] += piece
    return [line.rstrip() for line in lines]
