"""What of a spec is run: the selection, and samples that stay the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.data.rows import Row
from evalspec.plan.plan import EmptySelection, Passing, Plan, Selection, build_plan, sample
from evalspec.run.asking import Keeping
from evalspec.run.session import settings_for
from score.worlds import DATASET, labelled, plan_of, says

SPEC = (
    DATASET
    + """
dataset other { source = file("e.csv"); id = id; label = label in [a, b] }
subset lang of d { by = lang }
model x { use = recorded("x.jsonl") }
model y { use = recorded("x.jsonl") }
task t { data = d; answer = one_of(label); rank = accuracy }
task u { data = other; models = [y]; answer = one_of(label); rank = accuracy }
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled(tmp_path, ["a"] * 6, lang=["de", "en", "de", "en", "en", "en"])
    (tmp_path / "d.csv").rename(tmp_path / "e.csv")
    labelled(tmp_path, ["a", "b"] * 10, lang=["de", "en", "en", "en"] * 5)
    says(tmp_path, ["a"] * 20, by="x")
    return tmp_path


def chosen(folder: Path, **selection: object) -> Plan:
    return plan_of(folder, SPEC, selection=Selection(**selection))  # type: ignore[arg-type]


def shape(plan: Plan) -> dict[str, tuple[list[str], int]]:
    return {p.task.name: ([c.name for c in p.candidates], len(p.rows)) for p in plan.tasks}


def test_everything_without_a_selection(folder: Path) -> None:
    plan = chosen(folder)
    assert shape(plan) == {"t": (["x", "y"], 20), "u": (["y"], 6)}
    assert not plan.selection.narrows


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"models": ("y",)}, {"t": (["y"], 20), "u": (["y"], 6)}),
        ({"models": ("x",)}, {"t": (["x"], 20)}),  # `u` has no candidate left
        ({"tasks": ("u",)}, {"u": (["y"], 6)}),
        ({"subset": "lang=de"}, {"t": (["x", "y"], 5)}),  # a subset of d alone
        ({"limit": 4}, {"t": (["x", "y"], 4), "u": (["y"], 4)}),
        ({"limit": 100}, {"t": (["x", "y"], 20), "u": (["y"], 6)}),
        ({"subset": "lang=de", "limit": 2}, {"t": (["x", "y"], 2)}),
    ],
)
def test_a_selection(folder: Path, selection: dict[str, object], expected: object) -> None:
    plan = chosen(folder, **selection)
    assert shape(plan) == expected
    assert plan.selection.narrows


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"models": ("z",)}, "there is no model `z`; known: x, y"),
        ({"tasks": ("v",)}, "there is no task `v`; known: t, u"),
        ({"subset": "lang=fr"}, "there is no subset `lang=fr`; known: lang=de, lang=en"),
        ({"models": ("x",), "tasks": ("u",)}, "the selection leaves nothing to run"),
        ({"limit": 0}, "the selection leaves nothing to run"),
        ({"limit": -3}, "the selection leaves nothing to run"),
    ],
)
def test_an_empty_selection_is_an_error(folder: Path, selection: dict[str, object], message: str) -> None:
    with pytest.raises(EmptySelection) as caught:
        chosen(folder, **selection)
    assert message in str(caught.value)


def test_rows_stay_in_the_order_of_the_data(folder: Path) -> None:
    (t,) = chosen(folder, tasks=("t",), limit=7).tasks
    places = [int(row.id) for row in t.rows]
    assert places == sorted(places)
    assert len(set(places)) == 7


def test_the_seed_chooses_other_examples(folder: Path) -> None:
    plan = chosen(folder, tasks=("t",), limit=7)
    again = build_plan(plan.program, plan.data, plan.selection, seed=0)
    other = build_plan(plan.program, plan.data, plan.selection, seed=1)
    assert again.tasks == plan.tasks
    assert other.tasks[0].rows != plan.tasks[0].rows


def test_recorded_answers_were_given_no_gold(folder: Path) -> None:
    (t, _) = chosen(folder).tasks
    assert t.passings(t.candidates[0]) == (Passing.FREE,)


# ── samples ───────────────────────────────────────────────────────────────────────────────────────

IDS = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=30, unique=True)


def rows(ids: list[str]) -> list[Row]:
    return [Row(id=i, values={}, file="d.csv", line=n) for n, i in enumerate(ids, 2)]


@given(IDS, st.integers(0, 40), st.integers(0, 3))
def test_a_sample_has_that_size_and_keeps_the_order(ids: list[str], n: int, seed: int) -> None:
    found = [row.id for row in sample(rows(ids), n, seed)]
    assert len(found) == min(n, len(ids))
    assert found == [i for i in ids if i in found]


@given(IDS, st.integers(0, 30), st.integers(0, 30))
def test_a_larger_sample_keeps_what_a_smaller_one_chose(ids: list[str], n: int, more: int) -> None:
    small = {row.id for row in sample(rows(ids), n, 0)}
    assert small <= {row.id for row in sample(rows(ids), n + more, 0)}


@given(IDS, st.integers(1, 10), st.randoms())
def test_neither_the_order_nor_other_rows_change_who_comes_first(
    ids: list[str], n: int, shuffling: random.Random
) -> None:
    shuffled = list(ids)
    shuffling.shuffle(shuffled)
    chosen_ids = {row.id for row in sample(rows(ids), n, 7)}
    assert {row.id for row in sample(rows(shuffled), n, 7)} == chosen_ids
    without_one = [i for i in ids if i not in chosen_ids][1:] + list(chosen_ids)
    assert {row.id for row in sample(rows(without_one), n, 7)} == chosen_ids


def test_every_row_is_as_likely_to_be_drawn() -> None:
    """Drawn 10 of 40 with 400 seeds: each about 100 times, give or take five standard errors."""
    ids = [f"e{i}" for i in range(40)]
    drawn = [row.id for seed in range(400) for row in sample(rows(ids), 10, seed)]
    assert len(drawn) == 4000
    assert all(abs(drawn.count(i) - 100) < 5 * (400 * 0.25 * 0.75) ** 0.5 for i in ids)


# ── prompt variants ───────────────────────────────────────────────────────────────────────────────

VARIANTS = (
    DATASET
    + """
model x { use = recorded("x.jsonl") }
model h { use = "openai/h"; base_url = "http://127.0.0.1:9/v1" }
model b { use = baseline("majority", train = other) }
dataset other { source = file("e.csv"); id = id; label = label }
task t { data = d; prompts { s = "{{ lang }} a b"; l = "So {{ lang }} a b" }; answer = one_of(label) }
task u { data = d; prompt = "{{ lang }} a b"; answer = one_of(label) }
"""
)


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ((), {"t": ["x/s", "x/l", "h/s", "h/l", "b"], "u": ["x", "h", "b"]}),
        (("h",), {"t": ["h/s", "h/l"], "u": ["h"]}),
        (("h/l", "b"), {"t": ["h/l", "b"], "u": ["b"]}),
        (("h/l",), {"t": ["h/l"]}),
    ],
)
def test_variants_are_candidates_of_a_task_that_has_them(
    folder: Path, models: tuple[str, ...], expected: dict[str, list[str]]
) -> None:
    plan = plan_of(folder, VARIANTS, selection=Selection(models=models))
    assert {name: names for name, (names, _) in shape(plan).items()} == expected
    first = plan.tasks[0].candidates[0]
    assert first.name == (f"{first.model}/{first.variant}" if first.variant else first.model)


def test_limits_on_a_model_hold_for_its_variants_together(folder: Path) -> None:
    limited = VARIANTS + "limits { concurrency(h) <= 3; requests(h) <= 5/s }"
    limits = settings_for(plan_of(folder, limited).program, concurrency=None, keeping=Keeping()).limits
    assert limits.shared_concurrency == ((3, frozenset({"h", "h/s", "h/l"})),)
    assert [rate.candidates for rate in limits.rates] == [frozenset({"h", "h/s", "h/l"})]
