"""Files of an older form are read as they are, and brought up to date by whoever writes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from evalspec.models.model import Answer, Failure, Request
from evalspec.store.faults import StoreFault
from evalspec.store.forms import FORM
from evalspec.store.store import Store

OLD = Path(__file__).with_name("form1.sqlite3")  # written by the version that knew form 1 alone
RUN = "20260101-120000-abc123"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def form_in(folder: Path) -> int:
    connection = sqlite3.connect(folder / "answers.sqlite3")
    ((form,),) = connection.execute("pragma user_version").fetchall()
    connection.close()
    return int(form)


@pytest.fixture(name="old")
def an_old_store(tmp_path: Path) -> Path:
    shutil.copy(OLD, tmp_path / "answers.sqlite3")
    assert form_in(tmp_path) == 1
    return tmp_path


def holds_what_was_kept(store: Store) -> None:
    answer = Answer(response="answer b", input_tokens=7, output_tokens=3, cost_usd=Decimal("0.00013"),
                    latency_ns=120_000_000)  # fmt: skip
    assert store.have(["a", "b", "c", "bad", "d"]) == {"a", "b", "c", "bad"}
    assert store.get("b") == answer
    assert isinstance(store.get("bad"), Failure)
    assert store.find_run("last")["id"] == RUN
    assert store.figures(RUN) is None


def test_reading_leaves_an_old_file_as_it_is(old: Path) -> None:
    before = (old / "answers.sqlite3").read_bytes()
    with Store.open(old, readonly=True) as store:
        holds_what_was_kept(store)
        assert store.as_of(NOON + timedelta(seconds=1)).get("b") is not None
        assert store.as_of(NOON).get("b") is None
    assert (old / "answers.sqlite3").read_bytes() == before


def test_an_old_file_on_a_read_only_disk_is_read(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=2m")
    shutil.copy(OLD, disk / "answers.sqlite3")
    small_disk("remount,ro")
    with Store.open(disk, readonly=True) as store:
        holds_what_was_kept(store)


@pytest.mark.anyio
async def test_writing_brings_an_old_file_up_to_date_and_loses_nothing(old: Path) -> None:
    with Store.open(old) as store:
        holds_what_was_kept(store)
        await store.put("d", "mini", Request(task="t", step="", example="d"), Answer(response="new"))
        store.save_figures(RUN, {"tasks": {}})
    assert form_in(old) == FORM
    with Store.open(old, readonly=True) as store:
        assert store.get("d") == Answer(response="new")
        assert store.figures(RUN) == {"tasks": {}}


@pytest.mark.anyio
async def test_an_answer_asked_again_leaves_the_earlier_one(old: Path) -> None:
    with Store.open(old) as store:
        request = Request(task="t", step="", example="b")
        await store.put("b", "mini", request, Answer(response="second"))
        await store.put("b", "mini", request, Answer(response="third"))
        now = store.get("b")
        then = store.as_of(NOON + timedelta(minutes=1)).get("b")
        never = store.as_of(NOON - timedelta(minutes=1)).get("b")
    assert now == Answer(response="third")
    assert isinstance(then, Answer)
    assert then.response == "answer b"
    assert never is None


def test_a_step_that_fails_leaves_the_old_form(old: Path) -> None:
    connection = sqlite3.connect(old / "answers.sqlite3")
    connection.execute("create table earlier (something text)")  # not ours: the step cannot make its own
    connection.commit()
    connection.close()
    with pytest.raises(StoreFault, match="earlier already exists"), Store.open(old):
        pass
    assert form_in(old) == 1
