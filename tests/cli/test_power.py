"""`evalspec power` from the command line: before a run from guesses, after it from what was seen."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from cli.commands import evalspec
from cli.tickets import spec, write_job
from evalspec.metrics import minimum_detectable_difference, sample_size

SIM = "model {name} {{ use = simulated(accuracy = {accuracy}%) }}\n"
THREE = "".join(SIM.format(name=f"m{a}", accuracy=a) for a in (90, 85, 60))
COSTS = "costs dear { right = 1; wrong = 21; abstain = 3 }"
SUBSET = 'subset few of tickets { where = starts_with(id, "t1") }'


def power(folder: Path, *arguments: str) -> Any:
    ended = evalspec("power", *arguments, "--format", "json", at=folder)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = spec(THREE, task="costs = dear; rank = expected_cost", blocks=COSTS + "\n" + SUBSET)
    return write_job(tmp_path_factory.mktemp("power"), 400, text.replace("rank = accuracy", "", 1))


def test_before_a_run_it_tells_the_smallest_difference_overall_and_by_subset(folder: Path) -> None:
    task = power(folder, "route.eval")["tasks"]["route"]
    assert task["comparisons"] == 3
    sizes = {scope["subset"]: scope["n"] for scope in task["scopes"]}
    assert sizes == {None: 400, "few": 111}  # t1, t10 … t19, t100 … t199
    for scope in task["scopes"]:
        for told in scope["smallest"]:
            by_hand = minimum_detectable_difference(scope["n"], told["discordant"], alpha=0.05 / 3).value
            assert told["accuracy"] == by_hand
            if by_hand is not None:  # a wrong answer costs 20 more
                assert told["cost"] == pytest.approx(20 * by_hand)


def test_a_difference_is_turned_into_a_number_of_examples(folder: Path) -> None:
    found = power(folder, "route.eval", "--difference", "3%")["tasks"]["route"]["needed"]
    assert [w["n"] for w in found] == [sample_size(0.03, psi, alpha=0.05 / 3).value for psi in (0.1, 0.2)]
    of_costs = power(folder, "route.eval", "--difference", "0.6")["tasks"]["route"]["needed"]
    assert [w["metric"] for w in of_costs] == ["expected_cost"] * 2
    assert [w["n"] for w in of_costs] == [w["n"] for w in found]  # 0.6 of 20 is 3 %
    beyond = power(folder, "route.eval", "--difference", "15%")["tasks"]["route"]["needed"]
    assert (beyond[0]["n"], beyond[0]["why"]) == (None, "the difference cannot exceed the discordant share")


def test_the_note_of_check_says_the_same(folder: Path) -> None:
    note = evalspec("check", "route.eval", at=folder).err
    scopes = power(folder, "route.eval")["tasks"]["route"]["scopes"]
    overall, few = (next(s for s in scopes if s["subset"] == name) for name in (None, "few"))
    size = f"{overall['smallest'][1]['accuracy']:.1%}"
    assert f"400 examples tell two candidates apart from a difference of {size}" in note
    assert f"`few` {few['smallest'][1]['accuracy']:.1%} (n = 111)" in note
    assert "with 3 comparisons at once" in note


def test_after_a_run_it_tells_what_was_seen_of_each_pair(folder: Path) -> None:
    assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
    pairs = power(folder, "last")["tasks"]["route"]["pairs"]
    kept = json.loads((folder / "r.json").read_text())["tasks"]["route"]["pairs"]
    assert [(p["a"], p["b"], p["metric"], p["n_needed"]) for p in pairs] == [
        (p["a"], p["b"], p["metric"], p["n_needed"]) for p in kept
    ]
    evalspec("export", "last", "-o", "answers.jsonl", at=folder)
    right = _right(folder)
    for pair in (p for p in pairs if p["metric"] == "accuracy"):
        differ = sum(right[pair["a"]][i] != right[pair["b"]][i] for i in right[pair["a"]]) / 400
        assert pair["discordant"] == pytest.approx(differ)
        alone = minimum_detectable_difference(400, differ, alpha=0.05 / 3).value
        assert pair["smallest"] == pytest.approx(alone)
        if pair["n_needed"] is not None:
            assert pair["n_needed"] == sample_size(pair["difference"], differ, alpha=0.05 / 3).value
    assert any(p["distinguished"] for p in pairs)
    assert power(folder, "r.json") == power(folder, "last")


def _right(folder: Path) -> dict[str, dict[str, bool]]:
    with (folder / "tickets.csv").open() as file:
        truth = {row["id"]: row["queue"] for row in csv.DictReader(file)}
    found: dict[str, dict[str, bool]] = {}
    for line in (folder / "answers.jsonl").read_text().splitlines():
        answer = json.loads(line)
        found.setdefault(answer["model"], {})[answer["id"]] = answer["response"] == truth[answer["id"]]
    return found


def test_people_read_it_on_one_screen(folder: Path) -> None:
    before = evalspec("power", "route.eval", "--difference", "3%", at=folder)
    evalspec("run", "route.eval", at=folder)
    after = evalspec("power", "last", at=folder)
    for ended in (before, after):
        assert ended.code == 0
        lines = ended.out.splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 110
    assert "A difference of 3.0 % in accuracy, if 20 % differ, takes" in before.out
    assert "told apart" in after.out


def test_clusters_and_weights_leave_less_than_the_number_of_examples(folder: Path, tmp_path: Path) -> None:
    rows = [
        f"t{i},text {i},{'bug' if i % 2 else 'billing'},case{i // 4},{1 + 9 * (i % 2)}" for i in range(400)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["id,body,queue,incident,weight", *rows]))
    text = """
dataset tickets { source = file("t.csv"); id = id; label = queue; %s }
model a { use = simulated(accuracy = 90%%) }
model b { use = simulated(accuracy = 80%%) }
task route { data = tickets; answer = one_of(queue) }
"""
    (tmp_path / "clusters.eval").write_text(text % "cluster = incident")
    (tmp_path / "weights.eval").write_text(text % "weight = weight")
    (whole,) = power(tmp_path, "clusters.eval")["tasks"]["route"]["scopes"]
    assert (whole["n"], whole["effective_n"]) == (400, 100)
    (whole,) = power(tmp_path, "weights.eval")["tasks"]["route"]["scopes"]
    assert whole["effective_n"] == int((200 * 11) ** 2 / (200 * 101))
    assert "are worth 100 that count alike" in " ".join(
        evalspec("power", "clusters.eval", at=tmp_path).out.split()
    )


@pytest.mark.parametrize("difference", ["0", "-3%", "three", "150%", "nan", "1e400"])
def test_what_is_no_difference_is_a_usage_error(folder: Path, difference: str) -> None:
    ended = evalspec("power", "route.eval", f"--difference={difference}", at=folder)
    assert (ended.code, ended.out) == (2, "")
    assert "write 3% for accuracy" in ended.err


def test_a_broken_spec_and_an_unknown_run_are_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.eval").write_text("task t { answer = }")
    assert evalspec("power", "broken.eval", at=tmp_path).code == 1
    assert evalspec("power", "missing.eval", at=tmp_path).code == 1
    assert evalspec("power", "last~99", at=folder).code == 2
    assert evalspec("power", "last", "--difference", "3%", at=folder).code == 2
