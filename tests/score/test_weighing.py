"""Mixes, weights and clusters: what stands for more counts for more, what stands together is no more data."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evalspec import metrics
from score.worlds import MODEL, Json, candidate, labelled, metric, says, scored, value, write_jsonl

RNG = np.random.default_rng(5)
TASK = "task t { data = d; answer = one_of(label); costs = c; abstain = below(50%); positive = a; MORE }\n"


def spec(data: str, more: str = "", *, models: str = MODEL) -> str:
    dataset = f'dataset d {{ source = file("d.csv"); id = id; label = label in [a, b]; {data} }}\n'
    costs = "costs c { right = 0; wrong = 10; abstain = 2 }\n"
    return (
        dataset
        + 'subset long of d { where = length == "long" }\n'
        + models
        + costs
        + TASK.replace("MORE", more)
    )


def world(folder: Path, n: int = 200, names: tuple[str, ...] = ("m",)) -> dict[str, np.ndarray]:
    """Two languages, three of four examples in English, and documents of five examples each."""
    truth = RNG.choice(["a", "b"], n)
    lang = np.array(["en" if i % 4 else "es" for i in range(n)])
    document = np.array([f"doc{i // 5}" for i in range(n)])
    weight = RNG.uniform(0.5, 3, n).round(3)
    length = RNG.choice(["long", "short"], n)
    columns = {"lang": lang, "document": document, "weight": weight, "length": length}
    labelled(folder, truth.tolist(), **{name: values.tolist() for name, values in columns.items()})
    found = {**columns, "truth": truth}
    for name in names:
        chance = np.where(lang == "en", 0.9, 0.6) * np.repeat(RNG.choice([0.7, 1.0], n // 5), 5)
        right = RNG.random(n) < chance
        confidence = np.clip(chance + RNG.normal(0, 0.05, n), 0.01, 0.99).round(3)
        other = np.where(truth == "a", "b", "a")
        says(folder, np.where(right, truth, other).tolist(), confidence.tolist(), by=name)
        found |= {f"{name} right": right.astype(float), f"{name} sure": confidence}
    return found


def ends(figure: Json) -> tuple[float, float]:
    return figure["low"], figure["high"]


# ── a mix ─────────────────────────────────────────────────────────────────────────────────────────

MIX = "mix lang { en = 40%; * = 60% }"


def test_a_mix_counts_each_cell_by_its_share(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, spec(MIX))
    right, cell = drawn["m right"], drawn["lang"]
    found = metric(task, "accuracy")
    assert found["value"] == pytest.approx(
        0.4 * right[cell == "en"].mean() + 0.6 * right[cell == "es"].mean()
    )
    peer = metrics.post_stratified(right, cell.tolist(), {"en": 0.4, "es": 0.6})
    assert ends(found) == pytest.approx((peer.low, peer.high))
    assert found["n"] == 200


def test_a_mix_reweights_costs_and_confidence_and_leaves_tokens_alone(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, spec(MIX))
    right, sure, cell = drawn["m right"], drawn["m sure"], drawn["lang"]
    w = np.where(cell == "en", 0.4 / 150, 0.6 / 50)
    cost = np.where(sure < 0.5, 2.0, 10 * (1 - right))
    assert value(task, "expected_cost") == pytest.approx(w @ cost)
    assert value(task, "brier") == pytest.approx(w @ (sure - right) ** 2)
    assert value(task, "overconfidence") == pytest.approx(w @ (sure - right))
    assert value(task, "ece") == pytest.approx(metrics.ece(sure, right, weights=w).value)
    assert value(task, "auroc") == pytest.approx(metrics.auroc(sure, right, weights=w).value)
    policy = candidate(task)["policy"]
    assert policy["cost_answer_all"] == pytest.approx(w @ (10 * (1 - right)))
    assert policy["coverage"] == pytest.approx(w @ (sure >= 0.5))
    assert policy["verdict"] is None
    assert metric(task, "output_tokens")["why"] == "no tokens were told"


def test_a_subset_of_a_mix_takes_the_examples_weights(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, spec(MIX))
    inside = drawn["length"] == "long"
    w = np.where(drawn["lang"] == "en", 0.4 / 150, 0.6 / 50)[inside]
    peer = metrics.weighted_proportion(drawn["m right"][inside], w)
    found = metric(task, "accuracy", subset="long")
    assert (found["value"], *ends(found)) == pytest.approx((peer.value, peer.low, peer.high))


def test_a_cell_without_an_answer_leaves_no_figure(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    says(tmp_path, [None if c == "es" else "a" for c in drawn["lang"]], by="m")
    task = scored(tmp_path, spec(MIX))
    assert metric(task, "accuracy")["value"] is None
    assert "no data for `*`" in metric(task, "accuracy")["why"]


def test_recall_under_a_mix_is_weighted_too(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, spec(MIX))
    true = drawn["truth"] == "a"
    w = np.where(drawn["lang"] == "en", 0.4 / 150, 0.6 / 50)
    assert value(task, "recall") == pytest.approx((w * drawn["m right"])[true].sum() / w[true].sum())


# ── weights ───────────────────────────────────────────────────────────────────────────────────────


def test_weights_are_those_of_a_weighted_proportion_and_mean(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, spec("weight = weight"))  # a column of texts that are numbers
    w, right = drawn["weight"], drawn["m right"]
    peer = metrics.weighted_proportion(right, w)
    found = metric(task, "accuracy")
    assert (found["value"], *ends(found)) == pytest.approx((peer.value, peer.low, peer.high))
    assert found["value"] == pytest.approx(np.average(right, weights=w))
    cost = np.where(drawn["m sure"] < 0.5, 2.0, 10 * (1 - right))
    assert value(task, "expected_cost") == pytest.approx(np.average(cost, weights=w))


def test_whole_weights_are_as_good_as_repetition(tmp_path: Path) -> None:
    labelled(tmp_path, ["a", "a", "b"], lang=["en"] * 3, weight=[1, 3, 2], length=["long"] * 3)
    says(tmp_path, ["a", "b", "b"], [0.9, 0.8, 0.7])
    task = scored(tmp_path, spec("weight = weight"))
    assert value(task, "accuracy") == pytest.approx((1 + 0 + 2) / 6)
    assert value(task, "mean_confidence") == pytest.approx((0.9 + 3 * 0.8 + 2 * 0.7) / 6)
    assert value(task, "balanced_accuracy") == pytest.approx((1 / 4 + 1) / 2)


def test_weights_may_be_in_any_unit(tmp_path: Path) -> None:
    labelled(
        tmp_path, ["a", "a", "b"], lang=["en"] * 3, weight=["1e300", "3e300", "2e300"], length=["long"] * 3
    )
    says(tmp_path, ["a", "b", "b"], [0.9, 0.8, 0.7])
    task = scored(tmp_path, spec("weight = weight"))
    assert value(task, "accuracy") == pytest.approx((1 + 0 + 2) / 6)
    assert value(task, "mean_confidence") == pytest.approx((0.9 + 3 * 0.8 + 2 * 0.7) / 6)


# ── clusters ──────────────────────────────────────────────────────────────────────────────────────


def test_clusters_have_the_standard_errors_of_statsmodels(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, spec("cluster = document"))
    right = drawn["m right"]
    groups = np.unique(drawn["document"], return_inverse=True)[1]
    fitted = sm.OLS(right, np.ones(200)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    se = float(fitted.bse[0]) * math.sqrt(40 / 39)
    found = metric(task, "accuracy")
    assert found["value"] == pytest.approx(right.mean())
    assert found["se"] == pytest.approx(se)
    assert ends(found) == pytest.approx(stats.t.interval(0.95, 39, right.mean(), se))
    alone = proportion_confint(right.sum(), 200, method="wilson")
    assert found["high"] - found["low"] > alone[1] - alone[0]


def test_a_figure_without_an_interval_for_clusters_says_so(tmp_path: Path) -> None:
    world(tmp_path)
    task = scored(tmp_path, spec("cluster = document"))
    auroc = metric(task, "auroc")
    assert auroc["value"] is not None
    assert (auroc["low"], auroc["high"]) == (None, None)
    assert "clusters" in auroc["why"]


@pytest.mark.parametrize(
    "data", ["", "cluster = document", "mix lang { en = 40%; * = 60% }", "weight = weight"]
)
def test_costs_that_are_all_1_are_no_share(tmp_path: Path, data: str) -> None:
    world(tmp_path)
    always = spec(data).replace("below(50%)", "below(100%)").replace("abstain = 2", "abstain = 1")
    cost = metric(scored(tmp_path, always), "expected_cost")
    assert cost["value"] == pytest.approx(1)
    assert (cost["low"], cost["high"]) == (None, None)  # a wrong answer costs 10
    assert cost["why"]


def test_costs_of_samples_that_are_all_1_are_no_share(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * 6, length=["long"] * 6)
    rows = [{"id": i, "sample": s, "response": "b", "confidence": 0.2} for i in range(6) for s in range(3)]
    write_jsonl(tmp_path / "m.jsonl", rows)
    sampled = spec("", "samples = 3").replace("abstain = 2", "abstain = 1")
    cost = metric(scored(tmp_path, sampled), "expected_cost")
    assert (cost["value"], cost["low"], cost["high"]) == (1.0, None, None)


def test_the_noise_of_calibration_is_that_of_the_clusters(tmp_path: Path) -> None:
    n = 60
    labelled(tmp_path, ["a"] * n, document=[i // 5 for i in range(n)], length=["long"] * n)
    says(tmp_path, ["a"] * 42 + ["b"] * 18, [0.8] * n)
    ece = metric(scored(tmp_path, spec("cluster = document")), "ece")
    expected = metrics.ece_null(
        [0.8] * n, binning="values", correct=[1] * 42 + [0] * 18, cluster=[i // 5 for i in range(n)]
    )
    assert ece["null_mean"] == pytest.approx(expected.mean, rel=0.1)
    assert ece["p_value"] == pytest.approx(expected.p_value, rel=0.2)
    alone = metric(scored(tmp_path, spec("")), "ece")
    assert ece["null_mean"] > 1.8 * alone["null_mean"]  # the noise of 12 documents, not of 60 examples
    assert ece["p_value"] > 3 * alone["p_value"]


def test_examples_that_name_no_cluster_stand_alone(tmp_path: Path) -> None:
    n = 60
    labelled(tmp_path, ["a"] * n, document=[""] * n, length=["long"] * n)
    says(tmp_path, ["a"] * 45 + ["b"] * 15)
    found = metric(
        scored(tmp_path, spec("cluster = document").replace("abstain = below(50%); ", "")), "accuracy"
    )
    assert found["se"] == pytest.approx(stats.sem([1] * 45 + [0] * 15))


# ── comparing ─────────────────────────────────────────────────────────────────────────────────────

TWO = 'model x { use = recorded("x.jsonl") }\nmodel y { use = recorded("y.jsonl") }\n'


def compared(task: Json) -> Json:
    (found,) = [p for p in task["pairs"] if p["metric"] == "accuracy"]
    result: Json = found
    return result


def test_pairs_under_weights_differ_by_the_weighted_mean(tmp_path: Path) -> None:
    drawn = world(tmp_path, names=("x", "y"))
    task = scored(tmp_path, spec("weight = weight", "rank = accuracy", models=TWO))
    found = compared(task)
    d = drawn[f"{found['a']} right"] - drawn[f"{found['b']} right"]
    assert found["difference"]["value"] == pytest.approx(np.average(d, weights=drawn["weight"]))
    assert found["difference"]["n"] == 200


def test_pairs_of_clusters_are_told_apart_by_clusters(tmp_path: Path) -> None:
    """Ten documents that differ wholly are ten differences, however many examples they have."""
    n = 200
    document = [f"doc{i // 20}" for i in range(n)]
    labelled(tmp_path, ["a"] * n, document=document, length=["long"] * n)
    says(tmp_path, ["a"] * n, [0.9] * n, by="x")
    says(tmp_path, ["b" if i // 20 < 4 else "a" for i in range(n)], [0.9] * n, by="y")
    alone = scored(tmp_path, spec("", "rank = accuracy", models=TWO))
    together = scored(tmp_path, spec("cluster = document", "rank = accuracy", models=TWO))
    assert compared(alone)["distinguished"]
    assert compared(together)["difference"]["value"] == pytest.approx(0.4)
    assert not compared(together)["distinguished"]
    assert candidate(together, "y")["rank_low"] == 1


# ── groups ────────────────────────────────────────────────────────────────────────────────────────

GROUPS = """
subset lang of d { by = lang }
subset kinds of d { any_of = [long, lang["es"]]; average = macro }
subset all of d { any_of = [lang]; average = macro }
subset both of d { all_of = [long, lang["es"]] }
subset either of d { any_of = [long, lang["es"]] }
subset crossed of d { all_of = [long, lang]; average = macro }
"""


def test_groups_are_averaged_over_examples_or_over_subsets(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, GROUPS + spec(""))
    right, long, es = drawn["m right"], drawn["length"] == "long", drawn["lang"] == "es"
    assert value(task, "accuracy", subset="both") == pytest.approx(right[long & es].mean())
    assert value(task, "accuracy", subset="either") == pytest.approx(right[long | es].mean())
    assert value(task, "accuracy", subset="kinds") == pytest.approx(
        (right[long].mean() + right[es].mean()) / 2
    )
    assert value(task, "accuracy", subset="all") == pytest.approx((right[~es].mean() + right[es].mean()) / 2)
    assert value(task, "accuracy", subset="crossed") == pytest.approx(
        (right[long & ~es].mean() + right[long & es].mean()) / 2
    )


def test_a_macro_average_has_the_interval_of_its_overlapping_parts(tmp_path: Path) -> None:
    drawn = world(tmp_path)
    task = scored(tmp_path, GROUPS + spec(""))
    right, long, es = drawn["m right"], drawn["length"] == "long", drawn["lang"] == "es"
    peer = metrics.combined_mean(
        [right[long], right[es]],
        [np.flatnonzero(long).tolist(), np.flatnonzero(es).tolist()],
        [0.5, 0.5],
        flags=True,
    )
    found = metric(task, "accuracy", subset="kinds")
    assert ends(found) == pytest.approx((peer.low, peer.high))
    ece = metric(task, "ece", subset="kinds")
    parts = [value(task, "ece", subset=name) for name in ("long", "lang=es")]
    assert ece["value"] == pytest.approx(sum(parts) / 2)
    assert ece["low"] is None
