"""The store as a user meets it: full and damaged disks, two runs at once, and what a change asks again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import servers
from cli.commands import ended, evalspec, lasting, outcomes, results, started
from cli.tickets import PROMPT, model, number_in, queue, spec, times_asked, two_of_three, write_job

COUNT = 80


@pytest.fixture(name="small_disk")
def a_small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of its own with the given options, or again with others; skips where it may not."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("this user may not mount a small disk")
        return place

    yield mount
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


def test_two_runs_of_one_spec_at_once_ask_each_request_once_and_agree(tmp_path: Path) -> None:
    with servers.chat_server(two_of_three, delay=0.05) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url) + model(server.url, "maxi")))
        with (
            started("run", "route.eval", "-o", "a.json", at=folder) as one,
            started("run", "route.eval", "-o", "b.json", at=folder) as other,
        ):
            assert [ended(process).code for process in (one, other)] == [0, 0]
        assert set(times_asked(server.bodies).values()) == {1}
        assert len(server.requests) == 2 * COUNT
    a, b = results(folder, "a.json"), results(folder, "b.json")
    assert lasting(a) == lasting(b)
    sent = [document["run"]["requests"]["sent"] for document in (a, b)]
    assert sum(sent) == 2 * COUNT


def test_a_full_disk_stops_the_asking_and_loses_nothing(
    small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    def long_winded(body: servers.Body) -> str:
        return f"{queue(number_in(body))}\n" + "because " * 1000

    with servers.chat_server(long_winded, delay=0.1) as server:
        disk = small_disk("size=400k")
        folder = write_job(tmp_path / "job", COUNT, spec(model(server.url)))
        full = evalspec("run", "route.eval", "-j", "4", "--store", disk / "s", "-o", "r.json", at=folder)
        assert full.code == 4
        assert "disk is full: free some space" in full.err
        assert "PARTIAL" in full.out
        asked = len(server.requests)
        assert 0 < outcomes(results(folder))["answered"] <= asked < COUNT
        small_disk("remount,size=16m")
        kept = evalspec("run", "route.eval", "--store", disk / "s", "-o", "r.json", at=folder)
        assert kept.code == 0
        again = len(server.requests) - COUNT
        # What came when there was no room any more is asked again, and nothing else.
        assert 0 < again < asked
        assert outcomes(results(folder)) == {"answered": COUNT}


@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_a_store_cut_off_in_mid_file_is_told_with_the_way_out(tmp_path: Path, left: float) -> None:
    with servers.chat_server(two_of_three) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url)))
        assert evalspec("run", "route.eval", "-o", "whole.json", at=folder).code == 0
        file = folder / ".evalspec" / "answers.sqlite3"
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.truncate(int(size * left))
        (file.parent / "answers.sqlite3-wal").unlink(missing_ok=True)
        for command in (["run", "route.eval"], ["score", "last"], ["plan", "route.eval"]):
            broken = evalspec(*command, at=folder)
            assert (broken.code, "damaged" in broken.err, "move it away" in broken.err) == (4, True, True)
        assert "damaged" in evalspec("doctor", at=folder).out
        file.rename(folder / "damaged.sqlite3")
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert set(times_asked(server.bodies).values()) == {2}
        assert lasting(results(folder)) == lasting(results(folder, "whole.json"))


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_asked(
    small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    with servers.chat_server(two_of_three) as server:
        disk = small_disk("size=2m")
        small_disk("remount,ro")
        folder = write_job(tmp_path / "job", 4, spec(model(server.url)))
        ran = evalspec("run", "route.eval", "--store", disk / "s", at=folder)
        assert (ran.code, ran.out) == (4, "")
        assert "--store DIR" in ran.err
        assert server.requests == []
        assert evalspec("plan", "route.eval", "--store", disk / "s", at=folder).code == 0


def test_one_letter_asks_what_it_changes_and_a_shared_request_is_asked_once(tmp_path: Path) -> None:
    twin = (
        f'\ntask again {{ data = tickets; prompt = "{PROMPT}"; answer = one_of(queue); rank = accuracy }}\n'
    )
    other = twin.replace("task again", "task other").replace("Queue?", "Which queue?")
    with servers.chat_server(two_of_three) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url)) + twin + other)
        assert evalspec("run", "route.eval", at=folder).code == 0
        assert len(server.requests) == 2 * COUNT  # `route` and `again` ask the same
        text = (folder / "route.eval").read_text()
        scoring = text.replace("rank = accuracy\n", "rank = macro_f1\n  require { accuracy >= 10% }\n", 1)
        (folder / "route.eval").write_text(scoring)
        assert evalspec("run", "route.eval", at=folder).code == 0
        assert len(server.requests) == 2 * COUNT
        (folder / "route.eval").write_text(scoring.replace("Which queue?", "which queue?"))
        assert evalspec("run", "route.eval", at=folder).code == 0
        assert len(server.requests) == 3 * COUNT


def test_no_cache_leaves_nothing_and_fresh_asks_all_again(tmp_path: Path) -> None:
    with servers.chat_server(two_of_three) as server:
        folder = write_job(tmp_path, 10, spec(model(server.url)))
        assert evalspec("run", "route.eval", "--no-cache", at=folder).code == 0
        assert not (folder / ".evalspec").exists()
        for flags, asked in (([], 20), ([], 20), (["--fresh"], 30), (["--no-cache"], 40), ([], 40)):
            assert evalspec("run", "route.eval", *flags, at=folder).code == 0
            assert len(server.requests) == asked


def test_rejected_requests_are_asked_again_when_that_is_wanted(tmp_path: Path) -> None:
    rejecting = [True]

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Refuse(status=400, body="{}") if rejecting[0] and number_in(body) == 3 else None

    with servers.chat_server(two_of_three, fault=fault) as server:
        folder = write_job(tmp_path, 100, spec(model(server.url)))
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        rejecting[0] = False
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert (len(server.requests), outcomes(results(folder))["error"]) == (100, 1)
        assert evalspec("run", "route.eval", "--retry-errors", "-o", "r.json", at=folder).code == 0
        assert (len(server.requests), outcomes(results(folder))) == (101, {"answered": 100})
