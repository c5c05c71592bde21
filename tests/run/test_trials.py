"""Whether refusals have to do with the pace: a server with a rate takes as much when it is asked slowly."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from evalspec.run.trials import Trials, after_refused


def asked(speeds: Iterable[float], refused_of_ten: Iterable[int]) -> Trials:
    """The trials after ten requests at each speed (a second), so many of which were refused."""
    trials, now, accepted, refused = Trials(since_s=0.0), 0.0, 0, 0
    for speed, share in zip(speeds, refused_of_ten, strict=True):
        for number in range(10):
            now += 1 / speed
            if number * share % 10 < share:
                refused += 1
                trials = after_refused(trials, accepted, refused, now)
            else:
                accepted += 1
    return trials


def test_who_refuses_half_at_any_speed_refuses_by_chance() -> None:
    assert asked([100, 100, 40, 20, 10, 5, 2, 1], [5] * 8).by_chance


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_who_takes_so_many_a_second_does_not(rate: float) -> None:
    speeds = [rate * faster for faster in (10, 10, 5, 4, 3, 2.5, 2, 2, 1.5, 1.25)]
    assert not asked(speeds, [round(10 * (1 - rate / speed)) for speed in speeds]).by_chance


def test_a_refusal_now_and_then_is_not_looked_into() -> None:
    trials = asked([100, 100, 40, 20, 10, 5, 2, 1], [1] * 8)
    assert (trials.fastest, trials.against) == ((0.0, 0.0), 0)


def test_what_was_found_out_stays() -> None:
    found = asked([100, 100, 40, 20, 10, 5, 2, 1], [5] * 8)
    assert after_refused(found, 10_000, 10_000, 1e6) is found
