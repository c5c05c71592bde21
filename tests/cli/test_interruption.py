"""Runs that are killed, interrupted and told to end: what had arrived is kept, the rest is asked later."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import servers
from cli.commands import Document, ended, evalspec, lasting, outcomes, results, started, wait_until
from cli.tickets import model, number_in, spec, times_asked, two_of_three, write_job

COUNT = 120
WIDTH = 20  # how many requests go out at once, by `-j`
BATCH = 50  # how many answers may have come and wait for their commit


@dataclass(slots=True)
class Office:
    """A server with its own pace for each ticket. While `lunch` is on, some tickets take for ever."""

    server: servers.ChatServer
    lunch: bool = False
    undisturbed: Document = field(default_factory=dict)

    def job(self, folder: Path) -> Path:
        """A job at this server, of which nothing has been asked."""
        self.server.requests.clear()
        self.server.answered = 0
        return write_job(folder, COUNT, spec(model(self.server.url)))


@pytest.fixture(scope="module", name="office")
def an_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    def delay(body: servers.Body) -> float:
        number = number_in(body)
        return 600.0 if office.lunch and number % 10 == 9 else 0.08 + 0.012 * (number * 7 % 11)

    with servers.chat_server(two_of_three, delay=delay) as server:
        office = Office(server)
        folder = office.job(tmp_path_factory.mktemp("undisturbed"))
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        office.undisturbed = results(folder)
        yield office


def test_after_a_kill_only_what_was_in_flight_is_asked_again(office: Office, tmp_path: Path) -> None:
    folder, server = office.job(tmp_path), office.server
    with started("run", "route.eval", "-j", WIDTH, at=folder) as process:
        wait_until(lambda: server.answered >= 45)
        in_flight = server.in_flight
        process.kill()
        process.communicate()
    time.sleep(0.3)
    sent, unanswered = len(server.requests), COUNT - server.answered
    again = evalspec("run", "route.eval", "-o", "r.json", at=folder)
    assert again.code == 0
    asked = times_asked(server.bodies)
    kept = results(folder)["run"]["requests"]["from_store"]
    assert len(asked) == COUNT
    assert set(asked.values()) == {1, 2}
    assert 0 < sum(times - 1 for times in asked.values()) == sent - kept <= WIDTH + BATCH
    assert results(folder)["run"]["requests"]["sent"] == COUNT - kept
    assert lasting(results(folder)) == lasting(office.undisturbed)
    print(
        f"killed with {in_flight} in flight: {sent} sent, {unanswered=}, {kept} kept, {sent - kept} repeated"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_one_signal_what_is_in_flight_arrives(office: Office, tmp_path: Path, number: int) -> None:
    folder, server = office.job(tmp_path), office.server
    with started("run", "route.eval", "--store", "kept here", "-o", "r.json", at=folder) as process:
        wait_until(lambda: server.answered >= 45)
        process.send_signal(number)
        stopped = ended(process)
    sent = len(server.requests)
    assert stopped.code == 130
    assert 45 <= sent < COUNT
    assert server.answered == sent
    assert outcomes(results(folder)) == {"answered": sent, "not_asked": COUNT - sent}
    assert results(folder)["run"]["complete"] is False
    assert "PARTIAL" in stopped.out
    assert "stopping: waiting for what is in flight" in stopped.err
    assert "`evalspec run route.eval --store 'kept here' -o r.json` continues" in stopped.err
    if number == signal.SIGINT:
        scored = evalspec("score", "last", "--store", "kept here", "-o", "scored.json", at=folder)
        assert scored.code == 4
        assert "PARTIAL" in scored.out
        assert lasting(results(folder, "scored.json")) == lasting(results(folder))
    again = evalspec("run", "route.eval", "--store", "kept here", "-o", "r.json", at=folder)
    assert again.code == 0
    assert set(times_asked(server.bodies).values()) == {1}
    assert results(folder)["run"]["requests"]["from_store"] == sent
    assert lasting(results(folder)) == lasting(office.undisturbed)


def test_after_two_signals_what_is_in_flight_is_dropped(office: Office, tmp_path: Path) -> None:
    folder, server = office.job(tmp_path), office.server
    office.lunch = True
    with started("run", "route.eval", "-j", WIDTH, "-o", "r.json", at=folder) as process:
        wait_until(lambda: server.answered >= 45 and server.in_flight >= 5)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "stopping" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
    office.lunch = False
    arrived, sent = outcomes(results(folder)), len(server.requests)
    assert stopped.code == 130
    assert "PARTIAL" in stopped.out
    assert "continues" in stopped.err
    assert 45 <= arrived["answered"] < sent
    assert arrived["answered"] + arrived["not_asked"] == COUNT
    again = evalspec("run", "route.eval", "-o", "again.json", at=folder)
    assert again.code == 0
    kept = results(folder, "again.json")["run"]["requests"]["from_store"]
    assert kept >= arrived["answered"]
    assert len(server.requests) - COUNT == sent - kept <= WIDTH
    assert lasting(results(folder, "again.json")) == lasting(office.undisturbed)


def test_a_signal_before_anything_was_asked_ends_quietly(office: Office, tmp_path: Path) -> None:
    folder = office.job(tmp_path)
    with started("run", "route.eval", at=folder, fresh=True) as process:
        wait_until(lambda: process.poll() is not None or _busy(process.pid))
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
    assert stopped.code in (130, -signal.SIGINT)
    assert stopped.out == "" or "PARTIAL" in stopped.out


def _busy(number: int) -> bool:
    """Whether Python has begun to import."""
    maps = Path(f"/proc/{number}/maps")
    return not maps.exists() or "_json" in maps.read_text()
