"""Chains, counted by hand and held against their identities; labels of people beside a judge's."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evalspec import metrics

RIGHT = [[1, 1, 1], [1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_first_failures_and_hazards_of_six_chains() -> None:
    assert metrics.first_failures(RIGHT) == (2, 1, 1)
    hazards = metrics.step_hazards(RIGHT)
    assert [(h.value, h.n) for h in hazards] == [(2 / 6, 6), (1 / 4, 4), (1 / 3, 3)]
    ends = proportion_confint(2, 6, method="wilson")
    assert (hazards[0].low, hazards[0].high) == pytest.approx(ends)


def test_the_complements_of_hazards_multiply_to_all_right_for_every_table_of_three_chains() -> None:
    for cells in itertools.product([0, 1], repeat=9):
        table = np.reshape(cells, (3, 3))
        hazards = metrics.step_hazards(table)
        known = [h.value for h in hazards if h.value is not None]
        assert math.prod(1 - value for value in known) == pytest.approx(table.all(axis=1).mean())
        assert sum(metrics.first_failures(table)) == 3 - table.all(axis=1).sum()


def test_errors_on_the_same_examples_make_the_product_too_gloomy() -> None:
    together = [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert metrics.dependence_gap(together).value == pytest.approx(0.5 - 0.25)
    assert metrics.recoveries(together, [1, 0, 1, 0]) == 1


def test_chains_without_data() -> None:
    nothing = np.zeros((0, 2))
    assert metrics.dependence_gap(nothing).value is None
    assert [h.value for h in metrics.step_hazards(nothing)] == [None, None]
    assert metrics.first_failures(nothing) == (0, 0)
    assert metrics.step_hazards([[0, 1]])[1].why == "no chain came to this step without a failure"
    with pytest.raises(ValueError, match="examples"):
        metrics.step_hazards([1, 0])
    with pytest.raises(ValueError, match="0 and 1"):
        metrics.first_failures([[0.5, 1]])


def test_a_judge_that_is_always_right_lends_its_numbers() -> None:
    rng = np.random.default_rng(3)
    labels, alone = rng.random(50), rng.random(5000)
    found = metrics.prediction_powered_mean(labels, labels, alone)
    power = np.var(labels, ddof=1) / (1.01 * np.var(np.concatenate([labels, alone]), ddof=1))
    rest = labels - power * labels
    assert found.value == pytest.approx(power * alone.mean() + rest.mean())
    assert found.se == pytest.approx(math.sqrt(power**2 * alone.var(ddof=1) / 5000 + rest.var(ddof=1) / 50))
    assert found.se is not None
    assert found.se < stats.sem(labels) / 3


def test_a_judge_that_says_nothing_leaves_the_labels() -> None:
    labels = np.array([0.0, 1, 1, 0, 1, 1])
    found = metrics.prediction_powered_mean(labels, np.ones(6), np.ones(100))
    assert found.value == pytest.approx(labels.mean())
    assert found.se == pytest.approx(stats.sem(labels))


def test_the_interval_covers_what_it_says() -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(1000):
        truth = rng.random(1200) < 0.7
        judge = np.where(rng.random(1200) < 0.85, truth, ~truth).astype(float)
        found = metrics.prediction_powered_mean(truth[:200].astype(float), judge[:200], judge[200:])
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.7 <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_too_few_labels_have_no_mean() -> None:
    assert metrics.prediction_powered_mean([1.0], [1.0], [1.0, 0.0]).value is None
    with pytest.raises(ValueError, match="judged"):
        metrics.prediction_powered_mean([1.0, 0.0], [1.0], [1.0, 0.0])
