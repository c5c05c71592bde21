"""Steps that run only sometimes: who is asked, whose answer counts, and what the figures say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from evalspec.models.model import Answer, Failure, FailureKind, Request
from score.worlds import HOSTED, Json, Played, candidate, plan_of, played, said, scored_play, value, write_csv

# Who is hard is asked twice: the second answer then counts.
TWICE = (
    HOSTED
    + """
chain t {
  data = d
  step easy { prompt = "easy {{ id }}"; answer = number; gold = number(g) }
  step hard { prompt = "hard {{ id }}"; answer = number; gold = number(g); when = WHEN }
  MORE
}
"""
)


def examples(folder: Path, *kinds: str) -> None:
    write_csv(folder / "d.csv", [{"id": i, "g": i, "kind": kind} for i, kind in enumerate(kinds)])


def answers(**by_step: Mapping[int, str | Failure]) -> Played:
    """A model that is right but where it is said what it answers."""

    def play(request: Request) -> Answer | Failure:
        told = by_step.get(request.step, {}).get(int(request.example), request.example)
        return said(told) if isinstance(told, str) else told

    return play


def scored(folder: Path, when: str, play: Played, more: str = "") -> Json:
    return scored_play(folder, TWICE.replace("WHEN", when).replace("MORE", more), m=play)


def steps_asked(folder: Path, when: str, play: Played) -> list[tuple[str, str]]:
    plan = plan_of(folder, TWICE.replace("WHEN", when).replace("MORE", ""))
    (traces,) = played(plan, {"m": play}).values()
    free = [t for t in traces if t.visit.passing.value == "free"]
    return [(str(t.visit.example), s.step) for t in free for s in t.steps]


def test_a_condition_on_a_column_chooses_the_examples(tmp_path: Path) -> None:
    examples(tmp_path, "plain", "odd", "plain")
    asked = steps_asked(tmp_path, 'kind == "odd"', answers())
    assert asked == [("0", "easy"), ("1", "easy"), ("1", "hard"), ("2", "easy")]


def test_the_answer_is_that_of_the_last_step_that_ran(tmp_path: Path) -> None:
    examples(tmp_path, "plain", "odd", "odd", "plain")
    task = scored(tmp_path, 'kind == "odd"', answers(easy={0: "99", 1: "99"}, hard={2: "99"}))
    assert value(task, "end_to_end") == 0.5  # 0 wrong, 1 mended, 2 spoilt, 3 right
    steps = candidate(task)["steps"]
    assert steps["easy"]["free"]["accuracy"]["value"] == 0.5
    assert (steps["hard"]["free"]["accuracy"]["n"], steps["hard"]["free"]["accuracy"]["value"]) == (2, 0.5)
    assert [steps[s]["first_failures"] for s in ("easy", "hard")] == [2, 1]
    compounding = candidate(task)["compounding"]
    assert compounding["all_right"]["value"] == 0.25  # 3 alone
    assert compounding["product_of_steps"] == pytest.approx(0.5 * 0.75)
    assert compounding["product_given_gold"] is None


def test_a_named_answer_is_missing_where_its_step_does_not_run(tmp_path: Path) -> None:
    examples(tmp_path, "plain", "odd")
    task = scored(tmp_path, 'kind == "odd"', answers(), "answer_of = hard")
    assert candidate(task)["outcomes"]["no_answer"] == 1
    assert value(task, "end_to_end") == 0.5


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Failure(kind=FailureKind.REJECTED, message="HTTP 400"), "error"),
        (Failure(kind=FailureKind.NOT_ASKED, message="interrupted"), "not_asked"),
    ],
)
def test_a_condition_that_nobody_can_tell_yet_is_neither_met_nor_missed(
    tmp_path: Path, reply: Failure, outcome: str
) -> None:
    examples(tmp_path, "plain")
    task = scored(tmp_path, "easy > 5", answers(easy={0: reply}))
    assert candidate(task)["outcomes"][outcome] == 1


def test_what_was_not_answered_meets_no_condition(tmp_path: Path) -> None:
    examples(tmp_path, "plain", "plain")
    asked = steps_asked(tmp_path, "not (easy > 5)", answers(easy={0: "I cannot say"}))
    assert asked == [("0", "easy"), ("1", "easy"), ("1", "hard")]


def test_one_side_of_a_condition_may_suffice(tmp_path: Path) -> None:
    trouble = Failure(kind=FailureKind.REJECTED, message="HTTP 400")
    examples(tmp_path, "odd")
    asked = steps_asked(tmp_path, 'kind == "odd" or easy > 5', answers(easy={0: trouble}))
    assert asked == [("0", "easy"), ("0", "hard")]


def test_given_gold_a_condition_looks_at_the_gold(tmp_path: Path) -> None:
    """Freely the wrong answer 9 calls for the second step; given gold only example 6 does."""
    examples(tmp_path, *["plain"] * 7)
    task = scored(tmp_path, "easy > 5", answers(easy={0: "9"}, hard={6: "0"}))
    hard = candidate(task)["steps"]["hard"]
    assert hard["free"]["accuracy"]["n"] == 2
    assert (hard["given_gold"]["accuracy"]["n"], hard["given_gold"]["accuracy"]["value"]) == (1, 0.0)


def test_given_gold_there_is_no_confidence(tmp_path: Path) -> None:
    examples(tmp_path, "plain", "plain")
    spec = TWICE.replace("gold = number(g) }", "gold = number(g); confidence = stated }")
    unsure = answers(easy={0: "0\nConfidence: 20%", 1: "1\nConfidence: 90%"})
    task = scored_play(tmp_path, spec.replace("WHEN", "easy.confidence < 50%").replace("MORE", ""), m=unsure)
    hard = candidate(task)["steps"]["hard"]
    assert hard["free"]["accuracy"]["n"] == 1
    assert hard["given_gold"]["accuracy"]["value"] is None
    assert "condition" in hard["given_gold"]["accuracy"]["why"]


def test_a_step_that_reads_one_that_did_not_run_has_no_answer(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", [{"id": i, "g": i} for i in range(2)])
    spec = (
        HOSTED
        + """
chain t {
  data = d
  step first { prompt = "first {{ id }}"; answer = number; gold = number(g); when = id == "1" }
  step second { prompt = "second {{ id }} {{ first }}"; answer = number; gold = number(g) }
}
"""
    )
    task = scored_play(tmp_path, spec, m=answers())
    assert candidate(task)["outcomes"]["no_answer"] == 1
    assert candidate(task)["outcomes"]["answered"] == 1
