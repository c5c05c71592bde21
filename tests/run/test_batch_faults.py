"""A store that can take no more while batches are written down, submitted or collected: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batch_server import batch_server
from cli.tickets import model, spec, two_of_three, write_job
from evalspec.cli.main import main
from evalspec.store.batches import BatchBook
from evalspec.store.faults import StoreFault
from evalspec.store.store import Store

COUNT = 9
MODE = "mode = batch; price { input = $1; output = $2 }"


def full(*asked: object) -> None:
    raise StoreFault("the disk is full: free some space")


async def full_later(*asked: object) -> None:
    full()


FAULTS: dict[str, tuple[type, str, Callable[..., object]]] = {
    "while it is written down": (BatchBook, "seal", full),
    "when it was submitted": (BatchBook, "know", full),
    "while it is collected": (Store, "put_described", full_later),
}


@pytest.mark.parametrize("when", FAULTS)
def test_a_full_disk_ends_the_run_and_the_next_one_submits_nothing_twice(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of, name, fault = FAULTS[when]
    with batch_server(two_of_three) as server:
        monkeypatch.chdir(write_job(tmp_path, COUNT, spec(model(server.url, more=MODE))))
        with monkeypatch.context() as broken:
            broken.setattr(of, name, fault)
            assert main(["run", "route.eval", "-q"]) == 4
        told = capsys.readouterr()
        assert "error: the disk is full" in told.err
        assert "PARTIAL" in told.out
        assert main(["run", "route.eval", "-q"]) == 0
        assert (len(server.batches), set(server.asked.values())) == (1, {1})
