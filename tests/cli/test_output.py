"""Output where nothing goes well: pipes that close, disks that fill, folders that cannot be written."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import servers
from cli.commands import PATIENCE_S, command, each, evalspec, outcomes, results, surroundings
from cli.tickets import model, number_in, queue, spec, write_job

COUNT = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A job whose answers are all kept."""
    with servers.chat_server(lambda body: f"{queue(number_in(body))} \\ud800 \\x1b[31mred") as server:
        folder = write_job(tmp_path_factory.mktemp("output"), COUNT, spec(model(server.url)))
        assert evalspec("run", "route.eval", at=folder).code == 0
        yield folder


# Progress is due all the time, not every ten seconds.
HASTY = """
import importlib, sys
importlib.import_module("evalspec.run.progress").LINE_EVERY_S = 0.0
from evalspec.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("flag", "shown"), [("--verbose", True), ("--no-progress", False), ("--quiet", False)]
)
def test_progress_is_shown_where_it_is_wanted(tmp_path: Path, flag: str, shown: bool) -> None:
    arguments = ["run", "route.eval", "--store", str(tmp_path), flag, "-n", "8"]
    with servers.chat_server(lambda body: queue(number_in(body))) as server:
        job = write_job(tmp_path / "job", COUNT, spec(model(server.url)))
        ran = subprocess.run(
            [sys.executable, "-c", HASTY, *arguments],
            cwd=job, env=surroundings(), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ("mini 8/8" in ran.stderr) is shown


def shell(line: str, at: Path) -> subprocess.CompletedProcess[str]:
    """What became of a shell's line, in which `evalspec` means the tool."""
    tool = " ".join(command())
    return subprocess.run(
        ["/bin/bash", "-c", f"evalspec() {{ {tool} \"$@\"; }}; set -o pipefail; {line}"],
        cwd=at, env=surroundings(), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def test_a_reader_that_leaves_is_no_fault(folder: Path) -> None:
    for line in ("run route.eval --format json -o kept.json", "show last -n 30"):
        ran = shell(f"evalspec {line} 2>&1 | true", folder)  # which has gone long before anything is printed
        assert (line, ran.returncode, ran.stderr) == (line, 0, "")
    ran = shell("evalspec run route.eval >&-", folder)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.startswith("run ")
    assert outcomes(results(folder, "kept.json")) == {"answered": COUNT}


def test_standard_output_on_a_full_disk_is_told(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full device")
    ran = shell("evalspec run route.eval -o full.json > /dev/full", folder)
    assert ran.returncode == 4
    assert "error: standard output cannot be written: No space left on device" in ran.stderr
    assert outcomes(results(folder, "full.json")) == {"answered": COUNT}


def test_pipes_and_odd_encodings_get_plain_text(folder: Path) -> None:
    shown, table = each(["show", "last", "-n", "3"], ["run", "route.eval", "-v"], at=folder)
    assert "\x1b" not in shown.all + table.all
    assert r"\x1b[31mred" in shown.out
    narrow = evalspec("show", "last", "-n", "1", at=folder, env={"PYTHONIOENCODING": "ascii"})
    assert narrow.code == 0
    assert narrow.out.isascii()


def test_colour_and_progress_are_for_terminals_that_want_them(folder: Path) -> None:
    spec_text = (folder / "route.eval").read_text()
    (folder / "odd.eval").write_text(spec_text.replace("rank = accuracy", "rank = acuracy"))
    coloured, plain = (_on_terminal(["check", "odd.eval"], folder, env) for env in ({}, {"NO_COLOR": "1"}))
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert "E0" in plain
    seen = _on_terminal(["run", "route.eval", "--fresh", "-n", "5", "--no-progress"], folder, {})
    assert "\x1b" not in seen


def _on_terminal(arguments: list[str], at: Path, env: dict[str, str]) -> str:
    """What a command writes to standard error where that is a terminal."""
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123
        evalspec(
            *arguments, at=at, env={"TERM": "xterm-256color", **env}, stderr=theirs, stdout=subprocess.DEVNULL
        )
        os.close(theirs)
        seen = b""
        while chunk := _read(screen.fileno()):
            seen += chunk
    return seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end of a terminal is closed
        return b""


# ── disks and rights ──────────────────────────────────────────────────────────────────────────────


@contextmanager
def small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of its own, where this user may mount one."""
    with tempfile.TemporaryDirectory() as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", name]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk needs more rights")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def test_a_full_disk_under_the_store_keeps_what_it_can_and_goes_on_later(tmp_path: Path) -> None:
    with small_disk(400) as disk, servers.chat_server(
        lambda body: f"{queue(number_in(body))} {'because ' * 300}", delay=0.05
    ) as server:  # fmt: skip
        folder = write_job(tmp_path, 300, spec(model(server.url), blocks="limits { concurrency <= 8 }"))
        flags = ["run", "route.eval", "--store", disk / "store", "-o", "r.json"]
        first = evalspec(*flags, at=folder)
        asked = len(server.requests)
        assert first.code == 4
        assert "error: the disk is full: free some space where" in first.err
        assert "PARTIAL" in first.out
        answered = outcomes(results(folder))["answered"]
        assert 20 < answered == asked < 300
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        second = evalspec(*flags, at=folder)
        assert second.code == 0
        assert outcomes(results(folder)) == {"answered": 300}
        kept = results(folder)["run"]["requests"]["from_store"]
        assert asked - 80 <= kept <= asked  # no more than what was in flight and in one commit is lost
        assert len(server.requests) == 300 + asked - kept


def test_a_full_disk_under_the_results_leaves_no_half_file(folder: Path) -> None:
    with small_disk(8) as disk:
        (disk / "r.json").write_text("before")
        ran = evalspec("run", "route.eval", "-o", disk / "r.json", "-o", "other.json", at=folder)
        assert ran.code == 4
        assert "r.json cannot be written: No space left on device" in ran.err
        assert "100.0 %" in ran.out
        assert [file.name for file in disk.iterdir()] == ["r.json"]
        assert (disk / "r.json").read_text() == "before"
    assert outcomes(results(folder, "other.json")) == {"answered": COUNT}


def test_folders_that_cannot_be_written(folder: Path) -> None:
    (folder / "occupied").write_text("a file")
    store = evalspec("run", "route.eval", "--store", "occupied", at=folder)
    assert (store.code, store.out) == (4, "")
    assert "cannot be written" in store.err
    damaged = folder / "damaged"
    damaged.mkdir()
    (damaged / "answers.sqlite3").write_bytes(b"this is no database at all" * 200)
    commands = (["run", "route.eval"], ["score", "last"], ["plan", "route.eval"])
    for ran in each(*([*given, "--store", "damaged"] for given in commands), at=folder):
        assert (ran.code, ran.out) == (4, "")
        assert "answers.sqlite3 is damaged" in ran.err


def test_a_disk_that_may_only_be_read(folder: Path) -> None:
    with small_disk(2000) as disk:
        job = disk / "job"
        shutil.copytree(
            folder, job, ignore=shutil.ignore_patterns("r.json", "odd.eval", "damaged", "occupied")
        )
        fresh = disk / "fresh"
        fresh.mkdir()
        for file in ("route.eval", "tickets.csv"):
            shutil.copy(folder / file, fresh)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ran, written = each(["run", "route.eval"], ["run", "route.eval", "-o", "r.json"], at=fresh)
        planned, shown = each(["plan", "route.eval"], ["show", "last"], at=job)
    assert (ran.code, ran.out) == (4, "")
    assert "give this user the right to write there, or choose `--store DIR`" in ran.err
    assert (written.code, written.out) == (2, "")
    assert "the folder . cannot be written" in written.err
    assert [ended.code for ended in (planned, shown)] == [0, 0]
    assert f"{COUNT}" in planned.out
