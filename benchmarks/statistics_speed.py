"""How much CPU and memory everything takes that a score does by resampling, beside a plain numpy loop.

    python benchmarks/statistics_speed.py [--sizes 500 100000] [--resamples 10000]

Each size runs in a process of its own: 10 candidates on as many examples. Told is CPU beyond imports, user
and system time together, the most memory the process held, and how many times as much CPU the naive loop
takes: for each resample `y[drawn].mean(0)`, the same of costs, and one ECE a candidate. The loop is measured
on few resamples and reckoned up, within the same process, so that what else the machine does weighs on both.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.metrics.pairs import sign_flips
from evalspec.metrics.resample import on_one_thread, resampled_means

Floats = NDArray[np.float64]
CANDIDATES, BINS, SEED = 10, 10, 7
AIMS = {500: (1.0, 1024), 100_000: (30.0, 1024)}  # CPU seconds, MB


@dataclass(frozen=True, slots=True)
class World:
    """Examples × candidates: whether each is right, what it costs, how sure the candidate was."""

    right: Floats
    cost: Floats
    confidence: Floats


def world(n: int) -> World:
    """Candidates of 70 to 90 %, on examples that are hard for all alike; confidences in hundredths."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    hard = 0.6 * rng.random((n, 1)) + 0.4 * rng.random((n, CANDIDATES))
    right = (hard < np.linspace(0.6, 0.75, CANDIDATES)).astype(np.float64)
    confidence = np.clip(1 - 0.4 * hard + 0.1 * rng.normal(size=hard.shape), 0, 1).round(2)
    cost = np.where(confidence < 0.75, 2.0, 10 * (1 - right))
    return World(right, cost, confidence)


# ── what a score does ─────────────────────────────────────────────────────────────────────────────


def figures(w: World, resamples: int) -> None:
    """Percentile intervals of accuracies, costs and errors of calibration, all from the same resamples."""
    gap = w.confidence - w.right
    at = np.searchsorted(np.arange(1, BINS) / BINS, w.confidence, side="left")
    # |the sum of a bin| needs one signed column for each candidate and bin; empty bins need none.
    used = [(j, b) for j in range(CANDIDATES) for b in range(BINS) if (at[:, j] == b).any()]
    binned = np.column_stack([np.where(at[:, j] == b, gap[:, j], 0.0) for j, b in used])
    owner = np.array([[j == own for own in range(CANDIDATES)] for j, _ in used], dtype=np.float64)
    found = []
    for means in resampled_means(np.hstack([w.right, w.cost, binned]), resamples, SEED):
        plain, signed = means[:, : 2 * CANDIDATES], means[:, 2 * CANDIDATES :]
        with on_one_thread():
            found.append(np.hstack([plain, np.abs(signed) @ owner]))
    np.quantile(np.concatenate(found), [0.025, 0.975], axis=0, method="inverted_cdf")


def ranks(w: World, resamples: int) -> None:
    """Ranks by accuracy and by cost: simultaneous intervals of all pairs, and who comes first how often."""
    metrics.rank_intervals(w.right, higher_is_better=True, repeats=resamples, seed=SEED)
    metrics.rank_intervals(w.cost, higher_is_better=False, repeats=resamples, seed=SEED)


def pairs(w: World, resamples: int) -> None:
    """All pairs by accuracy (mid-p) and by cost (sign flips, 9,999 of them), adjusted by Holm."""
    places = list(itertools.combinations(range(CANDIDATES), 2))
    for a, b in places:
        metrics.paired_difference(w.cost[:, a], w.cost[:, b])
        d = w.right[:, a] - w.right[:, b]
        metrics.mcnemar_midp(int((d > 0).sum()), int((d < 0).sum()))
    apart = np.column_stack([w.cost[:, a] - w.cost[:, b] for a, b in places])
    metrics.holm(sign_flips(apart, SEED))


def floors(w: World, resamples: int) -> None:
    """Each candidate's noise floor of the ECE, from 2,000 simulations."""
    for j in range(CANDIDATES):
        metrics.ece_null(w.confidence[:, j], bins=BINS, binning="width", seed=SEED, correct=w.right[:, j])


SAME = "accuracy, cost and ECE redrawn"  # what the loop does too
PARTS: Mapping[str, Callable[[World, int], None]] = {
    SAME: figures,
    "ranks and P(first), twice": ranks,
    "45 pairs, twice": pairs,
    "noise floors of 10 ECEs": floors,
}


def naive(w: World, resamples: int) -> None:
    """The same three figures by a plain loop over resamples; no ranks, no pairs, no floors."""
    rng, n = np.random.default_rng(SEED), w.right.shape[0]
    gap, at = w.confidence - w.right, np.minimum((w.confidence * BINS).astype(np.int64), BINS - 1)
    for _ in range(resamples):
        drawn = rng.integers(0, n, n)
        w.right[drawn].mean(axis=0)
        w.cost[drawn].mean(axis=0)
        for j in range(CANDIDATES):
            np.abs(np.bincount(at[drawn, j], weights=gap[drawn, j], minlength=BINS)).sum() / n


# ── measuring ─────────────────────────────────────────────────────────────────────────────────────


def cpu_of(work: Callable[[World, int], None], w: World, resamples: int) -> float:
    """CPU seconds of this process, all its threads, user and system."""
    start = time.process_time()
    work(w, resamples)
    return time.process_time() - start


def measure(n: int, resamples: int) -> None:
    """The lines of one size."""
    for work in PARTS.values():  # loads scipy, and starts what multiplies matrices
        work(world(50), 10)
    w = world(n)
    took = {name: cpu_of(work, w, resamples) for name, work in PARTS.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    few = max(5, min(resamples, 500 * 500 // n))
    loop = cpu_of(naive, w, few) * resamples / few
    for name, seconds in took.items():
        same = f"{loop / seconds:.0f} x less" if name == SAME else ""
        print(f"| {CANDIDATES} x {n:,} | {name} | {seconds:.2f} s | {same} |")
    total = sum(took.values())
    aim, most = AIMS.get(n, (float("nan"), float("nan")))
    print(f"| {CANDIDATES} x {n:,} | everything | {total:.2f} s (aim {aim:g}) | {loop / total:.0f} x less |")
    print(f"| {CANDIDATES} x {n:,} | most memory | {memory:.0f} MB (aim {most:g}) | |")
    print(f"| {CANDIDATES} x {n:,} | naive loop: accuracy, cost and ECE | {loop:.1f} s (from {few}) | 1 |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(AIMS))
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here is not None:
        measure(given.here, given.resamples)
        return
    print(
        f"{given.resamples:,} resamples\n\n| size | work | CPU | against the loop |\n|---|---|---|---|",
        flush=True,
    )
    for n in given.sizes:
        command = [sys.executable, __file__, "--here", str(n), "--resamples", str(given.resamples)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
