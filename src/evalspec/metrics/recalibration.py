"""What a stated confidence is worth, learnt from examples whose outcome is known.

A map is fitted to all examples for the policy to ship (`fit_recalibration`); what it gains is judged with
maps that never saw the examples they are tried on (`recalibrate`).
"""

from collections.abc import Mapping
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Claims, Floats, Ints, claims, fractions, repetitions, weights_for
from evalspec.metrics.folds import fold_numbers as fold_numbers
from evalspec.metrics.logistic import logit, newton
from evalspec.metrics.records import NO_DATA
from evalspec.metrics.scores import clipped, isotonic_steps
from evalspec.text.values import Json, dataclass

Method = Literal["platt", "temperature", "isotonic"]
FEWEST_WRONG = 10
MANY = 1000
EPS = 1e-3
# Pulls to "as stated" where the data leave a direction open (one confidence, separated classes), and is
# elsewhere below the eighth digit.
RIDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """A fitted map from stated to recalibrated confidence, from the `n` examples it was fitted to.

    "platt" and "temperature": 1/(1 + exp(-(intercept + slope·logit c))) with c held within [eps, 1-eps]; the
    temperature is 1/slope, its intercept 0. "isotonic": straight lines between (knots, levels), flat
    outside. "identity": as stated, and `why` nothing was fitted.
    """

    method: Literal["identity", "platt", "temperature", "isotonic"]
    n: int
    slope: float = 1.0
    intercept: float = 0.0
    eps: float = EPS
    knots: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()
    why: str | None = None

    def apply(self, confidence: ArrayLike) -> Floats:
        """The recalibrated confidences. Raises ValueError outside 0 to 1."""
        c = fractions(confidence, "confidence")
        match self.method:
            case "identity":
                return c.copy()
            case "isotonic":
                return np.interp(c, self.knots, self.levels).astype(np.float64)
            case _:
                line = self.intercept + self.slope * logit(clipped(c, self.eps))
                return 0.5 * (1 + np.tanh(line / 2))

    def to_json(self) -> dict[str, Json]:
        """The map as JSON, with what its method needs; `recalibration_from_json` reads it back exactly."""
        found: dict[str, Json] = {"method": self.method, "n": self.n}
        if self.method == "isotonic":
            found |= {"knots": list(self.knots), "levels": list(self.levels)}
        elif self.method != "identity":
            found |= {"intercept": self.intercept, "slope": self.slope, "eps": self.eps}
        return found if self.why is None else found | {"why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrated:
    """Confidences recalibrated by maps that did not see them: `maps[k]` was fitted without fold k.

    `why` says that nothing was fitted, or in which folds; the confidences are then as stated.
    """

    confidence: Floats
    folds: Ints
    maps: Mapping[int, Recalibration]
    method: Method
    n: int
    why: str | None = None


def chosen_method(confidence: ArrayLike) -> Method:
    """The method for these confidences: Platt, or isotonic where there is enough data for it.

    Enough is 1,000 examples, or 10 for each distinct confidence: models that state one of a few round
    numbers are then corrected number by number.
    """
    c = fractions(confidence, "confidence")
    few = 0 < 10 * np.unique(c).size <= c.size
    return "isotonic" if few or c.size >= MANY else "platt"


def fit_recalibration(
    confidence: ArrayLike, correct: ArrayLike, method: Method = "platt", weights: ArrayLike | None = None
) -> Recalibration:
    """The map fitted to all these examples: the one to ship, not the one to judge by them.

    "temperature": one slope at least 0 on the logit (Guo et al. 2017); "platt": slope and intercept (Platt
    1999), both with a tiny ridge towards "as stated"; "isotonic": pool adjacent violators, ties first
    (Zadrozny & Elkan 2002). All right, all wrong or no data: the identity, and why.
    """
    _known(method)
    return _fitted(claims(confidence, correct, weights), method)


def recalibrate(
    confidence: ArrayLike,
    correct: ArrayLike,
    method: Method = "platt",
    folds: int | ArrayLike = 5,
    seed: int = 0,
    weights: ArrayLike | None = None,
    *,
    cluster: ArrayLike | None = None,
) -> Floats:
    """The recalibrated confidences, each by a map fitted to the other folds; `cross_fit` says more."""
    return cross_fit(confidence, correct, method, folds, seed, weights, cluster=cluster).confidence


def cross_fit(
    confidence: ArrayLike,
    correct: ArrayLike,
    method: Method = "platt",
    folds: int | ArrayLike = 5,
    seed: int = 0,
    weights: ArrayLike | None = None,
    *,
    cluster: ArrayLike | None = None,
) -> Recalibrated:
    """Confidences recalibrated out of fold, with the maps and folds.

    `folds` is a number (see `fold_numbers`, which takes `seed` and `cluster`) or an array of fold numbers.
    Fewer than 10 wrong answers are too few to learn from: all confidences stay as stated, and `why`. A fold
    whose others are all right or all wrong stays as stated too. Raises ValueError on an unknown method.
    """
    _known(method)
    c, w, y = fractions(confidence, "confidence"), weights, np.asarray(correct, dtype=np.float64)
    sample = claims(c, y, w)
    numbers = fold_numbers(y, folds, seed, cluster)
    why = _too_few(sample)
    if why is not None:
        return Recalibrated(confidence=c.copy(), folds=numbers, maps={}, method=method, n=sample.n, why=why)
    mass, found, maps = weights_for(w, c.size), c.copy(), {}
    for k in np.unique(numbers):
        inside = numbers == k
        maps[int(k)] = _fitted(claims(c[~inside], y[~inside], mass[~inside]), method)
        found[inside] = maps[int(k)].apply(c[inside])
    reasons = {m.why for m in maps.values() if m.why is not None}
    return Recalibrated(
        confidence=found,
        folds=numbers,
        maps=maps,
        method=method,
        n=sample.n,
        why=f"some folds were left as stated: {', '.join(sorted(reasons))}" if reasons else None,
    )


def recalibration_from_json(value: Mapping[str, Json]) -> Recalibration:
    """The map that `Recalibration.to_json` wrote. Raises ValueError on anything else."""
    method = value.get("method")
    if method not in ("identity", *get_args(Method)):
        raise ValueError(f"unknown recalibration {method!r}")
    knots, levels = _numbers(value.get("knots", [])), _numbers(value.get("levels", []))
    if len(knots) != len(levels) or (method == "isotonic") is not bool(knots):
        raise ValueError("an isotonic recalibration has as many knots as levels, and others have none")
    for name, rising in (("knots", knots), ("levels", levels)):
        if list(rising) != sorted(rising) or not all(0 <= v <= 1 for v in rising):
            raise ValueError(f"the {name} of a recalibration rise from 0 to 1")
    why = value.get("why")
    n, slope, intercept, eps = _numbers(
        [value.get("n"), value.get("slope", 1.0), value.get("intercept", 0.0), value.get("eps", EPS)]
    )
    if n < 0 or not 0 < eps < 0.5:
        raise ValueError("a recalibration has an n of 0 or more and an eps between 0 and 1/2")
    return Recalibration(
        method=cast(Method, method),
        n=round(n),
        slope=slope,
        intercept=intercept,
        eps=eps,
        knots=knots,
        levels=levels,
        why=why if isinstance(why, str) else None,
    )


def _numbers(values: Json) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise ValueError("the knots and levels of a recalibration are lists of numbers")
    found = []
    for v in values:
        if isinstance(v, bool) or not isinstance(v, int | float) or not np.isfinite(v):
            raise ValueError(f"a recalibration is made of numbers, not {v!r}")
        found.append(float(v))
    return tuple(found)


def _known(method: str) -> None:
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}: one of {', '.join(get_args(Method))}")


def _too_few(sample: Claims) -> str | None:
    if sample.n == 0:
        return NO_DATA
    if sample.one_sided:
        return "all right" if sample.correct[0] == 1 else "all wrong"
    wrong = float(repetitions(sample.weight) @ (1 - sample.correct))
    return f"fewer than {FEWEST_WRONG} wrong answers to learn from" if wrong < FEWEST_WRONG else None


def _fitted(sample: Claims, method: Method) -> Recalibration:
    if sample.n == 0 or sample.one_sided:
        why = NO_DATA if sample.n == 0 else "all right" if sample.correct[0] == 1 else "all wrong"
        return Recalibration(method="identity", n=sample.n, why=why)
    return _isotonic(sample) if method == "isotonic" else _logistic(sample, method)


def _isotonic(sample: Claims) -> Recalibration:
    at, level = isotonic_steps(sample)
    # Within a run of equal levels only its ends matter to the lines between.
    flat = np.zeros(at.size, dtype=np.bool_)
    flat[1:-1] = (level[1:-1] == level[:-2]) & (level[1:-1] == level[2:])
    kept = ~flat
    knots, levels = tuple(map(float, at[kept])), tuple(map(float, level[kept]))
    return Recalibration(method="isotonic", n=sample.n, knots=knots, levels=levels)


def _logistic(sample: Claims, method: Method) -> Recalibration:
    """Fitted as the change from "as stated" (the offset), so that the ridge pulls to no change."""
    x = logit(clipped(sample.confidence, EPS))
    columns = [np.ones(sample.n), x] if method == "platt" else [x]
    fit = newton(np.column_stack(columns), sample.correct, repetitions(sample.weight), offset=x, ridge=RIDGE)
    if fit is None:
        return Recalibration(method="identity", n=sample.n, why="the fit did not settle")
    change = fit[0]
    if method == "platt":
        return Recalibration(
            method="platt", n=sample.n, slope=1 + float(change[1]), intercept=float(change[0])
        )
    # A negative temperature would turn the order round; the best one allowed is then infinite.
    return Recalibration(method="temperature", n=sample.n, slope=max(0.0, 1 + float(change[0])))
