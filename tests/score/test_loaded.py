"""Budgets under a load: what a latency pass measured, held against them, and when nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evalspec.models.model import Answer, Request
from evalspec.pipeline import score
from evalspec.run.arrivals import Load, load_of
from evalspec.run.under_load import Client, Fate, Leg, Passed, Sample, passes_in, passes_json
from evalspec.score.load_sentences import too_few
from score.worlds import RUN, Json, candidate, labelled, plan_of, played

SECOND = 1_000_000_000
DATASET = 'dataset d { source = file("d.csv"); id = id; label = label }\n'
MODEL = 'model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1" }\n'
TASK = 'task t {{ data = d; prompt = "{{{{ id }}}}"; answer = one_of(label); latency {{ {} {} }} }}\n'
LOAD = "load = 4/s; for = 60s"
WELL = Client(lag_p95_ns=1_000_000, lag_max_ns=9_000_000, most_in_flight=8)


def sample(
    seconds: float | None, *, waited: float = 0.0, late: float = 0.0, first: float | None = None, n: int = 1
) -> Sample:
    """A request that took so long from when it was sent, which was so long after it was due."""
    sent = int((waited + late) * SECOND)
    return Sample(
        example="0",
        due_ns=0,
        admitted_ns=int(late * SECOND),
        sent_ns=sent,
        first_ns=None if first is None else sent + int(first * SECOND),
        last_ns=None if seconds is None else sent + int(seconds * SECOND),
        output_tokens=n,
        fate=Fate.ANSWERED,
        warmup=False,
    )


def failed(fate: Fate) -> Sample:
    return replace(sample(1.0), fate=fate)


def under(folder: Path, bounds: str, samples: Sequence[Sample] | None, **passed: object) -> Json:
    """The candidate's results when its pass brought these samples; None: there was none."""
    labelled(folder, ["a"] * 5)
    plan = plan_of(folder, DATASET + MODEL + TASK.format(bounds, "" if "load" in bounds else LOAD))

    def says(request: Request) -> Answer:
        return Answer(response="a", latency_ns=5 * SECOND)

    load = load_of(plan.tasks[0].task.budgets)
    assert load is not None
    passes = {}
    if samples is not None:
        told = Passed(load=load, began_at="2026-01-01T00:00:00+00:00", samples=tuple(samples), client=WELL)
        passes = {("t", "m"): replace(told, **passed)}  # type: ignore[arg-type]
    found = score(plan, played(plan, {"m": says}), dict(RUN), passes_in(passes_json(passes)))
    task: Json = found.document["tasks"]["t"]  # type: ignore[index,call-overload,assignment]
    return candidate(task)


@pytest.mark.parametrize(
    ("misses", "verdict"), [(4, "within"), (5, "not_enough_data"), (15, "not_enough_data"), (16, "over")]
)
def test_response_time_decides_by_the_exact_binomial(tmp_path: Path, misses: int, verdict: str) -> None:
    """Those that were sent late are misses, however quickly they were served."""
    samples = [sample(1.0)] * (200 - misses) + [sample(1.0, waited=2.0)] * misses
    found = under(tmp_path, "p95 <= 2s;", samples)
    (budget,) = found["budgets"]
    assert (budget["verdict"], budget["n"]) == (verdict, 200)
    assert found["viable"] == (verdict != "over")
    assert found["latency"]["measured"] == "open_loop"
    assert found["latency"]["service"]["max"] == {"value": 1.0, "n": 200}
    assert found["latency"]["response"]["max"] == {"value": 3.0, "n": 200}
    assert found["latency"]["queue"]["max"] == {"value": 2.0, "n": 200}
    assert found["metrics"]["p99"]["value"] == 3.0
    assert found["metrics"]["p50"]["n"] == 200


def test_under_a_load_in_flight_service_time_decides(tmp_path: Path) -> None:
    found = under(tmp_path, "p95 <= 2s; load = 8; for = 60s;", [sample(1.0, waited=5.0)] * 100)
    assert found["latency"]["measured"] == "closed_loop"
    assert "response" not in found["latency"]
    assert found["budgets"][0]["verdict"] == "within"


def test_what_runs_out_of_its_time_is_a_miss_and_what_fails_an_error(tmp_path: Path) -> None:
    samples = [sample(1.0)] * 180 + [failed(Fate.TIMED_OUT)] * 16 + [failed(Fate.FAILED)] * 4
    p95, p50, errors = under(tmp_path, "p95 <= 2s; p50 <= 2s; errors <= 10%;", samples)["budgets"]
    assert (p95["verdict"], p95["value"], p95["n"]) == ("over", None, 196)
    assert (p50["verdict"], p50["value"]) == ("within", 1.0)
    assert (errors["verdict"], errors["value"], errors["n"]) == ("within", 0.02, 200)


def test_what_warmed_up_or_was_dropped_counts_nowhere(tmp_path: Path) -> None:
    idle = [replace(sample(9.0), warmup=True)] * 10 + [failed(Fate.DROPPED)] * 10
    found = under(tmp_path, "p95 <= 2s; errors <= 5%;", [*idle, *([sample(1.0)] * 100)], partial=True)
    assert [(b["verdict"], b["n"]) for b in found["budgets"]] == [("within", 100)] * 2
    assert found["latency"]["requests"] == {"sent": 100, "failed": 0, "timed_out": 0, "warmup": 10}
    assert found["latency"]["partial"] is True


def test_the_first_token_counts_from_when_it_was_due_and_is_unknown_in_one_piece(tmp_path: Path) -> None:
    streamed = [sample(1.0, waited=0.25, first=0.5, n=6)] * 100
    found = under(tmp_path, "p95(first_token) <= 1s;", streamed)
    assert (found["budgets"][0]["verdict"], found["budgets"][0]["value"]) == ("within", 0.75)
    assert found["latency"]["first_token"]["p95"]["value"] == 0.75
    assert found["latency"]["token"]["p50"]["value"] == pytest.approx(0.1)
    whole = under(tmp_path, "p95(first_token) <= 1s;", [sample(1.0)] * 100)
    assert whole["latency"]["first_token"] is None
    assert whole["budgets"][0]["verdict"] == "not_enough_data"
    assert whole["budgets"][0]["why"] == "no answer came token by token"


@pytest.mark.parametrize(
    ("samples", "more", "why"),
    [
        ([sample(1.0, late=0.1)] * 200, {}, "the measuring process itself was 100 ms late"),
        ([sample(1.0)] * 200, {"client": replace(WELL, lag_p95_ns=SECOND)}, "itself was 1.0 s late"),
        ([sample(1.0)] * 200 + [failed(Fate.HELD_BACK)], {}, "requests were held back"),
        ([sample(1.0)] * 200 + [failed(Fate.FAILED)] * 5, {}, "5 of 205 requests failed"),
        ([sample(1.0)] * 200, {"client": None, "partial": True}, "the measuring process ended before"),
        ([], {"lacking": "the money is spent"}, "the money is spent"),
        ([replace(sample(1.0), warmup=True)], {}, "broken off before anything was measured"),
        (None, {}, "no latency pass was made"),
    ],
)
def test_a_verdict_is_withheld_with_its_reason(
    tmp_path: Path, samples: Sequence[Sample] | None, more: Json, why: str
) -> None:
    found = under(tmp_path, "p95 <= 2s;", samples, **more)
    (budget,) = found["budgets"]
    assert budget["verdict"] == "not_enough_data"
    assert why in budget["why"]
    assert found["viable"]


def test_a_pass_under_another_load_is_none_for_this_one(tmp_path: Path) -> None:
    other = Load(rate_per_s=8.0, in_flight=None, duration_ns=60 * SECOND, warmup=10)
    found = under(tmp_path, "p95 <= 2s;", [sample(1.0)] * 200, load=other)
    assert found["budgets"][0]["verdict"] == "not_enough_data"
    assert found["budgets"][0]["why"] == "its latency pass was under another load (8/s for 1 min 0 s)"
    assert found["latency"]["measured"] == "under_run"


def test_what_too_few_requests_leave_open_is_told_with_how_many_it_takes() -> None:
    budget: Json = {"clause": "p95 <= 2s", "verdict": "not_enough_data", "value": 1.0, "n": 58}
    assert too_few(budget) == "; it takes at least 59"
    assert too_few({**budget, "n": 59}) == ""
    assert too_few({**budget, "verdict": "within"}) == ""
    assert too_few({**budget, "clause": "p99.9(look) <= 2s"}) == "; it takes at least 2,995"
    assert too_few({**budget, "clause": "mean <= 2s"}) == ""


# ── chains ────────────────────────────────────────────────────────────────────────────────────────

STEPS = """
chain t {{ data = d
  step look {{ prompt = "{{{{ id }}}}"; answer = text }}
  step pick {{ prompt = "{{{{ look }}}}"; answer = one_of(label) }}
  latency {{ {} load = 4/s; for = 60s }} }}
"""


def chained(look: float, pick: float | None, *, between: float = 0.0) -> Sample:
    """An arrival that was sent when it was due; None: its second step ran out of its time."""
    begun = int((look + between) * SECOND)
    last = None if pick is None else begun + int(pick * SECOND)
    fate = Fate.TIMED_OUT if pick is None else Fate.ANSWERED
    legs = (
        Leg("look", Fate.ANSWERED, 0, None, int(look * SECOND)),
        Leg("pick", fate, begun, None, last),
    )
    return replace(sample(1.0), last_ns=last, fate=fate, legs=legs)


def chain_under(folder: Path, bounds: str, samples: Sequence[Sample]) -> Json:
    labelled(folder, ["a"] * 5)
    plan = plan_of(folder, DATASET + MODEL + STEPS.format(bounds))
    load = load_of(plan.tasks[0].task.budgets)
    assert load is not None
    told = Passed(load=load, began_at="2026-01-01T00:00:00+00:00", samples=tuple(samples), client=WELL)

    def says(request: Request) -> Answer:
        return Answer(response="a", latency_ns=SECOND)

    kept = passes_in(passes_json({("t", "m"): told}))
    assert kept["t", "m"] == told
    found = score(plan, played(plan, {"m": says}), dict(RUN), kept)
    task: Json = found.document["tasks"]["t"]  # type: ignore[index,call-overload,assignment]
    return candidate(task)


def test_a_chain_is_held_against_its_budgets_as_a_whole_and_by_its_steps(tmp_path: Path) -> None:
    samples = [chained(0.25, 1.0)] * 90 + [chained(0.25, None)] * 10
    bounds = "p50 <= 1.25s; p50(look) <= 250ms; p95(pick) <= 1s; p50(pick) <= 1s;"
    found = chain_under(tmp_path, bounds, samples)
    assert [(b["verdict"], b["value"]) for b in found["budgets"]] == [
        ("within", 1.25),
        ("within", 0.25),
        ("over", None),
        ("within", 1.0),
    ]
    assert found["latency"]["response"]["p50"]["value"] == 1.25
    assert found["latency"]["steps"]["look"]["max"] == {"value": 0.25, "n": 100}
    assert found["latency"]["steps"]["pick"]["p50"]["n"] == 100


def test_what_our_own_side_takes_between_two_steps_costs_the_verdict(tmp_path: Path) -> None:
    found = chain_under(tmp_path, "p50 <= 3s;", [chained(0.5, 1.0, between=0.1)] * 100)
    (budget,) = found["budgets"]
    assert budget["verdict"] == "not_enough_data"
    assert "the measuring process itself was 100 ms late" in budget["why"]
    quicker = chain_under(tmp_path, "p50 <= 3s;", [chained(0.5, 1.0, between=0.05)] * 100)
    assert quicker["budgets"][0]["verdict"] == "within"
    alone = chain_under(tmp_path, "p50(look) <= 1s;", [chained(0.5, 1.0, between=0.1)] * 100)
    assert alone["budgets"][0]["verdict"] == "within"  # what comes behind a step is not in its time
