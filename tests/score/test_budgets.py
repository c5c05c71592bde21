"""Latency budgets and margins against another model: three verdicts each, and who is out for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evalspec.check.comparisons import COMPARED
from evalspec.language.metric_names import METRICS
from evalspec.score.contributions import contributions
from score.worlds import DATASET, MODEL, Json, candidate, labelled, says, scored, write_jsonl

RNG = np.random.default_rng(8)


def timed(folder: Path, seconds: Sequence[float | None], budgets: str, more: str = "") -> Json:
    """The candidate's part of the results, after so many seconds for each example (None: an error)."""
    n = len(seconds)
    labelled(folder, ["a"] * n)
    rows: list[Json] = [
        {"id": i, "error": "HTTP 500"} if s is None else {"id": i, "response": "a", "latency_s": s}
        for i, s in enumerate(seconds)
    ]
    write_jsonl(folder / "m.jsonl", rows)
    task = f"task t {{ data = d; answer = one_of(label); latency {{ {budgets} }} {more} }}\n"
    return candidate(scored(folder, DATASET + MODEL + task))


# ── budgets ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("misses", "verdict"), [(4, "within"), (5, "not_enough_data"), (15, "not_enough_data"), (16, "over")]
)
def test_a_percentile_is_held_against_its_budget_by_the_exact_binomial(
    tmp_path: Path, misses: int, verdict: str
) -> None:
    """Of 200 calls, p95 is within with at most 4 misses and over with at least 16."""
    found = timed(tmp_path, [1.0] * (200 - misses) + [3.0] * misses, "p95 <= 2s")
    (budget,) = found["budgets"]
    assert (budget["clause"], budget["verdict"], budget["n"]) == ("p95 <= 2s", verdict, 200)
    assert found["viable"] == (verdict != "over")
    assert found["reasons"] == ([] if verdict != "over" else ["p95 <= 2s is over"])


def test_a_call_that_takes_just_the_bound_is_within_it_unless_it_must_be_under(tmp_path: Path) -> None:
    at_most, under = timed(tmp_path, [2.0] * 100, "p50 <= 2s; p90 < 2s")["budgets"]
    assert (at_most["verdict"], under["verdict"]) == ("within", "over")


def test_percentiles_of_any_figure_have_their_value(tmp_path: Path) -> None:
    seconds = RNG.exponential(1, 500)
    (budget,) = timed(tmp_path, seconds.tolist(), "p97.5 <= 1ms; else = mark")["budgets"]
    assert budget["value"] == pytest.approx(np.quantile(seconds, 0.975, method="inverted_cdf"), abs=1e-8)


def test_the_mean_goes_by_its_t_interval(tmp_path: Path) -> None:
    seconds = RNG.normal(1, 0.1, 100).round(6)
    low, high = stats.t.interval(0.95, 99, seconds.mean(), stats.sem(seconds))
    clauses = f"mean <= {high + 1e-4:.6f}s; mean < {low - 1e-4:.6f}s"
    assert [timed(tmp_path, seconds.tolist(), c)["budgets"][0]["verdict"] for c in clauses.split("; ")] == [
        "within",
        "over",
    ]
    (undecided,) = timed(tmp_path, seconds.tolist(), f"mean <= {seconds.mean():.6f}s")["budgets"]
    assert undecided["verdict"] == "not_enough_data"
    assert (undecided["low"], undecided["high"]) == pytest.approx((low, high))


def test_the_largest_is_over_at_the_first_excess(tmp_path: Path) -> None:
    assert timed(tmp_path, [1.0] * 99 + [2.1], "max <= 2s")["budgets"][0]["verdict"] == "over"
    assert timed(tmp_path, [1.0] * 99 + [2.0], "max <= 2s")["budgets"][0]["verdict"] == "within"


@pytest.mark.parametrize(("failed", "verdict"), [(0, "within"), (6, "not_enough_data"), (20, "over")])
def test_errors_are_held_against_their_share_by_the_exact_binomial(
    tmp_path: Path, failed: int, verdict: str
) -> None:
    found = timed(tmp_path, [None] * failed + [1.0] * (200 - failed), "errors <= 3%")
    (budget,) = found["budgets"]
    binomial = stats.binom(200, 0.03)
    assert (binomial.cdf(failed) <= 0.05, binomial.sf(failed - 1) <= 0.05) == (
        verdict == "within",
        verdict == "over",
    )
    assert budget["verdict"] == verdict
    assert (budget["value"], budget["n"]) == (pytest.approx(failed / 200), 200)
    assert (budget["low"], budget["high"]) == pytest.approx(proportion_confint(failed, 200, method="wilson"))


def test_a_candidate_that_is_over_may_be_marked_only(tmp_path: Path) -> None:
    found = timed(tmp_path, [3.0] * 100, "p50 <= 2s; else = mark")
    assert found["budgets"][0]["verdict"] == "over"
    assert (found["viable"], found["reasons"]) == (True, [])


def test_without_any_latency_there_is_no_verdict(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 40)
    says(tmp_path, ["a"] * 40)
    spec = DATASET + MODEL + "task t { data = d; answer = one_of(label); latency { p95 <= 1s } }\n"
    (budget,) = candidate(scored(tmp_path, spec))["budgets"]
    assert (budget["verdict"], budget["value"]) == ("not_enough_data", None)
    assert budget["why"] == "no latency was measured"


# ── margins ───────────────────────────────────────────────────────────────────────────────────────

TWO = 'model m { use = recorded("m.jsonl") }\nmodel k { use = recorded("k.jsonl") }\n'


def margins(folder: Path, clauses: str, more: str = "") -> Json:
    task = f"task t {{ data = d; answer = one_of(label); no_worse_than k {{ {clauses} }} {more} }}\n"
    return scored(folder, DATASET + TWO + task)


def answered(folder: Path, mine: Sequence[bool], theirs: Sequence[bool], **more: Sequence[object]) -> None:
    labelled(folder, ["a" if i % 3 else "b" for i in range(len(mine))])
    for name, right in (("m", mine), ("k", theirs)):
        truth = ["a" if i % 3 else "b" for i in range(len(mine))]
        other = {"a": "b", "b": "a"}
        said = [t if r else other[t] for t, r in zip(truth, right, strict=True)]
        if name in more:
            says(folder, said, by=name, latency_s=more[name])
        else:
            says(folder, said, by=name)


def test_a_margin_is_held_against_the_paired_interval_of_the_loss(tmp_path: Path) -> None:
    mine, theirs = RNG.random(300) < 0.75, RNG.random(300) < 0.85
    answered(tmp_path, mine.tolist(), theirs.tolist())
    d = theirs.astype(float) - mine
    low, high = stats.t.interval(0.95, 299, d.mean(), stats.sem(d))
    (found,) = candidate(margins(tmp_path, "accuracy <= 99%"))["no_worse_than"]
    assert found["value"] == pytest.approx(d.mean())
    assert (found["low"], found["high"], found["n"]) == (pytest.approx(low), pytest.approx(high), 300)
    verdicts = {
        margin: candidate(margins(tmp_path, f"accuracy <= {100 * margin:.4f}%"))["no_worse_than"][0][
            "verdict"
        ]
        for margin in (max(0.0, low - 0.001), d.mean(), high + 0.001)
    }
    assert list(verdicts.values()) == ["broken", "not_enough_data", "kept"]


def test_who_breaks_a_margin_is_out_and_the_model_itself_is_not_held_against_it(tmp_path: Path) -> None:
    answered(tmp_path, [False] * 100, [True] * 100)
    task = margins(tmp_path, "accuracy <= 1%; recall(a) <= 1%")
    assert candidate(task, "m")["reasons"] == [
        "accuracy <= 1% against k is broken",
        "recall(a) <= 1% against k is broken",
    ]
    assert candidate(task, "k")["no_worse_than"] == []
    assert task["order"] == ["k", "m"]


def test_equal_answers_keep_a_margin_that_is_wide_enough_and_no_other(tmp_path: Path) -> None:
    """No discordant pair is no proof of equality: Bonett-Price's interval keeps a width."""
    answered(tmp_path, [True] * 100, [True] * 100)
    found = candidate(margins(tmp_path, "accuracy <= 10%; invalid_rate <= 1%"))["no_worse_than"]
    verdicts = [f["verdict"] for f in found]
    assert verdicts == ["kept", "not_enough_data"]


def test_slower_by_more_than_allowed_is_broken(tmp_path: Path) -> None:
    fast = RNG.exponential(0.5, 200)
    answered(tmp_path, [True] * 200, [True] * 200, m=(fast + 0.3).tolist(), k=fast.tolist())
    found = candidate(margins(tmp_path, "p95 <= 100ms; p50 <= 400ms"))["no_worse_than"]
    assert [f["verdict"] for f in found] == ["broken", "kept"]
    assert [f["value"] for f in found] == [pytest.approx(0.3, abs=1e-6)] * 2


def test_fewer_than_thirty_examples_decide_nothing(tmp_path: Path) -> None:
    answered(tmp_path, [False] * 29, [True] * 29)
    (found,) = candidate(margins(tmp_path, "accuracy <= 1%"))["no_worse_than"]
    assert found["verdict"] == "not_enough_data"


def test_every_metric_that_check_lets_be_compared_has_contributions() -> None:
    means = {name for name in METRICS if contributions(name, ()) is not None}
    texts = {"token_f1", "rouge_l", "bleu"}  # means, too, where a task scores texts by them
    assert COMPARED - {"recall"} - texts <= means
    assert means <= COMPARED  # nothing that could be compared is refused
