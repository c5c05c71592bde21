"""Budgets on the first token and on the steps of a chain, held against the run's own requests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.pipeline import score
from score.worlds import DATASET, MODEL, RUN, Json, candidate, labelled, plan_of, played, scored, write_jsonl

MS = 1_000_000
SECOND = 1_000_000_000


# ── the first token ───────────────────────────────────────────────────────────────────────────────


def streamed(folder: Path, firsts: Sequence[float | None], budgets: str) -> Json:
    """The candidate, whose answers all took 5 s, after so many seconds to the first token (None: unknown)."""
    labelled(folder, ["a"] * len(firsts))
    rows: list[Json] = [
        {"id": i, "response": "a", "latency_s": 5.0, **({} if s is None else {"first_token_s": s})}
        for i, s in enumerate(firsts)
    ]
    write_jsonl(folder / "m.jsonl", rows)
    task = f"task t {{ data = d; answer = one_of(label); latency {{ {budgets} }} }}\n"
    return candidate(scored(folder, DATASET + MODEL + task))


@pytest.mark.parametrize(
    ("misses", "verdict"), [(4, "within"), (5, "not_enough_data"), (15, "not_enough_data"), (16, "over")]
)
def test_the_first_token_is_held_against_its_budget_by_the_exact_binomial(
    tmp_path: Path, misses: int, verdict: str
) -> None:
    """However long the whole takes."""
    found = streamed(tmp_path, [0.2] * (200 - misses) + [0.9] * misses, "p95(first_token) <= 600ms")
    (budget,) = found["budgets"]
    assert (budget["clause"], budget["verdict"], budget["n"]) == ("p95(first_token) <= 600ms", verdict, 200)
    assert found["viable"] == (verdict != "over")
    assert found["latency"]["measured"] == "recorded"
    assert found["latency"]["first_token"]["max"] == {"value": 0.9, "n": 200}
    assert found["latency"]["service"]["max"] == {"value": 5.0, "n": 200}


def test_mean_and_largest_are_those_of_the_first_token_too(tmp_path: Path) -> None:
    budgets = "mean(first_token) <= 400ms; max(first_token) <= 800ms; p50 <= 1s; else = mark"
    found = streamed(tmp_path, [0.2] * 99 + [0.9], budgets)["budgets"]
    assert [b["verdict"] for b in found] == ["within", "over", "over"]
    assert found[0]["value"] == pytest.approx(0.207)


def test_what_came_in_one_piece_has_no_first_token_and_never_that_of_the_whole(tmp_path: Path) -> None:
    found = streamed(tmp_path, [None] * 100, "p95(first_token) <= 60s; p95 <= 60s")
    first, whole = found["budgets"]
    assert (first["verdict"], first["value"]) == ("not_enough_data", None)
    assert first["why"] == "no answer came token by token"
    assert whole["verdict"] == "within"
    assert found["latency"]["first_token"] is None


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────

HOSTED = 'model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1"; timeout = 9s }\n'
CHAIN = """
chain t {{
  data = d
  step look {{ prompt = "{{{{ id }}}}"; answer = text }}
  step pick {{ prompt = "{{{{ look }}}}"; answer = one_of(label) }}
  latency {{ {} }}
}}
"""
TOOK = {"look": 300 * MS, "pick": 500 * MS}


def chained(folder: Path, budgets: str, *, stalls: int = 0, streams: bool = False) -> Json:
    """The candidate, whose steps took as long as above; the first step ran out of its time so often."""
    labelled(folder, ["a"] * 100)
    plan = plan_of(folder, DATASET + HOSTED + CHAIN.format(budgets))

    def says(request: Request) -> Answer | Failure:
        if request.step == "look" and int(request.example) < stalls:
            return Failure(kind=FailureKind.TIMEOUT, message="no answer within 9 s")
        first = 100 * MS if streams else None
        return Answer(response="a", latency_ns=TOOK[request.step], first_token_ns=first)

    found = score(plan, played(plan, {"m": says}), dict(RUN))
    task: Json = found.document["tasks"]["t"]  # type: ignore[index,call-overload,assignment]
    return candidate(task)


def test_each_step_has_its_own_time(tmp_path: Path) -> None:
    found = chained(tmp_path, "p95(look) <= 400ms; p95(pick) <= 400ms; p95 <= 1s; else = mark")
    assert [(b["verdict"], b["value"]) for b in found["budgets"]] == [
        ("within", 0.3),
        ("over", 0.5),
        ("within", 0.8),
    ]
    assert found["latency"]["steps"]["look"]["p50"]["value"] == 0.3
    assert found["latency"]["steps"]["pick"]["max"] == {"value": 0.5, "n": 100}


def test_a_step_that_runs_out_of_its_time_is_a_miss_and_the_next_one_has_none(tmp_path: Path) -> None:
    found = chained(tmp_path, "p50(look) <= 400ms; p50(pick) <= 1s; p50 <= 1s; else = mark", stalls=70)
    look, pick, whole = found["budgets"]
    assert (look["verdict"], look["value"], look["n"]) == ("over", None, 100)
    assert (pick["verdict"], pick["n"]) == ("within", 30)
    assert (whole["verdict"], whole["n"]) == ("over", 100)


def test_the_first_token_of_a_chain_is_that_of_its_last_step(tmp_path: Path) -> None:
    found = chained(tmp_path, "p95(first_token) <= 450ms", streams=True)
    (budget,) = found["budgets"]
    assert (budget["verdict"], budget["value"]) == ("within", 0.4)


def test_without_budgets_on_parts_nothing_is_told_of_them(tmp_path: Path) -> None:
    found = chained(tmp_path, "p95 <= 1s", streams=True)
    assert found["latency"]["first_token"] is None
    assert "steps" not in found["latency"]
