"""Small classifiers of text that cost nothing: the share of each label, naive Bayes, a logistic model.

Which of them is right about its own certainty is the point: naive Bayes on word counts claims too
much, the logistic model on tf-idf is about calibrated. All of it repeats exactly: one thread, no chance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from evalspec.models.faults import UnusableTraining
from evalspec.text.values import dataclass

RECIPE = 1  # raised whenever a classifier learns something else from the same rows
KINDS = ("majority", "naive_bayes", "logistic")
BATCH = 2048
WORD = r"(?u)\b\w+\b"
# Chosen on a set of 10,000 short messages in 77 classes: weak smoothing and a weak penalty suit texts of
# a dozen words, and the penalty is where the logistic model's confidence meets its accuracy.
SMOOTHING = 0.1
INVERSE_PENALTY = 100.0
TOLERANCE = 1e-3
MOST_ROUNDS = 1000

Row = Mapping[str, object]
Prediction = tuple[str, Mapping[str, float]]


class Classifier(Protocol):
    """Something that has learnt."""

    def predict(self, rows: Sequence[Row]) -> list[Prediction]:
        """For each row the likeliest label, and the probability of every label."""
        ...


def joined_text(columns: Sequence[str], row: Row) -> str:
    """What a classifier reads of a row: its columns, one below the other; a missing value is empty."""
    return "\n".join("" if row.get(column) is None else str(row[column]) for column in columns)


def without_scored(
    train: Sequence[Row], scored: Iterable[Row], columns: Sequence[str]
) -> tuple[tuple[Row, ...], int]:
    """The training rows that are not also scored, and how many were left out.

    Rows are the same when what a classifier reads of them is: case-blind, blanks around each column dropped.
    """
    taken = {_folded(columns, row) for row in scored}
    kept = tuple(row for row in train if _folded(columns, row) not in taken)
    return kept, len(train) - len(kept)


def _folded(columns: Sequence[str], row: Row) -> tuple[str, ...]:
    values = (row.get(column) for column in columns)
    return tuple("" if value is None else str(value).strip().casefold() for value in values)


def demand_usable(kind: str, columns: Sequence[str], rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Raises UnusableTraining when these rows teach nothing to a classifier of this kind."""
    if kind not in KINDS:
        raise ValueError(f"no such baseline: {kind}")
    if len(rows) != len(labels):
        raise ValueError(f"{len(rows)} training rows, but {len(labels)} labels")
    if not rows:
        raise UnusableTraining("there are no training rows")
    if kind == "majority":
        return
    if len(set(labels)) == 1:
        raise UnusableTraining(f"all {len(rows)} training rows have the label `{labels[0]}`")
    if not any(re.search(r"\w", joined_text(columns, row)) for row in rows):
        raise UnusableTraining(f"there is no word in {', '.join(columns)} of the training rows")


def fit(
    kind: str,
    columns: Sequence[str],
    train_rows: Sequence[Row],
    train_labels: Sequence[str],
    labels: tuple[str, ...],
) -> Classifier:
    """A classifier of this kind that has learnt from the rows; `labels` are all that there are.

    Raises UnusableTraining. Labels that the training rows do not have get the probability 0.
    """
    demand_usable(kind, columns, train_rows, train_labels)
    everything = tuple(dict.fromkeys((*labels, *sorted(set(train_labels)))))
    if kind == "majority":
        return Shares.of(train_labels, everything)
    texts = [joined_text(columns, row) for row in train_rows]
    return _fit_words(kind, tuple(columns), texts, train_labels, everything)


@dataclass(frozen=True, slots=True)
class Shares:
    """Always the most frequent label, each label as likely as its share; of equals the one declared first."""

    label: str
    shares: Mapping[str, float]

    @classmethod
    def of(cls, train_labels: Sequence[str], labels: Sequence[str]) -> Shares:
        counts = Counter(train_labels)
        shares = {label: counts[label] / len(train_labels) for label in labels}
        return cls(max(labels, key=lambda label: counts[label]), shares)

    def predict(self, rows: Sequence[Row]) -> list[Prediction]:
        return [(self.label, self.shares)] * len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A classifier of word counts: texts go through `features` into `estimator` (scikit-learn's)."""

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    features: Any
    estimator: Any

    def predict(self, rows: Sequence[Row]) -> list[Prediction]:
        return list(self._predictions([joined_text(self.columns, row) for row in rows]))

    def _predictions(self, texts: Sequence[str]) -> Iterator[Prediction]:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

        classes = [str(label) for label in self.estimator.classes_]
        for start in range(0, len(texts), BATCH):
            with threadpool_limits(1):
                table = self.estimator.predict_proba(self.features.transform(texts[start : start + BATCH]))
            for row in table.tolist():
                known = dict(zip(classes, row, strict=True))
                yield (
                    max(classes, key=known.__getitem__),
                    {label: known.get(label, 0.0) for label in self.labels},
                )


def _fit_words(
    kind: str,
    columns: tuple[str, ...],
    texts: list[str],
    train_labels: Sequence[str],
    labels: tuple[str, ...],
) -> Words:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    features: Any
    estimator: Any
    if kind == "naive_bayes":
        features, estimator = CountVectorizer(token_pattern=WORD), MultinomialNB(alpha=SMOOTHING)
    else:
        features = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True)
        estimator = LogisticRegression(C=INVERSE_PENALTY, tol=TOLERANCE, max_iter=MOST_ROUNDS)
    with threadpool_limits(1):
        estimator.fit(features.fit_transform(texts), list(train_labels))
    return Words(columns=columns, labels=labels, features=features, estimator=estimator)
