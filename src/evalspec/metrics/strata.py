"""Means put together from parts: re-weighted to shares in production, or averaged over groups.

The shares are fixed figures, not estimates: what varies is the mean of each part.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import (
    Floats,
    is_binary,
    is_constant,
    numbers,
    same_length,
    tail_probability,
    weights_for,
)
from evalspec.metrics.intervals import mover, proportion, too_uneven, wilson
from evalspec.metrics.means import CONSTANT, moments, t_quantile
from evalspec.metrics.pairs import paired_difference
from evalspec.metrics.records import NO_DATA, Estimate, bare, undefined
from evalspec.text.values import replace

SUM_TOLERANCE = 1e-6
Cell = TypeVar("Cell", bound=Hashable)

ONE_VALUE = "a part with a single example gives no interval"


def post_stratified(
    y: ArrayLike, cell: Sequence[Cell], shares: Mapping[Cell, float], level: float = 0.95
) -> Estimate:
    """The mean of `y` with each cell counted by its share in production: θ = Σ W_h·ȳ_h.

    `cell` names each example's cell, `shares` the share of each cell (together 1). Of 0/1 data the interval
    is recovered from the cells' Wilson intervals (`mover`); else t with SE² = ΣW²s²/n_h + Σ(1-W)s²/n². A
    cell with a share and no example leaves no value; of 0/1 data `low` and `high` are then what it would be
    with all of that cell 0 or 1. Raises ValueError on shares that do not sum to 1 and on unknown cells.
    """
    values = numbers(y, "y")
    same_length(values.size, len(cell), "cell")
    if abs(sum(shares.values()) - 1) > SUM_TOLERANCE:
        raise ValueError("the shares must add up to 1")
    if not set(cell) <= set(shares):
        raise ValueError(f"no share is given of the cell {next(c for c in cell if c not in shares)!r}")
    parts = {h: values[[c == h for c in cell]] for h, share in shares.items() if share > 0}
    empty = [h for h, part in parts.items() if part.size == 0]
    if empty:
        return _without(empty[0], parts, shares)
    weights = np.array([shares[h] for h in parts], dtype=np.float64)
    if is_binary(values):
        return mover(tuple(proportion(part, level=level) for part in parts.values()), weights)
    inside = [
        w * w * v / p.size + (1 - w) * v / values.size**2
        for w, p in zip(weights, parts.values(), strict=True)
        for v in [float(p.var(ddof=1)) if p.size > 1 else 0.0]
    ]
    theta = float(sum(w * p.mean() for w, p in zip(weights, parts.values(), strict=True)))
    if min(p.size for p in parts.values()) < 2:
        return bare(theta, values.size, ONE_VALUE)
    each = np.concatenate([np.full(p.size, w / p.size) for w, p in zip(weights, parts.values(), strict=True)])
    return _with_t(theta, sqrt(sum(inside)), 1 / float(each @ each), values.size, level)


def stratified_difference(
    a: ArrayLike,
    b: ArrayLike,
    cell: Sequence[Cell],
    shares: Mapping[Cell, float],
    level: float = 0.95,
    *,
    amounts: bool = False,
) -> Estimate:
    """The mean of a - b with each cell counted by its share in production, over pairs both finished.

    `post_stratified` of the differences; of 0/1 data the interval is recovered (`mover`) from the cells'
    own intervals (`paired_difference`), so that cells in which all pairs agree keep a width. A cell with a
    share and no pair leaves no value. `amounts` as in `paired_difference`. Raises ValueError as
    `post_stratified` does.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    same_length(left.size, right.size, "b")
    same_length(left.size, len(cell), "cell")
    both = ~(np.isnan(left) | np.isnan(right))
    x, y = numbers(left[both], "a"), numbers(right[both], "b")
    own = [c for c, kept in zip(cell, both.tolist(), strict=True) if kept]
    found = post_stratified(x - y, own, shares, level)
    if found.value is None:
        return undefined(found.why or NO_DATA, found.n)
    if amounts and is_constant(x - y):
        return bare(found.value, found.n, CONSTANT)
    if amounts or not (is_binary(x) and is_binary(y)):
        return found
    inside = {h: np.array([c == h for c in own], dtype=np.bool_) for h, share in shares.items() if share > 0}
    parts = tuple(paired_difference(x[at], y[at], level=level) for at in inside.values())
    weights = np.array([shares[h] for h in inside], dtype=np.float64)
    return replace(mover(parts, weights, least=-1.0), se=found.se)


def _without(cell: Cell, parts: Mapping[Cell, Floats], shares: Mapping[Cell, float]) -> Estimate:
    """No value, since a cell has no data; the bounds that 0/1 data leave it."""
    why = f"no data for `{cell}`, which has a share of {shares[cell]:.0%}"
    known = [(shares[h], p) for h, p in parts.items() if p.size]
    if not known or not all(is_binary(p) for _, p in known):
        return undefined(why, sum(p.size for p in parts.values()))
    low = float(sum(w * p.mean() for w, p in known))
    missing = sum(shares[h] for h, p in parts.items() if not p.size)
    return Estimate(
        value=None, low=low, high=min(1.0, low + missing), n=sum(p.size for p in parts.values()), why=why
    )


def combined_mean(
    parts: Sequence[ArrayLike],
    units: Sequence[Sequence[Hashable]],
    shares: ArrayLike,
    *,
    flags: bool = False,
    weights: Sequence[ArrayLike] | None = None,
    level: float = 0.95,
) -> Estimate:
    """The mean of several parts' means by fixed shares, with an interval that is right where parts overlap.

    `units` names, for each value of each part, what was drawn: an example, or its cluster. What one unit
    contributes to several parts goes together: θ = Σ W_h·ȳ_h, SE² = Σ_u(Σ_h W_h(y_u - ȳ_h)/n_h)², each part
    with n/(n-1). Of `flags` (0 or 1) the interval is recovered from the parts' Wilson intervals where no
    unit occurs twice, else it is Wilson's at the n that has this SE; of other data t. A part without data
    leaves no value. `n` counts units. Raises ValueError on shares that do not sum to 1, and on flags that
    are neither 0 nor 1.
    """
    tail_probability(level)
    w = numbers(shares, "shares")
    same_length(len(parts), w.size, "shares")
    if abs(float(w.sum()) - 1) > SUM_TOLERANCE:
        raise ValueError("the shares must add up to 1")
    values = [numbers(part, "parts") for part in parts]
    own = [weights_for(None if weights is None else weights[i], v.size) for i, v in enumerate(values)]
    if flags and not all(is_binary(v) for v in values):
        raise ValueError("flags must be 0 or 1")
    everyone = [u for part in units for u in part]
    n = len(set(everyone))
    if any(v.size == 0 for v in values):
        return undefined("a part has no data", n)
    if flags and weights is None and n == len(everyone):
        return mover(tuple(proportion(v, level=level) for v in values), w)
    theta, drawn, n_eff = _linear(values, units, own, w)
    se = sqrt(sum(d * d for d in drawn.values()))
    if flags:
        return _share(theta, se, n_eff, n, level)
    if any(v.size < 2 for v in values):
        return bare(theta, n, ONE_VALUE)
    return _with_t(theta, se, n_eff, n, level)


def influences(
    values: Sequence[Floats],
    units: Sequence[Sequence[Hashable]],
    shares: Floats,
    weights: Sequence[Floats] | None = None,
) -> tuple[float, dict[Hashable, float]]:
    """The combined mean, and how far each unit moves it: what differences of two such means rest on.

    The mean of θ + N·(how far) over the N units is θ, and its standard error that of `combined_mean`.
    """
    own = [np.ones(v.size) for v in values] if weights is None else weights
    theta, drawn, _ = _linear(values, units, own, shares)
    return theta, drawn


def _linear(
    values: Sequence[Floats], units: Sequence[Sequence[Hashable]], own: Sequence[Floats], shares: Floats
) -> tuple[float, dict[Hashable, float], float]:
    """θ, what each unit contributes to it, and Kish's effective number of units."""
    theta, drawn, carried = 0.0, dict[Hashable, float](), dict[Hashable, float]()
    for v, names, w, share in zip(values, units, own, shares, strict=True):
        mean = moments(v, w).mean
        theta += float(share) * mean
        scale = float(share) / float(w.sum())
        unbiased = sqrt(v.size / (v.size - 1)) if v.size > 1 else 1.0
        for name, weight, value in zip(names, w.tolist(), v.tolist(), strict=True):
            drawn[name] = drawn.get(name, 0.0) + scale * unbiased * weight * (value - mean)
            carried[name] = carried.get(name, 0.0) + scale * weight
    total = sum(carried.values())
    return theta, drawn, total * total / sum(c * c for c in carried.values())


def _share(theta: float, se: float, n_eff: float, n: int, level: float) -> Estimate:
    """Wilson's interval at the number of examples that has this standard error; Kish's where it has none."""
    share = min(1.0, max(0.0, theta))
    effective = share * (1 - share) / (se * se) if se > 0 and 0 < share < 1 else n_eff
    bounds = wilson(share * effective, effective, level)
    return Estimate(value=share, low=bounds.low, high=bounds.high, se=se or None, n=n)


def _with_t(theta: float, se: float, n_eff: float, n: int, level: float) -> Estimate:
    if se == 0:
        return bare(theta, n, "all values of each part are equal, which leaves no interval")
    if too_uneven(n_eff):
        return Estimate(value=theta, low=None, high=None, se=se, n=n, why="too few effective examples")
    half = t_quantile(level, n_eff - 1) * se
    return Estimate(value=theta, low=theta - half, high=theta + half, se=se, n=n)
