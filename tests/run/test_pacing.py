"""Rates and pauses, by a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.run.pacing import Pause, drawn, full_bucket, paused, wait_for, wait_to_send


def sent_within(rate: float, seconds: float) -> int:
    """How many requests go out in so many seconds by someone who always sends as soon as allowed."""
    bucket, now, sent = full_bucket(rate, 0.0), 0.0, 0
    while now <= seconds:
        wait = wait_for(bucket, now)
        if wait == 0:
            bucket, sent = drawn(bucket, now), sent + 1
        now += max(wait, 1e-9) if wait else 0.0
    return sent


def test_one_seconds_worth_goes_at_once_and_then_it_flows_evenly() -> None:
    bucket = full_bucket(4.0, 10.0)
    for _ in range(4):
        assert wait_for(bucket, 10.0) == 0
        bucket = drawn(bucket, 10.0)
    assert wait_for(bucket, 10.0) == 0.25
    assert wait_for(bucket, 10.125) == 0.125
    assert wait_for(bucket, 10.25) == 0


def test_a_bucket_never_holds_more_than_a_second_however_long_it_rests() -> None:
    bucket = full_bucket(4.0, 0.0)
    for _ in range(4):
        bucket = drawn(bucket, 1_000.0)
    assert wait_for(bucket, 1_000.0) == 0.25


def test_a_rate_below_one_a_second_lets_one_through_and_then_waits() -> None:
    bucket = drawn(full_bucket(0.1, 0.0), 0.0)
    assert wait_for(bucket, 0.0) == pytest.approx(10.0)
    assert wait_for(drawn(bucket, 10.0), 10.0) == pytest.approx(10.0)


@given(st.floats(0.5, 50), st.floats(1, 20))
def test_no_more_than_the_rate_and_one_second_of_it(rate: float, seconds: float) -> None:
    assert sent_within(rate, seconds) <= rate * seconds + max(1.0, rate) + 1e-6


def test_pauses_overlap_and_the_longest_counts() -> None:
    pause = paused(paused(Pause(), 5.0, now=100.0), 1.0, now=101.0)
    assert wait_to_send(pause, [], 101.0) == 4.0
    assert wait_to_send(pause, [], 105.0) == 0
    assert wait_to_send(Pause(), [], -1e9) == 0


def test_whatever_stands_longest_in_the_way_decides() -> None:
    slow = drawn(full_bucket(0.5, 0.0), 0.0)
    fast = drawn(full_bucket(1.0, 0.0), 0.0)
    assert wait_to_send(Pause(), [slow, fast], 0.0) == 2.0
    assert wait_to_send(Pause(3.0), [slow, fast], 0.0) == 3.0
