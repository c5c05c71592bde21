"""The flagship: what its README derives by hand is what the run says, to the last digit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

FLAGSHIP = Path(__file__).parents[2] / "specs" / "calibration_pays"

# (confidence in percent, answers, right)
CALIBRATED = ((99, 200, 198), (90, 100, 90), (70, 60, 42), (25, 40, 10))
SURE_BUT_RANKS = ((99, 300, 297), (97, 100, 71))
ERROR_OF_THE_ACCURATE = Fraction(8, 100)


def least(a: Fraction) -> Fraction:
    """E[min(1 - c, a)] of the calibrated candidate: its cost by a mistake's price."""
    return sum((n * min(1 - Fraction(c, 100), a) for c, n, _ in CALIBRATED), Fraction(0)) / 400


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("flagship")
    shutil.copytree(FLAGSHIP, folder, dirs_exist_ok=True)
    command = [sys.executable, "-m", "evalspec", "run", "decide.eval", "--quiet", "-o", "results.json"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tasks"]
    return found


def test_the_answers_are_what_the_construction_writes(tmp_path: Path) -> None:
    shutil.copy(FLAGSHIP / "make.py", tmp_path)
    subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True)
    for name in ("claims.csv", "calibrated.jsonl", "always_sure.jsonl", "sure_but_ranks.jsonl"):
        assert (tmp_path / name).read_bytes() == (FLAGSHIP / name).read_bytes()


@pytest.mark.parametrize(("name", "groups"), [("calibrated", CALIBRATED), ("sure_but_ranks", SURE_BUT_RANKS)])
def test_each_group_is_as_often_right_as_the_readme_says(name: str, groups: object) -> None:
    claims = [line.split(",") for line in (FLAGSHIP / "claims.csv").read_text().splitlines()[1:]]
    truth = {row[0]: row[-1] for row in claims}
    counted: dict[int, list[int]] = {}
    for line in (FLAGSHIP / f"{name}.jsonl").read_text().splitlines():
        said = json.loads(line)
        tally = counted.setdefault(round(100 * said["confidence"]), [0, 0])
        tally[0] += 1
        tally[1] += said["response"] == truth[said["id"]]
    assert tuple((c, *tally) for c, tally in sorted(counted.items(), reverse=True)) == groups


@pytest.mark.parametrize(("task", "wrong", "review"), [("dear_mistakes", 20, 1), ("cheap_mistakes", 2, 1)])
def test_costs_are_those_of_the_theory(tasks: dict[str, Any], task: str, wrong: int, review: int) -> None:
    found = tasks[task]["candidates"]
    cost = {name: found[name]["metrics"]["expected_cost"]["value"] for name in found}
    assert cost["calibrated"] == pytest.approx(float(wrong * least(Fraction(review, wrong))), abs=1e-12)
    for name in ("always_sure", "sure_but_ranks"):
        assert cost[name] == pytest.approx(float(wrong * ERROR_OF_THE_ACCURATE), abs=1e-12)
    assert found["calibrated"]["policy"]["surprise"] == pytest.approx(0, abs=1e-12)


def test_where_mistakes_are_dear_the_orders_by_accuracy_and_cost_disagree(tasks: dict[str, Any]) -> None:
    """They must: E[min(1 - c, 1/20)] = 0.03 is below the other's error rate, 0.08."""
    assert least(Fraction(1, 20)) < ERROR_OF_THE_ACCURATE
    task = tasks["dear_mistakes"]
    assert task["order"] == ["calibrated", "always_sure", "sure_but_ranks"]
    assert task["candidates"]["calibrated"]["rank_high"] == 1
    accuracy = {n: c["metrics"]["accuracy"]["value"] for n, c in task["candidates"].items()}
    assert accuracy == {"calibrated": 0.85, "always_sure": 0.92, "sure_but_ranks": 0.92}


def test_where_mistakes_are_cheap_they_agree(tasks: dict[str, Any]) -> None:
    assert least(Fraction(1, 2)) > ERROR_OF_THE_ACCURATE
    assert tasks["cheap_mistakes"]["order"] == ["always_sure", "sure_but_ranks", "calibrated"]


def test_recalibration_rescues_the_one_whose_confidence_ranks(tasks: dict[str, Any]) -> None:
    found = tasks["dear_mistakes_recalibrated"]["candidates"]
    cost = {name: c["metrics"]["expected_cost"]["value"] for name, c in found.items()}
    assert cost["sure_but_ranks"] == pytest.approx((3 * 20 + 100 * 1) / 400, abs=1e-12)
    assert cost["always_sure"] == pytest.approx(1, abs=1e-12)
    assert cost["calibrated"] == pytest.approx(0.6, abs=1e-12)
    before = tasks["dear_mistakes"]["candidates"]["sure_but_ranks"]["policy"]
    assert before["cost_recalibrated"] == pytest.approx(cost["sure_but_ranks"])


@pytest.mark.parametrize(("task", "wrong"), [("dear_mistakes", 20), ("cheap_mistakes", 2)])
def test_the_run_finds_the_price_of_a_review_at_which_they_cross(
    tasks: dict[str, Any], task: str, wrong: int
) -> None:
    """At a fifth of a mistake's price; below a hundredth all hand everything over."""
    pairs = tasks[task]["crossovers"]
    (pair,) = [p for p in pairs if {p["a"], p["b"]} == {"calibrated", "always_sure"}]
    told = [(s["high"] / wrong, s["cheaper"]) for s in pair["stretches"]]
    assert [end for end, _ in told] == pytest.approx([0.01, 0.2, 1.0])
    assert [who for _, who in told] == [None, "calibrated", "always_sure"]


def test_they_cross_where_a_look_costs_a_fifth_of_a_mistake() -> None:
    assert least(Fraction(1, 5)) == ERROR_OF_THE_ACCURATE
