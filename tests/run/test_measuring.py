"""What people see while a latency pass is made."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from evalspec.run.events import Event, Measured
from evalspec.run.progress import show_progress
from run.test_progress import answer_some, read_all, ticking

PASS = Measured(candidate="mini", task="route", load="4/s", seconds=60.0, requests=480)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody looks on."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_pipe_hears_of_a_latency_pass_every_ten_seconds() -> None:
    stream = io.StringIO()
    with show_progress({"mini": 4}, stream, clock=ticking(2.0)) as show:
        answer_some(show, "mini", 4)
        before = len(stream.getvalue().splitlines())
        for attended in range(1, 16):
            show(replace(PASS, attended=attended, failed=attended // 5, spent=Decimal("0.25")))
        show(replace(PASS, attended=480, over=True))
        for _ in range(100):
            show.tick()
    lines = [line for line in stream.getvalue().splitlines() if line.startswith("latency of route")]
    assert 1 <= len(lines) <= 3
    assert re.fullmatch(r"latency of route \d+/480 \(4/s(, \d failed)?, \$0\.25, 0:\d\d left\)", lines[0]), (
        lines
    )
    assert len(stream.getvalue().splitlines()) <= before + len(lines) + 1  # and nothing when it is over


def test_time_goes_by_in_a_latency_pass_whether_anything_is_answered_or_not() -> None:
    stream = io.StringIO()
    with show_progress({"mini": 4}, stream, clock=ticking(1.0)) as show:
        answer_some(show, "mini", 4)
        show(replace(PASS, requests=None, load="8 in flight"))
        for _ in range(30):
            show.tick()
    assert "latency of route 0 (8 in flight, 0:" in stream.getvalue()


def on_a_terminal(make: Callable[[Callable[[Event], None]], None]) -> str:
    """What a terminal is sent while this is told, a millisecond apart."""
    parent, child = pty.openpty()
    pieces: list[bytes] = []
    reader = threading.Thread(target=read_all, args=(parent, pieces))
    reader.start()
    with os.fdopen(child, "w") as stream, show_progress({"mini": 4}, stream, clock=ticking(0.001)) as show:
        make(show)
    reader.join()
    os.close(parent)
    return b"".join(pieces).decode()


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_a_row_for_a_latency_pass_and_is_not_drawn_for_every_request() -> None:
    def make(show: Callable[[Event], None]) -> None:
        answer_some(show, "mini", 4)
        for attended in range(481):
            show(replace(PASS, attended=attended, timed_out=3, over=attended == 480))

    drawn = on_a_terminal(make)
    assert "latency of route" in drawn
    assert "480/480" in drawn
    assert "3 timed out" in drawn
    assert drawn.count("latency of route") < 10
