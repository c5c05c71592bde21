"""A run that is stopped, cancelled or broken off keeps what arrived and says what was not asked."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import servers
from evalspec.models.model import Answer, FailureKind
from evalspec.run.events import Event, FromStore, Sent
from evalspec.run.execute import Settings
from evalspec.run.gates import Limits, Rate
from evalspec.run.retry import Patience
from evalspec.store.faults import StoreFault
from evalspec.store.store import Store
from run.questions import Outcome, ask_all, candidates, jobs, question

pytestmark = pytest.mark.anyio

FOUR = Settings(limits=Limits(endpoint_concurrency=4))


async def test_after_a_stop_nothing_is_sent_and_what_is_in_flight_is_kept(tmp_path: Path) -> None:
    stop = anyio.Event()

    def watch(event: Event) -> None:
        if sum(isinstance(seen, Sent) for seen in outcome.events) == 5:  # one by itself at first
            stop.set()

    outcome = Outcome()
    with servers.chat_server(delay=0.2) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                work = {"m": jobs("m", range(200))}
                await ask_all(work, models, store, settings=FOUR, stop=stop, outcome=outcome, watch=watch)
                again = await ask_all({"m": jobs("m", range(8))}, models, store, settings=FOUR)
    assert len(outcome.replies["m"]) == 200
    assert outcome.texts().count("ok") == 5
    assert outcome.kinds() == {None, FailureKind.NOT_ASKED}
    assert outcome.counts["sent"] == 5
    assert again.counts == {"planned": 8, "sent": 3, "retried": 0, "from_store": 5, "failed": 0}
    assert len(server.requests) == 8


async def test_a_stop_before_the_beginning_still_gives_what_is_kept(tmp_path: Path) -> None:
    stop = anyio.Event()
    stop.set()
    with servers.chat_server() as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                await ask_all({"m": jobs("m", range(50))}, models, store)
                server.requests.clear()
                outcome = await ask_all({"m": jobs("m", range(100))}, models, store, settings=FOUR, stop=stop)
    assert sum(isinstance(event, FromStore) for event in outcome.events) == 50
    assert server.requests == []
    assert outcome.texts().count(FailureKind.NOT_ASKED) == 50


@pytest.mark.parametrize(
    ("fault", "limits"),
    [
        (servers.too_many("100"), Limits(endpoint_concurrency=4)),
        (servers.broken(), Limits(endpoint_concurrency=4)),
        (None, Limits(endpoint_concurrency=4, rates=(Rate(per_s=0.001, candidates=frozenset({"m"})),))),
    ],
    ids=["told to wait", "about to retry", "held back by a rate"],
)
async def test_a_stop_does_not_wait_for_waits(fault: servers.Fault | None, limits: Limits) -> None:
    stop = anyio.Event()
    long = Settings(limits=limits, patience=Patience(first_wait_s=1000.0, longest_wait_s=1000.0, total_s=1e9))
    with servers.chat_server(fault=lambda number, body: fault) as server:
        async with candidates(server.url, "m") as models, anyio.create_task_group() as group:
            outcome = Outcome()

            async def run() -> None:
                await ask_all({"m": jobs("m", range(20))}, models, settings=long, stop=stop, outcome=outcome)

            group.start_soon(run)
            while not server.requests or server.in_flight:
                await anyio.sleep(0.01)
            await anyio.sleep(0.1)
            with anyio.fail_after(20):
                stop.set()
                while len(outcome.replies.get("m", ())) < 20:
                    await anyio.sleep(0.01)
    assert outcome.texts().count(FailureKind.NOT_ASKED) >= 19
    messages = [reply.message for reply in outcome.replies["m"] if not isinstance(reply, Answer)]
    assert all(message.startswith("interrupted") for message in messages)


async def test_a_cancelled_run_has_kept_what_had_arrived(tmp_path: Path) -> None:
    def delay(body: servers.Body) -> float:
        return 0.0 if int(servers.prompt_of(body).split()[-1]) < 30 else 60.0

    with servers.chat_server(delay=delay) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                async with anyio.create_task_group() as group:

                    async def run() -> None:
                        await ask_all({"m": jobs("m", range(40))}, models, store, settings=FOUR)

                    group.start_soon(run)
                    while server.answered < 30 or server.in_flight < 4:
                        await anyio.sleep(0.01)
                    group.cancel_scope.cancel()
            with Store.open(tmp_path / "s") as store:
                keys = [models["m"].key(request) for request in map(question, range(40))]
                assert len(store.have(key for key in keys if key is not None)) == 30


async def test_a_full_store_stops_the_asking_and_says_so_when_all_has_landed(tmp_path: Path) -> None:
    outcome = Outcome()
    with servers.chat_server(lambda body: "x" * 2000, delay=0.01) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                store._writer._connection.execute("pragma max_page_count = 40")
                with pytest.raises(StoreFault, match="disk is full"):
                    await ask_all({"m": jobs("m", range(500))}, models, store, settings=FOUR, outcome=outcome)
            with Store.open(tmp_path / "s") as store:
                again = await ask_all({"m": jobs("m", range(500))}, models, store)
    asked = outcome.counts["sent"]
    assert 10 < asked < 200
    assert len(outcome.replies["m"]) == 500
    assert outcome.texts().count(FailureKind.NOT_ASKED) == 500 - asked
    assert asked - 8 <= again.counts["from_store"] < asked
    assert len(server.requests) == asked + again.counts["sent"]


async def test_a_damaged_store_stops_the_asking(tmp_path: Path) -> None:
    outcome = Outcome()
    with servers.chat_server() as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                await ask_all({"m": jobs("m", range(5))}, models, store)
                store._writer._connection.execute("update answers set reply = '{'")
                with pytest.raises(StoreFault, match="damaged"):
                    await ask_all({"m": jobs("m", range(500))}, models, store, settings=FOUR, outcome=outcome)
    assert len(outcome.replies["m"]) == 500
    assert len(server.requests) <= 9
