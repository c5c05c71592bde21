"""Batches in the store: on the disk at once, each request in one of them, forgotten with their lines."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from evalspec.models.model import Answer
from evalspec.store.batches import Line, Waiting
from evalspec.store.store import Store

OLD = Path(__file__).with_name("form1.sqlite3")
LINES = [Line("a", 1, "what a asks"), Line("b", 2, "what b asks \\ud800 'quoted'")]


def test_a_batch_is_found_by_whoever_opens_the_store_next(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.batches.open("m1", "2026-01-01T00:00:00+00:00", "http://llm.example/v1/batches", "mini")
        assert store.batches.book("m1", LINES) == {"a", "b"}
        store.batches.seal("m1", Decimal("0.00123"))
        store.batches.know("m1", "batch_7")
    with Store.open(tmp_path) as store:
        assert store.batches.waiting("m1") == Waiting(
            mark="m1",
            at="2026-01-01T00:00:00+00:00",
            address="http://llm.example/v1/batches",
            model="mini",
            id="batch_7",
            sealed=True,
            worst_usd=Decimal("0.00123"),
        )
        assert store.batches.attempts("m1") == {"a": 1, "b": 2}
        assert store.batches.asked(["a", "b", "c"]) == {line.key: line.request for line in LINES}


def test_a_request_stands_in_one_batch_whoever_writes_it_down(tmp_path: Path) -> None:
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other:
        one.batches.open("m1", "2026", "", "mini")
        other.batches.open("m2", "2026", "", "mini")
        assert one.batches.book("m1", LINES[:1]) == {"a"}
        assert other.batches.book("m2", LINES) == {"b"}
        assert one.batches.holders(["a", "b", "c"]) == {"a": "m1", "b": "m2"}


def test_what_is_forgotten_can_be_written_down_again(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for mark in ("m1", "m2"):
            store.batches.open(mark, "2026", "", "mini")
        store.batches.book("m1", LINES)
        store.batches.forget("m1")
        assert store.batches.waiting("m1") is None
        assert store.batches.holders(["a", "b"]) == {}
        assert store.batches.book("m2", LINES) == {"a", "b"}


@pytest.mark.anyio
async def test_replies_are_kept_with_what_was_asked(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        await store.put_described("mini", [("a", "what a asks", Answer(response="bug"))])
        assert store.get("a") == Answer(response="bug")


def test_an_older_store_gets_room_for_batches(tmp_path: Path) -> None:
    shutil.copy(OLD, tmp_path / "answers.sqlite3")
    with Store.open(tmp_path) as store:
        store.batches.open("m1", "2026", "", "mini")
        assert store.batches.book("m1", LINES) == {"a", "b"}
        assert store.get("b") is not None
