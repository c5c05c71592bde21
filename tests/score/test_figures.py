"""Every figure against a library that knows nothing of this one, on a few hundred drawn examples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from evalspec.plan.plan import Selection
from score.worlds import Json, candidate, metric, scored, value, write_csv, write_jsonl

LABELS = ("a", "b", "c")
SPEC = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b, c] }
subset language of d { by = lang }
model m { use = recorded("m.jsonl") }
costs c { right = 0; wrong = 10; invalid = 12; abstain = 2 }
task t { data = d; answer = one_of(label); positive = b; costs = c; abstain = when_cheaper; BINNING }
"""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """What was drawn: truths, answers (None: unreadable), confidences, languages, seconds."""

    task: Json
    truths: list[str]
    answers: list[str | None]
    confidence: Floats
    language: list[str]
    seconds: Floats

    @property
    def right(self) -> Floats:
        return np.array([t == a for t, a in zip(self.truths, self.answers, strict=True)], dtype=np.float64)

    @property
    def read(self) -> NDArray[np.bool_]:
        return np.array([a is not None for a in self.answers])

    @property
    def labels_with_rest(self) -> list[str]:
        return [a if a is not None else "unreadable" for a in self.answers]


def draw(folder: Path, *, n: int = 300, seed: int = 5, excess: float = 0.0, binning: str = "") -> Drawn:
    """Answers that are right as often as their confidence says, less `excess`."""
    rng = np.random.default_rng(seed)
    truths = [str(t) for t in rng.choice(LABELS, n, p=[0.5, 0.3, 0.2])]
    confidence = np.round(rng.beta(5, 2, n), 3)
    languages = [str(x) for x in rng.choice(["de", "en", "es"], n)]
    seconds = np.round(rng.gamma(2, 0.3, n), 4)
    answers: list[str | None] = []
    for truth, c in zip(truths, confidence, strict=True):
        wrong = str(rng.choice([x for x in LABELS if x != truth]))
        answers.append(None if rng.random() < 0.05 else truth if rng.random() < c - excess else wrong)
    write_csv(
        folder / "d.csv",
        [{"id": i, "label": t, "lang": g} for i, (t, g) in enumerate(zip(truths, languages, strict=True))],
    )
    write_jsonl(
        folder / "m.jsonl",
        (
            {"id": i, "response": a or "?", "confidence": c, "latency_s": s}
            for i, (a, c, s) in enumerate(zip(answers, confidence.tolist(), seconds.tolist(), strict=True))
        ),
    )
    task = scored(folder, SPEC.replace("; BINNING", binning))
    return Drawn(task, truths, answers, confidence, languages, seconds)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw(tmp_path_factory.mktemp("drawn"))


def ends(figure: Json) -> tuple[float, float]:
    return figure["low"], figure["high"]


def test_accuracy_has_wilsons_interval_and_the_error_of_a_mean(drawn: Drawn) -> None:
    found, right = metric(drawn.task, "accuracy"), drawn.right
    assert found["value"] == pytest.approx(right.mean())
    assert ends(found) == pytest.approx(proportion_confint(right.sum(), right.size, method="wilson"))
    assert found["se"] == pytest.approx(stats.sem(right))
    assert found["n"] == 300


def test_rates_are_shares_of_what_was_asked(drawn: Drawn) -> None:
    found = metric(drawn.task, "invalid_rate")
    unread = int((~drawn.read).sum())
    assert found["value"] == pytest.approx(unread / 300)
    assert ends(found) == pytest.approx(proportion_confint(unread, 300, method="wilson"))
    assert value(drawn.task, "error_rate") == 0
    assert metric(drawn.task, "error_rate")["high"] > 0


def test_label_metrics_agree_with_scikit_learn(drawn: Drawn) -> None:
    truth, said = drawn.truths, drawn.labels_with_rest
    recalls = sk.recall_score(truth, said, average=None, labels=list(LABELS), zero_division=0)
    assert value(drawn.task, "balanced_accuracy") == pytest.approx(recalls.mean())
    f1 = sk.f1_score(truth, said, average=None, labels=list(LABELS))
    assert value(drawn.task, "macro_f1") == pytest.approx(f1.mean())
    assert value(drawn.task, "mcc") == pytest.approx(sk.matthews_corrcoef(truth, said))
    assert value(drawn.task, "f1") == pytest.approx(f1[1])
    assert value(drawn.task, "recall") == pytest.approx(recalls[1])
    precision = sk.precision_score(truth, said, average=None, labels=["b"])[0]
    assert value(drawn.task, "precision") == pytest.approx(precision)


def test_the_confusion_agrees_with_scikit_learn(drawn: Drawn) -> None:
    found = candidate(drawn.task)["confusion"]
    assert found["answers"] == [*LABELS, "invalid"]
    peer = sk.confusion_matrix(drawn.truths, drawn.labels_with_rest, labels=[*LABELS, "unreadable"])
    assert found["counts"] == peer[:3].tolist()


def test_scores_of_confidence_agree_with_scikit_learn(drawn: Drawn) -> None:
    c, y = drawn.confidence[drawn.read], drawn.right[drawn.read]
    assert value(drawn.task, "auroc") == pytest.approx(sk.roc_auc_score(y, c))
    assert value(drawn.task, "brier") == pytest.approx(sk.brier_score_loss(y, c))
    assert value(drawn.task, "log_loss") == pytest.approx(sk.log_loss(y, np.clip(c, 1e-3, 1 - 1e-3)))
    assert {metric(drawn.task, name)["n"] for name in ("auroc", "brier", "ece")} == {int(drawn.read.sum())}
    assert candidate(drawn.task)["confidence"] == {"source": "own", "n": int(drawn.read.sum()), "missing": 0}


def test_means_have_the_t_interval(drawn: Drawn) -> None:
    over = drawn.confidence[drawn.read] - drawn.right[drawn.read]
    found = metric(drawn.task, "overconfidence")
    low, high = stats.t.interval(0.95, over.size - 1, over.mean(), stats.sem(over))
    assert (found["value"], *ends(found)) == pytest.approx((over.mean(), low, high))
    assert found["se"] == pytest.approx(stats.sem(over))


def test_the_cost_of_a_threshold_reckoned_example_by_example(drawn: Drawn) -> None:
    given = drawn.read & (drawn.confidence >= 0.8)  # (10 - 2) / (10 - 0)
    costs = np.where(~drawn.read, 12.0, np.where(given, 10 * (1 - drawn.right), 2.0))
    found = metric(drawn.task, "expected_cost")
    low, high = stats.t.interval(0.95, costs.size - 1, costs.mean(), stats.sem(costs))
    assert (found["value"], *ends(found)) == pytest.approx((costs.mean(), low, high))
    policy = candidate(drawn.task)["policy"]
    assert policy["threshold"] == 0.8
    assert policy["coverage"] == pytest.approx(given.mean())
    assert policy["promised_error"] == pytest.approx((1 - drawn.confidence[given]).mean())
    assert policy["realised_error"] == pytest.approx((1 - drawn.right[given]).mean())


def test_the_surprise_is_calibration_above_the_threshold(drawn: Drawn) -> None:
    """realised = promised + mean[(c - y)·1(answered)]·(W - R), with the interval of paired differences."""
    c, y = drawn.confidence[drawn.read], drawn.right[drawn.read]
    gaps = np.where(c >= 0.8, (c - y) * 10, 0.0)
    policy = candidate(drawn.task)["policy"]
    assert policy["surprise"] == pytest.approx(gaps.mean())
    interval = policy["surprise_interval"]
    assert ends(interval) == pytest.approx(stats.t.interval(0.95, c.size - 1, gaps.mean(), stats.sem(gaps)))
    promised = np.where(c >= 0.8, 10 * (1 - c), 2.0)
    assert policy["promised_cost"] == pytest.approx(promised.mean())


def test_the_threshold_verdict_agrees_with_scipy(tmp_path: Path) -> None:
    seen = []
    for excess, n in ((0.0, 40), (0.3, 200), (0.0, 300)):
        found = draw(tmp_path, excess=excess, n=n)
        above = found.read & (found.confidence >= 0.8)
        errors = int((1 - found.right[above]).sum())
        p = stats.poisson_binom(1 - found.confidence[above]).sf(errors - 1)
        upper = stats.beta.ppf(0.95, errors + 1, above.sum() - errors)
        seen.append("broken" if p <= 0.05 else "kept" if upper <= 0.2 else "not_enough_data")
        assert candidate(found.task)["policy"]["verdict"] == seen[-1]
    assert seen == ["not_enough_data", "broken", "kept"]


# ── calibration ───────────────────────────────────────────────────────────────────────────────────


def slow_ece(c: Floats, y: Floats, bins: int) -> float:
    """Right-closed bins of equal width, by a loop over fractions that are exact."""
    number = [max(0, math.ceil(round(float(x) * bins, 9)) - 1) for x in c]
    gaps = [abs(sum(c[i] - y[i] for i in range(c.size) if number[i] == b)) for b in range(bins)]
    return float(sum(gaps)) / c.size


def test_ece_is_a_mean_of_gaps_between_ten_edges(drawn: Drawn) -> None:
    c, y = drawn.confidence[drawn.read], drawn.right[drawn.read]
    assert candidate(drawn.task)["calibration"]["binning"] == "width"
    assert value(drawn.task, "ece") == pytest.approx(slow_ece(c, y, 10))


def test_ece_has_the_floor_of_a_calibrated_model_and_a_p_value(tmp_path: Path) -> None:
    honest, boasting = draw(tmp_path), draw(tmp_path, excess=0.2)
    rng = np.random.default_rng(1)
    for found in (honest, boasting):
        c = found.confidence[found.read]
        simulated = [slow_ece(c, (rng.random(c.size) < c).astype(float), 10) for _ in range(60)]
        figure = metric(found.task, "ece")
        assert figure["null_mean"] == pytest.approx(np.mean(simulated), abs=4 * stats.sem(simulated))
        assert figure["null_mean"] < figure["null_p95"]
        assert figure["low"] is None  # a bootstrap interval would cover nothing
        assert "interval" in figure["why"]
    assert metric(honest.task, "ece")["p_value"] > 0.05
    assert metric(boasting.task, "ece")["p_value"] == pytest.approx(1 / 2001)


def test_overconfidence_has_the_sign_of_claiming_too_much(tmp_path: Path) -> None:
    assert value(draw(tmp_path, excess=0.2).task, "overconfidence") > 0.1
    assert value(draw(tmp_path, excess=-0.15).task, "overconfidence") < -0.05


def test_the_calibration_line_agrees_with_statsmodels(drawn: Drawn) -> None:
    c, y = np.clip(drawn.confidence[drawn.read], 1e-3, 1 - 1e-3), drawn.right[drawn.read]
    x = np.log(c / (1 - c))
    peer = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial()).fit()
    line = candidate(drawn.task)["calibration"]
    assert (line["intercept"]["value"], line["slope"]["value"]) == pytest.approx(peer.params, rel=1e-6)
    assert ends(line["slope"]) == pytest.approx(peer.conf_int()[1], rel=1e-5)


@pytest.mark.parametrize("binning", ["; calibration = width(15)", "; calibration = mass(10)", ""])
def test_the_bins_hold_every_confidence_once(tmp_path: Path, binning: str) -> None:
    found = draw(tmp_path, binning=binning)
    bins = candidate(found.task)["calibration"]["bins"]
    assert sum(b["n"] for b in bins) == int(found.read.sum())
    gaps = sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bins)
    assert value(found.task, "ece") == pytest.approx(gaps / found.read.sum())
    for b in bins:
        interval = proportion_confint(round(b["n"] * b["accuracy"]), b["n"], method="wilson")
        assert (b["accuracy_low"], b["accuracy_high"]) == pytest.approx(interval, abs=1e-9)


def test_all_right_or_all_wrong_has_no_auroc_and_no_line(tmp_path: Path) -> None:
    found = draw(tmp_path, excess=-2, n=60)
    assert value(found.task, "auroc") is None
    assert metric(found.task, "auroc")["why"] == "all right"
    assert candidate(found.task)["calibration"]["slope"]["why"] == "all right"


# ── latency and subsets ───────────────────────────────────────────────────────────────────────────


def test_percentiles_are_measured_durations(drawn: Drawn) -> None:
    for q in (50, 90, 95, 99):
        found = metric(drawn.task, f"p{q}")
        assert found["value"] == np.percentile(drawn.seconds, q, method="inverted_cdf")
        assert candidate(drawn.task)["latency"]["service"][f"p{q}"]["value"] == found["value"]
    peer: Any = stats.quantile_test(drawn.seconds, q=0, p=0.5)
    interval = peer.confidence_interval(0.95)
    assert ends(metric(drawn.task, "p50")) == pytest.approx((interval.low, interval.high))
    few = metric(drawn.task, "p99")  # 300 < 368: no upper end
    assert few["high"] is None
    assert "why" in few


def test_a_subset_is_measured_like_a_dataset_of_its_own(drawn: Drawn, tmp_path: Path) -> None:
    subsets = candidate(drawn.task)["subsets"]
    assert list(subsets) == ["language=de", "language=en", "language=es"]
    inside = [i for i, g in enumerate(drawn.language) if g == "es"]
    write_csv(tmp_path / "d.csv", [{"id": i, "label": drawn.truths[i], "lang": "es"} for i in inside])
    write_jsonl(
        tmp_path / "m.jsonl",
        (
            {
                "id": i,
                "response": drawn.answers[i] or "?",
                "confidence": float(drawn.confidence[i]),
                "latency_s": float(drawn.seconds[i]),
            }
            for i in inside
        ),
    )
    alone = candidate(scored(tmp_path, SPEC.replace("; BINNING", "")))["metrics"]
    within = subsets["language=es"]
    assert within["n"] == len(inside)
    floor = {"null_mean", "null_p95", "p_value"}
    for name, figures in alone.items():
        expected = {k: v for k, v in figures.items() if k not in floor}
        assert within["metrics"][name] == pytest.approx(expected, nan_ok=False), name


def test_a_subset_without_examples_has_reasons_and_no_figures(tmp_path: Path) -> None:
    draw(tmp_path, n=60)
    german = scored(tmp_path, SPEC.replace("; BINNING", ""), selection=Selection(subset="language=de"))
    empty: Any = candidate(german)["subsets"]["language=en"]
    assert empty["n"] == 0
    for name, figures in empty["metrics"].items():
        assert figures["value"] is None, name
        assert figures["why"], name
