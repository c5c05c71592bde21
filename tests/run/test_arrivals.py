"""When requests of a latency pass are due: known beforehand, alike for all candidates, Poisson."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from evalspec.run.arrivals import Block, Load, blocks_of, requests_of_each

MINUTE = 60_000_000_000
LOAD = Load(rate_per_s=4.0, in_flight=None, duration_ns=MINUTE, warmup=10)


def of(blocks: tuple[Block, ...], name: str) -> list[Block]:
    return [block for block in blocks if block.candidate == name]


def test_every_candidate_has_the_same_arrivals_about_the_same_examples() -> None:
    blocks = blocks_of(LOAD, ["a", "b", "c"], "seed")
    seen = [
        [[(a.due_ns - b.begins_ns, a.number, a.warmup) for a in b.arrivals] for b in of(blocks, name)]
        for name in "abc"
    ]
    assert seen[0] == seen[1] == seen[2]
    numbers = [number for block in seen[0] for _, number, _ in block]
    assert numbers == list(range(requests_of_each(blocks, 3)))


def test_candidates_take_turns_and_none_is_always_the_first() -> None:
    blocks = blocks_of(LOAD, ["a", "b", "c"], "seed")
    assert [b.candidate for b in blocks] == ["a", "b", "c", "b", "c", "a", "c", "a", "b", "a", "b", "c"]
    assert all(one.ends_ns == other.begins_ns for one, other in pairwise(blocks))
    assert all(b.begins_ns <= a.due_ns < b.ends_ns for b in blocks for a in b.arrivals)


def test_each_block_begins_with_requests_that_warm_up_and_then_lasts_its_part() -> None:
    for block in of(blocks_of(LOAD, ["a", "b"], "seed"), "a"):
        assert [a.warmup for a in block.arrivals[:11]] == [True] * 10 + [False]
        assert block.ends_ns - block.arrivals[9].due_ns == MINUTE // 4


def test_one_candidate_alone_is_asked_without_a_break() -> None:
    (block,) = blocks_of(LOAD, ["a"], "seed")
    assert block.ends_ns - block.arrivals[9].due_ns == MINUTE


def test_arrivals_are_those_of_a_poisson_process() -> None:
    """As many in each second as its variance, and gaps whose spread is their mean."""
    load = Load(rate_per_s=50.0, in_flight=None, duration_ns=10 * MINUTE, warmup=0)
    (block,) = blocks_of(load, ["a"], "seed")
    dues = [a.due_ns for a in block.arrivals]
    gaps = [(b - a) / 1e9 for a, b in pairwise(dues)]
    assert len(dues) == pytest.approx(30_000, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.03)
    each_second = [0] * 600
    for due in dues:
        each_second[due // 1_000_000_000] += 1
    assert statistics.variance(each_second) == pytest.approx(50, rel=0.15)


def test_the_seed_alone_decides() -> None:
    assert blocks_of(LOAD, ["a", "b"], "1") == blocks_of(LOAD, ["a", "b"], "1")
    assert blocks_of(LOAD, ["a", "b"], "1") != blocks_of(LOAD, ["a", "b"], "2")


def test_a_load_in_flight_has_no_arrivals_but_turns() -> None:
    load = Load(rate_per_s=None, in_flight=8, duration_ns=MINUTE)
    blocks = blocks_of(load, ["a", "b"], "seed")
    assert {b.arrivals for b in blocks} == {()}
    assert sum(b.ends_ns - b.begins_ns for b in of(blocks, "a")) == MINUTE
