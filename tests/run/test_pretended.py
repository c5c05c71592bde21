"""What the limiter makes of whole servers, in pretended time: how much of what they allow, at what cost."""

from __future__ import annotations

import pytest

from run.pretended import Server, ask


@pytest.mark.parametrize("tells_wait", [True, False])
@pytest.mark.parametrize("delay_s", [0.05, 0.3, 0.4, 1.8])
def test_nearly_all_is_used_of_20_in_flight_and_600_a_minute(delay_s: float, tells_wait: bool) -> None:
    server = Server(delay_s=delay_s, in_flight=20, per_minute=600, tells_wait=tells_wait)
    ask(server, 600)
    assert server.served == 600
    assert server.share_used >= 0.95
    assert server.refused <= 45  # half of them the first 20, sent together, before anything is known


@pytest.mark.parametrize("delay_s", [0.02, 0.05, 0.1])
def test_however_chance_has_it_the_rate_is_found_and_kept_to(delay_s: float) -> None:
    for seed in range(40):
        server = Server(delay_s=delay_s, in_flight=20, per_minute=600, tells_wait=seed % 2 == 0)
        ask(server, 600, seed=seed)
        assert server.share_used >= 0.95, seed
        assert server.refused <= 45, seed


@pytest.mark.parametrize(("slots", "refused", "share"), [(5, 30, 0.93), (20, 25, 0.97), (100, 60, 0.85)])
def test_a_server_with_so_many_places_is_given_as_many(slots: int, refused: int, share: float) -> None:
    server = Server(delay_s=0.2, in_flight=slots)
    run = ask(server, slots * 60)
    assert run.endpoint.limit in range(slots * 9 // 10, slots + 6)
    assert server.share_used >= share
    assert server.refused <= refused


@pytest.mark.parametrize("tells_wait", [True, False])
@pytest.mark.parametrize("delay_s", [0.05, 0.5])
def test_a_server_that_counts_by_the_minute_loses_nothing(delay_s: float, tells_wait: bool) -> None:
    server = Server(delay_s=delay_s, per_minute=600, windows=True, tells_wait=tells_wait)
    run = ask(server, 1500)
    assert (server.served, run.given_up) == (1500, 0)
    assert run.now <= 150
    assert server.refused <= 300  # up to 200 are sent together when the minute is used up


@pytest.mark.parametrize("tells_wait", [True, False])
def test_a_server_that_takes_one_a_second_and_saves_nothing_up_loses_nothing(tells_wait: bool) -> None:
    server = Server(delay_s=0.5, per_minute=60, burst=1, tells_wait=tells_wait)
    run = ask(server, 200)
    assert (server.served, run.given_up) == (200, 0)
    assert server.share_used >= 0.75
    assert server.refused <= 50


def test_a_server_that_refuses_nothing_is_given_all_it_may_get() -> None:
    run = ask(Server(delay_s=0.2), 2000)
    assert run.endpoint.as_json()["highest"] == 200
    assert run.now <= 3.5


@pytest.mark.parametrize("slots", [8, 30, 64])
def test_a_server_that_queues_is_kept_busy_and_its_queue_short(slots: int) -> None:
    server = Server(delay_s=0.2, slots=slots)
    run = ask(server, 3000)
    assert run.now <= 1.08 * 3000 / slots * 0.2
    assert 0.2 + server.waited_s / server.served <= 0.35  # 20 at the first try are 0.5 s where 8 have room
