"""Several samples of each example: means over samples, errors clustered by example, agreement, pass@k."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from evalspec.models.model import Answer, Failure, FailureKind, Request
from score.worlds import (
    DATASET,
    HOSTED,
    MODEL,
    Json,
    candidate,
    labelled,
    metric,
    said,
    scored,
    scored_play,
    value,
    write_jsonl,
)

TASK = "task t { data = d; answer = one_of(label); rank = accuracy; samples = SAMPLES; MORE }"
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Answers = list[list[str | None]]


def sampled(
    folder: Path,
    answers: Sequence[Sequence[str | None]],
    *,
    truths: str = "",
    more: str = "",
    models: str = MODEL,
) -> Json:
    """What is scored where each example gives these answers, one a sample; None is an error."""
    write(folder, answers, truths=truths)
    task = TASK.replace("SAMPLES", str(len(answers[0]))).replace("MORE", more)
    return scored(folder, DATASET + models + task)


def write(folder: Path, answers: Sequence[Sequence[str | None]], *, truths: str = "", by: str = "m") -> None:
    labelled(folder, list(truths) or ["a"] * len(answers), part=[i // 4 for i in range(len(answers))])
    rows = [
        {"id": i, "sample": s, **({"error": "HTTP 500"} if text is None else {"response": text})}
        for i, own in enumerate(answers)
        for s, text in enumerate(own)
    ]
    write_jsonl(folder / f"{by}.jsonl", rows)


def drawn(examples: int, samples: int, seed: int = 3) -> Answers:
    """Answers that are right with a chance of their example's own, so that its samples go together."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 1, examples)
    return [["a" if rng.random() < p else "b" for _ in range(samples)] for p in chance]


def clustered_by_least_squares(y: Floats, cluster: Ints) -> tuple[float, float]:
    """Mean and clustered standard error of a constant fitted by statsmodels, without its (N-1)/(N-K)."""
    groups = np.unique(cluster).size
    fit = sm.OLS(y, np.ones_like(y)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    return float(fit.params[0]), float(fit.bse[0]) * math.sqrt(groups / (groups - 1))


# ── means and their errors ────────────────────────────────────────────────────────────────────────


def test_accuracy_is_clustered_by_example_as_least_squares_has_it(tmp_path: Path) -> None:
    answers = drawn(60, 5)
    y = np.array([float(a == "a") for own in answers for a in own])
    mean, se = clustered_by_least_squares(y, np.repeat(np.arange(60), 5))
    found = metric(sampled(tmp_path, answers), "accuracy")
    assert found["value"] == pytest.approx(mean, abs=1e-12)
    assert found["se"] == pytest.approx(se, rel=1e-9)
    assert found["n"] == 60  # examples, never samples
    assert se > np.std(y, ddof=1) / math.sqrt(300)  # what it would be if samples were examples


def test_samples_that_failed_leave_the_others_of_their_example(tmp_path: Path) -> None:
    answers = drawn(100, 4)
    answers[7][2] = answers[30][0] = None
    kept = [(i, float(a == "a")) for i, own in enumerate(answers) for a in own if a is not None]
    cluster, y = np.array([i for i, _ in kept]), np.array([right for _, right in kept])
    mean, se = clustered_by_least_squares(y, cluster)
    task = sampled(tmp_path, answers)
    found = metric(task, "accuracy")
    assert (found["value"], found["se"]) == (pytest.approx(mean, abs=1e-12), pytest.approx(se, rel=1e-9))
    assert found["n"] == 100
    assert candidate(task)["outcomes"]["error"] == 2
    assert candidate(task)["outcomes"]["answered"] == 398
    assert candidate(task)["samples"] == 4
    assert candidate(task)["rank"] == 1


def test_a_dataset_in_clusters_keeps_them(tmp_path: Path) -> None:
    answers = drawn(40, 3)
    write(tmp_path, answers)
    spec = DATASET.replace("id = id;", "id = id; cluster = part;") + MODEL + TASK
    task = scored(tmp_path, spec.replace("SAMPLES", "3").replace("MORE", ""))
    y = np.array([float(a == "a") for own in answers for a in own])
    _, se = clustered_by_least_squares(y, np.repeat(np.arange(40) // 4, 3))
    assert metric(task, "accuracy")["se"] == pytest.approx(se, rel=1e-9)


def test_samples_that_are_all_alike_count_as_one_each(tmp_path: Path) -> None:
    once = drawn(30, 1)
    (tmp_path / "one").mkdir()
    one = sampled(tmp_path / "one", once)
    many = sampled(tmp_path, [own * 6 for own in once])
    ours, its = metric(many, "accuracy"), metric(one, "accuracy")
    assert ours["value"] == pytest.approx(its["value"], abs=1e-12)
    assert ours["se"] == pytest.approx(its["se"], rel=1e-9)
    assert (value(many, "consistency"), metric(many, "consistency")["n"]) == (1, 30)
    assert "consistency" not in candidate(one)["metrics"]


def test_one_example_has_figures_and_no_interval(tmp_path: Path) -> None:
    found = sampled(tmp_path, [["a", "b", "a", "a"]])
    accuracy = metric(found, "accuracy")
    assert (accuracy["value"], accuracy["low"], accuracy["n"]) == (0.75, None, 1)
    assert accuracy["why"] == "one example gives no interval"
    assert value(found, "consistency") == 0.5


def test_two_candidates_are_compared_by_their_examples_means(tmp_path: Path) -> None:
    mine, its = drawn(50, 3, seed=1), drawn(50, 3, seed=2)
    write(tmp_path, its, by="k")
    models = MODEL + 'model k { use = recorded("k.jsonl") }\n'
    task = sampled(tmp_path, mine, models=models)
    a, b = (np.array([own.count("a") / 3 for own in answers]) for answers in (mine, its))
    (pair,) = task["pairs"]
    d = a - b if pair["a"] == "m" else b - a
    assert pair["difference"]["value"] == pytest.approx(d.mean(), abs=1e-12)
    assert pair["difference"]["n"] == 50
    half = pair["difference"]["high"] - d.mean()
    t = stats.t.ppf(0.975, 49)
    assert half == pytest.approx(t * d.std(ddof=1) / math.sqrt(50), rel=1e-9)


def test_too_many_samples_without_an_answer_leave_a_candidate_unranked(tmp_path: Path) -> None:
    answers = drawn(20, 5)
    for own in answers[:3]:
        own[4] = None
    found = candidate(sampled(tmp_path, answers))
    assert found["rank"] is None


# ── agreement and pass@k ──────────────────────────────────────────────────────────────────────────


def test_agreement_and_chances_are_means_over_examples(tmp_path: Path) -> None:
    answers = drawn(40, 5)
    task = sampled(tmp_path, answers, more="report = [pass@1, pass@3, pass^3, pass@5, pass^5]")
    pairs = [np.mean([x == y for x, y in combinations(own, 2)]) for own in answers]
    some = [np.mean(["a" in chosen for chosen in combinations(own, 3)]) for own in answers]
    every = [np.mean([set(chosen) == {"a"} for chosen in combinations(own, 3)]) for own in answers]
    for name, each in (("consistency", pairs), ("pass@3", some), ("pass^3", every)):
        found = metric(task, name)
        assert found["value"] == pytest.approx(np.mean(each), abs=1e-12), name
        assert found["se"] == pytest.approx(np.std(each, ddof=1) / math.sqrt(40), rel=1e-9), name
        assert found["n"] == 40
    assert value(task, "pass@1") == pytest.approx(value(task, "accuracy"), abs=1e-12)
    assert value(task, "pass@5") == np.mean(["a" in own for own in answers])
    assert value(task, "pass^5") == np.mean([set(own) == {"a"} for own in answers])


def test_an_example_with_fewer_samples_than_it_takes_is_left_out(tmp_path: Path) -> None:
    answers = drawn(100, 3)
    answers[0][1] = None
    task = sampled(tmp_path, answers, more="report = [pass@3, pass@2]")
    assert (metric(task, "pass@3")["n"], metric(task, "pass@2")["n"]) == (99, 100)


def test_ranked_and_required_by_metrics_of_samples(tmp_path: Path) -> None:
    write(tmp_path, [["a", "a", "a"]] * 40, by="k")
    models = MODEL + 'model k { use = recorded("k.jsonl") }\n'
    more = "require { consistency >= 90%; pass^2 >= 50% }"
    task = sampled(tmp_path, [["a", "b", "a"]] * 40, models=models, more=more)
    verdicts = {n: [r["verdict"] for r in candidate(task, n)["requirements"]] for n in ("k", "m")}
    assert verdicts["k"] == ["met", "met"]
    assert value(task, "consistency") == pytest.approx(1 / 3)
    assert task["order"] == ["k", "m"]


def test_a_task_can_be_ranked_by_a_chance(tmp_path: Path) -> None:
    write(tmp_path, [["a", "a", "b"]] * 30, by="k")
    models = MODEL + 'model k { use = recorded("k.jsonl") }\n'
    write(tmp_path, [["b", "b", "b"]] * 15 + [["a", "a", "a"]] * 15)
    spec = DATASET + models + TASK.replace("SAMPLES", "3").replace("rank = accuracy; ", "rank = pass@3; ")
    task = scored(tmp_path, spec.replace("MORE", ""))
    assert task["order"] == ["k", "m"]
    assert task["pairs"][0]["metric"] == "pass@3"
    assert task["pairs"][0]["difference"]["value"] == pytest.approx(
        0.5 if task["pairs"][0]["a"] == "k" else -0.5
    )


def test_unreadable_samples_agree_with_each_other_only(tmp_path: Path) -> None:
    assert value(sampled(tmp_path, [["a", "none at all", "hm", "b"]]), "consistency") == pytest.approx(1 / 6)


# ── confidence and costs ─────────────────────────────────────────────────────────────────────────


def test_confidence_and_costs_are_clustered_too(tmp_path: Path) -> None:
    answers = drawn(50, 4)
    labelled(tmp_path, ["a"] * 50)
    rng = np.random.default_rng(5)
    sure = rng.uniform(0.5, 1, (50, 4)).round(2)
    rows = [
        {"id": i, "sample": s, "response": answers[i][s], "confidence": sure[i, s]}
        for i in range(50)
        for s in range(4)
    ]
    write_jsonl(tmp_path / "m.jsonl", rows)
    costs = "costs c { right = 0; wrong = 10; invalid = 10; abstain = 2 }\n"
    more = "costs = c; abstain = below(70%)"
    spec = DATASET + MODEL + costs + TASK.replace("SAMPLES", "4").replace("MORE", more)
    task = scored(tmp_path, spec)
    right = np.array([[a == "a" for a in own] for own in answers])
    cost = np.where(sure < 0.7, 2.0, np.where(right, 0.0, 10.0))
    brier = (sure - right) ** 2
    ids = np.repeat(np.arange(50), 4)
    for name, each in (("expected_cost", cost), ("brier", brier), ("overconfidence", sure - right)):
        mean, se = clustered_by_least_squares(each.ravel(), ids)
        assert value(task, name) == pytest.approx(mean, abs=1e-12), name
        assert metric(task, name)["se"] == pytest.approx(se, rel=1e-9), name
        assert metric(task, name)["n"] == 50, name
    bins = candidate(task)["calibration"]["bins"]
    assert sum(b["n"] for b in bins) == 200
    assert candidate(task)["policy"]["cost_as_is"] == pytest.approx(cost.mean())


# ── chains ───────────────────────────────────────────────────────────────────────────────────────

CHAIN = (
    HOSTED.replace("id = id", "id = id; label = label in [a, b]")
    + """
chain t {
  data = d
  step read { prompt = "{{ body }}"; answer = one_of([x, y]); gold = part; SAMPLES }
  step decide { prompt = "{{ read }} {{ labels }}"; answer = one_of(label); samples = 3 }
}
"""
)


def chained(folder: Path, samples: str) -> tuple[Json, list[Request]]:
    """A chain that reads now `x`, now `y`, and decides `a` where it read `x`."""
    labelled(folder, "aa", body=["no 0", "no 1"], part="xx")
    asked: list[Request] = []

    def play(request: Request) -> Answer:
        asked.append(request)
        if request.step == "read":
            return said("xyx"[request.sample])
        return said("a" if request.messages[-1].content.startswith("x") else "b")

    return scored_play(folder, CHAIN.replace("SAMPLES", samples), m=play), asked


def test_a_sample_of_a_chain_is_one_of_each_step(tmp_path: Path) -> None:
    task, asked = chained(tmp_path, "samples = 3")
    free = [(r.step, r.sample) for r in asked[:6]]
    assert free == [(step, s) for s in range(3) for step in ("read", "decide")]
    assert value(task, "end_to_end") == pytest.approx(2 / 3)
    assert value(task, "consistency") == pytest.approx(1 / 3)
    steps = candidate(task)["steps"]
    assert steps["read"]["free"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert steps["decide"]["given_gold"]["accuracy"]["value"] == 1
    assert steps["read"]["first_failures"] == 2  # of six samples
    assert candidate(task)["compounding"]["all_right"]["n"] == 2


def test_a_step_without_samples_is_asked_once_for_all(tmp_path: Path) -> None:
    task, asked = chained(tmp_path, "")
    assert {r.sample for r in asked if r.step == "read"} == {0}
    assert {r.sample for r in asked if r.step == "decide"} == {0, 1, 2}
    assert value(task, "end_to_end") == value(task, "consistency") == 1


# ── latency ──────────────────────────────────────────────────────────────────────────────────────


def test_a_budget_is_not_kept_by_asking_the_same_more_often(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 20)
    budget = "latency { p95 <= 2s }"
    verdicts = {}
    for samples in (1, 10):
        rows = [
            {"id": i, "sample": s, "response": "a", "latency_s": 1} for i in range(20) for s in range(samples)
        ]
        write_jsonl(tmp_path / "m.jsonl", rows)
        spec = DATASET + MODEL + TASK.replace("SAMPLES", str(samples)).replace("MORE", budget)
        (found,) = candidate(scored(tmp_path, spec))["budgets"]
        verdicts[samples] = (found["verdict"], found["n"])
    assert verdicts[1] == verdicts[10] == ("not_enough_data", 20)


# ── votes ─────────────────────────────────────────────────────────────────────────────────────────

VOTING = (
    HOSTED.replace("id = id", "id = id; label = label in [a, b, c]")
    + """
task t { data = d; prompt = "{{ body }} {{ labels }}"; answer = one_of(label); confidence = votes(5); MORE }
"""
)


def voting(folder: Path, ballots: list[list[Answer | Failure]], more: str = "") -> tuple[Json, list[Request]]:
    """What is scored where the samples of each example are these, and what was asked."""
    labelled(folder, ["a"] * len(ballots), body=[f"no {i}" for i in range(len(ballots))])
    asked: list[Request] = []

    def play(request: Request) -> Answer | Failure:
        asked.append(request)
        return ballots[int(request.example)][request.sample]

    return scored_play(folder, VOTING.replace("MORE", more), m=play), asked


def replies(text: str) -> list[Answer | Failure]:
    gone = Failure(kind=FailureKind.TRANSIENT, message="HTTP 500")
    return [gone if letter == "!" else said(letter) for letter in text]


def test_most_of_five_answers_win_and_their_share_is_the_confidence(tmp_path: Path) -> None:
    task, asked = voting(tmp_path, [replies("aabaa"), replies("bbbaa")])
    assert [r.sample for r in asked] == [0, 1, 2, 3, 4] * 2
    assert candidate(task)["confidence"] == {"source": "votes", "n": 2, "missing": 0}
    assert value(task, "accuracy") == 0.5
    assert value(task, "mean_confidence") == pytest.approx((4 / 5 + 3 / 5) / 2)
    assert candidate(task)["samples"] == 1
    assert "consistency" not in candidate(task)["metrics"]
    assert candidate(task)["usage"]["output_tokens"] == 2 * 5 * 2  # every vote is paid for
    assert candidate(task)["latency"]["service"]["max"]["value"] == 1  # and they are asked for at once


def test_between_equally_many_the_first_given_wins(tmp_path: Path) -> None:
    task, _ = voting(tmp_path, [replies("baabc"), replies("abbac")])
    assert value(task, "accuracy") == 0.5
    assert value(task, "mean_confidence") == pytest.approx(0.4)


def test_what_is_unreadable_counts_and_votes_for_nothing(tmp_path: Path) -> None:
    task, _ = voting(tmp_path, [replies("??a?b"), replies("?????")])
    assert candidate(task)["outcomes"]["answered"] == 1
    assert candidate(task)["outcomes"]["no_answer"] == 1
    assert value(task, "mean_confidence") == pytest.approx(1 / 5)


def test_a_failed_request_has_no_vote(tmp_path: Path) -> None:
    task, _ = voting(tmp_path, [replies("!a!ab"), replies("!!!!!")])
    assert candidate(task)["outcomes"]["answered"] == 1
    assert candidate(task)["outcomes"]["error"] == 1
    assert value(task, "mean_confidence") == pytest.approx(2 / 3)


def test_each_of_several_samples_is_a_vote_of_its_own(tmp_path: Path) -> None:
    task, asked = voting(tmp_path, [replies("aaaaabbbaa")], more="samples = 2")
    assert [r.sample for r in asked] == list(range(10))
    assert value(task, "accuracy") == 0.5
    assert value(task, "consistency") == 0
    assert value(task, "mean_confidence") == pytest.approx((1 + 3 / 5) / 2)


def test_records_are_put_to_the_vote_as_far_as_they_go(tmp_path: Path) -> None:
    write(tmp_path, [["a", "b", "b"], ["a", "a", "b"]], truths="ab")
    spec = DATASET + MODEL + "task t { data = d; answer = one_of(label); confidence = votes(5) }"
    task = scored(tmp_path, spec)
    assert value(task, "accuracy") == 0
    assert value(task, "mean_confidence") == pytest.approx(2 / 3)
