"""The decision rule that an evaluation ships: read from its file and applied where answers are used.

Written by `shipping.py`. It decides as the evaluation did, tie for tie. It knows nothing of tasks, runs and
models, and loads numpy only where confidences are recalibrated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.text.values import Json

FORMAT = "evalspec.policy/1"
TOLERANCE = 1e-12
RULES = ("when_cheaper", "when_cheaper(recalibrated)", "threshold")

Costs = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Decided:
    """What to do with one answer; true where it is to be given, false where it goes to a person.

    `confidence` is the one that was decided by, recalibrated where the policy does so. `answering` and
    `abstaining` are what either is expected to cost; None where the rule compares no costs.
    """

    answer: bool
    confidence: float | None
    answering: float | None = None
    abstaining: float | None = None

    def __bool__(self) -> bool:
        return self.answer


@dataclass(frozen=True, slots=True)
class Policy:
    """A decision rule: `decide(confidence)` says whether an answer is given or handed over.

    `document` is the file's content: which candidate, prompt and confidence source the rule is for, what it
    promised, and on how many examples.
    """

    document: Mapping[str, Json] = field(repr=False)

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """The policy in a file. Raises OSError, or ValueError where it holds none."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as fault:
            raise ValueError(f"{path} is not JSON: {fault}") from fault
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"{path} does not hold a policy ({FORMAT})")
        if document.get("kind") not in RULES:
            raise ValueError(f"{path} holds a policy of an unknown kind {document.get('kind')!r}")
        return cls(document)

    def decide(
        self,
        confidence: float | None,
        *,
        answer: str | None = None,
        probabilities: Mapping[str, float] | None = None,
        costs: Costs | None = None,
    ) -> Decided:
        """Whether an answer of this confidence is given. Without a confidence it is not.

        `answer` and, where known, `probabilities` (of every label, adding up to 1) are needed where costs
        depend on the class; `costs`, in the form of the file, where they depend on the example. Raises
        ValueError on a confidence that is no number between 0 and 1, and where one of the others is missing
        or does not fit.
        """
        spread = _distribution(probabilities)
        if confidence is None and spread is not None and answer is not None:
            confidence = spread.get(answer)
        if confidence is None:
            return Decided(answer=False, confidence=None)
        if not _is_number(confidence):
            raise ValueError(f"a confidence is a number between 0 and 1, or None, not {confidence!r:.40}")
        if not 0 <= confidence <= 1:
            raise ValueError(f"a confidence lies between 0 and 1, not at {confidence!s:.40}")
        confidence = float(confidence)  # numpy's would decide with numpy's booleans
        if self.document["kind"] == "threshold":
            least = _number(self.document.get("threshold"), "threshold")
            return Decided(answer=confidence >= least - TOLERANCE * abs(least), confidence=confidence)
        confidence, spread = self._recalibrated(confidence, spread, answer)
        return _cheaper(confidence, spread, answer, self._costs(costs))

    def _recalibrated(
        self, confidence: float, spread: Mapping[str, float] | None, answer: str | None
    ) -> tuple[float, Mapping[str, float] | None]:
        fitted = self.document.get("recalibration")
        if not isinstance(fitted, dict):
            return confidence, spread
        from evalspec.metrics import recalibration_from_json

        better = float(recalibration_from_json(fitted).apply([confidence])[0])
        return better, None if spread is None or answer is None else rescaled(spread, answer, better)

    def _costs(self, given: Costs | None) -> Costs:
        own = self.document.get("costs")
        if given is not None:
            return given
        if not isinstance(own, dict) or _depends(own):
            raise ValueError("these costs depend on the example: give them as `costs`")
        return own


def rescaled(spread: Mapping[str, float], answer: str, confidence: float) -> Mapping[str, float] | None:
    """A distribution with another probability for the answer; the others keep their proportions.

    None where the answer had all of it: then nothing says how the rest is to be shared.
    """
    rest = sum(p for label, p in spread.items() if label != answer)
    if rest <= 0:
        return None
    return {
        label: confidence if label == answer else p * (1 - confidence) / rest for label, p in spread.items()
    }


def _distribution(probabilities: Mapping[str, float] | None) -> Mapping[str, float] | None:
    """The probabilities, made to add up to 1."""
    if probabilities is None:
        return None
    given: object = probabilities
    if not isinstance(given, Mapping) or not all(map(_is_number, given.values())):
        raise ValueError("the probabilities are a mapping of labels to numbers")
    if not all(0 <= p <= 1 for p in probabilities.values()):
        raise ValueError("probabilities must lie between 0 and 1")
    mass = math.fsum(probabilities.values())
    if abs(mass - 1) > 1e-6:
        raise ValueError(f"the probabilities add up to {mass:.6g}, not to 1")
    return {label: p / mass for label, p in probabilities.items()}


def _cheaper(
    confidence: float, spread: Mapping[str, float] | None, answer: str | None, costs: Costs
) -> Decided:
    """Answers where that is expected to cost no more than abstaining; on a tie, within rounding, it does."""
    if "labels" not in costs:
        right, wrong, abstain = (_number(costs.get(k), k) for k in ("right", "wrong", "abstain"))
        answering, largest = (
            right * confidence + wrong * (1 - confidence),
            max(map(abs, (right, wrong, abstain))),
        )
        return _decided(confidence, answering, abstain, largest)
    labels = [str(label) for label in _listed(costs, "labels")]
    figures = [[_number(f, "figures") for f in _items(row)] for row in _listed(costs, "figures")]
    abstaining = [_number(f, "abstain") for f in _listed(costs, "abstain")]
    if answer not in labels:
        raise ValueError(f"the costs depend on the class: `answer` is one of {', '.join(labels)}")
    place = labels.index(answer)
    column = [row[place] for row in figures]
    chances = _chances(confidence, spread, labels, place, costs)
    largest = max(abs(f) for row in (*figures, abstaining) for f in row)
    return _decided(
        confidence,
        sum(p * f for p, f in zip(chances, column, strict=True)),
        sum(p * f for p, f in zip(chances, abstaining, strict=True)),
        largest,
    )


def _decided(confidence: float, answering: float, abstaining: float, largest: float) -> Decided:
    return Decided(answering <= abstaining + TOLERANCE * largest, confidence, answering, abstaining)


def _chances(
    confidence: float, spread: Mapping[str, float] | None, labels: Sequence[str], place: int, costs: Costs
) -> list[float]:
    """The probability of each label: as given, else the rest of the confidence by the labels' counts."""
    if spread is not None:
        unknown = sorted(set(spread) - set(labels))
        if unknown:
            raise ValueError(f"the costs do not know the label {unknown[0]!r}")
        return [spread.get(label, 0.0) for label in labels]
    counts = [_number(n, "counts") for n in _listed(costs, "counts")] if "counts" in costs else []
    others = [n if i != place else 0.0 for i, n in enumerate(counts or [1.0] * len(labels))]
    if not sum(others):
        others = [float(i != place) for i in range(len(labels))]
    total = sum(others)
    return [confidence if i == place else (1 - confidence) * n / total for i, n in enumerate(others)]


def _depends(costs: Mapping[str, Json]) -> bool:
    """Whether a figure is no number but an expression over the example."""
    rows = costs.get("figures")
    cells: list[Json] = (
        [*(c for row in rows if isinstance(row, list) for c in row)] if isinstance(rows, list) else []
    )
    abstain = costs.get("abstain")
    cells += [costs.get("right"), costs.get("wrong"), *(abstain if isinstance(abstain, list) else [abstain])]
    return any(isinstance(cell, str) for cell in cells)


def _is_number(value: object) -> bool:
    """Whether a caller gave a number; numpy's are welcome."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"`{name}` is not a number")
    return float(value)


def _items(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise ValueError("the costs are not well formed")
    return value


def _listed(costs: Costs, name: str) -> Sequence[object]:
    return _items(costs.get(name))
