"""What a plan says a run will ask: how many requests, what the store has, tokens and money at worst."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalspec.models.connect import keyer
from evalspec.plan.estimate import Estimate, estimate
from evalspec.plan.expecting import Usual
from evalspec.run.session import training_of
from score.worlds import DATASET, labelled, plan_of, says, write_csv
from score.worlds import MODEL as RECORDED

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan

MODEL = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b] }
model m {
  use = "openai/m"; base_url = "http://127.0.0.1:9/v1"; PARAMETERS
  price { input = $1; output = $10; per = 1_000 }
}
"""
TASK = 'task t { data = d; prompt = "{{ body }} of {{ labels }}"; answer = one_of(label); rank = accuracy }'
CHAIN = """
chain t {
  data = d
  step one { prompt = "one {{ body }}"; answer = number; GOLD }
  step two { prompt = "two {{ body }} {{ one }} {{ labels }}"; answer = one_of(label) }
}
"""
LIMITED = "max_tokens = 5;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(
        tmp_path / "d.csv", [{"id": i, "body": f"text {i % 8}", "label": "a", "amount": 7} for i in range(10)]
    )
    return tmp_path


def nothing(keys: Collection[str]) -> set[str]:
    return set()


def found(folder: Path, spec: str, kept: object = nothing) -> Estimate:
    plan = plan_of(folder, spec)
    (planned,) = plan.tasks
    key_of = keyer(planned.candidates[0], environment={}, training=training_of(plan))
    return estimate(planned, planned.candidates[0], key_of, kept)  # type: ignore[arg-type]


def with_parameters(parameters: str, rest: str) -> str:
    return MODEL.replace("PARAMETERS", parameters) + rest


def test_equal_questions_are_one_request(folder: Path) -> None:
    estimated = found(folder, with_parameters("", TASK))
    assert (estimated.examples, estimated.requests, estimated.kept, estimated.later) == (10, 8, 0, 0)
    assert estimated.faults == ()


def test_what_the_store_has_is_told_and_costs_nothing(folder: Path) -> None:
    spec = with_parameters(LIMITED, TASK)
    asked: list[str] = []

    def some(keys: Collection[str]) -> set[str]:
        asked.extend(keys)
        return set(sorted(keys)[:3])

    fresh, half, full = found(folder, spec), found(folder, spec, some), found(folder, spec, set)
    assert len(set(asked)) == 8
    assert (half.requests, half.kept, full.kept) == (8, 3, 8)
    assert fresh.worst_usd is not None
    assert half.worst_usd == fresh.worst_usd * 5 / 8
    assert full.worst_usd == 0


def test_money_at_worst_is_every_answer_at_its_longest(folder: Path) -> None:
    estimated = found(folder, with_parameters(LIMITED, TASK))
    said = Decimal(10) * 8 * 5 / 1000
    assert estimated.input_tokens >= 8 * len("text 0 of ['a', 'b']") // 4
    assert estimated.worst_usd is not None
    # A token is a byte at least, and what stands around a message is counted, too.
    assert Decimal(8 * len("text 0 of ['a', 'b']")) / 1000 < estimated.worst_usd - said < 1
    assert estimated.expected_usd == (Decimal(1) * estimated.input_tokens) / 1000 + said


def test_what_is_expected_goes_by_the_answers_before(folder: Path) -> None:
    plan = plan_of(folder, with_parameters("", TASK))
    (planned,) = plan.tasks
    candidate = planned.candidates[0]
    key_of = keyer(candidate, environment={}, training=training_of(plan))
    known = {"m": Usual(output_tokens=2.5, seconds=0.25, n=40)}
    estimated = estimate(planned, candidate, key_of, nothing, known.get)
    assert estimated.expected_usd == (Decimal(estimated.input_tokens) + 8 * 10 * Decimal("2.5")) / 1000
    assert estimated.work_s == 2
    assert estimated.worst_usd is None


def test_without_a_limit_or_a_price_the_worst_is_not_known(folder: Path) -> None:
    assert found(folder, with_parameters("", TASK)).worst_usd is None
    priceless = MODEL.replace("price { input = $1; output = $10; per = 1_000 }", LIMITED)
    assert found(folder, priceless.replace("PARAMETERS", "") + TASK).worst_usd is None


def test_what_depends_on_answers_is_counted_apart_and_reckoned_like_its_twin(folder: Path) -> None:
    with_gold = with_parameters(LIMITED, CHAIN.replace("GOLD", "gold = number(amount)"))
    estimated = found(folder, with_gold)
    assert (estimated.requests, estimated.later) == (16, 10)  # 8 of each step, and at most 10 more
    assert estimated.worst_usd is not None
    assert estimated.worst_usd >= Decimal(10) * (16 + 10) * 5 / 1000
    without = found(folder, with_parameters(LIMITED, CHAIN.replace("GOLD", "")))
    assert (without.requests, without.later) == (8, 10)
    assert without.worst_usd is None


def test_a_prompt_that_cannot_be_rendered_is_told_with_its_example(folder: Path) -> None:
    write_csv(
        folder / "d.csv",
        [{"id": i, "body": "b", "label": "a", "n": n} for i, n in enumerate([1, 0, 2])],
    )
    spec = MODEL.replace("PARAMETERS", "") + TASK.replace("{{ body }}", "{{ 10 // (n | int) }}")
    estimated = found(folder, spec)
    assert [example for example, _ in estimated.faults] == ["1"]
    assert estimated.requests == 2


def test_local_candidates_cost_nothing(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", [{"id": i, "body": f"text {i}", "label": "ab"[i % 2]} for i in range(6)])
    write_csv(tmp_path / "e.csv", [{"id": i, "body": f"other {i}", "label": "ab"[i % 2]} for i in range(6)])
    spec = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b] }
dataset e { source = file("e.csv"); id = id; label = label }
model m { use = baseline("majority", train = e) }
task t { data = d; models = [m]; answer = one_of(label); rank = accuracy }
"""
    estimated = found(tmp_path, spec)
    assert (estimated.requests, estimated.input_tokens, estimated.worst_usd) == (1, 0, Decimal(0))


def test_recorded_answers_ask_no_store(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 3)
    says(tmp_path, ["a"] * 3)
    plan: Plan = plan_of(
        tmp_path, DATASET + RECORDED + "task t { data = d; answer = one_of(label); rank = accuracy }"
    )
    (planned,) = plan.tasks
    estimated = estimate(planned, planned.candidates[0], lambda request: None, nothing)
    assert (estimated.requests, estimated.kept) == (3, None)


def test_samples_and_changed_forms_are_requests_of_their_own(folder: Path) -> None:
    once = found(folder, with_parameters(LIMITED, TASK))
    more = TASK.replace("rank", "samples = 5; perturb = [lowercase, typos(10%)]; rank")
    often = found(folder, with_parameters(LIMITED, more))
    assert (once.requests, often.requests) == (8, 8 * 5 * 3)
    assert often.input_tokens == once.input_tokens * 15
    assert once.worst_usd is not None
    assert often.worst_usd == once.worst_usd * 15


def test_more_samples_later_are_only_those_that_are_not_kept(folder: Path) -> None:
    asked: set[str] = set()

    def noted(keys: Collection[str]) -> set[str]:
        asked.update(keys)
        return set()

    found(folder, with_parameters(LIMITED, TASK.replace("rank", "samples = 2; rank")), noted)
    spec = with_parameters(LIMITED, TASK.replace("rank", "samples = 5; rank"))
    estimated = found(folder, spec, asked.intersection)
    assert (len(asked), estimated.requests, estimated.kept) == (16, 40, 16)
    everything = found(folder, spec)
    assert estimated.worst_usd is not None
    assert everything.worst_usd is not None
    assert estimated.worst_usd == everything.worst_usd * 3 / 5


def test_a_step_is_counted_where_its_condition_may_hold(folder: Path) -> None:
    """A condition on columns is known now; one on answers holds for every example at most."""
    chain = """
chain t {
  data = d
  step one { prompt = "one {{ body }} {{ labels }}"; answer = one_of(label); confidence = stated }
  step two { prompt = "two {{ body }} {{ labels }}"; answer = one_of(label); when = WHEN }
}
"""
    by_column = found(folder, with_parameters("", chain.replace("WHEN", 'body == "text 1"')))
    assert (by_column.requests, by_column.later) == (8 + 1, 0)
    by_answer = found(folder, with_parameters("", chain.replace("WHEN", "one.confidence < 50%")))
    assert (by_answer.requests, by_answer.later) == (8, 10)
