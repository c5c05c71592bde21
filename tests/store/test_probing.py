"""Whether answers can be kept in a place is found out by trying."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evalspec.models.surroundings import State
from evalspec.store.probing import probe


def test_a_place_on_a_disk_is_sound_and_left_as_it_was(tmp_path: Path) -> None:
    found = {one.name: one for one in probe(tmp_path / "deep" / "s")}
    assert {one.state for one in found.values()} <= {State.GOOD, State.NOTE}
    assert "reach the disk" in found["commits"].found
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_disk_is_in_the_way(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=2m")
    small_disk("remount,ro")
    found = {one.name: one for one in probe(disk / "s")}
    assert found["folder"].state is State.FAULT
    assert "cannot be written" in found["folder"].found


def test_a_full_disk_is_in_the_way(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=64k")
    (disk / "movie").write_bytes(b"x" * 60_000)
    found = {one.name: one for one in probe(disk / "s")}
    assert (found["folder"].state, "full" in found["folder"].found) == (State.FAULT, True)
