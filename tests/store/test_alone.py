"""A process that asks alone claims requests by a note of its own; whoever comes later is let in."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from evalspec.models.model import Answer, Request
from evalspec.store.locks import Locks
from evalspec.store.store import Store

SRC = Path(__file__).parents[2] / "src"
QUESTION = Request(task="t", step="", example="1")

# Moves in, then does what it is told, a line each: claim KEY, release KEY, attend, leave.
TENANT = """
import sys
from pathlib import Path
from evalspec.store.locks import Locks

locks = Locks(Path(sys.argv[1]))
locks.move_in()
print(locks.alone, flush=True)
for line in sys.stdin:
    what, *key = line.split()
    told = {"claim": locks.claim, "release": locks.release, "attend": locks.attend,
            "leave": locks.make_room}[what](*key)
    print(told, locks.alone, flush=True)
"""


class Tenant:
    """Another process at the same store."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.alone = self.says()  # it has moved in, if it could

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def does(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.says()


@contextmanager
def tenant(path: Path) -> Iterator[Tenant]:
    command = [sys.executable, "-c", TENANT, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Tenant(process)
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_who_comes_later_is_let_in_but_for_what_is_being_asked(path: Path) -> None:
    with tenant(path) as first, tenant(path) as second:
        assert (first.alone, second.alone) == ("True", "False")
        for key in ("one", "two", "three"):
            assert first.does(f"claim {key}") == "True True"
        assert first.does("release two") == "None True"
        assert second.does("claim two") == "False False"  # everything is held; now it has knocked
        assert first.does("attend") == "None False"
        assert second.does("claim two") == "True False"
        assert second.does("claim four") == "True False"
        assert second.does("claim one") == "False False"
        assert second.does("claim three") == "False False"
        assert first.does("claim two") == "False False"
        assert first.does("release one") == "None False"
        assert second.does("claim one") == "True False"


def test_nobody_who_has_not_knocked_is_made_room_for(path: Path) -> None:
    with tenant(path) as first, tenant(path) as second:
        assert (first.alone, second.alone) == ("True", "False")
        assert first.does("attend") == "None True"


def test_who_leaves_or_is_killed_holds_nothing(path: Path) -> None:
    with tenant(path) as first, tenant(path) as second:
        assert (first.alone, second.alone) == ("True", "False")
        first.does("claim one")
        first.does("leave")
        assert second.does("claim two") == "True False"
        assert second.does("claim one") == "False False"
        first.process.kill()
        first.process.wait()
        assert second.does("claim one") == "True False"


def test_nobody_moves_in_beside_one_who_claims_or_waits(path: Path) -> None:
    with tenant(path) as first:
        first.does("leave")
        first.does("claim one")
        with tenant(path) as second:
            assert second.alone == "False"
            assert second.does("claim one") == "False False"
            first.does("release one")
            with tenant(path) as third:
                assert third.alone == "False"  # the second one has knocked


def test_two_stores_of_one_process_are_never_alone(path: Path) -> None:
    locks = Locks(path)
    locks.move_in()
    found = [locks.alone]
    another = Locks(path.parent / "." / path.name)
    found.append(locks.alone)
    another.move_in()
    locks.move_in()
    found += [locks.alone, another.alone]
    another.close()
    locks.move_in()
    assert [*found, locks.alone] == [True, False, False, False, True]
    locks.close()


def test_claims_of_several_threads_are_all_held(path: Path) -> None:
    locks = Locks(path)
    locks.move_in()
    keys = [f"k{n}" for n in range(400)]
    threads = [threading.Thread(target=all, args=(map(locks.claim, keys[n::4]),)) for n in range(4)]
    for thread in threads:
        thread.start()
    locks.make_room()
    for thread in threads:
        thread.join()
    with tenant(path) as other:
        assert {other.does(f"claim {key}") for key in keys} == {"False False"}
    locks.close()


def test_a_new_store_holds_only_ours_until_someone_else_comes(tmp_path: Path) -> None:
    async def keep(store: Store, key: str) -> None:
        await store.put(key, "m", QUESTION, Answer(response="yes"))

    found = []
    with Store.open(tmp_path) as store:
        with store.asking() as attend:
            anyio.run(keep, store, "one")
            attend()
            found.append(store.holds_only_ours)
            with Store.open(tmp_path):
                attend()
                found.append(store.holds_only_ours)
        with store.asking():
            found.append(store.holds_only_ours)  # what is there may be anyone's
    assert found == [True, False, False]
