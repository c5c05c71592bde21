"""What became of each question: which outcomes count where, and when there are too few to rank."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import evalspec
from evalspec.cli.main import main
from score.worlds import (
    DATASET,
    MODEL,
    candidate,
    labelled,
    metric,
    says,
    scored,
    value,
    write_jsonl,
)

SPEC = (
    DATASET
    + MODEL
    + "costs c { right = 0; wrong = 10; invalid = 7; abstain = 2 }\n"
    + "task t { data = d; answer = one_of(label); costs = c; rank = accuracy }"
)


def test_an_error_is_no_wrong_answer(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 5)
    says(tmp_path, ["a", "a", "b", None, None], [0.9, 0.9, 0.9, 0.9, 0.9])
    task = scored(tmp_path, SPEC)
    for name in ("accuracy", "expected_cost", "balanced_accuracy", "brier", "ece"):
        assert metric(task, name)["n"] == 3, name
    assert value(task, "accuracy") == pytest.approx(2 / 3)
    assert value(task, "expected_cost") == pytest.approx(10 / 3)
    assert value(task, "error_rate") == pytest.approx(2 / 5)
    assert candidate(task)["outcomes"]["error"] == 2
    assert sum(map(sum, candidate(task)["confusion"]["counts"])) == 3
    assert candidate(task)["policy"]["coverage"] == 1


def test_what_was_not_asked_is_in_no_rate(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 5)
    write_jsonl(tmp_path / "m.jsonl", [{"id": 0, "response": "a"}, {"id": 1, "error": "reset"}])
    task = scored(tmp_path, SPEC)
    assert candidate(task)["outcomes"] == {
        "answered": 1, "no_answer": 0, "abstained": 0, "refused": 0, "truncated": 0, "timeout": 0,
        "error": 1, "not_asked": 3,
    }  # fmt: skip
    assert (value(task, "error_rate"), metric(task, "error_rate")["n"]) == (0.5, 2)
    assert metric(task, "invalid_rate")["n"] == 2
    assert metric(task, "accuracy")["n"] == 1


@pytest.mark.parametrize("outcome", ["no_answer", "refused", "truncated", "timeout"])
def test_what_the_model_did_not_answer_is_wrong_at_the_price_of_invalid(tmp_path: Path, outcome: str) -> None:
    labelled(tmp_path, ["a"] * 4)
    says(tmp_path, ["a", "a", "a", ""], outcome=[None, None, None, outcome])
    task = scored(tmp_path, SPEC)
    assert value(task, "accuracy") == 0.75
    assert value(task, "expected_cost") == 7 / 4
    assert candidate(task)["outcomes"][outcome] == 1
    assert candidate(task)["viable"]


@pytest.mark.parametrize(
    ("outcome", "rate"),
    [("no_answer", "invalid_rate"), ("refused", "refusal_rate"), ("truncated", "truncation_rate"),
     ("abstained", "abstain_rate")],
)  # fmt: skip
def test_each_rate_is_of_its_own_outcome(tmp_path: Path, outcome: str, rate: str) -> None:
    labelled(tmp_path, ["a"] * 4)
    says(tmp_path, ["a", "a", "a", ""], outcome=[None, None, None, outcome])
    task = scored(tmp_path, SPEC)
    rates = {"invalid_rate", "refusal_rate", "truncation_rate", "abstain_rate", "error_rate"}
    assert {name: value(task, name) for name in rates} == dict.fromkeys(rates, 0) | {rate: 0.25}


def test_an_abstention_costs_what_abstaining_costs(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 4)
    says(tmp_path, ["a", "a", "a", ""], outcome=[None, None, None, "abstained"])
    task = scored(tmp_path, SPEC)
    assert value(task, "expected_cost") == 2 / 4
    assert value(task, "accuracy") == 0.75
    assert candidate(task)["policy"]["coverage"] == 0.75


@pytest.mark.parametrize(("errors", "ranked"), [(1, True), (2, False)])
def test_more_than_two_percent_of_errors_leave_no_rank(tmp_path: Path, errors: int, ranked: bool) -> None:
    labelled(tmp_path, ["a"] * 50)
    says(tmp_path, [*["a"] * (50 - errors), *[None] * errors])
    found = candidate(scored(tmp_path, SPEC))
    assert found["viable"] is ranked
    assert found["rank"] == (1 if ranked else None)
    assert found["rank_low"] == (1 if ranked else None)
    assert found["reasons"] == ([] if ranked else ["2 of 50 examples have no answer"])


def test_one_without_a_rank_stands_last_and_in_no_pair(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, [*["a"] * 30, *["b"] * 10])
    says(tmp_path, [*["a"] * 38, None, None], by="failing")
    task = scored(
        tmp_path, SPEC.replace("costs c", 'model failing { use = recorded("failing.jsonl") }\ncosts c')
    )
    assert task["order"] == ["m", "failing"]
    assert task["pairs"] == []
    assert (candidate(task)["rank"], candidate(task)["rank_high"]) == (1, 1)
    assert value(task, "accuracy", of="failing") == 1
    assert not candidate(task, "failing")["in_the_running"]


# ── exit codes ────────────────────────────────────────────────────────────────────────────────────

LARGE = SPEC.replace("rank = accuracy", "require { accuracy >= 80% }; rank = accuracy")


def exit_code(folder: Path, spec: str) -> int:
    (folder / "s.eval").write_text(spec, encoding="utf-8")
    return main(["run", str(folder / "s.eval"), "--quiet"])


def test_a_candidate_out_by_a_requirement_leaves_nothing_viable(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 60)
    says(tmp_path, ["b"] * 60)
    assert exit_code(tmp_path, LARGE) == 3
    marked = LARGE.replace("accuracy >= 80%", "accuracy >= 80%; else = mark")
    assert exit_code(tmp_path, marked) == 0
    says(tmp_path, ["a"] * 60)
    assert exit_code(tmp_path, LARGE) == 0


def test_each_task_needs_a_viable_candidate(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 60)
    says(tmp_path, ["b"] * 60)
    both = LARGE + "\ntask other { data = d; answer = one_of(label); rank = accuracy }"
    assert exit_code(tmp_path, both) == 3


def test_missing_recorded_answers_leave_a_run_incomplete(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 4)
    says(tmp_path, ["a"] * 3)
    assert exit_code(tmp_path, SPEC) == 4
    (tmp_path / "s.eval").write_text(SPEC, encoding="utf-8")
    run = json.loads(evalspec.run(tmp_path / "s.eval").to_json())["run"]
    assert run["complete"] is False
    says(tmp_path, ["a"] * 4)
    assert json.loads(evalspec.run(tmp_path / "s.eval").to_json())["run"]["complete"] is True


def test_a_chain_whose_first_step_is_missing_is_incomplete_too(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 2, claim=["x", "y"])
    write_jsonl(
        tmp_path / "m.jsonl",
        [{"id": 0, "step": "one", "response": "1"}, {"id": 0, "step": "two", "response": "a"}],
    )
    chain = """chain t { data = d; step one { prompt = "{{ claim }}"; answer = number }
      step two { prompt = "{{ one }} {{ labels }}"; answer = one_of(label) } }"""
    (tmp_path / "s.eval").write_text(DATASET + MODEL + chain, encoding="utf-8")
    document = json.loads(evalspec.run(tmp_path / "s.eval").to_json())
    assert document["tasks"]["t"]["candidates"]["m"]["outcomes"]["not_asked"] == 1
    assert document["run"]["complete"] is False
