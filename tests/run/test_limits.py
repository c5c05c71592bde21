"""How much goes out at once, and how fast, as the server sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

import servers
from evalspec.models.model import FailureKind
from evalspec.run.events import Event, Finished
from evalspec.run.execute import Job, Settings, Wait
from evalspec.run.gates import Limits, Rate, build_gates
from evalspec.store.store import Store
from run.questions import Reply, ask_all, candidates, jobs

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("limits", "peak"),
    [
        pytest.param(
            Limits(first_concurrency=4, endpoint_concurrency=16), 16, id="an endpoint that keeps up"
        ),
        pytest.param(Limits(endpoint_concurrency=3), 3, id="endpoint"),
        pytest.param(Limits(concurrency=2), 2, id="all"),
        pytest.param(Limits(concurrency=64, endpoint_concurrency=20), 20, id="all, more than the endpoint's"),
        pytest.param(
            Limits(endpoint_concurrency=8, candidate_concurrency={"a": 1, "b": 2}), 3, id="each candidate"
        ),
        pytest.param(
            Limits(endpoint_concurrency=5, candidate_concurrency={"a": 30}), 30, id="more than the endpoint's"
        ),
        pytest.param(Limits(shared_concurrency=((5, frozenset({"a", "b"})),)), 5, id="together"),
        pytest.param(
            Limits(
                shared_concurrency=((2, frozenset({"a"})), (30, frozenset({"b"}))), endpoint_concurrency=1
            ),
            30,
            id="two groups",
        ),
        pytest.param(Limits(concurrency=7, candidate_concurrency={"a": 30}), 7, id="all, less than one's"),
    ],
)
async def test_no_more_is_in_flight_than_allowed_and_no_less(limits: Limits, peak: int) -> None:
    with servers.chat_server(delay=0.1) as server:
        async with candidates(server.url, "a", "b") as models:
            work = {name: jobs(name, range(80)) for name in models}
            await ask_all(work, models, settings=Settings(limits=limits))
    assert server.peak == peak
    assert server.answered == 160


async def test_each_endpoint_has_its_own_limit() -> None:
    with servers.chat_server(delay=0.05) as one, servers.chat_server(delay=0.05) as other:
        async with candidates(one.url, "a") as first, candidates(other.url, "b") as second:
            models = {**first, **second}
            work = {name: jobs(name, range(20)) for name in models}
            await ask_all(work, models, settings=Settings(limits=Limits(endpoint_concurrency=4)))
    assert (one.peak, other.peak) == (4, 4)


async def test_a_rate_lets_one_seconds_worth_through_and_then_so_many_a_second() -> None:
    rates = (Rate(per_s=20.0, candidates=frozenset({"a", "b"})),)
    began = time.perf_counter_ns()
    with servers.chat_server() as server:
        async with candidates(server.url, "a", "b") as models:
            work = {name: jobs(name, range(15)) for name in models}
            await ask_all(work, models, settings=Settings(limits=Limits(rates=rates)))
    assert server.answered == 30
    for arrival in server.requests:
        assert (arrival.at_ns - began) / 1e9 >= (arrival.number + 1 - 20) / 20 - 0.001


async def test_a_rate_holds_back_nobody_else() -> None:
    rates = (Rate(per_s=5.0, candidates=frozenset({"slow"})),)
    with servers.chat_server() as server:
        async with candidates(server.url, "slow", "quick") as models:
            work = {name: jobs(name, range(8)) for name in models}
            outcome = await ask_all(
                work, models, settings=Settings(limits=Limits(rates=rates, concurrency=2))
            )
    finished = [event.candidate for event in outcome.events if isinstance(event, Finished)]
    assert finished[-3:] == ["slow"] * 3


async def test_a_slow_candidate_does_not_keep_the_others_waiting() -> None:
    with servers.chat_server(delay=lambda body: 0.5 if body["model"] == "slow" else 0.0) as server:
        async with candidates(server.url, "slow", "quick") as models:
            limits = Limits(candidate_concurrency={"slow": 2})
            work = {"slow": jobs("slow", range(6)), "quick": jobs("quick", range(100))}
            outcome = await ask_all(work, models, settings=Settings(limits=limits))
    finished = [event.candidate for event in outcome.events if isinstance(event, Finished)]
    assert finished[-1] == "slow"


async def test_a_crowd_at_one_endpoint_does_not_take_the_places_of_another() -> None:
    with servers.chat_server(delay=0.1) as slow, servers.chat_server() as quick:
        async with candidates(slow.url, "a", "b") as crowd, candidates(quick.url, "q") as alone:
            models = {**crowd, **alone}
            work = {"a": jobs("a", range(15)), "b": jobs("b", range(15)), "q": jobs("q", range(30))}
            limits = Limits(concurrency=3, endpoint_concurrency=2)
            outcome = await ask_all(work, models, settings=Settings(limits=limits))
    finished = [event.candidate for event in outcome.events if isinstance(event, Finished)]
    behind = "".join(finished).rindex("q") + 1 - 30
    assert behind <= 15  # the crowd's, half of them: one of three places was always free for the other


async def test_a_thousand_jobs_are_taken_as_there_is_room_for_them() -> None:
    taken = done = ahead = tasks = 0

    def stream() -> Iterator[Job[Reply]]:
        nonlocal taken
        for job in jobs("m", range(1000)):
            taken += 1
            yield job

    def watch(event: Event) -> None:
        nonlocal done, ahead, tasks
        done += isinstance(event, Finished)
        ahead = max(ahead, taken - done)
        tasks = max(tasks, len(anyio.get_running_tasks()))

    with servers.chat_server() as server:
        async with candidates(server.url, "m") as models:
            before = len(anyio.get_running_tasks())
            limits = Limits(endpoint_concurrency=10)
            await ask_all({"m": stream()}, models, settings=Settings(limits=limits), watch=watch)
    assert server.answered == 1000
    assert ahead <= 10
    assert tasks < before + 40  # aiohttp connects in tasks of its own, some for each of the ten


async def test_a_rate_of_tokens_holds_back_what_answers_really_took() -> None:
    rates = (Rate(per_s=100.0, candidates=frozenset({"m"})),)
    took = servers.Reply(text="ok", input_tokens=15, output_tokens=5)
    began = time.perf_counter_ns()
    with servers.chat_server(lambda body: took) as server:
        async with candidates(server.url, "m") as models:
            limits = Limits(token_rates=rates, first_concurrency=1, endpoint_concurrency=1)
            await ask_all({"m": jobs("m", range(15))}, models, settings=Settings(limits=limits))
    assert server.answered == 15
    for arrival in server.requests[
        1:
    ]:  # what goes before one has taken its tokens; a second's worth was there
        assert (arrival.at_ns - began) / 1e9 >= (20 * (arrival.number + 1) - 100 - 20) / 100 - 0.001
    assert (server.requests[-1].at_ns - began) / 1e9 >= 1.8


async def test_a_model_that_is_not_there_is_stopped_by_its_first_call_and_not_kept(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        gone = servers.Refuse(status=404, body=servers.error_body("no such model"))
        return gone if body["model"] == "gone" and not healed else None

    healed = False
    with servers.chat_server(fault=fault) as server:
        async with candidates(server.url, "gone", "good") as models:
            with Store.open(tmp_path / "s") as store:
                work = {name: jobs(name, range(30)) for name in models}
                outcome = await ask_all(work, models, store)
                assert sum(body["model"] == "gone" for body in server.bodies) == 1
                healed = True
                again = await ask_all({"gone": jobs("gone", range(30))}, models, store)
    assert outcome.kinds("good") == again.kinds("gone") == {None}
    assert outcome.kinds("gone") == {FailureKind.REJECTED, FailureKind.NOT_ASKED}


async def test_nobody_is_asked_twice_before_everybody_was_called_once() -> None:
    with servers.chat_server(delay=lambda body: 0.4 if body["model"] == "slow" else 0.0) as server:
        async with candidates(server.url, "slow", "quick") as models:
            await ask_all({name: jobs(name, range(30)) for name in models}, models)
    first = {body["model"] for body in server.bodies[:2]}
    assert first == {"slow", "quick"}
    assert server.requests[2].at_ns - server.requests[0].at_ns >= 0.35e9


@pytest.mark.parametrize("count", [1, 2])
async def test_nobody_waits_for_the_first_call_of_one_who_is_waiting_for_others(count: int) -> None:
    """As in a race of which one candidate's first laps are kept."""
    asked, done = anyio.Event(), list[Event]()

    async def when_asked(waiting: Wait) -> bool:
        with waiting():
            await asked.wait()
        return True

    def watch(event: Event) -> None:
        done.append(event)
        if done.count(Finished("first")) == 2:
            asked.set()

    with servers.chat_server() as server:
        async with candidates(server.url, "first", "later") as models:
            later = [replace(job, ready=when_asked) for job in jobs("later", range(count))]
            with anyio.fail_after(10):
                work = {"first": jobs("first", range(2)), "later": later}
                outcome = await ask_all(work, models, watch=watch)
    assert outcome.texts("first") == ["ok"] * 2
    assert outcome.texts("later") == ["ok"] * count


async def test_one_request_that_is_rejected_at_first_does_not_stop_its_candidate() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Refuse(status=400, body=servers.error_body("too long")) if number == 0 else None

    with servers.chat_server(fault=fault) as server:
        async with candidates(server.url, "m") as models:
            outcome = await ask_all({"m": jobs("m", range(30))}, models)
    assert outcome.texts().count(FailureKind.REJECTED) == 1
    assert outcome.texts().count("ok") == 29


@pytest.mark.parametrize(
    ("limits", "start"),
    [
        pytest.param(Limits(), 20, id="nothing declared"),
        pytest.param(Limits(concurrency=40), 30, id="for all"),
        pytest.param(Limits(concurrency=400), 40, id="for all, more than is risked"),
        pytest.param(Limits(concurrency=8), 20, id="for all, less than the start"),
        pytest.param(Limits(shared_concurrency=((100, frozenset({"a"})),)), 40, id="for one"),
    ],
)
async def test_a_declared_concurrency_shortens_the_beginning(limits: Limits, start: int) -> None:
    async with candidates("http://h", "a", "b") as models:
        (endpoint,) = build_gates(models, limits).endpoints.values()
    assert endpoint.limit == start


async def test_a_declared_concurrency_that_the_server_refuses_loses_nothing_and_is_left_soon() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.too_many("0.05") if server.in_flight > 20 else None

    with servers.chat_server(delay=0.02, fault=fault) as server:
        async with candidates(server.url, "a") as models:
            settings = Settings(limits=Limits(concurrency=64))
            outcome = await ask_all({"a": jobs("a", range(400))}, models, settings=settings)
    assert outcome.kinds("a") == {None}
    assert len(server.requests) - 400 <= 60
