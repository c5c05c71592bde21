"""Same spec, data and answers: the same bytes. What must not matter does not, and no figure is NaN."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalspec
from score.worlds import DATASET, MODEL, Json, labelled, results_of, says, scored, write_csv, write_jsonl

ROOT = Path(__file__).parents[2]
MODELS = tuple(f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in ("x", "y", "z"))
REST = """
subset lang of d { by = lang }
costs c { unit = "usd"; right = 0; wrong = 10; abstain = 2 }
task t { data = d; answer = one_of(label); costs = c; abstain = when_cheaper
  require { accuracy(lang) >= 60%; p95 <= 2s } }
"""
SPEC = DATASET + "".join(MODELS) + REST


def world(folder: Path, n: int = 150) -> None:
    rng = random.Random(4)
    labelled(folder, [rng.choice("ab") for _ in range(n)], lang=[rng.choice(["de", "en"]) for _ in range(n)])
    truths = [row.split(",")[1] for row in (folder / "d.csv").read_text().splitlines()[1:]]
    for by, share in (("x", 0.9), ("y", 0.8), ("z", 0.6)):
        said = [t if rng.random() < share else rng.choice("ab?") for t in truths]
        sure = [round(rng.betavariate(5, 2), 2) for _ in truths]
        says(folder, said, sure, by=by, latency_s=[round(rng.random(), 3) for _ in truths])


def test_the_same_bytes_again_and_in_another_process(tmp_path: Path) -> None:
    world(tmp_path)
    text = results_of(tmp_path, SPEC).to_json()
    assert results_of(tmp_path, SPEC).to_json() == text
    code = (
        "import sys; from pathlib import Path; from score.worlds import results_of;"
        "sys.stdout.write(results_of(Path(sys.argv[1]), Path(sys.argv[2]).read_text()).to_json())"
    )
    (tmp_path / "spec.txt").write_text(SPEC, encoding="utf-8")
    for seed in ("1", "2"):
        env = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}",
        }
        ran = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), str(tmp_path / "spec.txt")],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ran.stdout == text


def test_runs_agree_in_all_but_names_and_times(tmp_path: Path) -> None:
    world(tmp_path)
    (tmp_path / "s.eval").write_text(SPEC, encoding="utf-8")
    first, second = (json.loads(evalspec.run(tmp_path / "s.eval").to_json()) for _ in range(2))
    assert first["tasks"] == second["tasks"]
    differing = {k for k in first["run"] if first["run"][k] != second["run"][k]}
    assert differing <= {"id", "started_at", "finished_at", "pacing"}
    assert first["run"]["id"] != second["run"]["id"]


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2)])
def test_the_order_of_candidates_in_the_file_changes_no_figure(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    world(tmp_path)
    first = scored(tmp_path, SPEC)
    second = scored(tmp_path, DATASET + "".join(MODELS[i] for i in order) + REST)
    assert second == first


def test_the_order_of_rows_changes_no_figure_but_by_rounding(tmp_path: Path) -> None:
    world(tmp_path)
    spec = SPEC.replace("when_cheaper", "least_confident(20%)")
    first = scored(tmp_path, spec)
    for name in ("d.csv", "x.jsonl", "y.jsonl", "z.jsonl"):
        lines = (tmp_path / name).read_text().splitlines()
        head, rows = (lines[:1], lines[1:]) if name.endswith("csv") else ([], lines)
        random.Random(9).shuffle(rows)
        (tmp_path / name).write_text("\n".join([*head, *rows]) + "\n")
    second = scored(tmp_path, spec)
    drawn = {"p_best", "null_mean", "null_p95", "p_value", "p_adjusted"}  # which examples a seed redraws
    pairs = list(zip(numbers(first), numbers(second), strict=True))
    assert len(pairs) > 1000
    for (path, a), (_, b) in pairs:
        if path[-1] not in drawn:
            assert a == (pytest.approx(b, rel=1e-9, abs=1e-12) if isinstance(b, float) else b), path


def test_the_seed_changes_what_is_drawn_and_nothing_else(tmp_path: Path) -> None:
    world(tmp_path)
    first, second = scored(tmp_path, SPEC, seed=1), scored(tmp_path, SPEC, seed=2)
    assert first != second
    for name in ("x", "y", "z"):
        for figure in ("accuracy", "expected_cost", "brier", "auroc"):
            assert (
                first["candidates"][name]["metrics"][figure] == second["candidates"][name]["metrics"][figure]
            )


def numbers(value: Any, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Every leaf with its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from numbers(inner, (*path, i))
    else:
        yield path, value


# ── no figure is NaN, and what is missing says why ────────────────────────────────────────────────

OUTCOMES = ["answered", "no_answer", "abstained", "refused", "truncated", "timeout", "error", "not_asked"]
STEP = st.fixed_dictionaries(
    {},
    optional={
        "response": st.sampled_from(["a", "b", "?", ""]),
        "confidence": st.sampled_from([0, 0.5, 0.8, 0.95, 1]),
        "outcome": st.sampled_from(OUTCOMES),
        "latency_s": st.sampled_from([0, 0.1, 5e4]),
        "cost_usd": st.sampled_from([0, 0.01]),
        "output_tokens": st.integers(0, 9),
        "label_logprobs": st.sampled_from([{"a": 0}, {"a": math.log(0.25), "b": math.log(0.75)}]),
    },
).filter(lambda row: "response" in row or "outcome" in row)
ODD = """
subset half of d { where = number(id) % 2 == 0 }
costs c { unit = "usd"; positive = "a"; false_positive = 3; false_negative = 1e9; abstain = 0.5 }
task t { data = d; answer = one_of(label); costs = c; abstain = POLICY
  require { accuracy(half) >= 50%; p95 <= 1s; ece <= 5% } }
"""


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(STEP, min_size=1, max_size=8),
    policy=st.sampled_from(["when_cheaper", "below(80%)", "least_confident(30%)"]),
)
def test_whatever_was_answered_every_figure_is_a_number_or_says_why(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Json], policy: str
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    write_csv(folder / "d.csv", [{"id": i, "label": "ab"[i % 2]} for i in range(len(rows) + 1)])
    write_jsonl(folder / "m.jsonl", ({"id": i, **row} for i, row in enumerate(rows)))
    spec = DATASET + MODEL + ODD.replace("POLICY", policy)
    text = results_of(folder, spec).to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)["tasks"]["t"]
    for figures in every_figure(found):
        missing = [name for name in ("value", "low", "high") if figures.get(name, 0) is None]
        assert not missing or figures.get("why"), figures
    assert sum(found["candidates"]["m"]["outcomes"].values()) == len(rows) + 1


def every_figure(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if "value" in value:
            yield value
        for inner in value.values():
            yield from every_figure(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_figure(inner)
