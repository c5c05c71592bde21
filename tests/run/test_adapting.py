"""How many an endpoint is given at once, by replies and a clock that the test makes up."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from evalspec.run.adapting import (
    LONGEST_REST,
    Pace,
    Refusal,
    Round,
    after_acceptance,
    after_first_call,
    after_refusal,
    after_round,
    begin,
)

CLEAN = Round(most_in_flight=10_000)


def refused(in_flight: int, *, sent_s: float = 5.0, accepted: int = 0) -> Refusal:
    return Refusal(sent_s=sent_s, in_flight=in_flight, accepted=accepted)


def timed(in_flight: int, seconds: float) -> Round:
    return Round(most_in_flight=in_flight, times_s={"m": [seconds] * 10})


# ── growing ───────────────────────────────────────────────────────────────────────────────────────


def test_it_begins_low_and_doubles_after_each_clean_round_up_to_the_most() -> None:
    pace = begin(20, 200, now=0.0)
    limits = [pace.limit]
    for _ in range(4):
        pace = after_round(pace, CLEAN)
        limits.append(pace.limit)
    assert limits == [20, 40, 80, 160, 200]
    assert pace.highest == 200


def test_it_never_begins_above_the_most() -> None:
    assert begin(20, 4, now=0.0).limit == 4


def test_what_is_not_in_use_does_not_grow() -> None:
    pace = begin(20, 200, now=0.0)
    assert after_round(pace, Round(most_in_flight=15)).limit == 20
    assert after_round(pace, Round(most_in_flight=16)).limit == 40


def test_server_errors_pause_the_growth_and_cut_nothing() -> None:
    pace = begin(20, 200, now=0.0)
    assert after_round(pace, Round(most_in_flight=20, broken=True)) == pace


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_with_more_in_flight_than_was_ever_accepted_goes_back_to_what_was() -> None:
    pace = after_acceptance(begin(40, 200, now=0.0), 20)
    cut = after_refusal(pace, refused(21), now=6.0)
    assert (cut.limit, cut.episodes, cut.refusals) == (20, 1, 1)
    assert cut.per_s is None


def test_without_much_accepted_yet_a_fifth_is_cut() -> None:
    assert after_refusal(begin(40, 200, now=0.0), refused(40), now=6.0).limit == 32


def test_refusals_of_what_was_sent_before_the_cut_are_of_one_episode() -> None:
    pace = after_refusal(begin(40, 200, now=0.0), refused(40, sent_s=5.0), now=6.0)
    for late in range(10):
        pace = after_refusal(pace, refused(40, sent_s=5.5), now=6.0 + late / 10)
    assert (pace.limit, pace.episodes, pace.refusals) == (32, 1, 11)
    assert after_refusal(pace, refused(32, sent_s=6.5), now=8.0).limit == 25


def test_after_a_refusal_it_grows_by_a_twentieth_and_rests_longer_each_time() -> None:
    pace, rests = after_acceptance(begin(100, 200, now=0.0), 60), []
    for episode in range(8):
        now = 10.0 * (episode + 1)
        pace = after_refusal(pace, refused(pace.limit + 1, sent_s=now), now=now)
        before, rounds = pace.limit, 0
        while pace.limit == before:
            pace, rounds = after_round(pace, CLEAN), rounds + 1
        assert pace.limit == before + max(1, before // 20)
        rests.append(rounds - 1)
    assert rests == [1, 2, 4, 8, *[LONGEST_REST] * 4]


def test_a_refusal_with_few_in_flight_means_too_fast_and_what_was_accepted_becomes_the_rate() -> None:
    pace = after_acceptance(begin(20, 200, now=0.0), 20)
    first = after_refusal(pace, refused(4, sent_s=2.0, accepted=40), now=2.0)
    assert (first.limit, first.per_s) == (20, 10.0)  # half of what was accepted: some may have been saved up
    second = after_refusal(first, refused(4, sent_s=12.0, accepted=120), now=12.0)
    assert second.per_s == 12.0  # between two refusals, what is accepted is what is allowed
    assert after_refusal(second, refused(4, sent_s=12.5, accepted=4), now=12.5).per_s == 12.0


def test_a_learnt_rate_grows_faster_the_longer_nothing_is_refused() -> None:
    pace = after_acceptance(begin(20, 200, now=0.0), 20)
    pace = after_refusal(pace, refused(4, sent_s=2.0, accepted=40), now=2.0)
    rates = []
    for _ in range(8):
        pace = after_round(pace, Round(most_in_flight=3))
        rates.append(pace.per_s or 0)
    steps = [b / a - 1 for a, b in pairwise(rates)]
    assert steps == sorted(steps)
    assert max(steps) <= 0.2501


def test_a_server_that_refuses_at_any_rate_is_not_asked_slower_and_slower() -> None:
    pace = after_acceptance(begin(20, 200, now=0.0), 20)
    for episode in range(1, 12):
        now = 10.0 * episode
        pace = after_refusal(pace, refused(1, sent_s=now, accepted=1000 // 2**episode + 6), now=now)
    assert pace.per_s is None


# ── servers that queue ────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Queue:
    """A server that works on `slots` at once for a second each and lets the rest wait."""

    slots: int
    alone_s: float = 1.0
    seen: list[float] = field(default_factory=list)

    def round(self, limit: int) -> Round:
        self.seen.append(self.alone_s * max(1.0, limit / self.slots))
        return timed(limit, self.seen[-1])


def settled(pace: Pace, server: Queue, rounds: int = 40) -> Pace:
    for _ in range(rounds):
        pace = after_round(pace, server.round(pace.limit))
    return pace


def test_a_server_that_queues_is_given_what_it_works_on_and_little_more() -> None:
    for slots in (4, 8, 30, 64, 100):
        server = Queue(slots)
        pace = settled(after_first_call(begin(20, 200, now=0.0), "m", 1.0), server)
        assert slots * 0.75 <= pace.limit <= slots * 1.6
        assert server.seen[-1] <= 1.6


def test_a_candidate_that_takes_long_by_itself_gets_its_limit_back() -> None:
    pace = Pace(limit=20, most=200, unloaded_s={"m": 1.0})
    cut = after_round(pace, timed(20, 3.0))
    assert cut.limit < 20
    drained = after_round(cut, timed(cut.limit, 3.0))
    back = after_round(drained, timed(cut.limit, 3.0))
    assert back.limit == 20
    assert after_round(back, timed(20, 3.0)).limit > 20


def test_a_fast_server_is_not_slow_by_some_milliseconds() -> None:
    pace = Pace(limit=20, most=200, unloaded_s={"m": 0.001})
    assert after_round(pace, timed(20, 0.030)).limit == 40


# ── whatever comes ────────────────────────────────────────────────────────────────────────────────

STEP = st.one_of(
    st.builds(
        Round,
        most_in_flight=st.integers(0, 300),
        refused=st.booleans(),
        broken=st.booleans(),
        times_s=st.dictionaries(
            st.sampled_from("ab"), st.lists(st.floats(0.001, 600), max_size=8), max_size=2
        ),
    ),
    st.builds(
        Refusal, sent_s=st.floats(0, 1e4), in_flight=st.integers(1, 300), accepted=st.integers(0, 10_000)
    ),
    st.integers(1, 300),
)


@given(st.integers(1, 50), st.integers(1, 300), st.lists(STEP, max_size=40))
def test_the_limit_stays_between_one_and_the_most(
    first: int, most: int, steps: list[Round | Refusal | int]
) -> None:
    pace, now = begin(first, most, now=0.0), 0.0
    for step in steps:
        now += 1.0
        match step:
            case Round():
                pace = after_round(pace, step)
            case Refusal():
                pace = after_refusal(pace, step, now)
            case in_flight:
                pace = after_acceptance(pace, in_flight)
        assert 1 <= pace.limit <= most
        assert pace.limit <= pace.highest <= most
        assert pace.per_s is None or pace.per_s > 0
