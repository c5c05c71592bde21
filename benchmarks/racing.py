"""Whether a race loses the true best as seldom as it promises, and how many calls it saves.

    PYTHONPATH=src python benchmarks/racing.py [--repeats 600]

Answers are drawn from a difficulty that all candidates share (a normal variable for each example, correlation
.5) and each one's own luck, and raced by the very evidence that `evalspec run --race` goes by, at every look.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evalspec.metrics.evidence import ALPHA, Evidence, Lap

EXAMPLES = 400
SHARED = 0.5
FIELDS: dict[str, tuple[Sequence[float], int]] = {
    "wide: 8 from .92 to .60": (tuple(np.linspace(0.92, 0.60, 8)), 20),
    "close: 8 from .90 to .86": (tuple(np.linspace(0.90, 0.86, 8)), 20),
    "two: .92 and .80": ((0.92, 0.80), 20),
    "null: 8 of .85": ((0.85,) * 8, 20),
    "null: 2 of .85": ((0.85,) * 2, 20),
    "null: 2 of .85, every example": ((0.85,) * 2, 1),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """One race: the share of calls saved, and whether the first candidate, the best, was stopped."""

    saved: float
    lost: bool


def drawn(accuracies: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Whether each candidate is right about each example: examples by candidates."""
    limits = np.array([NormalDist().inv_cdf(a) for a in accuracies])
    shared = rng.standard_normal((EXAMPLES, 1)) * SHARED**0.5
    own = rng.standard_normal((EXAMPLES, len(accuracies))) * (1 - SHARED) ** 0.5
    right: np.ndarray = shared + own <= limits
    return right


def race(right: np.ndarray, lap: int) -> Ran:
    """A race over answers that are all there."""
    names = [str(i) for i in range(right.shape[1])]
    evidence, running, asked = Evidence(names, ()), set(names), 0
    for begin in range(0, EXAMPLES, lap):
        part = right[begin : begin + lap]
        asked += len(part) * len(running)
        alive = [name for name in names if name in running]
        evidence.add({name: Lap(loss=1.0 - part[:, int(name)]) for name in alive})
        if begin + lap < EXAMPLES:
            running -= {name for name in alive if evidence.verdict(name) is not None}
    return Ran(saved=1 - asked / (EXAMPLES * len(names)), lost="0" not in running)


def main() -> None:
    """A row for each field."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=600)
    repeats = parser.parse_args().repeats
    print(f"{EXAMPLES} examples, {repeats} races of each; promised: the best is lost at most {ALPHA:.0%}\n")
    print("| field | looks every | calls saved | best lost | seconds |")
    print("|---|---:|---:|---:|---:|")
    for name, (accuracies, lap) in FIELDS.items():
        began = time.perf_counter()
        rng = np.random.default_rng(20)
        runs = [race(drawn(accuracies, rng), lap) for _ in range(repeats)]
        saved = np.mean([r.saved for r in runs])
        lost = np.mean([r.lost for r in runs])
        error = (lost * (1 - lost) / repeats) ** 0.5
        seconds = time.perf_counter() - began
        print(f"| {name} | {lap} | {saved:.0%} | {lost:.1%} ± {error:.1%} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
