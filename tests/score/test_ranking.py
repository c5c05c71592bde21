"""Who comes first, what separates candidates, and where the data separate none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from score.worlds import DATASET, Json, candidate, labelled, metric, says, scored

COSTS = "costs c { right = 0; wrong = 10; abstain = 2 }\n"
RNG = np.random.default_rng(3)


def spec(*names: str, rank: str = "accuracy", more: str = "", costs: str = COSTS) -> str:
    models = "".join(f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in names)
    task = (
        f"task t {{ data = d; answer = one_of(label); {'costs = c;' if costs else ''} {more} rank = {rank} }}"
    )
    return DATASET + models + costs + task


def answers(folder: Path, by: str, right: Sequence[bool], **more: Any) -> None:
    """Answers to examples that are all `a`."""
    confidence = more.pop("confidence", None)
    says(folder, ["a" if r else "b" for r in right], confidence, by=by, **more)


def pair(task: Json, name: str, a: str, b: str) -> Json:
    (found,) = [p for p in task["pairs"] if p["metric"] == name and {p["a"], p["b"]} == {a, b}]
    result: Json = found
    return result


# ── pairs ─────────────────────────────────────────────────────────────────────────────────────────


def test_few_discordant_pairs_have_bonett_prices_interval_and_mcnemars_mid_p(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 100)
    answers(tmp_path, "x", [True] * 90 + [False] * 10)
    answers(tmp_path, "y", [True] * 75 + [False] * 15 + [True] * 3 + [False] * 7)
    found = pair(scored(tmp_path, spec("x", "y")), "accuracy", "x", "y")
    p, q = 16 / 102, 4 / 102
    half = NormalDist().inv_cdf(0.975) * math.sqrt((p + q - (p - q) ** 2) / 102)
    assert (found["a"], found["b"]) == ("x", "y")
    assert found["difference"]["value"] == pytest.approx(0.12)
    assert found["difference"]["n"] == 100
    assert (found["difference"]["low"], found["difference"]["high"]) == pytest.approx(
        (p - q - half, p - q + half)
    )
    exact = mcnemar([[0, 15], [3, 0]], exact=True).pvalue
    assert found["p_value"] == pytest.approx(exact - stats.binom.pmf(3, 18, 0.5))
    assert found["p_adjusted"] == found["p_value"]
    assert found["distinguished"] is True
    assert found["n_needed"] is None


def test_many_discordant_pairs_have_the_t_interval(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 200)
    x, y = RNG.random(200) < 0.8, RNG.random(200) < 0.6
    answers(tmp_path, "x", x.tolist())
    answers(tmp_path, "y", y.tolist())
    found = pair(scored(tmp_path, spec("x", "y")), "accuracy", "x", "y")
    d = x.astype(float) - y.astype(float)
    half = stats.t.ppf(0.975, 199) * stats.sem(d)
    assert (found["difference"]["low"], found["difference"]["high"]) == pytest.approx(
        (d.mean() - half, d.mean() + half)
    )


def test_costs_are_compared_by_flipping_signs(tmp_path: Path) -> None:
    """8 examples on which the costs differ: of 2**8 patterns of signs, those as far from 0 as this one."""
    labelled(tmp_path, ["a"] * 40)
    answers(tmp_path, "x", [True] * 40)
    answers(tmp_path, "y", [True] * 32 + [False] * 8)
    found = pair(scored(tmp_path, spec("x", "y", rank="expected_cost")), "expected_cost", "x", "y")
    assert found["p_value"] == pytest.approx(2 / 2**8)
    assert found["difference"]["value"] == pytest.approx(-2.0)
    d = np.repeat([0.0, -10.0], [32, 8])
    half = stats.t.ppf(0.975, 39) * stats.sem(d)
    assert (found["difference"]["low"], found["difference"]["high"]) == pytest.approx((-2 - half, -2 + half))


def test_p_values_are_adjusted_by_holm_over_the_pairs_of_a_metric(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 120)
    for name, share in (("x", 0.9), ("y", 0.8), ("z", 0.65)):
        answers(tmp_path, name, (RNG.random(120) < share).tolist())
    task = scored(tmp_path, spec("x", "y", "z", rank="[expected_cost, accuracy]"))
    for name in ("expected_cost", "accuracy"):
        own = [p for p in task["pairs"] if p["metric"] == name]
        assert len(own) == 3
        adjusted = multipletests([p["p_value"] for p in own], method="holm")[1]
        assert [p["p_adjusted"] for p in own] == pytest.approx(adjusted)
        assert [p["distinguished"] for p in own] == [bool(q <= 0.05) for q in adjusted]


def test_pairs_are_compared_on_what_both_finished(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 100)
    says(tmp_path, [None, *["a"] * 99], by="x")
    says(tmp_path, ["b", None, *["a"] * 98], by="y")
    found = pair(scored(tmp_path, spec("x", "y")), "accuracy", "x", "y")
    assert (found["difference"]["n"], found["difference"]["value"]) == (98, 0)
    assert found["p_value"] == 1
    assert found["difference"]["low"] < 0 < found["difference"]["high"]


def test_how_many_examples_would_tell_a_pair_apart(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 50)
    answers(tmp_path, "x", [True] * 45 + [False] * 5)
    answers(tmp_path, "y", [True] * 42 + [False] * 3 + [True] + [False] * 4)
    task = scored(tmp_path, spec("x", "y", rank="expected_cost"))
    z_alpha, z_beta = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
    discordant, delta = 4 / 50, 2 / 50
    connor = ((z_alpha * math.sqrt(discordant) + z_beta * math.sqrt(discordant - delta**2)) / delta) ** 2
    assert pair(task, "accuracy", "x", "y")["n_needed"] == math.ceil(connor)
    d = 10 * np.repeat([0, 1, -1], [46, 3, 1])
    miller = ((z_alpha + z_beta) * d.std(ddof=1) / d.mean()) ** 2
    assert pair(task, "expected_cost", "x", "y")["n_needed"] == math.ceil(miller)


def test_equal_candidates_need_no_number(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 50)
    for name in ("x", "y"):
        answers(tmp_path, name, [True] * 45 + [False] * 5)
    found = pair(scored(tmp_path, spec("x", "y")), "accuracy", "x", "y")
    assert (found["p_value"], found["n_needed"]) == (1, None)


# ── ranks ─────────────────────────────────────────────────────────────────────────────────────────


def standing(task: Json, name: str) -> tuple[int, int, int, bool]:
    found = candidate(task, name)
    return found["rank"], found["rank_low"], found["rank_high"], found["in_the_running"]


def test_what_the_data_cannot_separate_shares_its_ranks(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 200)
    answers(tmp_path, "best", [True] * 190 + [False] * 10)
    answers(tmp_path, "near", [False] * 10 + [True] * 185 + [False] * 5)
    answers(tmp_path, "far", [True] * 80 + [False] * 120)
    task = scored(tmp_path, spec("far", "near", "best"))
    assert task["order"] == ["best", "near", "far"]
    assert standing(task, "best") == (1, 1, 2, True)
    assert standing(task, "near") == (2, 1, 2, True)
    assert standing(task, "far") == (3, 3, 3, False)
    first = [candidate(task, n)["p_best"] for n in task["order"]]
    assert sum(first) == pytest.approx(1)
    assert first[0] > first[1] > first[2] == 0


def test_equal_candidates_tie_whatever_their_order(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 60)
    for name in ("x", "y"):
        answers(tmp_path, name, [True] * 50 + [False] * 10)
    task = scored(tmp_path, spec("x", "y"))
    assert [standing(task, n)[1:] for n in ("x", "y")] == [(1, 2, True)] * 2
    assert [candidate(task, n)["p_best"] for n in ("x", "y")] == pytest.approx([0.5, 0.5])


def test_a_single_candidate_is_first(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    answers(tmp_path, "x", [False] * 40)
    task = scored(tmp_path, spec("x"))
    assert standing(task, "x") == (1, 1, 1, True)
    assert candidate(task, "x")["p_best"] == 1
    assert task["pairs"] == []


def test_one_that_is_out_takes_no_rank_from_the_others(tmp_path: Path) -> None:
    """The cheapest breaks a requirement: the others are ranked as if it were not there."""
    labelled(tmp_path, ["a"] * 100)
    answers(tmp_path, "boasting", [True] * 95 + [False] * 5, confidence=[1.0, 0.99] * 50)
    answers(tmp_path, "honest", [True] * 70 + [False] * 30, confidence=[0.7] * 100)
    answers(tmp_path, "poor", [True] * 20 + [False] * 80, confidence=[0.2] * 100)
    bound = "require { mean_confidence <= 90% };"
    task = scored(tmp_path, spec("boasting", "honest", "poor", more=bound))
    assert task["order"] == ["honest", "poor", "boasting"]
    assert standing(task, "honest") == (1, 1, 1, True)
    assert standing(task, "poor") == (2, 2, 2, False)
    assert candidate(task, "honest")["p_best"] == 1
    out = candidate(task, "boasting")
    assert (out["rank"], out["viable"], out["in_the_running"]) == (None, False, False)
    assert (out["rank_low"], out["rank_high"]) == (1, 1)  # where it would stand


RANKED = ("x", "y", "z")
# right, confidence, latency, tokens, price: made so that each metric has an order of its own
SHAPES = {
    "x": (0.80, 0.95, 0.9, 30, 0.003),
    "y": (0.70, 0.72, 0.5, 20, 0.001),
    "z": (0.60, 0.40, 0.1, 10, 0.002),
}
ORDERS = {
    "accuracy": "x y z",
    "balanced_accuracy": "x y z",
    "mcc": None,  # one true class: undefined for all, so the order of the file
    "expected_cost": "x y z",
    "total_cost": "x y z",
    "overconfidence": "y x z",  # .02, .15, -.20: by the distance from 0
    "mean_confidence": "x y z",
    "ece": "y x z",
    "error_rate": None,
    "p50": "z y x",
    "p95": "z y x",
    "output_tokens": "z y x",
    "cost_per_1k": "y z x",
    "brier": "x y z",  # .1825, .2104, .28
    "log_loss": "y x z",  # -.8 ln .95 - .2 ln .05 = .640; .590; .673
}


@pytest.mark.parametrize("name", ORDERS)
def test_every_kind_of_metric_ranks(tmp_path: Path, name: str) -> None:
    labelled(tmp_path, ["a"] * 100)
    for by, (share, confidence, latency, tokens, price) in SHAPES.items():
        answers(
            tmp_path, by, [i < 100 * share for i in range(100)], confidence=[confidence] * 100,
            latency_s=[latency] * 100, output_tokens=[tokens] * 100, cost_usd=[price] * 100,
        )  # fmt: skip
    costs = 'costs c { unit = "usd"; right = 0; wrong = 10 }\n'
    task = scored(tmp_path, spec(*RANKED, rank=name, costs=costs))
    assert task["ranked_by"] == name
    assert task["order"] == (ORDERS[name] or "x y z").split()
    assert task["direction"] == metric(task, name, of="x")["direction"]
    assert [candidate(task, n)["rank"] for n in task["order"]] == [1, 2, 3]


def test_later_metrics_break_ties(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    for name, seconds in (("x", 0.9), ("y", 0.2)):
        answers(tmp_path, name, [True] * 30 + [False] * 10, latency_s=[seconds] * 40)
    assert scored(tmp_path, spec("x", "y", rank="[accuracy, p50]"))["order"] == ["y", "x"]


@pytest.mark.parametrize("name", ["log_loss", "brier", "output_tokens", "refusal_rate", "total_cost"])
def test_means_of_every_kind_are_compared(tmp_path: Path, name: str) -> None:
    """The difference of a pair is the difference of the two metrics, where both finished everything."""
    labelled(tmp_path, ["a"] * 80)
    for by, share in (("x", 0.9), ("y", 0.5)):
        right = (RNG.random(80) < share).tolist()
        answers(
            tmp_path, by, right, confidence=RNG.random(80).round(3).tolist(),
            output_tokens=RNG.integers(1, 50, 80).tolist(), cost_usd=RNG.random(80).round(4).tolist(),
            outcome=[None] * (60 if by == "x" else 80) + ["refused"] * (20 if by == "x" else 0),
        )  # fmt: skip
    costs = 'costs c { unit = "usd"; right = 0; wrong = 10 }\n'
    task = scored(tmp_path, spec("x", "y", rank=name, costs=costs))
    found = pair(task, name, "x", "y")
    if name not in ("log_loss", "brier"):
        sides = [metric(task, name, of=found[side])["value"] for side in ("a", "b")]
        assert found["difference"]["value"] == pytest.approx(sides[0] - sides[1])
    assert found["difference"]["n"] == (60 if name in ("log_loss", "brier") else 80)
    assert candidate(task, "x")["rank_low"] is not None


def test_one_without_the_metric_stands_last_and_separates_nobody(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 100)
    answers(tmp_path, "good", [True] * 90 + [False] * 10, confidence=[0.9] * 100)
    answers(tmp_path, "bad", [True] * 20 + [False] * 80, confidence=[0.9] * 100)
    answers(tmp_path, "silent", [True] * 100)
    task = scored(tmp_path, spec("silent", "good", "bad", rank="brier"))
    assert task["order"] == ["good", "bad", "silent"]
    assert standing(task, "good") == (1, 1, 1, True)
    assert standing(task, "bad") == (2, 2, 2, False)
    assert (candidate(task, "silent")["rank_low"], candidate(task, "silent")["in_the_running"]) == (
        None,
        False,
    )


def test_metrics_that_are_no_means_have_an_order_and_no_evidence(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 60)
    answers(tmp_path, "x", [True] * 60, confidence=[1.0] * 60)
    answers(tmp_path, "y", [False] * 60, confidence=[1.0] * 60)
    task = scored(tmp_path, spec("x", "y", rank="ece"))
    assert task["order"] == ["x", "y"]
    assert [p["metric"] for p in task["pairs"]] == ["accuracy"]
    assert candidate(task, "x")["rank_low"] is None
    assert candidate(task, "x")["p_best"] is None
