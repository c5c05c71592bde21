"""Real processes that are killed, and that work on one store side by side."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import servers
from evalspec.models.model import Answer
from evalspec.store.store import Store
from run import questions

TESTS = Path(__file__).parents[1]
IN_FLIGHT = 8


@contextmanager
def client(url: str, folder: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that asks `count` questions."""
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    command = [sys.executable, questions.__file__, url, str(folder), str(count), str(IN_FLIGHT)]
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output.strip()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def names(count: int) -> set[str]:
    """How the server's file of counts calls the questions."""
    return {servers.body_digest(questions.body_of("m", number)) for number in range(count)}


def kept(folder: Path) -> int:
    with Store.open(folder, readonly=True) as store:
        rows = store._reader.execute("select key from answers").fetchall()
        assert all(isinstance(store.get(key), Answer) for (key,) in rows)
        return len(rows)


def test_a_kill_repeats_only_what_was_in_flight(tmp_path: Path) -> None:
    counts, folder = tmp_path / "counts", tmp_path / "s"
    with servers.server_process(counts, delay=0.03) as url:
        with client(url, folder, 200) as process:
            wait_until(lambda: servers.read_counts(counts).total() >= 80)
            process.kill()
        time.sleep(0.2)
        before, survived = servers.read_counts(counts), kept(folder)
        assert before.total() < 200
        # In flight, or on its way to the disk.
        assert before.total() - 2 * IN_FLIGHT <= survived <= before.total()
        with client(url, folder, 200) as process:
            said = finished(process)
        after = servers.read_counts(counts)
    assert f"'from_store': {survived}" in said
    assert set(after) == names(200)
    assert after.total() == 200 + (before.total() - survived)
    assert max(after.values()) <= 2


def test_two_processes_ask_each_question_once_between_them(tmp_path: Path) -> None:
    counts, folder = tmp_path / "counts", tmp_path / "s"
    with servers.server_process(counts, delay=0.02) as url:
        with client(url, folder, 150) as one, client(url, folder, 150) as other:
            said = [finished(one), finished(other)]
        after = servers.read_counts(counts)
    assert set(after) == names(150)
    assert set(after.values()) == {1}
    assert kept(folder) == 150
    assert all("{None}" in line for line in said)


def test_what_a_killed_process_was_asking_is_asked_by_the_other(tmp_path: Path) -> None:
    counts, folder = tmp_path / "counts", tmp_path / "s"
    with servers.server_process(counts, delay=0.1) as url:
        with client(url, folder, 100) as one, client(url, folder, 100) as other:
            wait_until(lambda: servers.read_counts(counts).total() >= 30)
            one.kill()
            assert "{None}" in finished(other)
        after = servers.read_counts(counts)
    assert set(after) == names(100)
    # What had been answered and not yet committed is asked again, too: one commit of at most 50.
    assert sum(count - 1 for count in after.values()) <= IN_FLIGHT + 50
    assert kept(folder) == 100
