"""Chains by construction: how every step goes is fixed beforehand, and the figures must say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from evalspec.models.model import Answer, Failure, FailureKind, Request
from score.worlds import (
    HOSTED,
    Json,
    Played,
    candidate,
    metric,
    plan_of,
    played,
    said,
    scored_play,
    value,
    write_csv,
)

THREE = (
    HOSTED
    + """
chain t {
  data = d
  step one { prompt = "one {{ id }}"; answer = number; gold = number(g1) }
  step two { prompt = "two {{ id }} of {{ one }}"; answer = number; gold = number(g2) }
  step three { prompt = "three {{ id }} of {{ two }}"; answer = number; gold = number(g3) }
  MORE
}
"""
)
GOLDS = {"one": 10, "two": 20, "three": 30}
TROUBLE = Failure(kind=FailureKind.REJECTED, message="HTTP 400")


def examples(folder: Path, n: int) -> None:
    write_csv(folder / "d.csv", [{"id": i, "g1": 10, "g2": 20, "g3": 30} for i in range(n)])


def by_step(plans: Sequence[Sequence[object]], gold_plans: Sequence[Sequence[object]] = ()) -> Played:
    """A model whose every step is planned: True is right, False wrong, else the reply itself.

    A prompt that holds the right answer of the step before it uses `gold_plans` where the plan says so.
    """
    names = list(GOLDS)

    def play(request: Request) -> Answer | Failure:
        prompt = request.messages[-1].content
        example, place = int(request.example), names.index(request.step)
        given = f"of {10 * place}" in prompt
        plan = gold_plans if gold_plans and given and place else plans
        planned = plan[example][place]
        if isinstance(planned, Answer | Failure):
            return planned
        return said(str(10 * (place + 1) + (0 if planned else 1)))

    return play


R, W = True, False
SEVEN = [(R, R, R), (R, R, R), (R, R, W), (R, W, W), (R, W, R), (W, W, W), (W, R, R)]


@pytest.fixture
def seven(tmp_path: Path) -> Json:
    examples(tmp_path, 7)
    return scored_play(tmp_path, THREE.replace("MORE", ""), m=by_step(SEVEN))


def accuracy(task: Json, step: str, passing: str = "free") -> Json:
    found: Json = candidate(task)["steps"][step][passing]["accuracy"]
    return found


def test_each_step_has_its_accuracy(seven: Json) -> None:
    for place, step in enumerate(GOLDS):
        right = sum(bool(chain[place]) for chain in SEVEN)
        found = accuracy(seven, step)
        assert (found["value"], found["n"]) == (pytest.approx(right / 7), 7)
        assert (found["low"], found["high"]) == pytest.approx(proportion_confint(right, 7, method="wilson"))


def test_a_chain_fails_first_where_it_first_went_wrong(seven: Json) -> None:
    steps = candidate(seven)["steps"]
    assert [steps[s]["first_failures"] for s in GOLDS] == [2, 2, 1]
    hazards = [steps[s]["hazard"] for s in GOLDS]
    assert [(h["value"], h["n"]) for h in hazards] == [
        (pytest.approx(2 / 7), 7),
        (pytest.approx(2 / 5), 5),
        (pytest.approx(1 / 3), 3),
    ]
    assert (hazards[1]["low"], hazards[1]["high"]) == pytest.approx(proportion_confint(2, 5, method="wilson"))


def test_hazards_products_and_the_gap(seven: Json) -> None:
    found = candidate(seven)
    compounding = found["compounding"]
    assert compounding["all_right"]["value"] == pytest.approx(2 / 7)
    survived = math.prod(1 - found["steps"][s]["hazard"]["value"] for s in GOLDS)
    assert survived == pytest.approx(compounding["all_right"]["value"], rel=1e-15)
    assert compounding["product_of_steps"] == pytest.approx(5 / 7 * 4 / 7 * 4 / 7)
    assert compounding["dependence_gap"] == pytest.approx(2 / 7 - 5 / 7 * 4 / 7 * 4 / 7)
    assert compounding["end_to_end"]["value"] == pytest.approx(
        4 / 7
    )  # right at last, with a wrong step or not
    assert value(seven, "end_to_end") == value(seven, "accuracy") == pytest.approx(4 / 7)


def test_given_gold_each_step_is_asked_with_the_right_answer_before_it(tmp_path: Path) -> None:
    """Free, errors pile up; given gold, every step but the first is right on all."""
    examples(tmp_path, 4)
    chains = [(R, R, R), (W, W, W), (W, W, W), (R, W, W)]
    golden = [(R, R, R)] * 3 + [(R, W, R)]  # the last fails at `two` even when it is given gold
    task = scored_play(tmp_path, THREE.replace("MORE", ""), m=by_step(chains, golden))
    free = [accuracy(task, s)["value"] for s in GOLDS]
    given_gold = [accuracy(task, s, "given_gold")["value"] for s in GOLDS]
    assert free == [0.5, 0.25, 0.25]
    assert given_gold == [0.5, 0.75, 1]
    compounding = candidate(task)["compounding"]
    assert compounding["product_given_gold"] == pytest.approx(0.5 * 0.75)


def test_a_step_reads_what_was_really_said_and_given_gold_the_gold(tmp_path: Path) -> None:
    examples(tmp_path, 1)
    prompts: list[str] = []

    def play(request: Request) -> Answer:
        prompts.append(request.messages[-1].content)
        return said("7")

    scored_play(tmp_path, THREE.replace("MORE", ""), m=play)
    assert prompts == ["one 0", "two 0 of 7", "three 0 of 7", "two 0 of 10", "three 0 of 20"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_the_product_of_survivals_is_the_share_of_all_right(
    tmp_path_factory: pytest.TempPathFactory, chains: list[tuple[bool, bool, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("chains")
    examples(folder, len(chains))
    found = candidate(scored_play(folder, THREE.replace("MORE", ""), m=by_step(chains)))
    hazards = [found["steps"][s]["hazard"]["value"] for s in GOLDS]
    whole = found["compounding"]["all_right"]["value"]
    assert whole == pytest.approx(sum(all(c) for c in chains) / len(chains))
    assert math.prod(1 - h for h in hazards if h is not None) == pytest.approx(whole, abs=1e-12)
    failures = [found["steps"][s]["first_failures"] for s in GOLDS]
    assert sum(failures) == sum(not all(c) for c in chains)
    if hazards[2] is None:
        assert found["steps"]["three"]["hazard"]["why"] == "no chain came to this step without a failure"


# ── what cannot be asked ──────────────────────────────────────────────────────────────────────────


def asked(folder: Path, spec: str, play: Played) -> tuple[Json, list[str]]:
    prompts: list[str] = []

    def noted(request: Request) -> Answer | Failure:
        prompts.append(request.messages[-1].content)
        return play(request)

    return scored_play(folder, spec, m=noted), prompts


@pytest.mark.parametrize(
    "reply",
    [said("no idea"), Answer(response="", refused=True), Answer(response="3 but", finish_reason="length")],
    ids=["unreadable", "refused", "cut off"],
)
def test_a_step_that_reads_no_answer_is_not_asked_and_counts_as_wrong(tmp_path: Path, reply: Answer) -> None:
    examples(tmp_path, 2)
    task, prompts = asked(tmp_path, THREE.replace("MORE", ""), by_step([(reply, R, R), (R, R, R)]))
    assert [p for p in prompts if p.startswith(("two 0", "three 0"))] == [
        "two 0 of 10",
        "three 0 of 20",
    ]  # given gold
    assert candidate(task)["outcomes"]["no_answer"] == 1
    assert [accuracy(task, s)["value"] for s in GOLDS] == [0.5] * 3
    assert [candidate(task)["steps"][s]["first_failures"] for s in GOLDS] == [1, 0, 0]
    assert value(task, "end_to_end") == 0.5


def test_a_step_that_reads_an_error_is_an_error_and_counts_nowhere(tmp_path: Path) -> None:
    examples(tmp_path, 2)
    task = scored_play(tmp_path, THREE.replace("MORE", ""), m=by_step([(R, TROUBLE, R), (R, R, R)]))
    assert candidate(task)["outcomes"]["error"] == 1
    assert [accuracy(task, s)["n"] for s in GOLDS] == [1, 1, 1]
    assert (value(task, "end_to_end"), metric(task, "end_to_end")["n"]) == (1, 1)
    assert candidate(task)["compounding"]["all_right"]["n"] == 1


def test_a_step_that_reads_what_was_not_asked_is_not_asked(tmp_path: Path) -> None:
    examples(tmp_path, 2)
    stopped = Failure(kind=FailureKind.NOT_ASKED, message="interrupted")
    task = scored_play(tmp_path, THREE.replace("MORE", ""), m=by_step([(stopped, R, R), (R, R, R)]))
    assert candidate(task)["outcomes"]["not_asked"] == 1
    assert candidate(task)["outcomes"]["error"] == 0


TWO_SIDES = (
    HOSTED
    + """
chain t {
  data = d
  step one { prompt = "one {{ id }}"; answer = number; gold = number(g1) }
  step two { prompt = "two {{ id }}"; answer = number; gold = number(g2) }
  step three { prompt = "three {{ id }} of READS"; answer = number; gold = number(g3) }
}
"""
)


@pytest.mark.parametrize("reads", ["{{ one }} {{ two }}", "{{ two }} {{ one }}"])
@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("no idea", TROUBLE, "error"),
        ("no idea", FailureKind.NOT_ASKED, "not_asked"),
        (TROUBLE, FailureKind.NOT_ASKED, "not_asked"),
    ],
)
def test_what_may_still_be_answered_comes_before_what_was_not(
    tmp_path: Path, reads: str, first: object, second: object, outcome: str
) -> None:
    replies: dict[str, Answer | Failure] = {}
    for step, reply in (("one", first), ("two", second)):
        if isinstance(reply, FailureKind):
            replies[step] = Failure(kind=reply, message="interrupted")
        else:
            replies[step] = reply if isinstance(reply, Failure) else said(str(reply))
    examples(tmp_path, 1)
    spec = TWO_SIDES.replace("READS", reads)
    task = scored_play(tmp_path, spec, m=lambda request: replies.get(request.step, said("30")))
    assert candidate(task)["outcomes"][outcome] == 1


def test_a_step_beside_the_way_that_failed_is_in_no_hazard(tmp_path: Path) -> None:
    """An error at a step that no other reads: the answer stands, but where it went wrong cannot be told."""
    examples(tmp_path, 3)
    spec = TWO_SIDES.replace("READS", "{{ two }}")
    task = scored_play(tmp_path, spec, m=by_step([(TROUBLE, R, R), (R, R, R), (R, W, R)]))
    found = candidate(task)
    assert metric(task, "end_to_end")["n"] == 3
    assert accuracy(task, "one")["n"] == 2
    assert found["compounding"]["all_right"]["n"] == 2
    hazards = [found["steps"][s]["hazard"] for s in GOLDS]
    assert [h["n"] for h in hazards] == [2, 2, 1]
    assert math.prod(1 - h["value"] for h in hazards) == found["compounding"]["all_right"]["value"] == 0.5


# ── what is passed on ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["8", "8.0", " 8 ", "It is 8.", "8.00"])
def test_a_number_is_passed_in_one_form(tmp_path: Path, form: str) -> None:
    write_csv(tmp_path / "d.csv", [{"id": 0, "g1": "8.0", "g2": 20, "g3": 30}])
    _, prompts = asked(tmp_path, THREE.replace("MORE", ""), lambda request: said(form))
    assert prompts.count("two 0 of 8") == 2  # free and given gold: one request, as they are the same


@pytest.mark.parametrize(
    ("form", "passed"), [("0.50", "0.5"), ("-3", "-3"), ("1,250", "1250"), ("1e3", "1000")]
)
def test_other_numbers_too(tmp_path: Path, form: str, passed: str) -> None:
    examples(tmp_path, 1)
    _, prompts = asked(tmp_path, THREE.replace("MORE", ""), lambda request: said(form))
    assert f"two 0 of {passed}" in prompts


# ── the chain's own answer and confidence ─────────────────────────────────────────────────────────


def test_answer_of_names_the_step_whose_answer_it_is(tmp_path: Path) -> None:
    examples(tmp_path, 7)
    task = scored_play(tmp_path, THREE.replace("MORE", "answer_of = two"), m=by_step(SEVEN))
    assert value(task, "end_to_end") == pytest.approx(4 / 7)
    assert candidate(task)["compounding"]["all_right"]["value"] == pytest.approx(2 / 7)


STATED = (
    HOSTED
    + """
chain t {
  data = d
  step one { prompt = "one {{ id }}"; answer = number; gold = number(g1); confidence = stated }
  step two { prompt = "two {{ id }} of {{ one }}"; answer = number; gold = number(g2); confidence = stated }
  MORE
}
"""
)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("", 0.5), ("confidence = last", 0.5), ("confidence = product", 0.4), ("confidence = lowest", 0.5)],
)
def test_the_confidence_of_a_chain(tmp_path: Path, how: str, expected: float) -> None:
    examples(tmp_path, 1)
    shares = {"one": 80, "two": 50}
    task = scored_play(
        tmp_path, STATED.replace("MORE", how), m=lambda r: said(f"10\nConfidence: {shares[r.step]}%")
    )
    assert value(task, "mean_confidence") == pytest.approx(expected)


def test_the_lowest_confidence_is_not_always_the_last(tmp_path: Path) -> None:
    examples(tmp_path, 1)
    shares = {"one": 30, "two": 50}
    spec = STATED.replace("MORE", "confidence = lowest")
    task = scored_play(tmp_path, spec, m=lambda r: said(f"10\nConfidence: {shares[r.step]}%"))
    assert value(task, "mean_confidence") == pytest.approx(0.3)


def test_a_step_without_confidence_leaves_the_product_without(tmp_path: Path) -> None:
    examples(tmp_path, 1)
    spec = STATED.replace("MORE", "confidence = product")
    task = scored_play(tmp_path, spec, m=lambda r: said("10" if r.step == "one" else "20\nConfidence: 50%"))
    assert value(task, "mean_confidence") is None
    assert candidate(task)["confidence"] == {"source": None, "n": 0, "missing": 1}


def test_a_step_that_was_blocked_did_not_run(tmp_path: Path) -> None:
    """A step beside the way reads a step that gave no answer: the confidence is of those that ran."""
    examples(tmp_path, 1)
    spec = (
        HOSTED
        + """
chain t {
  data = d
  confidence = product
  answer_of = main
  step lost { prompt = "lost {{ id }}"; answer = number; gold = number(g1); confidence = stated }
  step beside { prompt = "beside {{ lost }}"; answer = number; gold = number(g1); confidence = stated }
  step main { prompt = "main {{ id }}"; answer = number; gold = number(g3); confidence = stated }
}
"""
    )
    replies = {"lost": "no idea", "main": "30\nConfidence: 60%"}
    task = scored_play(tmp_path, spec, m=lambda r: said(replies.get(r.step, "10\nConfidence: 90%")))
    assert value(task, "end_to_end") == 1
    assert value(task, "mean_confidence") is None  # `lost` ran and gave none
    replies["lost"] = "10\nConfidence: 50%"
    task = scored_play(tmp_path, spec, m=lambda r: said(replies.get(r.step, "10\nConfidence: 90%")))
    assert value(task, "mean_confidence") == pytest.approx(0.5 * 0.9 * 0.6)


# ── steps without gold ────────────────────────────────────────────────────────────────────────────

NO_GOLD = THREE.replace("; gold = number(g1)", "").replace("MORE", "")


def test_a_step_without_gold_has_reasons_and_no_figures(tmp_path: Path) -> None:
    examples(tmp_path, 7)
    found = candidate(scored_play(tmp_path, NO_GOLD, m=by_step(SEVEN)))
    one, two, three = (found["steps"][s] for s in GOLDS)
    for figure in (one["free"]["accuracy"], one["given_gold"]["accuracy"], one["hazard"]):
        assert (figure["value"], figure["n"]) == (None, 0)
        assert figure["why"] == "the step has no gold"
    assert one["first_failures"] == 0
    assert two["given_gold"]["accuracy"]["why"] == "a step that it reads has no gold"
    assert three["given_gold"]["accuracy"]["value"] is not None
    right = [all(c[1:]) for c in SEVEN]
    assert found["compounding"]["all_right"]["value"] == pytest.approx(sum(right) / 7)
    assert found["compounding"]["product_of_steps"] == pytest.approx(4 / 7 * 4 / 7)


# ── time and tokens ───────────────────────────────────────────────────────────────────────────────


def test_a_chain_takes_the_time_and_tokens_of_the_steps_that_were_asked(tmp_path: Path) -> None:
    examples(tmp_path, 2)
    task = scored_play(tmp_path, THREE.replace("MORE", ""), m=by_step([(said("no idea"), R, R), (R, R, R)]))
    assert metric(task, "p50")["n"] == 2
    assert (value(task, "p50"), value(task, "p99")) == (1.0, 3.0)
    assert candidate(task)["usage"] == {
        "input_tokens": 20, "output_tokens": 8, "cost_usd": None, "cost_per_1k_usd": None,
    }  # fmt: skip
    assert value(task, "output_tokens") == 4


def test_a_chain_in_which_a_step_ran_out_of_time_misses_every_bound(tmp_path: Path) -> None:
    examples(tmp_path, 2)
    late = Failure(kind=FailureKind.TIMEOUT, message="no reply within 2s")
    spec = THREE.replace("base_url", "timeout = 2s; base_url").replace("MORE", "")
    task = scored_play(tmp_path, spec, m=by_step([(late, R, R), (R, R, R)]))
    assert candidate(task)["outcomes"]["no_answer"] == 1
    assert (metric(task, "p99")["n"], value(task, "p99")) == (2, None)
    assert metric(task, "p99")["why"] == "it lies beyond the timeout"
    untimed = scored_play(tmp_path, THREE.replace("MORE", ""), m=by_step([(late, R, R), (R, R, R)]))
    assert candidate(untimed)["outcomes"]["error"] == 1  # our own limit ran out: nobody's miss


def test_a_visit_for_each_example_and_way_of_passing(tmp_path: Path) -> None:
    examples(tmp_path, 3)
    plan = plan_of(tmp_path, THREE.replace("MORE", ""))
    (traces,) = played(plan, {"m": lambda request: said("1")}).values()
    assert [(t.visit.example, t.visit.passing.value) for t in traces] == [
        (i, passing) for i in range(3) for passing in ("free", "given_gold")
    ]
    assert [[s.step for s in t.steps] for t in traces[:2]] == [["one", "two", "three"], ["two", "three"]]
