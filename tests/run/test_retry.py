"""Which failures are asked again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.models.model import Failure, FailureKind
from evalspec.run.retry import Patience, next_wait

PATIENT = Patience()


def wait(
    kind: FailureKind = FailureKind.TRANSIENT,
    *,
    asked: float | None = None,
    attempt: int = 1,
    elapsed: float = 0.0,
    chance: float = 1.0,
    patience: Patience = PATIENT,
) -> float | None:
    return next_wait(Failure(kind=kind, message="", wait_s=asked), attempt, elapsed, chance, patience)


def test_only_what_may_pass_is_asked_again() -> None:
    again = {kind for kind in FailureKind if wait(kind) is not None}
    assert again == {FailureKind.TRANSIENT, FailureKind.RATE_LIMITED, FailureKind.TIMEOUT}


def test_what_is_worth_few_attempts_gets_no_more() -> None:
    redirected = Failure(kind=FailureKind.TRANSIENT, message="", attempts=3)
    waits = [next_wait(redirected, n, 0.0, 1.0, PATIENT) for n in (1, 2, 3)]
    assert waits == [0.5, 1.0, None]
    assert next_wait(redirected, 2, 0.0, 1.0, Patience(attempts=2)) is None


def test_the_longest_wait_doubles_up_to_half_a_minute() -> None:
    assert [wait(attempt=n) for n in range(1, 9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, None]


def test_where_others_are_answered_it_is_tried_more_often_and_waits_less_long() -> None:
    def waits(kind: FailureKind) -> list[float | None]:
        failure = Failure(kind=kind, message="")
        return [next_wait(failure, n, 0.0, 1.0, PATIENT, living=True) for n in range(1, 13)]

    assert waits(FailureKind.TRANSIENT) == [0.5, 1.0, 2.0, 4.0, *[8.0] * 7, None]
    redirected = Failure(kind=FailureKind.TRANSIENT, message="", attempts=3)
    assert next_wait(redirected, 11, 0.0, 1.0, PATIENT, living=True) == 8.0
    assert waits(FailureKind.TIMEOUT) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, *[None] * 5]


def test_chance_spreads_the_waits_over_all_of_it() -> None:
    assert [wait(attempt=4, chance=c) for c in (0.0, 0.25, 1.0)] == [0.0, 1.0, 4.0]


def test_the_servers_wait_is_kept_and_never_cut_short_by_chance() -> None:
    assert wait(FailureKind.RATE_LIMITED, asked=7.0, chance=0.0) == 7.0
    assert wait(FailureKind.RATE_LIMITED, asked=7.0, chance=1.0) == pytest.approx(7.7)
    assert wait(FailureKind.RATE_LIMITED, asked=60.0, chance=1.0) == 61.0


def test_a_wait_beyond_two_minutes_is_taken_as_two_minutes() -> None:
    assert wait(FailureKind.RATE_LIMITED, asked=86_400.0, chance=0.0) == 120.0


@pytest.mark.parametrize("asked", [0.0, -3.0])
def test_no_wait_at_all_is_no_word_from_the_server(asked: float) -> None:
    assert wait(asked=asked, attempt=2) == 1.0


def test_it_ends_after_so_many_attempts_or_so_much_time() -> None:
    assert wait(attempt=2, patience=Patience(attempts=2)) is None
    assert wait(elapsed=599.0, chance=1.0) == 0.5
    assert wait(elapsed=599.8, chance=1.0) is None


@given(
    st.sampled_from(FailureKind),
    st.none() | st.floats(-10, 1e6),
    st.integers(1, 20),
    st.floats(0, 700),
    st.floats(0, 1),
)
def test_a_wait_is_never_negative_nor_too_long(
    kind: FailureKind, asked: float | None, attempt: int, elapsed: float, chance: float
) -> None:
    found = wait(kind, asked=asked, attempt=attempt, elapsed=elapsed, chance=chance)
    assert found is None or 0 <= found <= 121
    assert found is None or elapsed + found <= 600
