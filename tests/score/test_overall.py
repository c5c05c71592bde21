"""Decisions over several tasks, and leaderboards held against what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evalspec import metrics
from evalspec.plan.plan import Selection
from score.worlds import Json, results_of, write_csv, write_jsonl

RNG = np.random.default_rng(21)
NAMES = ("m", "k", "j")


def world(folder: Path, right: Mapping[str, Mapping[str, Sequence[bool]]]) -> str:
    """Two datasets, `one` and `two`, and the models' answers to them; the head of a spec."""
    sizes = {data: len(next(iter(by.values()))) for data, by in right.items()}
    for data, n in sizes.items():
        write_csv(folder / f"{data}.csv", [{"id": f"{data}{i}", "label": "a"} for i in range(n)])
    names = list(next(iter(right.values())))
    for name in names:
        rows = [
            {"id": f"{data}{i}", "response": "a" if r else "b"}
            for data, by in right.items()
            for i, r in enumerate(by[name])
        ]
        write_jsonl(folder / f"{name}.jsonl", rows)
    head = "".join(
        f'dataset {d} {{ source = file("{d}.csv"); id = id; label = label in [a, b] }}\n' for d in right
    )
    models = "".join(f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in names)
    return head + models


def task(name: str, data: str, more: str = "rank = accuracy") -> str:
    return f"task {name} {{ data = {data}; answer = one_of(label); {more} }}\n"


TASKS = task("first", "one") + task("second", "two")


def decided(folder: Path, spec: str, name: str = "both", selection: Selection | None = None) -> Json:
    found = results_of(folder, spec, selection=selection or Selection())
    document: Any = json.loads(found.to_json())
    result: Json = document["tasks"][name]
    return result


def drawn(n: int, *chances: float) -> dict[str, list[bool]]:
    return {name: (RNG.random(n) < p).tolist() for name, p in zip(NAMES, chances, strict=False)}


# ── weighted means ────────────────────────────────────────────────────────────────────────────────


def test_a_mean_is_weighed_by_task_whatever_the_tasks_sizes(tmp_path: Path) -> None:
    right = {"one": drawn(200, 0.9, 0.6), "two": drawn(50, 0.5, 0.8)}
    spec = (
        world(tmp_path, right)
        + TASKS
        + "decision both { weights { first = 70%; second = 30% }; rank = accuracy }"
    )
    found = decided(tmp_path, spec)
    assert (found["kind"], found["ranked_by"], found["direction"]) == ("decision", "accuracy", "max")
    assert found["weights"] == {"first": 0.7, "second": 0.3}
    for name in ("m", "k"):
        own = [np.array(right[data][name], dtype=float) for data in ("one", "two")]
        figure = found["candidates"][name]["metrics"]["accuracy"]
        assert figure["value"] == pytest.approx(0.7 * own[0].mean() + 0.3 * own[1].mean())
        peer = metrics.combined_mean(own, [range(200), range(200, 250)], [0.7, 0.3], flags=True)
        assert (figure["low"], figure["high"]) == pytest.approx((peer.low, peer.high))
        in_task = found["candidates"][name]["tasks"]["second"]
        assert (in_task["metric"], in_task["value"]) == ("accuracy", pytest.approx(own[1].mean()))


def test_the_difference_over_all_tasks_has_the_spread_within_them(tmp_path: Path) -> None:
    right = {"one": drawn(200, 0.9, 0.6), "two": drawn(100, 0.5, 0.8)}
    spec = (
        world(tmp_path, right)
        + TASKS
        + "decision both { weights { first = 70%; second = 30% }; rank = accuracy }"
    )
    (pair,) = decided(tmp_path, spec)["pairs"]
    d = [
        np.array(right[data][pair["a"]], dtype=float) - np.array(right[data][pair["b"]])
        for data in ("one", "two")
    ]
    se = np.sqrt(sum(w**2 * x.var(ddof=1) / x.size for w, x in zip((0.7, 0.3), d, strict=True)))
    assert pair["difference"]["value"] == pytest.approx(0.7 * d[0].mean() + 0.3 * d[1].mean())
    half = (pair["difference"]["high"] - pair["difference"]["low"]) / 2
    assert half == pytest.approx(stats.t.ppf(0.975, 299) * se, rel=0.02)


def test_tasks_over_the_same_examples_are_one_draw(tmp_path: Path) -> None:
    right = {"one": drawn(120, 0.8, 0.7)}
    tasks = task("first", "one") + task("second", "one")
    spec = world(tmp_path, right) + tasks + "decision both { rank = accuracy }"
    figure = decided(tmp_path, spec)["candidates"]["m"]["metrics"]["accuracy"]
    alone = stats.sem(np.array(right["one"]["m"], dtype=float))
    assert figure["se"] == pytest.approx(alone)
    assert figure["n"] == 120


def test_costs_in_one_unit_are_the_order_where_nothing_else_is_said(tmp_path: Path) -> None:
    right = {"one": drawn(60, 0.9, 0.6), "two": drawn(60, 0.5, 0.8)}
    costs = "costs c { right = 0; wrong = $3 }\ncosts e { right = 0; wrong = $9 }\n"
    tasks = task("first", "one", "costs = c") + task("second", "two", "costs = e")
    found = decided(tmp_path, world(tmp_path, right) + costs + tasks + "decision both { }")
    assert (found["ranked_by"], found["unit"], found["direction"]) == ("expected_cost", "usd", "min")
    wrong = {d: 1 - np.mean(right[d]["m"]) for d in right}
    assert found["candidates"]["m"]["metrics"]["expected_cost"]["value"] == pytest.approx(
        0.5 * 3 * wrong["one"] + 0.5 * 9 * wrong["two"]
    )


# ── win rates ─────────────────────────────────────────────────────────────────────────────────────


def test_the_mean_win_rate_is_the_share_of_others_beaten_ties_half(tmp_path: Path) -> None:
    def of(share: int) -> list[bool]:
        return [i < share for i in range(100)]

    right = {
        "one": {"m": of(90), "k": of(80), "j": of(70)},
        "two": {"m": of(50), "k": of(60), "j": of(60)},
    }
    spec = (
        world(tmp_path, right)
        + TASKS
        + "decision both { weights { first = 75%; second = 25% }; rank = mean_win_rate }"
    )
    found = decided(tmp_path, spec)
    rates = {n: c["metrics"]["mean_win_rate"]["value"] for n, c in found["candidates"].items()}
    assert rates == pytest.approx({"m": 0.75, "k": 0.75 * 0.5 + 0.25 * 0.75, "j": 0.25 * 0.75})
    assert found["order"] == ["m", "k", "j"]
    assert sum(c["p_best"] for c in found["candidates"].values()) == pytest.approx(1)
    assert all(c["rank_low"] is None for c in found["candidates"].values())


def test_one_candidate_beats_none(tmp_path: Path) -> None:
    right = {"one": drawn(40, 0.9), "two": drawn(40, 0.9)}
    found = decided(tmp_path, world(tmp_path, right) + TASKS + "decision both { rank = mean_win_rate }")
    figure = found["candidates"]["m"]["metrics"]["mean_win_rate"]
    assert (figure["value"], figure["why"]) == (None, "one candidate has none to beat")


# ── who is compared ───────────────────────────────────────────────────────────────────────────────


def test_who_is_out_of_one_task_is_out_of_the_decision(tmp_path: Path) -> None:
    right = {"one": drawn(100, 0.99, 0.3), "two": drawn(100, 0.9, 0.95)}
    tasks = task("first", "one", "rank = accuracy; require { accuracy >= 80% }") + task("second", "two")
    found = decided(tmp_path, world(tmp_path, right) + tasks + "decision both { rank = accuracy }")
    assert found["candidates"]["k"]["reasons"] == ["first: accuracy >= 80% is not met"]
    assert found["candidates"]["k"]["rank"] is None
    assert found["order"] == ["m", "k"]


def test_a_leaderboard_narrows_who_is_asked_at_all(tmp_path: Path) -> None:
    right = {"one": drawn(40, 0.9, 0.8, 0.7), "two": drawn(40, 0.9, 0.8, 0.7)}
    board = "leaderboard mmlu { m = 80; k = 60 }\n"
    head = world(tmp_path, right) + TASKS + board
    found = decided(tmp_path, head + "decision both { rank = accuracy; where = mmlu >= 70 }", "first")
    assert list(found["candidates"]) == ["m"]
    wide = "decision both { rank = accuracy; where = mmlu >= 70 }\ndecision all { rank = accuracy }"
    assert set(decided(tmp_path, head + wide, "first")["candidates"]) == {"m", "k", "j"}
    assert set(decided(tmp_path, head + wide, "both")["candidates"]) == {"m"}


def test_a_decision_is_told_only_where_all_its_tasks_were_run(tmp_path: Path) -> None:
    right = {"one": drawn(40, 0.9, 0.8), "two": drawn(40, 0.9, 0.8)}
    spec = world(tmp_path, right) + TASKS + "decision both { rank = accuracy }"
    document = json.loads(results_of(tmp_path, spec, selection=Selection(tasks=("first",))).to_json())
    assert list(document["tasks"]) == ["first"]
    whole = json.loads(results_of(tmp_path, spec, selection=Selection(tasks=("both",))).to_json())
    assert list(whole["tasks"]) == ["first", "second", "both"]


# ── leaderboards ──────────────────────────────────────────────────────────────────────────────────


def board(folder: Path, scores: str, costs: str = "rank = accuracy") -> Json:
    def of(share: int) -> list[bool]:
        return [i < share for i in range(100)]

    right = {"one": {"m": of(60), "k": of(90), "j": of(70), "i": of(80)}}
    spec = world(folder, right) + task("first", "one", costs) + f"leaderboard mmlu {{ {scores} }}"
    found: Json = decided(folder, spec, "first")["leaderboards"]
    return found


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (1, 3, 2, 4), (2, 2, 3, 1)])
def test_the_order_is_compared_by_kendalls_tau_b(tmp_path: Path, order: tuple[int, ...]) -> None:
    found = board(tmp_path, "; ".join(f"{n} = {s}" for n, s in zip("mjik", order, strict=True)))["mmlu"]
    mine = np.array([1, 2, 3, 4])
    peer = stats.kendalltau(order, mine)
    assert found["kendall_tau"] == pytest.approx(peer.statistic)
    as_far = [
        abs(stats.kendalltau(p, mine).statistic) >= abs(peer.statistic) - 1e-9 for p in permutations(order)
    ]
    assert found["p_value"] == pytest.approx(np.mean(as_far))
    assert found["n"] == 4
    assert found["why"] == "too few items to tell agreement from chance"


def test_regret_is_what_choosing_by_the_board_would_cost(tmp_path: Path) -> None:
    found = board(tmp_path, "m = 82; j = 75; k = 60")["mmlu"]
    assert (found["chosen"], found["top_agrees"]) == (["m"], False)
    assert found["regret"] == pytest.approx(0.9 - 0.6)
    tied = board(tmp_path, "m = 82; j = 82; k = 60")["mmlu"]
    assert (tied["chosen"], tied["regret"]) == (["m", "j"], pytest.approx(0.9 - 0.65))
    right = board(tmp_path, "k = 82%; j = 75")["mmlu"]
    assert (right["top_agrees"], right["regret"]) == (True, 0)


def test_regret_is_in_costs_where_costs_decide(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    right = {"one": {"m": [i < 60 for i in range(100)], "k": [i < 90 for i in range(100)]}}
    costs = "costs c { right = 0; wrong = $5 }\n"
    spec = (
        world(tmp_path, right) + costs + task("first", "one", "costs = c") + "leaderboard b { m = 2; k = 1 }"
    )
    found = decided(tmp_path, spec, "first")["leaderboards"]["b"]
    assert found["regret"] == pytest.approx(0.4 * 5 - 0.1 * 5)


def test_a_board_of_none_of_the_candidates_is_not_told(tmp_path: Path) -> None:
    right = {"one": drawn(40, 0.9, 0.8)}
    more = task("first", "one", "rank = accuracy; models = [m]") + task("other", "one", "models = [k]")
    spec = world(tmp_path, right) + more + "leaderboard mmlu { k = 3 }"
    assert decided(tmp_path, spec, "first")["leaderboards"] == {}
