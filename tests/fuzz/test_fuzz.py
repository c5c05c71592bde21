"""Damaged specs and data by the hundred: `check` says what is wrong, and neither raises nor hangs.

`benchmarks/fuzzing.py` does the same by the ten thousand, with figures.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from fuzz.trials import SPEC, Kind, look, prepare, trial, write

PATIENCE_S = 30  # what hangs takes minutes; a busy machine makes everything slow
TRIALS = {Kind.SPEC: 500, Kind.DATA: 250}
PARTS = 5  # so that several processes can share them


class Hangs(BaseException):
    """A check took so long that it may never end. No code catches it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises Hangs in what takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", Kind)
def test_damaged_jobs_are_checked_to_the_end(kind: Kind, part: int, tmp_path: Path) -> None:
    prepare(tmp_path)
    for number in range(part, TRIALS[kind], PARTS):
        tried = trial(kind, number)
        spec = write(tried.files, tmp_path)
        try:
            with within(PATIENCE_S):
                look(spec, kind)
        except BaseException as fault:
            fault.add_note(f"trial {kind} {number}; {SPEC} and its data are in {tmp_path}")
            raise
        for name in tried.files.keys() - tried.undamaged.keys():
            (tmp_path / name).unlink()
        write(tried.undamaged, tmp_path)


def test_a_trial_is_the_same_whenever_it_is_made() -> None:
    for kind in Kind:
        assert [trial(kind, n) for n in range(5)] == [trial(kind, n) for n in range(5)]
        tried = [trial(kind, n) for n in range(50)]
        assert sum(t.files != t.undamaged for t in tried) > 40  # now and then, damage changes nothing


def test_the_undamaged_job_is_understood_so_that_damage_tells() -> None:
    """Not every part of the broad spec may be built, but none of it is unreadable."""
    tried = trial(Kind.DATA, 0)
    assert b"task route" in tried.undamaged[SPEC]


def test_what_hangs_is_noticed() -> None:
    with pytest.raises(Hangs), within(0.05):
        time.sleep(60)
