"""From which confidence on answers may be trusted to stay within a risk, for examples not yet seen.

`selective.coverage_at_risk` describes the data at hand: of the many thresholds it takes the luckiest, which
the next examples need not honour. Here thresholds are tried in an order fixed beforehand and the walk ends at
the first that the data do not vouch for, so that looking at many costs nothing.
"""

from math import ceil, log, log1p

import numpy as np
from numpy.typing import ArrayLike

from evalspec.metrics.arrays import Claims, Floats, Ints, claims, fractions
from evalspec.metrics.records import NO_DATA, Coverage

# Stated confidences are hundredths, those from probabilities crowd above 99 %.
GRID = (*(i / 1000 for i in range(1000, 990, -1)), *(i / 100 for i in range(99, -1, -1)))


def guaranteed_coverage(
    confidence: ArrayLike,
    correct: ArrayLike,
    risk: float,
    level: float = 0.95,
    grid: ArrayLike | None = None,
) -> Coverage:
    """The lowest threshold above which the error is at most `risk`, sure at `level`; and the share answered.

    Fixed-sequence testing (Learn then Test: Angelopoulos et al. 2021): down a `grid` of thresholds that was
    fixed without these data (thousandths above .99, hundredths below), to the first whose one-sided
    Clopper-Pearson upper limit of the error exceeds the risk. Thresholds above which too few answers lie to
    vouch for the risk even without an error are passed over, which looks at no outcome. The threshold is
    wrong, that is its error among all such examples above the risk, in at most 1 - level of samples. Of
    thresholds that answer the same examples it is the highest. None will do: 0, without a threshold. No
    weights: a guarantee needs examples drawn alike.
    """
    if not 0 <= risk <= 1 or not 0 < level < 1:
        raise ValueError(f"risk must lie between 0 and 1, and level inside, not {risk} and {level}")
    sample = claims(confidence, correct)
    thresholds = _descending(grid)
    if sample.n == 0:
        return Coverage(value=None, threshold=None, n=0, why=NO_DATA)
    answered, errors = _above(sample, thresholds)
    tried = np.flatnonzero(_upper(np.zeros_like(answered), answered, level) <= risk)
    if tried.size == 0:
        return Coverage(value=0.0, threshold=None, n=sample.n, why=_too_few(risk, level))
    vouched = _upper(errors[tried], answered[tried], level) <= risk
    passed = tried.size if vouched.all() else int(np.argmin(vouched))
    if passed == 0:
        why = "the data do not vouch for the risk at the first threshold tried"
        return Coverage(value=0.0, threshold=None, n=sample.n, why=why)
    # Of thresholds that answer the same examples the highest: nothing was seen between them.
    last = int(np.argmax(answered == answered[tried[passed - 1]]))
    return Coverage(value=float(answered[last]) / sample.n, threshold=float(thresholds[last]), n=sample.n)


def _descending(grid: ArrayLike | None) -> Floats:
    thresholds = fractions(GRID if grid is None else grid, "grid")
    if thresholds.size == 0 or (np.diff(thresholds) >= 0).any():
        raise ValueError("the grid must hold thresholds that fall")
    return thresholds


def _above(sample: Claims, thresholds: Floats) -> tuple[Ints, Ints]:
    """How many claims are at or above each threshold, and how many of them are wrong."""
    order = np.argsort(sample.confidence, kind="stable")
    position = np.searchsorted(sample.confidence[order], thresholds, side="left")
    wrong_below = np.append(0, np.cumsum(1 - sample.correct[order]))
    answered = (sample.n - position).astype(np.int64)
    return answered, np.rint(wrong_below[-1] - wrong_below[position]).astype(np.int64)


def _upper(errors: Ints, answered: Ints, level: float) -> Floats:
    """Clopper and Pearson's one-sided upper limit of the error; 1 where all are wrong or none is there."""
    from scipy.special import betaincinv

    rest = np.maximum(answered - errors, 1)
    return np.where(errors >= answered, 1.0, betaincinv(errors + 1, rest, level))


def _too_few(risk: float, level: float) -> str:
    if risk == 0:
        return "no number of answers vouches for a risk of 0"
    needed = ceil(log(1 - level) / log1p(-risk)) if risk < 1 else 1
    return (
        f"fewer than {needed} answers share a threshold: too few to vouch for the risk, even without an error"
    )
