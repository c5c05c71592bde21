"""What the sentences claim is what the figures beside them say, at the edges where the two could part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from evalspec.score.sentences import sections
from evalspec.score.wording import plain
from score.worlds import Json, labelled, results_of, says

HEAD = 'dataset d { source = file("d.csv"); id = id; label = label in [a, b] }\n'
COSTS = "costs c { right = 0; wrong = 20; abstain = 1 }\n"


def told(folder: Path, models: str, task: str, more: str = "") -> tuple[dict[str, tuple[str, ...]], Json]:
    """The sentences about a task by their titles, and its part of results.json."""
    named = "".join(f'model {name} {{ use = recorded("{name}.jsonl") }}\n' for name in models.split())
    asked = f"task t {{ data = d; answer = one_of(label); costs = c; {task} }}\n"
    results = results_of(folder, HEAD + named + COSTS + asked + more)
    found: Json = results.document["tasks"]["t"]  # type: ignore[index,call-overload,assignment]
    return {s.title: s.sentences for s in sections(results, "t")}, found


def wrong(n: int, *of: range) -> list[str]:
    """Answers to n examples, all of which are `a`."""
    return ["b" if any(i in part for part in of) else "a" for i in range(n)]


def of_whom(sentences: Sequence[str], name: str) -> str:
    return next(s for s in sentences if s.startswith(name))


def test_one_confidence_that_errs_does_not_err_only_in_places(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 50)
    says(tmp_path, wrong(50, range(10)), [0.9] * 50, by="one")  # the t interval reaches 0, p is below 5 %
    says(tmp_path, wrong(50), [0.875] * 50, by="shy")  # its errors do not vary: no interval
    said, _ = told(tmp_path, "one shy", "rank = accuracy")
    assert of_whom(said["Confidence"], "one").startswith("one is overconfident: it claims 90.0 %")
    assert of_whom(said["Confidence"], "shy").startswith("shy is underconfident: it claims 87.5 %")


def test_confidences_that_make_up_for_each_other_are_right_on_average(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 80)
    sure = [0.95] * 40 + [0.55] * 40
    says(tmp_path, wrong(80, range(10), range(40, 50)), sure, by="m")
    said, _ = told(tmp_path, "m", "rank = accuracy")
    assert "right about itself on average, but not at each confidence" in said["Confidence"][0]


def test_a_margin_is_told_the_same_way_round_as_its_interval(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, wrong(40, range(4)), by="m1")
    says(tmp_path, wrong(40, range(8)), by="m2")
    said, _ = told(tmp_path, "m1 m2", "rank = accuracy; no_worse_than m2 { accuracy <= 1% }")
    assert said["Margins"][0].endswith("10.0 points better (95 % -1.5 to 20.6, n = 40).")


def test_a_cost_that_handing_over_undercuts_is_not_only_not_cheaper(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, wrong(40, range(4)), [0.9] * 40, by="m")  # 2.00 against 1.00, interval 0.06 to 3.94
    says(tmp_path, wrong(40, range(20)), [0.9] * 40, by="other")
    said, _ = told(tmp_path, "m other", "rank = expected_cost")
    assert "m is neither plainly cheaper nor plainly dearer than handing every example over, " in " ".join(
        said["Decide"]
    )


def test_a_pair_that_its_test_tells_apart_is_not_said_to_be_alike(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 50)
    for name, count in (("best", 5), ("next", 10), ("last", 25)):
        says(tmp_path, wrong(50, range(count)), by=name)
    said, task = told(tmp_path, "best next last", "rank = accuracy")
    pair = next(p for p in task["pairs"] if {p["a"], p["b"]} == {"best", "next"})
    assert pair["distinguished"]
    assert task["candidates"]["next"]["in_the_running"]
    sentence = of_whom(said["Decide"], "next is")
    assert sentence.endswith("more than chance explains (p = 0.031), yet too little for a certain rank.")


def test_recalibration_that_saves_nothing_on_what_is_paid_is_not_told(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 300)
    says(tmp_path, wrong(300, range(12)), [0.8] * 300, by="m")  # all answered .80; when_cheaper 1; learnt .80
    said, task = told(tmp_path, "m", "rank = expected_cost")
    policy = task["candidates"]["m"]["policy"]
    assert policy["cost_recalibrated"] == pytest.approx(0.8)
    assert policy["cost_as_is"] == 1
    assert not [s for s in said["Costs"] if "recalibrated confidences" in s]


def test_that_nothing_was_recalibrated_is_told(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    for name in ("m1", "m2"):
        says(tmp_path, wrong(40, range(4)), [0.9] * 40, by=name)
    said, _ = told(tmp_path, "m1 m2", "rank = expected_cost; abstain = when_cheaper(recalibrated)")
    few = "fewer than 10 wrong answers to learn from"
    assert f"The confidences of m1 and m2 are taken as stated, not recalibrated: {few}." in said["Costs"]


def test_a_leaderboard_of_few_is_said_to_be_one(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    for name, count in (("m1", 2), ("m2", 8), ("m3", 16)):
        says(tmp_path, wrong(40, range(count)), by=name)
    board = "leaderboard lb { m1 = 1; m2 = 2; m3 = 3 }\n"
    said, _ = told(tmp_path, "m1 m2 m3", "rank = accuracy", board)
    few = "too few items to tell agreement from chance"
    assert said["Leaderboards"][0].endswith(f"(3 candidates listed, Kendall's tau -1.00, p = 0.33: {few}).")


def test_a_promise_that_chance_may_have_broken_is_not_said_to_be_kept(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, wrong(40, range(2)), [0.98] * 40, by="m")  # .40 promised, 1.00 paid
    says(tmp_path, wrong(40, range(20)), [0.98] * 40, by="other")
    said, _ = told(tmp_path, "m other", "rank = expected_cost; abstain = when_cheaper")
    assert of_whom(said["Costs"], "m answers").endswith("promised 0.40 points, no surprise beyond chance.")


def test_who_gives_no_confidence_hands_nothing_over(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, ["?"] * 4 + ["a"] * 36, by="mute")  # an unreadable answer costs 20
    says(tmp_path, wrong(40, range(5)), [0.6] * 3 + [0.99] * 37, by="sure")
    said, _ = told(tmp_path, "mute sure", "rank = expected_cost; abstain = when_cheaper")
    sentence = of_whom(said["Decide"], "mute is right more often than sure (90.0 % against 87.5 %)")
    assert sentence.endswith("(2.00 points against 1.07 points): its mistakes are the dear ones.")


def test_who_says_nothing_readable_does_not_answer_everything(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, ["?"] * 40, by="mute")
    says(tmp_path, wrong(40, range(5)), [0.99] * 40, by="sure")
    said, _ = told(tmp_path, "mute sure", "rank = expected_cost; abstain = when_cheaper")
    assert "mute gave no answer that could be read: 20.0 points." in said["Costs"]


@pytest.mark.parametrize("mix", ["", "mix lang { en = 50%; * = 50% }"])
def test_a_difference_of_costs_is_no_share(tmp_path: Path, mix: str) -> None:
    labelled(tmp_path, ["a"] * 40, lang=["en", "es"] * 20)
    says(tmp_path, wrong(40), [1.0] * 40, by="sure")  # costs 0 each time
    says(tmp_path, wrong(40), [0.9] * 40, by="shy")  # handed over each time, for 1; a mistake costs 20
    dataset = HEAD.replace(" }", f"; {mix} }}")
    both = "".join(f'model {name} {{ use = recorded("{name}.jsonl") }}\n' for name in ("sure", "shy"))
    task = "task t { data = d; answer = one_of(label); costs = c; rank = expected_cost; POLICY }\n"
    asked = task.replace("POLICY", "abstain = when_cheaper")
    results = results_of(tmp_path, dataset + both + COSTS + asked)
    said = [s for section in sections(results, "t") for s in section.sentences]
    assert "shy costs 1.00 points more than sure (n = 40): more than chance explains." in said


def test_figures_beyond_a_floats_digits_are_written_short() -> None:
    assert plain(1e300) == "1.00e+300"
    assert plain(-2.5e15) == "-2.50e+15"
    assert plain(123456789) == "123,456,789"


def test_those_with_the_very_same_figure_share_the_first_place(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 60)
    says(tmp_path, wrong(60, range(6)), by="one")
    says(tmp_path, wrong(60, range(6, 12)), by="two")
    said, _ = told(tmp_path, "one two", "rank = accuracy")
    assert said["Decide"][0].startswith("one and two share the best accuracy, 90.0 % (95 % ")
    assert "may be as good" not in said["Decide"][0]
    says(tmp_path, wrong(60, range(12, 19)), by="three")
    said, _ = told(tmp_path, "one two three", "rank = accuracy")
    assert said["Decide"][0].startswith("one and two share the best accuracy, 90.0 % (95 % ")
    assert said["Decide"][0].endswith(", but three may be as good.")


def test_one_is_no_plural(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"])
    says(tmp_path, ["a"], by="one")
    says(tmp_path, ["b"], by="two")
    said, _ = told(tmp_path, "one two", "rank = accuracy")
    assert not [s for own in said.values() for s in own if "1 examples" in s]
    assert "cannot be told apart on this example" in " ".join(said["Decide"])
