"""Candidates that learn from a training set and read the data, not the prompt.

They are fitted at the first question, in a thread, once; all rows that will be asked are predicted in
one go then, since a batch costs a hundredth of single calls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from evalspec.models.classifiers import RECIPE, Classifier, Prediction, Row, demand_usable, fit, joined_text
from evalspec.models.classifiers import without_scored as without_scored
from evalspec.models.faults import UnusableTraining
from evalspec.models.model import Answer, Request, digest
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import Baseline

LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a baseline learns from: rows with their labels, and all labels that there are.

    `inputs` are the rows it will be asked about, as far as they are known; others are predicted singly.
    """

    rows: Sequence[Row]
    row_labels: Sequence[str]
    labels: tuple[str, ...]
    inputs: Sequence[Row] = ()


def lesson_digest(use: Baseline, training: Training) -> str:
    """The identity of what a baseline learns: kind, columns, rows, labels, library and recipe."""
    rows = [[joined_text((column,), row) for column in use.columns] for row in training.rows]
    learnt = digest(list(map(list, rows)), list(training.row_labels), list(training.labels))
    return digest(use.kind, list(use.columns), learnt, version("scikit-learn"), RECIPE)


def request_key(lesson: str, use: Baseline, request: Request) -> str:
    """The request's identity: what was learnt, and what is read of the example."""
    return digest(lesson, [joined_text((column,), request.columns) for column in use.columns])


@dataclass(slots=True, kw_only=True)
class _Learnt:
    """What comes into being with the first question."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    classifier: Classifier | None = None
    predicted: dict[str, Prediction] = field(default_factory=dict)
    each_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineModel:
    """A candidate that learns. Make it with `baseline_model`, which refuses useless training sets."""

    name: str
    use: Baseline
    training: Training = field(repr=False)
    lesson: str
    endpoint: str = "baseline"
    _learnt: _Learnt = field(default_factory=_Learnt, repr=False, compare=False)

    def key(self, request: Request) -> str:
        """The digest of kind, columns, training set, library version and what is read of the example."""
        return request_key(self.lesson, self.use, request)

    async def ask(self, request: Request) -> Answer:
        """The likeliest label, with every label's probability. The first call learns."""
        async with self._learnt.lock:
            if self._learnt.classifier is None:
                await to_thread.run_sync(self._learn)
        known = self._learnt.predicted.get(joined_text(self.use.columns, request.columns))
        if known is not None:
            return _answer(known, self._learnt.each_ns)
        return await to_thread.run_sync(self._predict_one, request.columns)

    def _learn(self) -> None:
        learnt, training, columns = self._learnt, self.training, self.use.columns
        classifier = fit(self.use.kind, columns, training.rows, training.row_labels, training.labels)
        inputs = {joined_text(columns, row): row for row in training.inputs}
        begun = time.perf_counter_ns()
        predictions = classifier.predict(list(inputs.values()))
        taken = time.perf_counter_ns() - begun
        learnt.predicted = dict(zip(inputs, predictions, strict=True))
        learnt.each_ns = taken // max(len(inputs), 1)
        learnt.classifier = classifier

    def _predict_one(self, row: Mapping[str, object]) -> Answer:
        if self._learnt.classifier is None:
            raise UnusableTraining(f"baseline `{self.name}` was asked before it had learnt")
        begun = time.perf_counter_ns()
        (prediction,) = self._learnt.classifier.predict([row])
        return _answer(prediction, time.perf_counter_ns() - begun)


def baseline_model(name: str, use: Baseline, training: Training) -> BaselineModel:
    """The candidate that learns from `training`. Raises UnusableTraining at once, not when asked."""
    demand_usable(use.kind, use.columns, training.rows, training.row_labels)
    return BaselineModel(name=name, use=use, training=training, lesson=lesson_digest(use, training))


def _answer(prediction: Prediction, latency_ns: int) -> Answer:
    label, probabilities = prediction
    logprobs = {name: math.log(max(p, LEAST_PROBABILITY)) for name, p in probabilities.items()}
    return Answer(
        response=label,
        confidence=min(probabilities[label], 1.0),
        label_logprobs=logprobs,
        latency_ns=latency_ns,
    )
