"""How many examples would tell two candidates apart, and what is said where a leaderboard's choice is out."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist

import pytest

from evalspec.metrics import Estimate, paired_difference
from evalspec.score.findings import leaderboards
from evalspec.score.ranking import n_needed
from score.worlds import DATASET, labelled, says, scored

Z = NormalDist().inv_cdf


def test_costs_need_their_spread_over_their_difference_squared() -> None:
    found = Estimate(value=0.04, low=-0.03, high=0.11, se=0.035, n=312)
    needed = ((Z(0.975) + Z(0.8)) * 0.035 / 0.04) ** 2 * 312
    assert n_needed(found, 1) == math.ceil(needed)
    shared = ((Z(1 - 0.05 / 12) + Z(0.8)) * 0.035 / 0.04) ** 2 * 312
    assert n_needed(found, 6) == math.ceil(shared)


def test_where_every_example_differs_alike_a_sign_test_says_how_many() -> None:
    found = paired_difference([2.0, 3, 4], [1.0, 2, 3])
    assert n_needed(found, 1) == 6  # 2 / 2⁶ is below .05, 2 / 2⁵ is not
    assert n_needed(paired_difference([1.0], [0.5]), 1) is None


def test_what_was_not_enough_is_not_what_is_needed() -> None:
    found = Estimate(value=1.0, low=0.5, high=1.5, se=0.25, n=40)
    assert n_needed(found, 1) == 41


@pytest.mark.parametrize("value", [None, 0.0])
def test_no_difference_needs_no_number(value: float | None) -> None:
    assert n_needed(Estimate(value=value, low=None, high=None, se=0.1, n=50), 1) is None


def test_a_difference_within_rounding_needs_no_number() -> None:
    assert n_needed(Estimate(value=1e-12, low=None, high=None, se=0.1, n=50), 1) is None


def test_a_leaderboards_choice_that_is_out_is_told_with_its_reason(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 100)
    for by, right in (("famous", 40), ("plain", 90)):
        says(tmp_path, ["a"] * right + ["b"] * (100 - right), by=by)
    models = "".join(f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in ("famous", "plain"))
    bound = "require { accuracy >= 80% };"
    task = f"task t {{ data = d; answer = one_of(label); rank = accuracy; {bound} }}\n"
    found = scored(tmp_path, DATASET + models + task + "leaderboard mmlu { famous = 90; plain = 50 }")
    (sentence,) = leaderboards(found)
    assert sentence.startswith(
        "By mmlu one would choose famous, but famous is out: accuracy >= 80% is not met"
    )
