"""Requirements and their three verdicts: met, not met, and what cannot be decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from score.worlds import DATASET, MODEL, Json, candidate, labelled, says, scored

TASK = "task t { data = d; answer = one_of(label); rank = accuracy; require { BOUNDS } }"


def required(
    folder: Path, bounds: str, *, right: int, n: int, confidence: float | None = None, **more: Any
) -> Json:
    """The candidate after a run in which so many of n examples were right."""
    labelled(folder, ["a"] * n)
    sure = None if confidence is None else [confidence] * n
    says(folder, [*["a"] * right, *["b"] * (n - right)], sure, **more)
    return candidate(scored(folder, DATASET + MODEL + TASK.replace("BOUNDS", bounds)))


def verdict(found: Json) -> str:
    (requirement,) = found["requirements"]
    return str(requirement["verdict"])


@pytest.mark.parametrize(
    ("bound", "right", "expected"),
    [
        ("accuracy >= 80%", 96, "met"),  # Wilson .90 to .98
        ("accuracy >= 80%", 82, "undecided"),  # .73 to .88
        ("accuracy >= 80%", 70, "not_met"),  # .60 to .78
        ("accuracy > 80%", 96, "met"),
        ("accuracy <= 80%", 70, "met"),
        ("accuracy < 80%", 70, "met"),
        ("accuracy <= 80%", 96, "not_met"),
        ("invalid_rate <= 5%", 96, "met"),
        ("error_rate <= 3%", 96, "undecided"),  # none of 100: 0 to .037
    ],
)
def test_the_whole_interval_lies_on_one_side(tmp_path: Path, bound: str, right: int, expected: str) -> None:
    assert verdict(required(tmp_path, bound, right=right, n=100)) == expected


def test_an_end_that_lies_on_the_bound(tmp_path: Path) -> None:
    """All of 50 right: Wilson's high end is exactly 1, its low end 50/(50 + z²)."""
    assert verdict(required(tmp_path, "accuracy <= 100%", right=50, n=50)) == "met"
    assert verdict(required(tmp_path, "accuracy < 100%", right=50, n=50)) == "undecided"
    assert verdict(required(tmp_path, "accuracy >= 92.8%", right=50, n=50)) == "met"
    assert verdict(required(tmp_path, "accuracy >= 92.9%", right=50, n=50)) == "undecided"


@pytest.mark.parametrize(("n", "expected"), [(29, "undecided"), (30, "met")])
def test_fewer_than_thirty_examples_decide_nothing(tmp_path: Path, n: int, expected: str) -> None:
    assert verdict(required(tmp_path, "accuracy >= 50%", right=n, n=n)) == expected
    assert verdict(required(tmp_path, "p50 <= 1s", right=n, n=n, latency_s=[0.5] * n)) == expected
    assert verdict(required(tmp_path, "p50 <= 1s", right=n, n=n, latency_s=[2.0] * n)) == (
        "not_met" if expected == "met" else "undecided"
    )


def test_errors_do_not_count_towards_thirty(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, [*["a"] * 29, *[None] * 11])
    spec = DATASET + MODEL + TASK.replace("BOUNDS", "accuracy >= 50%")
    assert verdict(candidate(scored(tmp_path, spec))) == "undecided"


def test_overconfidence_is_held_against_its_signed_value(tmp_path: Path) -> None:
    modest = required(tmp_path, "overconfidence <= 5%", right=90, n=100, confidence=0.5)
    assert modest["metrics"]["overconfidence"]["value"] == pytest.approx(-0.4)
    assert verdict(modest) == "met"
    assert verdict(required(tmp_path, "overconfidence >= -5%", right=90, n=100, confidence=0.5)) == "not_met"
    assert verdict(required(tmp_path, "overconfidence <= 5%", right=50, n=100, confidence=0.9)) == "not_met"


def test_figures_without_an_interval_stay_undecided(tmp_path: Path) -> None:
    found = required(tmp_path, "ece <= 50%", right=90, n=100, confidence=0.9)
    assert verdict(found) == "undecided"
    assert "interval" in found["requirements"][0]["why"]


# ── latency ───────────────────────────────────────────────────────────────────────────────────────


def slow_verdict(misses: int, n: int, q: float) -> str:
    if stats.binom.sf(n - misses - 1, n, q) <= 0.05:
        return "met"
    return "not_met" if stats.binom.cdf(n - misses, n, q) <= 0.05 else "undecided"


@pytest.mark.parametrize("misses", [0, 1, 2, 5, 9, 10, 30])
def test_a_percentile_is_decided_by_the_exact_binomial(tmp_path: Path, misses: int) -> None:
    seconds = [*[2.0] * misses, *[0.5] * (100 - misses)]
    found = required(tmp_path, "p95 <= 1s", right=90, n=100, latency_s=seconds)
    assert verdict(found) == slow_verdict(misses, 100, 0.95)
    assert (verdict(found) == "met") == (misses <= 1)
    assert (verdict(found) == "not_met") == (misses >= 10)


def test_a_duration_on_the_bound_is_within_it(tmp_path: Path) -> None:
    assert verdict(required(tmp_path, "p95 <= 1s", right=90, n=100, latency_s=[1.0] * 100)) == "met"
    assert verdict(required(tmp_path, "p95 < 1s", right=90, n=100, latency_s=[1.0] * 100)) == "not_met"


def test_a_timeout_misses_every_bound(tmp_path: Path) -> None:
    outcomes = [*["timeout"] * 10, *[None] * 90]
    found = required(tmp_path, "p95 <= 1h", right=100, n=100, latency_s=[0.1] * 100, outcome=outcomes)
    assert verdict(found) == "not_met"
    assert found["requirements"][0]["value"] is None
    assert found["requirements"][0]["why"] == "it lies beyond the timeout"


def test_without_any_latency_nothing_is_decided(tmp_path: Path) -> None:
    found = required(tmp_path, "p95 <= 1s", right=90, n=100)
    assert verdict(found) == "undecided"
    assert found["requirements"][0]["why"] == "no latency was measured"


# ── parts of the data ─────────────────────────────────────────────────────────────────────────────

PARTS = DATASET + "subset lang of d { by = lang }\n" + MODEL


def parted(folder: Path, bounds: str) -> Json:
    """100 German examples all right, 60 Spanish ones all wrong; all are `a`, and wrong ones said `b`."""
    labelled(folder, ["a"] * 160, lang=[*["de"] * 100, *["es"] * 60])
    says(folder, [*["a"] * 100, *["b"] * 60])
    return candidate(scored(folder, PARTS + TASK.replace("BOUNDS", bounds)))


def test_a_bound_on_a_subset(tmp_path: Path) -> None:
    found = parted(tmp_path, 'accuracy(lang["de"]) >= 90%')
    assert verdict(found) == "met"
    assert (found["requirements"][0]["value"], found["requirements"][0]["n"]) == (1, 100)


def test_a_bound_on_a_family_holds_for_every_member(tmp_path: Path) -> None:
    found = parted(tmp_path, "accuracy(lang) >= 90%")
    assert [(r["clause"], r["verdict"]) for r in found["requirements"]] == [
        ("accuracy(lang=de) >= 90%", "met"),
        ("accuracy(lang=es) >= 90%", "not_met"),
    ]
    assert found["reasons"] == ["accuracy(lang=es) >= 90% is not met"]


def test_a_bound_on_a_label(tmp_path: Path) -> None:
    found = parted(tmp_path, "precision(a) >= 90%; recall(a) >= 90%; recall(b) >= 50%")
    assert [(r["verdict"], r["value"]) for r in found["requirements"]] == [
        ("met", 1),
        ("not_met", 100 / 160),
        ("undecided", 0),
    ]
    assert found["requirements"][2]["why"] == "no example is of the positive class"


CHAIN = """
chain t {
  data = d
  step one { prompt = "{{ id }}"; answer = number; gold = number(amount) }
  step two { prompt = "{{ one }} {{ labels }}"; answer = one_of(label) }
  require { BOUNDS }
}
"""


def test_a_bound_on_a_step(tmp_path: Path) -> None:
    from score.worlds import write_jsonl

    labelled(tmp_path, ["a"] * 40, amount=[7] * 40)
    write_jsonl(
        tmp_path / "m.jsonl",
        [
            {"id": i, "step": s, "response": r, "latency_s": 9}
            for i in range(40)
            for s, r in (("one", "8"), ("two", "a"))
        ],
    )
    bounds = "accuracy(one) >= 50%; accuracy(two) >= 50%; end_to_end >= 50%"
    found = candidate(scored(tmp_path, DATASET + MODEL + CHAIN.replace("BOUNDS", bounds)))
    one, two, whole = found["requirements"]
    assert (one["verdict"], two["verdict"], whole["verdict"]) == ("not_met", "met", "met")


# ── what follows ──────────────────────────────────────────────────────────────────────────────────


def test_an_unmet_requirement_excludes_or_only_marks(tmp_path: Path) -> None:
    out = required(tmp_path, "accuracy >= 80%", right=50, n=100)
    assert (out["viable"], out["rank"], out["reasons"]) == (False, None, ["accuracy >= 80% is not met"])
    marked = required(tmp_path, "accuracy >= 80%; else = mark", right=50, n=100)
    assert (marked["viable"], marked["rank"], marked["reasons"]) == (True, 1, [])
    assert verdict(marked) == "not_met"


def test_what_is_undecided_stays_viable(tmp_path: Path) -> None:
    found = required(tmp_path, "accuracy >= 80%", right=80, n=100)
    assert (verdict(found), found["viable"]) == ("undecided", True)
