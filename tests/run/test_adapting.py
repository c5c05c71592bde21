"""How many an endpoint is given at once, by replies and a clock that the test makes up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.run.adapting import (
    LONGEST_REST,
    Pace,
    Refusal,
    Round,
    after_acceptance,
    after_first_call,
    after_quick_answer,
    after_refusal,
    after_round,
    begin,
    quick,
)
from evalspec.run.trials import ENOUGH, Trials

CLEAN = Round(most_in_flight=10_000)


def refused(in_flight: int, *, sent_s: float = 5.0, accepted: int = 0, left: int = 0) -> Refusal:
    return Refusal(sent_s=sent_s, in_flight=in_flight, accepted=accepted, left=left)


def timed(in_flight: int, seconds: float) -> Round:
    return Round(most_in_flight=in_flight, times_s={"m": [seconds] * 10})


# ── growing ───────────────────────────────────────────────────────────────────────────────────────


def answered(pace: Pace, took_s: float = 1.0) -> Pace:
    """The pace after as many answers as the limit, the requests of which were sent one after the other."""
    for in_flight in range(1, pace.limit + 1):
        pace = after_acceptance(pace, in_flight)
        if quick(pace, "m", took_s):
            pace = after_quick_answer(pace, in_flight)
    return pace


def test_it_begins_low_and_grows_by_each_answer() -> None:
    pace = begin(20, 200, now=0.0)
    limits = [pace.limit]
    for _ in range(6):
        pace = after_round(answered(pace), CLEAN)
        limits.append(pace.limit)
    assert limits == [20, 27, 36, 48, 64, 86, 115]
    assert pace.highest == 115


def test_half_as_many_again_as_were_in_flight_with_an_answer_are_tried_and_no_more() -> None:
    pace = begin(20, 200, now=0.0)
    for _ in range(20):
        pace = after_quick_answer(pace, 20)
    assert pace.limit == 30


def test_it_never_begins_above_the_most() -> None:
    assert begin(20, 4, now=0.0).limit == 4


def test_what_is_not_in_use_does_not_grow() -> None:
    pace = begin(20, 200, now=0.0)
    assert after_quick_answer(pace, 13) == pace
    assert after_quick_answer(pace, 14).limit == 21
    once_refused = replace(pace, doubling=False)
    assert after_round(once_refused, Round(most_in_flight=15)).limit == 20
    assert after_round(once_refused, Round(most_in_flight=16)).limit == 21


def test_server_errors_pause_the_growth_and_cut_nothing() -> None:
    pace = after_round(begin(20, 200, now=0.0), Round(most_in_flight=20, broken=True))
    assert answered(pace).limit == 20
    assert answered(after_round(pace, CLEAN)).limit == 27


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_with_more_in_flight_than_was_ever_accepted_goes_back_to_what_was() -> None:
    pace = after_acceptance(begin(40, 200, now=0.0), 20)
    cut = after_refusal(pace, refused(21), now=6.0)
    assert (cut.limit, cut.episodes, cut.refusals) == (20, 1, 1)
    assert cut.per_s is None


def test_of_many_sent_together_those_stay_that_were_not_refused() -> None:
    pace = after_acceptance(begin(20, 200, now=0.0), 1)
    for left in range(19, 4, -1):  # 5 of 20 are accepted
        pace = after_refusal(pace, refused(20, left=left), now=6.0)
    assert (pace.limit, pace.episodes, pace.refusals) == (5, 1, 15)
    assert pace.doubling  # what more would be accepted is not known yet


def test_before_the_others_are_heard_of_a_fifth_is_cut() -> None:
    assert after_refusal(begin(40, 200, now=0.0), refused(40, left=39), now=6.0).limit == 32


def test_refusals_of_what_was_sent_before_the_cut_are_of_one_episode() -> None:
    pace = after_refusal(after_acceptance(begin(40, 200, now=0.0), 32), refused(40, sent_s=5.0), now=6.0)
    for late in range(10):
        pace = after_refusal(pace, refused(40, sent_s=5.5), now=6.0 + late / 10)
    assert (pace.limit, pace.episodes, pace.refusals) == (32, 1, 11)
    assert after_refusal(pace, refused(33, sent_s=6.5), now=8.0).episodes == 2


def test_what_was_in_flight_beyond_the_limit_proves_nothing() -> None:
    pace = after_refusal(after_acceptance(begin(20, 200, now=0.0), 12), refused(20), now=6.0)
    assert after_acceptance(pace, 19).proven == 12


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
    first = after_refusal(pace, refused(4, sent_s=2.0, accepted=40), now=2.1)
    assert (first.limit, first.per_s) == (20, 18.0)  # a tenth less: some may have been saved up
    second = after_refusal(first, refused(4, sent_s=12.0, accepted=120), now=12.1)
    assert second.per_s == 12.0  # between two refusals, what is accepted is what is allowed


def test_where_next_to_nothing_was_accepted_it_allows_less_than_one_more_in_that_time() -> None:
    pace = after_acceptance(begin(20, 200, now=0.0), 20)
    pace = after_refusal(pace, refused(4, sent_s=0.1, accepted=40), now=0.1)  # all of it saved up
    rates = []
    for sent_s, accepted in ((0.105, 0), (0.11, 0), (0.12, 0), (0.14, 0), (0.18, 0), (0.28, 1)):
        pace = after_refusal(pace, refused(2, sent_s=sent_s, accepted=accepted), now=sent_s)
        rates.append(round(pace.per_s or 0, 1))
    assert rates == [200.0, 100.0, 50.0, 25.0, 12.5, 11.1]
    assert after_refusal(pace, refused(2, sent_s=0.6, accepted=5), now=0.6).per_s == pytest.approx(10.0)


def test_while_no_rate_is_known_each_answer_makes_it_faster() -> None:
    pace = replace(begin(20, 200, now=0.0), per_s=0.2, searching=True)
    assert after_acceptance(pace, 1).per_s == pytest.approx(0.3)
    assert after_round(pace, CLEAN).per_s == 0.2


def test_a_server_that_takes_nothing_is_still_asked_now_and_then() -> None:
    pace = replace(begin(20, 200, now=0.0), per_s=0.5, searching=True, proven=20)
    assert after_refusal(pace, refused(1, sent_s=500.0), now=500.0).per_s == 0.2


def test_a_learnt_rate_grows_faster_the_longer_nothing_is_refused() -> None:
    pace = after_acceptance(begin(20, 200, now=0.0), 20)
    pace = after_refusal(pace, refused(4, sent_s=2.0, accepted=40), now=2.0)
    rates = []
    for _ in range(8):
        pace = after_round(pace, Round(most_in_flight=3))
        rates.append(pace.per_s or 0)
    steps = [round(b / a - 1, 6) for a, b in pairwise(rates)]
    assert steps == sorted(steps)
    assert max(steps) <= 0.2501


def test_a_server_that_refuses_by_chance_is_not_asked_slower_and_slower() -> None:
    pace = replace(after_acceptance(begin(20, 200, now=0.0), 20), per_s=2.0)
    assert after_refusal(pace, refused(1, sent_s=10.0, accepted=6), now=10.0).per_s is not None
    found = replace(pace, trials=Trials(since_s=0.0, against=ENOUGH))
    assert after_refusal(found, refused(1, sent_s=10.0, accepted=6), now=10.0).per_s is None


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
        ended = server.round(pace.limit)
        pace = after_round(answered(pace, server.seen[-1]), ended)
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
    assert answered(after_round(pace, timed(20, 0.030)), 0.030).limit == 27
    assert answered(after_round(pace, timed(20, 0.060)), 0.060).limit < 20


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
                pace = after_quick_answer(after_acceptance(pace, in_flight), in_flight)
        assert 1 <= pace.limit <= most
        assert pace.limit <= pace.highest <= most
        assert pace.per_s is None or pace.per_s > 0
