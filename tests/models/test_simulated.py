"""Made-up candidates: right as often as they say, sure as their kind says, the same whoever asks when."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import groupby

import anyio
import pytest

from evalspec.language.candidates import Simulated
from evalspec.models.model import Answer, Request
from evalspec.models.simulated import Invention, Truth, chance_at, claim

MANY = 20_000
LABELS = ("billing", "bug", "abuse", "other")


def truth(request: Request) -> Truth:
    right = LABELS[int(request.example) % 4]
    return Truth(right=right, wrong=tuple(label for label in LABELS if label != right), labelled=True)


def simulated(
    accuracy: float, confidence: str = "calibrated", latency_ns: int = 0, seed: int = 0
) -> list[Answer]:
    use = Simulated(accuracy=accuracy, confidence=confidence, latency_ns=latency_ns)
    model = Invention(truth=truth, seed=seed).model("sim", use)
    return [model.answer(Request(task="t", step="", example=str(i))) for i in range(MANY)]


def right(answers: list[Answer]) -> list[bool]:
    return [a.response == LABELS[i % 4] for i, a in enumerate(answers)]


@pytest.mark.parametrize("accuracy", [0.1, 0.25, 0.3, 0.85, 0.99])
def test_it_is_right_as_often_as_it_says(accuracy: float) -> None:
    found = sum(right(simulated(accuracy))) / MANY
    assert abs(found - accuracy) < 4 * math.sqrt(accuracy * (1 - accuracy) / MANY)


def test_at_the_ends_it_is_always_or_never_right() -> None:
    assert all(right(simulated(1.0)))
    assert not any(right(simulated(0.0)))


@pytest.mark.parametrize("accuracy", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("least", [0.0, 0.25])
def test_the_chances_have_the_accuracy_for_their_mean(accuracy: float, least: float) -> None:
    n = 100_000  # midpoints of equal steps: the integral of the chance over its levels
    mean = sum(chance_at((i + 0.5) / n, accuracy, least) for i in range(n)) / n
    assert mean == pytest.approx(accuracy, abs=1e-4)
    assert least <= chance_at(0.0, accuracy, least) <= chance_at(1.0, accuracy, least) == 1


TRUE_SHARE = {
    "calibrated": lambda c: c,
    "overconfident": lambda c: 2 * c - 1,
    "underconfident": lambda c: (4 * c - 0.25) / 3,
}


@pytest.mark.parametrize("kind", TRUE_SHARE)
@pytest.mark.parametrize("chance", [0.25, 0.4, 0.85, 1.0])
def test_what_is_claimed_tells_the_chance_by_the_formula_of_its_kind(kind: str, chance: float) -> None:
    assert TRUE_SHARE[kind](claim(kind, chance, 0.25)) == pytest.approx(chance)


@pytest.mark.parametrize("kind", TRUE_SHARE)
def test_among_answers_of_like_confidence_the_promised_share_is_right(kind: str) -> None:
    answers = simulated(0.7, kind)
    claims = sorted((a.confidence or 0.0, y) for a, y in zip(answers, right(answers), strict=True))
    for _, group in groupby(enumerate(claims), key=lambda pair: pair[0] * 20 // MANY):
        some = [pair for _, pair in group]
        promised = sum(TRUE_SHARE[kind](c) for c, _ in some) / len(some)
        assert abs(sum(y for _, y in some) / len(some) - promised) < 4 * 0.5 / math.sqrt(len(some))


def test_the_labels_have_a_distribution_of_which_the_answer_is_the_likeliest() -> None:
    for answer in simulated(0.6)[:500]:
        logprobs = answer.label_logprobs or {}
        assert set(logprobs) == set(LABELS)
        assert sum(map(math.exp, logprobs.values())) == pytest.approx(1)
        assert max(logprobs, key=lambda label: logprobs[label]) == answer.response
        assert math.exp(logprobs[answer.response]) == pytest.approx(answer.confidence)


def test_wrong_answers_are_each_of_the_other_labels_equally_often() -> None:
    answers = simulated(0.4)
    of_billing = [a.response for i, a in enumerate(answers) if i % 4 == 0 and a.response != "billing"]
    for label in LABELS[1:]:
        assert of_billing.count(label) / len(of_billing) == pytest.approx(1 / 3, abs=0.05)


def test_an_answer_depends_on_seed_candidate_example_and_sample_and_not_on_the_order() -> None:
    use = Simulated(accuracy=0.5, confidence="calibrated", latency_ns=0)
    model = Invention(truth=truth, seed=1).model("sim", use)
    ask = [Request(task="t", step="", example=str(i), sample=k) for i in range(50) for k in range(2)]
    there = [model.answer(request) for request in ask]
    assert there == [model.answer(request) for request in reversed(ask)][::-1]
    assert there[0::2] != there[1::2]  # samples differ
    assert there != [Invention(truth=truth, seed=2).model("sim", use).answer(r) for r in ask]
    assert there != [Invention(truth=truth, seed=1).model("other", use).answer(r) for r in ask]


def test_the_latency_is_a_figure_around_the_one_declared_and_nobody_waits() -> None:
    answers = simulated(0.5, latency_ns=600_000_000)
    seconds = sorted((a.latency_ns or 0) / 1e9 for a in answers)
    assert seconds[MANY // 2] == pytest.approx(0.6, rel=0.02)
    assert seconds[MANY * 95 // 100] == pytest.approx(0.6 * math.exp(0.25 * 1.645), rel=0.03)
    assert simulated(0.5)[0].latency_ns is None


def test_nothing_is_stored_of_it_and_nothing_is_paid() -> None:
    model = Invention(truth=truth, seed=0).model(
        "sim", Simulated(accuracy=1, confidence="calibrated", latency_ns=0)
    )
    request = Request(task="t", step="", example="0")
    key: object = model.key  # a test of the None that mypy knows of
    assert callable(key)
    assert key(request) is None
    assert anyio.run(model.ask, request) == model.answer(request)
    assert (model.answer(request).cost_usd or Decimal(0)) == 0


def test_where_abstaining_is_right_it_abstains_when_it_is_right() -> None:
    def nothing(request: Request) -> Truth:
        return Truth(right=None, wrong=LABELS, labelled=True)

    model = Invention(truth=nothing, seed=0).model(
        "sim", Simulated(accuracy=0.5, confidence="calibrated", latency_ns=0)
    )
    said = [model.answer(Request(task="t", step="", example=str(i))) for i in range(1000)]
    assert {a.outcome for a in said} == {"abstained", None}
    assert 400 < sum(a.outcome == "abstained" for a in said) < 600


def test_where_nothing_else_could_be_said_a_wrong_answer_cannot_be_read() -> None:
    def only(request: Request) -> Truth:
        return Truth(right="all there is", wrong=(), labelled=False)

    model = Invention(truth=only, seed=0).model(
        "sim", Simulated(accuracy=0.5, confidence="calibrated", latency_ns=0)
    )
    said = {model.answer(Request(task="t", step="", example=str(i))).response for i in range(100)}
    assert said == {"all there is", ""}
