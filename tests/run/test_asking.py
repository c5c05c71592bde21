"""A run ends right whatever the server does, and asks nothing twice that was answered."""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

import servers
from evalspec.language.candidates import Environment
from evalspec.models.endpoints import connect_to
from evalspec.models.hosted import HostedModel
from evalspec.models.model import Answer, Failure, FailureKind, Message, Model, Request
from evalspec.models.sessions import open_session
from evalspec.run.asking import Keeping
from evalspec.run.events import CandidateStopped
from evalspec.run.execute import Conversation, Job, Settings, execute
from evalspec.run.gates import Limits
from evalspec.run.retry import Patience
from evalspec.store.store import Store, utc_now
from run.questions import SOON, Reply, ask_all, body_of, candidates, hosted, jobs, one_question, question

pytestmark = pytest.mark.anyio


def echo(body: servers.Body) -> str:
    return f"re: {servers.prompt_of(body)}"


async def test_every_job_gets_its_own_answer() -> None:
    with servers.chat_server(echo) as server:
        async with candidates(server.url, "m") as models:
            outcome = await ask_all({"m": jobs("m", range(100))}, models)
    assert sorted(outcome.texts()) == sorted(f"re: question {n}" for n in range(100))
    assert outcome.counts == {"planned": 100, "sent": 100, "retried": 0, "from_store": 0, "failed": 0}


async def test_a_conversation_goes_on_with_what_was_said() -> None:
    def two_steps() -> Conversation[str]:
        first = yield question(1)
        assert isinstance(first, Answer)
        second = yield Request(task="t", step="b", example="1", messages=(Message("user", first.response),))
        assert isinstance(second, Answer)
        return second.response

    heard: list[str] = []
    with servers.chat_server(echo) as server:
        async with candidates(server.url, "m") as models:
            await execute(
                {"m": [Job("m", two_steps)]},
                models,
                None,
                settings=Settings(),
                on_result=lambda job, text: heard.append(text),
                on_event=lambda event: None,
                stop=anyio.Event(),
            )
    assert heard == ["re: re: question 1"]


# ── asked again ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        servers.too_many("0.05"),
        servers.too_many(None),
        servers.Reset(),
        servers.Reset(after=40),
        servers.broken(500),
        servers.broken(503),
        servers.Refuse(status=200, body="<html>", content_type="text/html"),
    ],
    ids=str,
)
async def test_a_passing_fault_costs_one_more_attempt_and_no_answer(
    tmp_path: Path, fault: servers.Fault
) -> None:
    with servers.chat_server(echo, fault=lambda number, body: fault if number == 3 else None) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                outcome = await ask_all({"m": jobs("m", range(30))}, models, store)
                again = await ask_all({"m": jobs("m", range(30))}, models, store)
    assert outcome.kinds() == {None}
    assert outcome.counts == {"planned": 30, "sent": 31, "retried": 1, "from_store": 0, "failed": 0}
    assert sorted(Tally(servers.body_digest(body) for body in server.bodies).values()) == [1] * 29 + [2]
    assert again.counts == {"planned": 30, "sent": 0, "retried": 0, "from_store": 30, "failed": 0}
    assert sorted(again.texts()) == sorted(outcome.texts())


async def test_many_faults_at_once() -> None:
    faults: list[servers.Fault | None] = [
        servers.too_many("0.02"),
        servers.Reset(),
        servers.broken(502),
        None,
        None,
    ]
    with servers.chat_server(echo, fault=lambda number, body: faults[number % 5]) as server:
        async with candidates(server.url, "m") as models:
            settings = Settings(patience=Patience(attempts=100, first_wait_s=0.001, longest_wait_s=0.01))
            outcome = await ask_all({"m": jobs("m", range(60))}, models, settings=settings)
    assert outcome.kinds() == {None}
    assert server.answered == 60
    assert outcome.counts["sent"] == len(server.requests)
    assert outcome.counts["retried"] == len(server.requests) - 60


async def test_what_never_works_is_given_up_not_kept_and_asked_again_next_time(tmp_path: Path) -> None:
    settings = Settings(patience=Patience(attempts=3, first_wait_s=0.001))
    with servers.chat_server(fault=lambda number, body: servers.broken()) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                outcome = await ask_all({"m": jobs("m", [1])}, models, store, settings=settings)
                assert len(server.requests) == 3
                await ask_all({"m": jobs("m", [1])}, models, store, settings=settings)
    assert outcome.texts() == [FailureKind.TRANSIENT]
    assert outcome.counts == {"planned": 1, "sent": 3, "retried": 2, "from_store": 0, "failed": 1}
    assert len(server.requests) == 6


@pytest.mark.parametrize(("others", "attempts"), [(0, 8), (30, 11)])
async def test_what_fails_while_others_are_answered_is_tried_more_often(others: int, attempts: int) -> None:
    tried = 0

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        nonlocal tried
        if servers.prompt_of(body) != "question 0":
            return None
        tried += 1
        return servers.broken(500) if tried <= 10 else None

    with servers.chat_server(delay=0.01, fault=fault) as server:
        async with candidates(server.url, "m") as models:
            settings = Settings(patience=Patience(first_wait_s=0.001), limits=Limits(first_concurrency=2))
            outcome = await ask_all({"m": jobs("m", range(others + 1))}, models, settings=settings)
    assert tried == attempts
    assert outcome.counts["failed"] == (others == 0)


async def test_a_server_that_says_later_is_left_alone_by_all_its_candidates() -> None:
    refused_ns: list[int] = []

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        if number == 0:
            refused_ns.append(server.requests[0].at_ns)
            return servers.too_many("0.5")
        return None

    with servers.chat_server(echo, fault=fault) as server:
        async with candidates(server.url, "a", "b") as models:
            limits = Limits(endpoint_concurrency=1)
            work = {name: jobs(name, range(3)) for name in models}
            outcome = await ask_all(work, models, settings=Settings(limits=limits, patience=SOON))
    assert outcome.kinds("a") == outcome.kinds("b") == {None}
    assert server.requests[1].at_ns - refused_ns[0] >= 0.5e9


async def test_a_rejected_request_is_final_until_errors_are_to_be_asked_again(tmp_path: Path) -> None:
    healed = False

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return None if healed else servers.Refuse(status=400, body=servers.error_body("too long"))

    with servers.chat_server(echo, fault=fault) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                first = await ask_all({"m": jobs("m", [1])}, models, store)
                healed = True
                second = await ask_all({"m": jobs("m", [1])}, models, store)
                assert len(server.requests) == 1
                retry = Settings(patience=SOON, keeping=Keeping(retry_errors=True))
                third = await ask_all({"m": jobs("m", [1])}, models, store, settings=retry)
                fourth = await ask_all({"m": jobs("m", [1])}, models, store, settings=retry)
    assert first.texts() == second.texts() == [FailureKind.REJECTED]
    assert (first.counts["failed"], second.counts["from_store"]) == (1, 1)
    assert third.texts() == fourth.texts() == ["re: question 1"]
    assert len(server.requests) == 2


async def test_answers_older_than_wanted_are_asked_anew_once(tmp_path: Path) -> None:
    with servers.chat_server(echo) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s", clock=lambda: utc_now() - timedelta(days=8)) as store:
                await ask_all({"m": jobs("m", range(5))}, models, store)
            fresh = Settings(keeping=Keeping(since=utc_now() - timedelta(days=7)))
            with Store.open(tmp_path / "s") as store:
                outcome = await ask_all(
                    {"m": jobs("m", [*range(5), *range(5)])}, models, store, settings=fresh
                )
    assert outcome.counts == {"planned": 5, "sent": 5, "retried": 0, "from_store": 0, "failed": 0}
    assert len(server.requests) == 10


# ── asked once ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kept", [True, False])
async def test_identical_requests_are_asked_once_at_once_and_later(tmp_path: Path, kept: bool) -> None:
    with servers.chat_server(echo, delay=0.02) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                numbers = [1] * 30 + [2] * 30 + [1] * 30
                outcome = await ask_all({"m": jobs("m", numbers)}, models, store if kept else None)
    assert server.count(body_of("m", 1)) == server.count(body_of("m", 2)) == 1
    assert Tally(outcome.texts()) == {"re: question 1": 60, "re: question 2": 30}
    assert outcome.counts == {"planned": 2, "sent": 2, "retried": 0, "from_store": 0, "failed": 0}


async def test_what_is_given_up_is_given_up_once_for_all_who_asked() -> None:
    settings = Settings(patience=Patience(attempts=2, first_wait_s=0.001))
    with servers.chat_server(fault=lambda number, body: servers.broken()) as server:
        async with candidates(server.url, "m") as models:
            outcome = await ask_all({"m": jobs("m", [1] * 40)}, models, settings=settings)
    assert outcome.texts() == [FailureKind.TRANSIENT] * 40
    assert len(server.requests) == 2
    assert outcome.counts["failed"] == 1


async def test_samples_of_one_question_are_requests_of_their_own() -> None:
    def sampled(sample: int) -> Job[Reply]:
        return Job("m", lambda: one_question(1, sample))

    with servers.chat_server(echo) as server:
        async with candidates(server.url, "m") as models:
            await ask_all({"m": [sampled(0), sampled(1), sampled(0)]}, models)
    assert server.count(body_of("m", 1)) == 2


async def test_the_second_run_asks_only_what_is_missing(tmp_path: Path) -> None:
    with servers.chat_server(echo) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                await ask_all({"m": jobs("m", range(20))}, models, store)
                outcome = await ask_all({"m": jobs("m", range(30))}, models, store)
    assert outcome.counts == {"planned": 30, "sent": 10, "retried": 0, "from_store": 20, "failed": 0}
    assert set(Tally(map(servers.body_digest, server.bodies)).values()) == {1}


# ── candidates that are stopped ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", [servers.unauthorized(), servers.quota_gone()], ids=["key", "quota"])
async def test_a_refused_key_or_an_empty_quota_stops_that_candidate_only(
    tmp_path: Path, fault: servers.Refuse
) -> None:
    def refuse(number: int, body: servers.Body) -> servers.Fault | None:
        return fault if body["model"] == "bad" and "question 0" not in servers.prompt_of(body) else None

    with servers.chat_server(echo, fault=refuse) as server:
        async with candidates(server.url, "bad", "good") as models:
            with Store.open(tmp_path / "s") as store:
                await ask_all({"bad": jobs("bad", [0])}, models, store)
                limits = Limits(endpoint_concurrency=3)
                work = {name: jobs(name, [*range(1, 100), 0]) for name in models}
                outcome = await ask_all(work, models, store, settings=Settings(limits=limits))
    assert outcome.kinds("good") == {None}
    asked = [body for body in server.bodies if body["model"] == "bad"]
    assert 2 <= len(asked) <= 4
    assert len(outcome.replies["bad"]) == 100
    assert outcome.texts("bad").count(FailureKind.NOT_ASKED) == 100 - len(asked)
    assert outcome.texts("bad")[-1] == "re: question 0"  # what is kept costs nothing
    stopped = [event.candidate for event in outcome.events if isinstance(event, CandidateStopped)]
    assert stopped == ["bad"]
    assert outcome.counter.by_candidate["good"].sent == outcome.counter.by_candidate["good"].planned == 100
    assert (
        outcome.counter.by_candidate["bad"].as_json()["failed"] == len(asked) - 1
    )  # question 0 was answered


async def test_a_candidate_of_which_many_requests_in_a_row_were_given_up_is_down() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.broken() if body["model"] == "down" else None

    hasty = Settings(limits=Limits(endpoint_concurrency=2), patience=replace(SOON, attempts=2, given_up=3))
    with servers.chat_server(echo, fault=fault) as server:
        async with candidates(server.url, "down", "good") as models:
            outcome = await ask_all({name: jobs(name, range(50)) for name in models}, models, settings=hasty)
    assert outcome.kinds("good") == {None}
    given_up = outcome.texts("down").count(FailureKind.TRANSIENT)
    assert given_up in (3, 4)  # two were in flight: the other may be at its last attempt
    assert outcome.texts("down").count(FailureKind.NOT_ASKED) == 50 - given_up
    assert 6 <= sum(body["model"] == "down" for body in server.bodies) <= 8
    stopped = [event.candidate for event in outcome.events if isinstance(event, CandidateStopped)]
    assert stopped == ["down"]


async def test_requests_that_fail_here_and_there_leave_their_candidate_alone() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.broken() if int(servers.prompt_of(body).split()[-1]) % 2 else None

    hasty = Settings(limits=Limits(endpoint_concurrency=1), patience=replace(SOON, attempts=2, given_up=2))
    with servers.chat_server(echo, fault=fault) as server:
        async with candidates(server.url, "m") as models:
            outcome = await ask_all({"m": jobs("m", range(20))}, models, settings=hasty)
    assert outcome.texts().count(FailureKind.TRANSIENT) == 10
    assert FailureKind.NOT_ASKED not in outcome.kinds()


async def test_the_same_question_under_a_refused_key_is_asked_under_the_good_one() -> None:
    def refuse(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.unauthorized() if number == 0 else None

    with servers.chat_server(echo, fault=refuse, delay=0.05) as server:
        async with candidates(server.url, "m") as models:
            twins: dict[str, Model] = {"first": models["m"], "second": models["m"]}
            work = {name: jobs(name, [1]) for name in twins}
            outcome = await ask_all(work, twins)
    assert outcome.texts("first") == [FailureKind.REFUSED_KEY]
    assert outcome.texts("second") == ["re: question 1"]


# ── recorded answers ──────────────────────────────────────────────────────────────────────────────


class Notebook:
    """A candidate whose answers were written down earlier: nothing to store, nothing to count."""

    name = "old"
    endpoint = "recorded"

    def key(self, request: Request) -> None:
        return None

    async def ask(self, request: Request) -> Reply:
        if request.example == "3":
            return Failure(kind=FailureKind.NOT_RECORDED, message="nothing for 3")
        return Answer(response=f"noted {request.example}")


async def test_recorded_answers_are_neither_stored_nor_counted(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        outcome = await ask_all({"old": jobs("old", range(5))}, {"old": Notebook()}, store)
    assert outcome.texts("old") == ["noted 0", "noted 1", "noted 2", FailureKind.NOT_RECORDED, "noted 4"]
    assert set(outcome.counts.values()) == {0}


async def test_no_key_reaches_the_store(tmp_path: Path) -> None:
    secret = "sk-very-secret-0123456789"

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return (
            servers.Refuse(status=400, body=servers.error_body(f"your key {secret} is odd"))
            if number
            else None
        )

    with servers.chat_server(lambda body: f"your key is {secret}", fault=fault) as server:
        use = replace(
            hosted("m", server.url), api_key=Environment("KEY"), headers={"X-Tenant": Environment("KEY")}
        )
        async with open_session({}) as session:
            model = HostedModel(name="m", use=use, at=connect_to("m", use, {"KEY": secret}), session=session)
            with Store.open(tmp_path / "s") as store:
                await ask_all({"m": jobs("m", range(2))}, {"m": model}, store)
                files = [file.read_bytes() for file in (tmp_path / "s").iterdir()]
    assert any(b"question 1" in data for data in files)
    assert not any(secret.encode() in data for data in files)
