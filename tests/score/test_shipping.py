"""The rule to ship decides as the evaluation did, tie for tie; and a file that holds none is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import evalspec
from evalspec import Policy
from evalspec.score.judged import judge
from evalspec.score.score import TaskScores, score_task
from evalspec.score.shipping import NoPolicy, policy_to_ship
from score.rounds import FIVE, HEAD, LABELS, TABLE, TASK, Said, bold, drawn, world
from score.worlds import Json, plan_of, played


def scores_of(folder: Path, text: str) -> TaskScores:
    plan = plan_of(folder, text)
    (planned,) = plan.tasks
    traces = played(plan, {})
    judged = [judge(planned, c, traces[planned.task.name, c.name]) for c in planned.candidates]
    return score_task(planned, judged, plan.seed, plan.program.datasets["d"])


POLICIES = [
    "abstain = when_cheaper", "abstain = below(80%)", "abstain = least_confident(30%)", "",
]  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("costs", ["by outcome", "by class", "by class and distribution", "by example"])
def test_what_is_shipped_decides_as_the_evaluation_did(tmp_path: Path, policy: str, costs: str) -> None:
    said = drawn(7, 60, spread=costs.endswith("distribution"))
    if "least" in policy:  # where confidences tie at the cut, some of the equal ones were withheld
        said = [
            Said(truth=s.truth, answer=s.answer, confidence=Fraction(i + 1, 61)) for i, s in enumerate(said)
        ]
    world(tmp_path, said)
    form = TABLE if costs.startswith("by class") else FIVE
    if costs == "by example":
        form = "costs c { right = 0; wrong = number(amount) * 2; abstain = number(amount) / 2 }\n"
    scores = scores_of(tmp_path, HEAD.replace("MORE", "") + form + TASK.replace("POLICY", policy))
    (tmp_path / "policy.json").write_text(json.dumps(policy_to_ship(scores, "m")), encoding="utf-8")
    shipped = evalspec.Policy.load(tmp_path / "policy.json")
    for s, example in zip(said, scores.candidates["m"].examples, strict=True):
        if s.answer is None or example.decision is None:
            continue
        spread = example.judgement.distribution
        own: Json = {"right": 0, "wrong": 2 * s.amount, "abstain": s.amount / 2}
        found = shipped.decide(
            example.judgement.confidence,
            answer=LABELS[s.answer],
            probabilities=spread,
            costs=own if costs == "by example" else None,
        )
        if policy:
            assert found.answer is not example.decision.withheld
            assert bool(found) is found.answer
            if found.answering is not None and example.decision.promised is not None:
                promised = found.answering if found.answer else found.abstaining
                assert promised == pytest.approx(example.decision.promised, abs=1e-12)


def test_a_recalibrated_policy_ships_the_map_of_all_examples(tmp_path: Path) -> None:
    world(tmp_path, bold())
    text = HEAD.replace("MORE", "") + FIVE + TASK.replace("POLICY", "abstain = when_cheaper(recalibrated)")
    document = policy_to_ship(scores_of(tmp_path, text), "m")
    assert (document["rule"], document["kind"]) == ("when_cheaper(recalibrated)",) * 2
    assert (document["n"], document["wrong"], document["coverage"]) == (80, 20, 0.5)
    assert document["cost"]["value"] == 1  # type: ignore[index,call-overload]
    policy = evalspec.Policy(document)
    assert policy.decide(0.9).confidence == 0.5
    # Between the two claims the map is a line from .5 to 1, which reaches .6 at 91 %.
    assert [policy.decide(c).answer for c in (0.9, 0.9099, 0.9101, 0.95)] == [False, False, True, True]
    assert (policy.decide(0.9).answer, policy.decide(0.95).answer) == (False, True)


def test_who_has_no_policy_is_told_why(tmp_path: Path) -> None:
    said = [Said(truth=0, answer=0, confidence=None)] * 3
    world(tmp_path, said)
    head, task = HEAD.replace("MORE", ""), TASK.replace("POLICY", "")
    free = "costs c { right = 0; wrong = 5 }\n"
    for text, why in (
        (head + FIVE + task, "gives no confidence"),
        (head + free + task, "abstaining has no price in `c`"),
        (head + task.replace("costs = c;", ""), "has no costs"),
    ):
        with pytest.raises(NoPolicy, match=why):
            policy_to_ship(scores_of(tmp_path, text), "m")


class TestPolicyFile:
    RULE: ClassVar[Json] = {
        "format": "evalspec.policy/1", "kind": "when_cheaper",
        "costs": {"right": 0, "wrong": 20, "abstain": 1},
    }  # fmt: skip

    def test_chows_rule_with_its_tie(self) -> None:
        policy = evalspec.Policy(self.RULE)
        assert [bool(policy.decide(c)) for c in (0.9499, 0.95, 1.0, 0.0)] == [False, True, True, False]
        assert not policy.decide(None)

    @pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
    def test_what_is_no_confidence_is_refused(self, confidence: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 1"):
            evalspec.Policy(self.RULE).decide(confidence)

    def test_costs_by_class_need_an_answer_that_they_know(self) -> None:
        costs: Json = {"labels": ["a", "b"], "figures": [[0, 5], [9, 0]], "abstain": [1, 1], "counts": [3, 1]}
        policy = evalspec.Policy({**self.RULE, "costs": costs})
        for answer in (None, "c"):
            with pytest.raises(ValueError, match="one of a, b"):
                policy.decide(0.9, answer=answer)
        assert policy.decide(0.85, answer="b")  # .15 · 5 <= 1
        assert not policy.decide(0.85, answer="a")  # .15 · 9 > 1
        assert policy.decide(None, answer="a", probabilities={"a": 0.9, "b": 0.1})
        with pytest.raises(ValueError, match="add up to"):
            policy.decide(0.9, answer="a", probabilities={"a": 0.9, "b": 0.2})
        with pytest.raises(ValueError, match="do not know"):
            policy.decide(0.9, answer="a", probabilities={"a": 0.9, "z": 0.1})

    def test_costs_by_example_are_to_be_given(self) -> None:
        policy = evalspec.Policy({**self.RULE, "costs": {"right": 0, "wrong": "amount * 2", "abstain": 1}})
        with pytest.raises(ValueError, match="depend on the example"):
            policy.decide(0.9)
        assert policy.decide(0.9, costs={"right": 0, "wrong": 10, "abstain": 1})

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "{}", '{"format": "evalspec.results/1"}', '{"format": "evalspec.policy/1"}', "[" * 9999],
    )
    def test_a_file_that_holds_no_policy(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "p.json").write_text(text)
        with pytest.raises(ValueError, match=r"p\.json"):
            evalspec.Policy.load(tmp_path / "p.json")


@pytest.mark.parametrize("confidence", ["x", True, [0.5], 1.5, float("nan"), {}])
def test_what_is_no_confidence_is_a_value_error(confidence: object) -> None:
    rule = Policy({"format": "evalspec.policy/1", "kind": "threshold", "threshold": 0.5})
    with pytest.raises(ValueError, match="a confidence"):
        rule.decide(confidence)  # type: ignore[arg-type]
    assert rule.decide(np.float32(0.75))  # type: ignore[arg-type]


@pytest.mark.parametrize("probabilities", [[1.0], {"a": "x"}, {"a": None}, {"a": 2.0}])
def test_what_is_no_distribution_is_a_value_error(probabilities: object) -> None:
    rule = Policy({"format": "evalspec.policy/1", "kind": "threshold", "threshold": 0.5})
    with pytest.raises(ValueError, match="probabilities"):
        rule.decide(0.5, answer="a", probabilities=probabilities)  # type: ignore[arg-type]
