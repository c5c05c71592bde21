"""Label metrics against scikit-learn, and what 0/0 means."""

from collections.abc import Hashable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from evalspec.metrics import accuracy, balanced_accuracy, f1, macro_f1, mcc, precision, recall, wilson

labels = st.sampled_from(["a", "b", "c"])
pairs = st.lists(st.tuples(labels, labels, st.integers(0, 3)), min_size=1, max_size=25).filter(
    lambda drawn: any(w for _, _, w in drawn)
)
Drawn = list[tuple[str, str, int]]


def columns(drawn: Drawn) -> tuple[list[str], list[str], list[int]]:
    return [t for t, _, _ in drawn], [a for _, a, _ in drawn], [w for _, _, w in drawn]


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_every_metric_agrees_with_sklearn(drawn: Drawn) -> None:
    t, a, _ = columns(drawn)
    assert accuracy(t, a).value == pytest.approx(peer.accuracy_score(t, a))
    classes = sorted({*t, *a})
    assert macro_f1(t, a).value == pytest.approx(
        peer.f1_score(t, a, labels=classes, average="macro", zero_division=0)
    )
    recalls = peer.recall_score(t, a, labels=sorted(set(t)), average="macro", zero_division=0)
    assert balanced_accuracy(t, a).value == pytest.approx(recalls)
    for label in ("a", "b"):
        for ours, theirs in (
            (precision, peer.precision_score),
            (recall, peer.recall_score),
            (f1, peer.f1_score),
        ):
            expected = theirs([x == label for x in t], [y == label for y in a], zero_division=0)
            assert ours(t, a, label).value == pytest.approx(expected)
    if len(set(t)) > 1 and len(set(a)) > 1:
        assert mcc(t, a).value == pytest.approx(peer.matthews_corrcoef(t, a), abs=1e-12)
    else:
        assert mcc(t, a).value is None


@given(pairs)
def test_whole_weights_repeat(drawn: Drawn) -> None:
    t, a, w = columns(drawn)
    many_t, many_a = np.repeat(t, w).tolist(), np.repeat(a, w).tolist()
    for metric in (accuracy, balanced_accuracy, macro_f1, mcc):
        weighted, repeated = metric(t, a, w).value, metric(many_t, many_a).value
        assert weighted == (None if repeated is None else pytest.approx(repeated, abs=1e-9))
    for scored in (precision, recall, f1):
        weighted, repeated = scored(t, a, "a", w).value, scored(many_t, many_a, "a").value
        assert weighted == pytest.approx(repeated)


def test_rates_carry_wilsons_interval_and_their_own_denominator() -> None:
    t, a = ["x", "x", "x", "y"], ["x", "x", "y", "x"]
    assert accuracy(t, a) == wilson(2, 4)
    assert precision(t, a, "x") == wilson(2, 3)
    assert recall(t, a, "x") == wilson(2, 3)


def test_nothing_over_nothing_is_0_with_a_reason() -> None:
    t, a = ["x", "x"], ["x", "x"]
    for estimate in (precision(t, a, "y"), recall(t, a, "y"), f1(t, a, "y")):
        assert (estimate.value, estimate.low) == (0, None)
        assert estimate.why is not None


def test_no_answer_is_wrong_but_no_class() -> None:
    truth: list[Hashable] = ["x", "y", "x"]
    answers: list[Hashable] = ["x", None, "x"]
    assert macro_f1(truth, answers).value == 0.5
    assert balanced_accuracy(truth, answers).value == 0.5
    assert macro_f1([None, "x"], [None, "x"]).value == 1
    assert mcc(truth, answers).value == pytest.approx(0.5)  # (2·3 - 4)/sqrt((9 - 5)(9 - 5))


def test_balanced_accuracy_has_an_interval_even_where_a_class_is_all_right() -> None:
    estimate = balanced_accuracy(["x"] * 9 + ["y"] * 3, ["x"] * 9 + ["y", "x", "y"])
    assert estimate.value == pytest.approx((1 + 2 / 3) / 2)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0 < estimate.low < 5 / 6 < estimate.high < 1
    assert estimate.se is None


@pytest.mark.parametrize(
    "labels", [([0, 1], [0, 1]), ([True, False], [True, False]), ([("a", 1), 2], [("a", 1), 2])]
)
def test_labels_are_anything_hashable(labels: tuple[list[Hashable], list[Hashable]]) -> None:
    assert macro_f1(*labels).value == 1
    assert mcc(*labels).value == pytest.approx(1)


def test_no_data() -> None:
    for metric in (accuracy, balanced_accuracy, macro_f1, mcc):
        assert metric([], []).why == "no data"
        assert metric(["x"], ["x"], [0]).why == "no data"
    for scored in (precision, recall, f1):
        assert scored([], [], "x").why == "no data"


def test_misfits_are_refused() -> None:
    with pytest.raises(ValueError, match="answers"):
        accuracy(["x"], [])
    with pytest.raises(ValueError, match="NaN"):
        accuracy([float("nan")], [1])
