"""How often the intervals that a score prints hold the truth, by simulation; they say 95 %.

    python benchmarks/coverage.py [--repeats 2000] [--seed 0] [--only accuracy]

Each line is a kind of data with a known truth and a number of examples: data are drawn again and again, and
told is the share of intervals that hold the truth, how far on average an end is from the middle, and the
Monte-Carlo error of that share (two standard errors of a rate of .95). `low` marks a share that chance does
not explain. Discrete data make shares jump from one n to the next; what is above .95 is merely wide.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.metrics import Estimate

Floats = NDArray[np.float64]
SAYS = 0.95
SIZES = (50, 200, 500)


@dataclass(frozen=True, slots=True)
class Trial:
    """One interval that was drawn: whether it holds the truth, and half its width where it has one."""

    holds: bool
    half: float


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of data and one draw of it: a generator and n to a trial. `cheaper` divides the repeats."""

    kind: str
    name: str
    draw: Callable[[np.random.Generator, int], Trial]
    cheaper: int = 1


def trial(estimate: Estimate, truth: float) -> Trial:
    """An estimate against the truth; one without an interval rules nothing out, and so holds it."""
    if estimate.low is None or estimate.high is None:
        return Trial(True, math.nan)
    return Trial(estimate.low - 1e-12 <= truth <= estimate.high + 1e-12, (estimate.high - estimate.low) / 2)


# ── the kinds ─────────────────────────────────────────────────────────────────────────────────────


def accuracies() -> Iterator[Case]:
    for p in (0.5, 0.85, 0.95, 0.99):

        def draw(rng: np.random.Generator, n: int, p: float = p) -> Trial:
            return trial(metrics.wilson(int(rng.binomial(n, p)), n), p)

        yield Case("accuracy", f"{p:.0%} right", draw)

    def clustered(rng: np.random.Generator, n: int) -> Trial:
        # Clusters of five that share how hard they are: the truth is the mean of a Beta(8, 2).
        y = rng.random(n) < np.repeat(rng.beta(8, 2, n // 5), 5)
        return trial(metrics.clustered_mean(y, np.repeat(np.arange(n // 5), 5)), 0.8)

    def weighted(rng: np.random.Generator, n: int) -> Trial:
        w = rng.choice([1.0, 4.0], n)
        y = rng.random(n) < np.where(w > 1, 0.9, 0.7)
        return trial(metrics.weighted_proportion(y, w), (0.7 + 4 * 0.9) / 5)

    yield Case("accuracy", "clusters of 5, 80 % right", clustered)
    yield Case("accuracy", "weights 1 and 4, 86 % right", weighted)


def paired(rng: np.random.Generator, n: int, ahead: float, behind: float) -> tuple[Floats, Floats]:
    """Two candidates' right answers, of which a share only the first gets right, and a share the second."""
    u = rng.random(n)
    return (u < 0.7 + ahead).astype(np.float64), ((u < 0.7) | (u > 1 - behind)).astype(np.float64)


def differences() -> Iterator[Case]:
    for ahead, behind in ((0.02, 0.02), (0.05, 0.01), (0.10, 0.05), (0.2, 0.1)):

        def draw(rng: np.random.Generator, n: int, ahead: float = ahead, behind: float = behind) -> Trial:
            a, b = paired(rng, n, ahead, behind)
            return trial(metrics.paired_difference(a, b), ahead - behind)

        yield Case("paired difference", f"right: {ahead:.0%} against {behind:.0%}", draw)

    def cost(rng: np.random.Generator, n: int) -> Trial:
        # Of costs 0, 1 (abstained) and 10 (wrong), by a common difficulty.
        hard = rng.random(n)
        a = np.where(hard > 0.9, 10.0, np.where(hard > 0.6, rng.choice([0.0, 1.0], n), 0.0))
        b = np.where(hard > 0.85, rng.choice([10.0, 1.0], n), 0.0)
        return trial(metrics.paired_difference(a, b), (0.1 * 10 + 0.3 * 0.5) - 0.15 * 5.5)

    def clustered(rng: np.random.Generator, n: int) -> Trial:
        easy = np.repeat(rng.beta(4, 1, n // 5), 5)
        a, b = rng.random(n) < easy, rng.random(n) < easy**2
        cluster = np.repeat(np.arange(n // 5), 5)
        # The mean of a Beta(4, 1) is 4/5, of its square 4/6.
        return trial(metrics.paired_difference(a, b, cluster=cluster), 4 / 5 - 4 / 6)

    yield Case("paired difference", "costs 0, 1 and 10", cost)
    yield Case("paired difference", "right, clusters of 5", clustered)


def mixes() -> Iterator[Case]:
    shares = {"en": 0.9, "de": 0.1}

    def cells(rng: np.random.Generator, n: int) -> NDArray[np.str_]:
        return np.where(rng.random(n) < 0.6, "en", "de")

    for rates in ((0.95, 0.6), (0.99, 0.9), (0.7, 0.8)):

        def draw(rng: np.random.Generator, n: int, rates: tuple[float, float] = rates) -> Trial:
            cell = cells(rng, n)
            y = rng.random(n) < np.where(cell == "en", *rates)
            truth = shares["en"] * rates[0] + shares["de"] * rates[1]
            return trial(metrics.post_stratified(y, cell.tolist(), shares), truth)

        yield Case("mix", f"{rates[0]:.0%} and {rates[1]:.0%} right, 90 : 10", draw)

    def cost(rng: np.random.Generator, n: int) -> Trial:
        cell = cells(rng, n)
        y = 10.0 * (rng.random(n) < np.where(cell == "en", 0.1, 0.3)) + 0.5 * rng.random(n)
        return trial(metrics.post_stratified(y, cell.tolist(), shares), 0.9 * 1 + 0.1 * 3 + 0.25)

    def apart(rng: np.random.Generator, n: int) -> Trial:
        cell = cells(rng, n)
        (a, b), (c, d) = paired(rng, n, 0.06, 0.02), paired(rng, n, 0.1, 0.15)
        en = cell == "en"
        found = metrics.stratified_difference(np.where(en, a, c), np.where(en, b, d), cell.tolist(), shares)
        return trial(found, 0.9 * 0.04 - 0.1 * 0.05)

    yield Case("mix", "costs, 90 : 10", cost)
    yield Case("mix", "paired difference, 90 : 10", apart)


def percentiles() -> Iterator[Case]:
    z = {50: 0.0, 95: 1.6448536269514722, 99: 2.3263478740408408}
    for q in z:

        def draw(rng: np.random.Generator, n: int, q: int = q) -> Trial:
            return trial(metrics.percentile(rng.lognormal(0, 0.5, n), q), math.exp(0.5 * z[q]))

        yield Case("percentile", f"p{q} of log-normal times", draw)

    def censored(rng: np.random.Generator, n: int) -> Trial:
        x = rng.lognormal(0, 0.5, n)
        return trial(metrics.percentile(np.where(x > 2.5, np.inf, x), 95), math.exp(0.5 * z[95]))

    def rounded(rng: np.random.Generator, n: int) -> Trial:
        # To tenths of a second: the 95th percentile of the rounded ones is 2.3.
        return trial(metrics.percentile(rng.lognormal(0, 0.5, n).round(1), 95), 2.3)

    def apart(rng: np.random.Generator, n: int) -> Trial:
        common = rng.normal(0, 0.4, n)
        a, b = np.exp(common + rng.normal(0, 0.3, n)), 0.8 * np.exp(common + rng.normal(0, 0.3, n))
        found = metrics.percentile_difference(a, b, 95, seed=int(rng.integers(1 << 30)))
        return trial(found, 0.2 * math.exp(0.5 * z[95]))

    yield Case("percentile", "p95, those above 2.5 s timed out", censored)
    yield Case("percentile", "p95, told in tenths", rounded)
    yield Case("percentile", "difference of two p95", apart, cheaper=4)


def ranks() -> Iterator[Case]:
    """Whether the intervals of all candidates' ranks hold all of their true ranks together."""

    def holds(found: tuple[metrics.Rank, ...], truth: tuple[float, ...]) -> Trial:
        # A tie in truth may be said to be any of the ranks that it takes.
        wrong = False
        for rank, own in zip(found, truth, strict=True):
            better, as_good = sum(t > own for t in truth), sum(t >= own for t in truth)
            wrong = wrong or rank.rank_low > better + 1 or rank.rank_high < as_good
        width = sum(r.rank_high - r.rank_low for r in found) / len(found) / 2
        return Trial(not wrong, width)

    for rates in ((0.8,) * 5, (0.9, 0.9, 0.85, 0.8, 0.8), (0.98, 0.98, 0.97, 0.97, 0.9)):

        def draw(rng: np.random.Generator, n: int, rates: tuple[float, ...] = rates) -> Trial:
            hard = 0.7 * rng.random((n, 1)) + 0.3 * rng.random((n, 5))
            edges = np.array([quantile_of_sum(rate) for rate in rates])
            found = metrics.rank_intervals(
                hard < edges, higher_is_better=True, repeats=1000, seed=int(rng.integers(1 << 30))
            )
            return holds(found, rates)

        yield Case("ranks", "right: " + " ".join(f"{rate:.0%}" for rate in rates), draw, cheaper=4)

    def cost(rng: np.random.Generator, n: int) -> Trial:
        means = (2.0, 2.0, 2.0, 3.0, 3.0)
        table = 10.0 * (rng.random((n, 5)) < np.array(means) / 10)
        found = metrics.rank_intervals(
            table, higher_is_better=False, repeats=1000, seed=int(rng.integers(1 << 30))
        )
        return holds(found, tuple(-m for m in means))

    yield Case("ranks", "costs 2 2 2 3 3, of 0 and 10", cost, cheaper=4)


def quantile_of_sum(p: float) -> float:
    """The p-quantile of .7·U + .3·V of two uniform numbers, for p above .5."""
    # Above .7 what is missing is a triangle of area (1 - x)²/(2·.7·.3).
    corner = 1 - 0.3**2 / (2 * 0.7 * 0.3)
    if p >= corner:
        return 1 - math.sqrt((1 - p) * 2 * 0.7 * 0.3)
    return 0.7 - (corner - p) * 0.7


KINDS: tuple[Callable[[], Iterator[Case]], ...] = (accuracies, differences, mixes, percentiles, ranks)


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


def told(case: Case, n: int, repeats: int, rng: np.random.Generator) -> str:
    """The cell of a table: coverage, half width, and whether the coverage is too low for chance."""
    drawn = [case.draw(rng, n) for _ in range(repeats)]
    share = sum(t.holds for t in drawn) / repeats
    halves = [t.half for t in drawn if math.isfinite(t.half)]
    half = f"{sum(halves) / len(halves):.3f}" if len(halves) > repeats / 2 else "open"
    low = share < SAYS - 3 * math.sqrt(SAYS * (1 - SAYS) / repeats)
    return f"{share:.3f} ± {half}{' low' if low else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="a kind: accuracy, mix, …")
    given = parser.parse_args()
    start = time.process_time()
    error = 2 * math.sqrt(SAYS * (1 - SAYS) / given.repeats)
    print(
        f"{given.repeats} repeats, seed {given.seed}; Monte-Carlo error ± {error:.3f}, where divided by 4 ±",
        end="",
    )
    print(f" {2 * error:.3f}\n\n| interval of | data | " + " | ".join(f"n = {n}" for n in SIZES) + " |")
    print("|---|---|" + "---|" * len(SIZES))
    for kind in KINDS:
        for i, case in enumerate(kind()):
            if given.only not in (None, case.kind):
                continue
            seeds = np.random.SeedSequence([given.seed, KINDS.index(kind), i]).spawn(len(SIZES))
            cells = [
                told(case, n, max(1, given.repeats // case.cheaper), np.random.Generator(np.random.PCG64(s)))
                for n, s in zip(SIZES, seeds, strict=True)
            ]
            print(f"| {case.kind} | {case.name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{time.process_time() - start:.0f} s of CPU")


if __name__ == "__main__":
    main()
