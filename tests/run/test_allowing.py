"""What is left of limits that a server tells of, by a clock that the test moves, and by a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

import servers
from evalspec.models.allowances import Allowance, Counted
from evalspec.models.model import Answer
from evalspec.run.allowing import LONGEST_S, Left, drawn, heard, wait_for
from evalspec.run.execute import Settings, execute
from evalspec.store.store import Store
from evalspec.text.values import Json
from run.pretended import Server, ask
from run.questions import SOON, ask_all, candidates, jobs


def told(limit: float, left: float, full_in_s: float) -> Allowance:
    return Allowance(Counted.REQUESTS, limit, left, full_in_s)


def first(allowance: Allowance, *, since: float = 0.0, now: float = 100.0) -> Left:
    return heard(None, allowance, since, now, now)


def test_what_is_left_may_be_sent_at_once_and_then_as_it_grows_back() -> None:
    left = first(told(60, 2, 58.0))  # 58 used, one a second
    for _ in range(2):
        assert wait_for(left, 100.0, 1) == 0
        left = drawn(left, 100.0, 1)
    assert wait_for(left, 100.0, 1) == pytest.approx(1.0, rel=0.01)
    assert wait_for(left, 101.1, 1) == 0


def test_what_was_sent_meanwhile_is_no_longer_there_and_what_grew_back_is() -> None:
    left = heard(None, told(60, 5, 55.0), 5, 100.0, 100.0)
    assert wait_for(left, 100.0, 1) == pytest.approx(1.0, rel=0.01)
    assert wait_for(heard(None, told(60, 5, 55.0), 5, 98.0, 100.0), 100.0, 1) == 0


def test_a_moment_that_moves_on_means_a_limit_that_grows_back_evenly() -> None:
    left = first(told(60, 30, 30.0))
    for second in range(1, 11):  # as much is sent as grows back
        left = heard(left, told(60, 30, 30.0), 0, 100.0 + second, 100.0 + second)
    assert not left.by_window


def test_a_moment_that_stands_still_means_that_all_is_back_when_it_comes_and_nothing_before() -> None:
    left = first(told(60, 59, 60.0))
    for second in range(1, 31):
        left = heard(left, told(60, 59 - second, 60.0 - second), 0, 100.0 + second, 100.0 + second)
    left = drawn(left, 130.0, 29)
    assert left.by_window
    assert wait_for(left, 130.0, 1) == pytest.approx(30.0, rel=0.01)
    assert wait_for(left, 160.0, 1) == 0
    for _ in range(60):
        assert wait_for(left, 160.0, 1) == 0
        left = drawn(left, 160.0, 1)
    assert wait_for(left, 160.0, 1) > 0  # a second time only when it is told


def test_after_a_minute_without_a_word_it_is_tried() -> None:
    left = first(told(200, 0, 86_400.0))
    assert wait_for(left, 100.0, 1) == LONGEST_S
    assert wait_for(left, 100.0 + LONGEST_S, 1) == 0


def test_one_that_takes_more_than_the_limit_waits_for_all_of_it() -> None:
    assert wait_for(first(told(1000, 500, 30.0)), 100.0, 5000) == pytest.approx(30.0, rel=0.01)


# ── whole servers, in pretended time ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("delay_s", [0.05, 0.4, 1.8])
def test_who_is_told_what_is_left_is_hardly_ever_refused(delay_s: float) -> None:
    server = Server(delay_s=delay_s, in_flight=20, per_minute=600, tells_wait=False, tells_left=True)
    ask(server, 600)
    assert server.share_used >= 0.95
    assert server.refused <= 6


@pytest.mark.parametrize("delay_s", [0.05, 0.4, 1.8])
def test_a_minute_that_is_used_up_is_waited_for(delay_s: float) -> None:
    server = Server(delay_s=delay_s, per_minute=600, windows=True, tells_wait=False, tells_left=True)
    run = ask(server, 1500)
    assert server.refused == 0
    assert run.now <= 130


# ── over a real socket ────────────────────────────────────────────────────────────────────────────


class Account:
    """So many requests (or tokens) at once, and so many more a second: told with each answer."""

    def __init__(self, limit: int, per_s: float, counted: str = "requests", each: float = 1.0) -> None:
        self.limit, self.per_s, self.counted, self.each = limit, per_s, counted, each
        self.level, self.at = float(limit), 0.0
        self.refused = 0

    @web.middleware
    async def watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        now = anyio.current_time()
        self.level = min(self.limit, self.level + (now - self.at) * self.per_s)
        self.at = now
        if self.level < self.each:
            self.refused += 1
            return web.json_response({"error": {"message": "slower"}}, status=429)
        self.level -= self.each
        left, full_in_s = int(self.level), (self.limit - self.level) / self.per_s
        response: web.StreamResponse = await handler(request)
        response.headers[f"x-ratelimit-limit-{self.counted}"] = str(self.limit)
        response.headers[f"x-ratelimit-remaining-{self.counted}"] = str(left)
        response.headers[f"x-ratelimit-reset-{self.counted}"] = f"{full_in_s:.3f}s"
        return response


@pytest.mark.anyio
async def test_headers_of_good_answers_slow_it_down_and_stand_in_the_record(tmp_path: Path) -> None:
    account, pacing = Account(30, 40.0), dict[str, Json]()
    replies: list[object] = []
    with servers.chat_server(middlewares=[account.watch]) as server:
        async with candidates(server.url, "m") as models:
            await execute(
                {"m": jobs("m", range(90))},
                models,
                None,
                settings=Settings(patience=SOON),
                on_result=lambda job, reply: replies.append(reply),
                on_event=lambda event: None,
                stop=anyio.Event(),
                on_paced=pacing.update,
            )
    assert all(isinstance(reply, Answer) for reply in replies)
    assert len(replies) == 90
    assert account.refused <= 20  # some 30 where nothing is told
    (paced,) = pacing.values()
    assert isinstance(paced, dict)
    requests = paced["told"]["requests"]  # type: ignore[index, call-overload]
    assert requests["limit"] == 30  # type: ignore[index, call-overload]
    assert requests["per_min"] == pytest.approx(2400, rel=0.3)  # type: ignore[index, call-overload]


@pytest.mark.anyio
async def test_what_was_left_is_not_kept(tmp_path: Path) -> None:
    with servers.chat_server(middlewares=[Account(30, 40.0).watch]) as server:
        async with candidates(server.url, "m") as models:
            with Store.open(tmp_path / "s") as store:
                once = await ask_all({"m": jobs("m", [1])}, models, store)
                again = await ask_all({"m": jobs("m", [1])}, models, store)
    first_one, second = once.replies["m"][0], again.replies["m"][0]
    assert isinstance(first_one, Answer)
    assert isinstance(second, Answer)
    assert first_one.told
    assert second.told == ()


@pytest.mark.anyio
async def test_tokens_that_are_told_to_be_left_hold_requests_back() -> None:
    account = Account(400, 800.0, "tokens", each=20.0)
    took = servers.Reply(text="ok", input_tokens=15, output_tokens=5)
    with servers.chat_server(lambda body: took, middlewares=[account.watch]) as server:
        async with candidates(server.url, "m") as models:
            outcome = await ask_all({"m": jobs("m", range(80))}, models)
    assert outcome.kinds("m") == {None}
    assert account.refused <= 20  # some 30 where nothing is told
