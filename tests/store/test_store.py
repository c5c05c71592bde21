"""The store keeps answers and runs, for one process and for several."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from evalspec.models.model import Answer, Failure, FailureKind, Message, Request
from evalspec.store.faults import NoSuchRun, StoreFault
from evalspec.store.store import Store

if TYPE_CHECKING:
    from evalspec.store.writing import AnswerRow
    from evalspec.text.values import Json

REQUEST = Request(task="t", step="", example="1", messages=(Message("user", "which queue?"),))
REJECTED = Failure(kind=FailureKind.REJECTED, message="no", status=400)
SRC = Path(__file__).parents[2] / "src"


async def keep(store: Store, *keys: str) -> None:
    for key in keys:
        await store.put(key, "mini", REQUEST, Answer(response=f"answer {key}"))


def kept(folder: Path) -> list[str]:
    """The keys that any SQLite program finds in the file."""
    with sqlite3.connect(folder / "answers.sqlite3") as connection:
        rows = connection.execute("select key from answers order by key").fetchall()
    connection.close()
    return [key for (key,) in rows]


# ── answers ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_what_is_put_is_found_now_and_later(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        assert store.get("a") is None
        await keep(store, "a")
        await store.put("b", "mini", REQUEST, REJECTED)
        assert store.get("a") == Answer(response="answer a")
    with Store.open(tmp_path / "s") as store:
        assert store.get("a") == Answer(response="answer a")
        assert store.get("b") == REJECTED
        assert store.get("c") is None


@pytest.mark.anyio
async def test_a_second_reply_takes_the_place_of_the_first(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        await store.put("a", "mini", REQUEST, REJECTED)
        await keep(store, "a")
        assert store.get("a") == Answer(response="answer a")


@pytest.mark.anyio
async def test_a_put_that_returned_is_seen_by_others_at_once(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        for number in range(20):
            await keep(store, f"{number:02}")
            assert len(kept(tmp_path / "s")) == number + 1


@pytest.mark.anyio
async def test_many_puts_share_few_commits(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        answers = store._writer.answers
        sizes: list[int] = []
        commit = answers._write

        def write(rows: Sequence[AnswerRow]) -> None:
            sizes.append(len(rows))
            commit(rows)

        answers._write = write
        async with anyio.create_task_group() as group:
            for number in range(220):
                group.start_soon(keep, store, f"{number:03}")
    assert len(kept(tmp_path / "s")) == 220
    assert sum(sizes) == 220
    assert len(sizes) < 22
    assert max(sizes) == 50


@pytest.mark.anyio
async def test_a_cancelled_put_is_kept_all_the_same(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        async with anyio.create_task_group() as group:
            for number in range(60):
                group.start_soon(keep, store, f"{number:02}")
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert len(kept(tmp_path / "s")) == 60


@pytest.mark.anyio
async def test_have_says_which_of_many_keys_are_there(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        await keep(store, "k3", "k1999", "k2500")
        await store.put("k7", "mini", REQUEST, REJECTED)
        many = [f"k{number}" for number in range(2_400)]
        assert store.have(many) == {"k3", "k7", "k1999"}
        assert store.have(iter(many), failures=False) == {"k3", "k1999"}
        assert store.have([]) == set()


@pytest.mark.anyio
async def test_older_replies_can_be_left_aside(tmp_path: Path) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    times = iter([noon, noon + timedelta(microseconds=1)])
    with Store.open(tmp_path / "s", clock=lambda: next(times)) as store:
        await keep(store, "old", "new")
        since = noon.astimezone() + timedelta(microseconds=1)
        assert store.get("old", since=since) is None
        assert store.get("new", since=since) is not None
        assert store.have(["old", "new"], since=since) == {"new"}
        assert store.have(["old", "new"], since=noon) == {"old", "new"}


# ── the folder ────────────────────────────────────────────────────────────────────────────────────


def test_the_folder_is_its_owners_alone_and_not_for_git(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / ".evalspec"
    with Store.open(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (folder / ".gitignore").read_text() == "*\n"


def test_a_folder_with_other_things_is_not_hidden_from_git(tmp_path: Path) -> None:
    (tmp_path / "spec.eval").write_text("")
    tmp_path.chmod(0o755)
    with Store.open(tmp_path):
        assert not (tmp_path / ".gitignore").exists()
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.anyio
async def test_reading_only_makes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s", readonly=True) as store:
        assert store.get("a") is None
        assert store.have(["a"]) == set()
        assert store.runs() == ()
        with pytest.raises(StoreFault, match="reading only"):
            await keep(store, "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_reading_only_sees_what_a_living_writer_keeps(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as writer, Store.open(tmp_path / "s", readonly=True) as reader:
        await keep(writer, "a")
        assert reader.have(["a"]) == {"a"}
    before = sorted(entry.name for entry in (tmp_path / "s").iterdir())
    with Store.open(tmp_path / "s", readonly=True) as reader:
        assert reader.get("a") == Answer(response="answer a")
    assert sorted(entry.name for entry in (tmp_path / "s").iterdir()) == before


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────


def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "answers.sqlite3")
    connection.executescript("create table answers (key); pragma user_version = 7;")
    connection.close()
    before = (tmp_path / "answers.sqlite3").read_bytes()
    for readonly in (False, True):
        with pytest.raises(StoreFault, match=r"newer evalspec .*7"), Store.open(tmp_path, readonly=readonly):
            pass
    assert (tmp_path / "answers.sqlite3").read_bytes() == before


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "answers.sqlite3")
    connection.executescript("create table bookmarks (url);")
    connection.close()
    before = (tmp_path / "answers.sqlite3").read_bytes()
    for readonly in (False, True):
        with pytest.raises(StoreFault, match="another program"), Store.open(tmp_path, readonly=readonly):
            pass
    assert (tmp_path / "answers.sqlite3").read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite3").write_text("dear diary " * 1000)
    for readonly in (False, True):
        with pytest.raises(StoreFault, match="move it away"), Store.open(tmp_path, readonly=readonly):
            pass
    assert (tmp_path / "answers.sqlite3").read_text() == "dear diary " * 1000


@pytest.mark.anyio
async def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for number in range(300):
            await keep(store, f"{number:03}")
    data = bytearray((tmp_path / "answers.sqlite3").read_bytes())
    data[4096 : len(data)] = b"\xff" * (len(data) - 4096)
    (tmp_path / "answers.sqlite3").write_bytes(data)
    with Store.open(tmp_path) as store, pytest.raises(StoreFault, match=r"damaged.*move it away"):
        store.get("100")


@pytest.mark.anyio
async def test_a_reply_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        await keep(store, "a")
        with sqlite3.connect(tmp_path / "answers.sqlite3") as connection:
            connection.execute("update answers set reply = '{'")
        connection.close()
        with pytest.raises(StoreFault, match="damaged"):
            store.get("a")


@pytest.mark.anyio
async def test_a_full_disk_says_so_and_keeps_what_was_kept(small_disk: Callable[[str], Path]) -> None:
    folder = small_disk("size=512k") / "s"
    done: list[str] = []
    with Store.open(folder) as store:

        async def fill() -> None:
            for number in range(1000):
                await store.put(f"{number:04}", "mini", REQUEST, Answer(response="x" * 3000))
                done.append(f"{number:04}")

        with pytest.raises(StoreFault, match="disk is full: free some space"):
            await fill()
        assert store.get("0000") == Answer(response="x" * 3000)
    assert 10 < len(done) < 1000
    small_disk("remount,size=8m")
    with Store.open(folder) as store:
        assert store.have(f"{number:04}" for number in range(1000)) == set(done)
        await store.put("more", "mini", REQUEST, Answer(response="x" * 3000))
    assert kept(folder) == [*done, "more"]


def test_a_disk_that_is_full_from_the_start_is_a_clear_fault(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=64k")
    (disk / "movie").write_bytes(b"x" * 60_000)
    with pytest.raises(StoreFault, match="full"), Store.open(disk / "s"):
        pass


@pytest.mark.anyio
async def test_a_read_only_disk_can_be_read_and_not_written(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=2m")
    with Store.open(disk / "s") as store:
        await keep(store, "a")
    small_disk("remount,ro")
    with Store.open(disk / "s", readonly=True) as store:
        assert store.have(["a"]) == {"a"}
    with pytest.raises(StoreFault, match=r"cannot be written.*--store DIR"), Store.open(disk / "s"):
        pass
    with pytest.raises(StoreFault, match=r"cannot be written.*--store DIR"), Store.open(disk / "t"):
        pass


@pytest.mark.anyio
async def test_answers_still_in_the_log_of_a_read_only_disk_are_not_passed_over(
    tmp_path: Path, small_disk: Callable[[str], Path]
) -> None:
    disk = small_disk("size=2m")
    with Store.open(tmp_path / "s") as store:
        await keep(store, "a")
        for name in ("answers.sqlite3", "answers.sqlite3-wal"):
            shutil.copy(tmp_path / "s" / name, disk / name)
    small_disk("remount,ro")
    with pytest.raises(StoreFault, match="copy the folder"), Store.open(disk, readonly=True):
        pass


def test_a_file_where_the_folder_should_be_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with pytest.raises(StoreFault, match="--store DIR"), Store.open(tmp_path / "s"):
        pass


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────


def record(identity: str, day: int) -> dict[str, Json]:
    return {"id": identity, "started_at": f"2026-01-{day:02}T00:00:00+00:00", "spec": "route.eval"}


def test_runs_are_listed_newest_first_and_found_by_name(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for identity, day in (("3fa2", 2), ("3fb7", 3), ("91cc", 1)):
            store.save_run(record(identity, day))
        assert [run["id"] for run in store.runs()] == ["3fb7", "3fa2", "91cc"]
        assert store.find_run("3fa2")["spec"] == "route.eval"
        assert store.find_run("9")["id"] == "91cc"
        assert store.find_run("last")["id"] == "3fb7"
        assert store.find_run("last~0")["id"] == "3fb7"
        assert store.find_run("last~2")["id"] == "91cc"
        store.save_run({**store.find_run("3fa2"), "complete": True})
        assert [run.get("complete") for run in store.runs()] == [None, True, None]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("7", "no run `7`; the latest are 3fb7, 3fa2, 91cc"),
        ("3f", "`3f` may be 2 runs: 3fb7, 3fa2; say more"),
        ("", "no run ``"),
        ("last~3", "no run `last~3`: 3 runs are kept"),
        ("last~", "no run"),
        ("LAST", "no run"),
        ("%", "no run"),
    ],
)
def test_a_name_for_no_run_or_for_several_is_a_clear_fault(tmp_path: Path, name: str, message: str) -> None:
    with Store.open(tmp_path) as store:
        for identity, day in (("3fa2", 2), ("3fb7", 3), ("91cc", 1)):
            store.save_run(record(identity, day))
        with pytest.raises(NoSuchRun, match=message):
            store.find_run(name)


def test_without_any_run_that_is_said(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, pytest.raises(NoSuchRun, match="no run is kept here yet"):
        store.find_run("last")


# ── several processes ─────────────────────────────────────────────────────────────────────────────

WRITE = """
import sys, anyio
from pathlib import Path
from evalspec.models.model import Answer, Request
from evalspec.store.store import Store
from evalspec.store.writing import AnswerRow
from evalspec.text.values import Json

async def main(folder, name, count):
    with Store.open(Path(folder)) as store:
        async def keep(number):
            request = Request(task="t", step="", example=str(number))
            await store.put(f"{name}{number}", name, request, Answer(response="x" * 500))
            print(f"{name}{number}", flush=True)
        async with anyio.create_task_group() as group:
            for number in range(int(count)):
                group.start_soon(keep, number)

anyio.run(main, *sys.argv[1:])
"""

CLAIM = """
import sys, time
from pathlib import Path
from evalspec.store.store import Store
from evalspec.store.writing import AnswerRow
from evalspec.text.values import Json

with Store.open(Path(sys.argv[1])) as store:
    print(store.claim("one"), store.claim("two"), flush=True)
    store.release("two")
    print("released", flush=True)
    time.sleep(600)
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_four_processes_write_to_one_new_store_and_nothing_is_lost(tmp_path: Path) -> None:
    processes = [start(WRITE, str(tmp_path / "s"), name, "400") for name in "abcd"]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    assert kept(tmp_path / "s") == sorted(f"{name}{number}" for name in "abcd" for number in range(400))


def test_a_process_killed_at_any_moment_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    for lines in (1, 30, 90):
        folder = tmp_path / str(lines)
        process = start(WRITE, str(folder), "k", "5000")
        acknowledged = [said(process) for _ in range(lines)]
        process.kill()
        rest, _ = process.communicate()
        acknowledged += rest.split("\n")[:-1]
        with Store.open(folder) as store:
            assert store.have(acknowledged) == set(acknowledged)


def test_a_request_is_claimed_by_one_living_process(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        process = start(CLAIM, str(tmp_path))
        try:
            assert said(process) == "True True"
            assert said(process) == "released"
            assert not store.claim("one")
            assert store.claim("two")
            assert store.claim("three")
        finally:
            process.kill()
            process.communicate()
        assert store.claim("one")
