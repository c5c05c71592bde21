"""Baselines learn from the data, answer with a distribution, and repeat exactly."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import pytest

from evalspec.language.candidates import Baseline
from evalspec.models.baseline import BaselineModel, Training, baseline_model, without_scored
from evalspec.models.classifiers import fit
from evalspec.models.faults import EvalspecFault, UnusableTraining
from models.asking import answered, candidate, connect, question

pytestmark = pytest.mark.anyio
DATA = Path(os.environ.get("EVALSPEC_TEST_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))

ROWS: list[dict[str, object]] = [
    {"body": "the app crashes on start", "lang": "en"},
    {"body": "crashes when I open it", "lang": "en"},
    {"body": "please refund my money", "lang": "en"},
    {"body": "refund the second charge", "lang": "en"},
    {"body": "money charged twice", "lang": None},
]
LABELS = ["bug", "bug", "billing", "billing", "billing"]
ALL = ("bug", "billing", "abuse")


def training(inputs: Sequence[Mapping[str, object]] = ()) -> Training:
    return Training(rows=ROWS, row_labels=LABELS, labels=ALL, inputs=inputs)


def baseline(kind: str = "naive_bayes", columns: tuple[str, ...] = ("body",)) -> Baseline:
    return Baseline(kind=kind, columns=columns, train="tickets")


def about(body: object, **more: object) -> dict[str, object]:
    return {"body": body, **more}


@pytest.mark.parametrize("kind", ["majority", "naive_bayes", "logistic"])
async def test_answers_a_label_with_the_probability_of_every_label(kind: str) -> None:
    async with connect(candidate(baseline(kind)), training=training()) as models:
        answer = answered(await models["mini"].ask(question(columns=about("refund money charge"))))
    assert answer.response == "billing"
    assert answer.label_logprobs is not None
    probabilities = {label: math.exp(logprob) for label, logprob in answer.label_logprobs.items()}
    assert set(probabilities) == set(ALL)
    assert sum(probabilities.values()) == pytest.approx(1)
    assert answer.confidence == pytest.approx(probabilities["billing"])
    assert probabilities["abuse"] == pytest.approx(1e-12)
    assert answer.latency_ns is not None
    assert answer.latency_ns >= 0


def test_the_majority_is_as_sure_as_its_share() -> None:
    label, shares = fit("majority", ["body"], ROWS, LABELS, ALL).predict([ROWS[0]])[0]
    assert (label, shares) == ("billing", {"bug": 0.4, "billing": 0.6, "abuse": 0.0})


def test_of_equal_shares_the_label_declared_first_wins() -> None:
    classifier = fit("majority", ["body"], ROWS[:4], LABELS[:4], ("billing", "bug"))
    assert classifier.predict([{}])[0][0] == "billing"


@pytest.mark.parametrize("kind", ["naive_bayes", "logistic"])
def test_what_was_learnt_repeats_exactly(kind: str) -> None:
    asked = [about("refund crashes"), about("unknown words"), about("")]
    first, second = (fit(kind, ["body"], ROWS, LABELS, ALL).predict(asked) for _ in range(2))
    assert first == second


def test_all_columns_are_read_and_a_missing_value_is_empty() -> None:
    rows: list[dict[str, object]] = [{"a": "x", "b": "red"}, {"a": "x", "b": "blue"}]
    classifier = fit("naive_bayes", ["a", "b"], rows, ["r", "b"], ("r", "b"))
    asked: list[dict[str, object]] = [{"a": None, "b": "red"}, {"b": "blue"}, {"a": "x", "b": "red"}]
    assert [label for label, _ in classifier.predict(asked)] == ["r", "b", "r"]


async def test_known_inputs_are_predicted_in_one_go_as_they_would_be_singly() -> None:
    inputs = [about(text) for text in ("refund", "crashes", "refund", "charge it")]
    singly = baseline_model("a", baseline("logistic"), training())
    at_once = baseline_model("b", baseline("logistic"), training(inputs))
    for row in inputs:
        one = answered(await singly.ask(question(columns=row)))
        other = answered(await at_once.ask(question(columns=row)))
        assert one.response == other.response
        assert one.confidence == pytest.approx(other.confidence)
    together = {answered(await at_once.ask(question(columns=row))).latency_ns for row in inputs}
    assert len(together) == 1, "each of a batch took its share of the batch's time"
    assert answered(await at_once.ask(question(columns=about("not known before")))).response in ALL


async def test_it_learns_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[str] = []

    def counted(kind: str, *rest: object) -> object:
        fits.append(kind)
        return fit(kind, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("evalspec.models.baseline.fit", counted)
    model = baseline_model("mini", baseline(), training())
    assert fits == []
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(model.ask, question(columns=about(f"refund {number}")))
    assert fits == ["naive_bayes"]


def test_the_key_is_what_is_learnt_and_read() -> None:
    def model(use: Baseline, taught: Training) -> BaselineModel:
        return baseline_model("mini", use, taught)

    asked = question(columns=about("refund", lang="en"))
    standard = model(baseline(), training())
    same = [
        model(baseline(), training([about("x")])).key(asked),
        standard.key(
            question("other prompt", columns=about("refund", lang="de"), sample=3, parameters={"seed": 1})
        ),
    ]
    others = [
        standard.key(question(columns=about("refunds"))),
        model(baseline("logistic"), training()).key(asked),
        model(baseline(columns=("body", "lang")), training()).key(asked),
        model(baseline(), Training(rows=ROWS[:4], row_labels=LABELS[:4], labels=ALL)).key(asked),
        model(baseline(), Training(rows=ROWS, row_labels=LABELS[::-1], labels=ALL)).key(asked),
    ]
    assert set(same) == {standard.key(asked)}
    assert len({standard.key(asked), *others}) == 1 + len(others)


def test_scored_rows_are_left_out_of_training() -> None:
    train = [about(" Refund\n", q=1), about("refund me"), about(None), about("CRASH", lang="x")]
    scored = [about("refund"), about("crash", lang="y")]
    kept, dropped = without_scored(train, scored, ["body"])
    assert (kept, dropped) == ((train[1], train[2]), 2)
    assert without_scored(train, scored, ["body", "lang"]) == ((train[1], train[2], train[3]), 1)


@pytest.mark.parametrize(
    ("kind", "rows", "labels", "message"),
    [
        ("naive_bayes", [], [], "no training rows"),
        ("majority", [], [], "no training rows"),
        ("logistic", ROWS[:2], ["bug", "bug"], "all 2 training rows have the label `bug`"),
        ("naive_bayes", [about("?!"), about(None)], ["a", "b"], "no word in body"),
    ],
)
def test_a_useless_training_set_is_refused_before_running(
    kind: str, rows: list[dict[str, object]], labels: list[str], message: str
) -> None:
    with pytest.raises(UnusableTraining, match=message) as caught:
        baseline_model("mini", baseline(kind), Training(rows=rows, row_labels=labels, labels=ALL))
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, EvalspecFault)


async def test_the_majority_of_one_class_is_certain() -> None:
    taught = Training(rows=ROWS[:2], row_labels=["bug", "bug"], labels=("bug",))
    model = baseline_model("mini", baseline("majority"), taught)
    answer = answered(await model.ask(question(columns=about("x"))))
    assert (answer.response, answer.confidence) == ("bug", 1.0)


async def test_single_characters_are_words_too() -> None:
    taught = Training(rows=[about("1"), about("2")], row_labels=["a", "b"], labels=("a", "b"))
    model = baseline_model("mini", baseline("logistic"), taught)
    assert answered(await model.ask(question(columns=about("2")))).response == "b"


# ── on real messages ──────────────────────────────────────────────────────────────────────────────


def messages(name: str) -> tuple[list[dict[str, object]], list[str]]:
    path = DATA / "banking77" / name
    if not path.exists():
        pytest.skip(f"no test data in {DATA}")
    with path.open(newline="", encoding="utf-8") as file:
        rows: list[dict[str, object]] = [dict(row) for row in csv.DictReader(file)]
    return rows, [str(row["category"]) for row in rows]


def calibration_error(confidence: Sequence[float], right: Sequence[bool]) -> float:
    gaps = [0.0] * 10
    for sure, correct in zip(confidence, right, strict=True):
        gaps[min(int(sure * 10), 9)] += sure - correct
    return sum(map(abs, gaps)) / len(right)


@pytest.mark.parametrize(
    ("kind", "least", "most", "surplus", "error"),
    [
        ("naive_bayes", 0.84, 0.88, (0.02, 0.10), 0.06),
        ("logistic", 0.86, 0.91, (-0.04, 0.02), 0.04),
    ],
)
def test_on_banking77(
    kind: str, least: float, most: float, surplus: tuple[float, float], error: float
) -> None:
    train, train_labels = messages("train.csv")
    test, truth = messages("test.csv")
    classifier = fit(kind, ["text"], train, train_labels, tuple(sorted(set(train_labels))))
    predictions = classifier.predict(test)
    right = [label == true for (label, _), true in zip(predictions, truth, strict=True)]
    confidence = [probabilities[label] for label, probabilities in predictions]
    accuracy = sum(right) / len(right)
    assert least <= accuracy <= most
    assert surplus[0] <= sum(confidence) / len(confidence) - accuracy <= surplus[1]
    assert calibration_error(confidence, right) <= error


def test_nothing_of_banking77_is_both_learnt_and_scored() -> None:
    train, _ = messages("train.csv")
    test, _ = messages("test.csv")
    kept, dropped = without_scored(train, test, ["text"])
    assert len(kept) + dropped == len(train)
    scored = {str(row["text"]).strip().casefold() for row in test}
    assert not any(str(row["text"]).strip().casefold() in scored for row in kept)
