"""Worlds of round figures: answers whose confidences and costs are exact fractions, as files of a spec."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from score.worlds import Json, write_csv, write_jsonl

LABELS = ("a", "b", "c")
HEAD = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b, c] MORE }
model m { use = recorded("m.jsonl") }
"""
OUTCOME = "costs c { right = RIGHT; wrong = WRONG; abstain = ABSTAIN; invalid = 7 }\n"
TASK = "task t { data = d; answer = one_of(label); costs = c; POLICY }\n"
ROUND = [Fraction(k, 100) for k in (0, 10, 25, 40, 50, 60, 75, 80, 90, 95, 99, 100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer: truth and answer by their places (None: unreadable), and how sure it is."""

    truth: int
    answer: int | None
    confidence: Fraction | None
    spread: tuple[Fraction, ...] | None = None
    amount: int = 1


def world(folder: Path, said: Sequence[Said]) -> None:
    """The files of a world."""
    write_csv(
        folder / "d.csv",
        [{"id": i, "label": LABELS[s.truth], "amount": s.amount, "w": 1 + i % 3} for i, s in enumerate(said)],
    )
    rows = []
    for i, s in enumerate(said):
        row: Json = {"id": i, "response": "?" if s.answer is None else LABELS[s.answer]}
        if s.confidence is not None and s.spread is None:
            row["confidence"] = float(s.confidence)
        if s.spread is not None:
            shares = zip(LABELS, s.spread, strict=True)
            row["label_logprobs"] = {label: math.log(p) for label, p in shares if p}
        rows.append(row)
    write_jsonl(folder / "m.jsonl", rows)


def drawn(seed: int, n: int = 24, *, spread: bool = False, missing: bool = True) -> list[Said]:
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        parts = [Fraction(rng.randrange(0, 21), 20) for _ in LABELS]
        shares = (
            tuple(p / sum(parts) for p in parts) if sum(parts) else (Fraction(1), Fraction(0), Fraction(0))
        )
        answer = max(range(3), key=shares.__getitem__) if spread else rng.randrange(3)
        sure = shares[answer] if spread else rng.choice(ROUND)
        unsure = missing and not spread and rng.random() < 0.1
        found.append(
            Said(
                truth=rng.randrange(3),
                answer=None if missing and not spread and rng.random() < 0.1 else answer,
                confidence=None if unsure else sure,
                spread=shares if spread else None,
                amount=rng.randrange(1, 9),
            )
        )
    return found


def bold(right: int = 20, wrong: int = 20, sure: int = 40) -> list[Said]:
    """A claim of 90 % that is right half the time, and one of 95 % that is always right."""
    doubtful = [
        Said(truth=0, answer=int(k >= right), confidence=Fraction(9, 10)) for k in range(right + wrong)
    ]
    return doubtful + [Said(truth=0, answer=0, confidence=Fraction(95, 100))] * sure


FIVE = OUTCOME.replace("RIGHT", "0").replace("WRONG", "5").replace("ABSTAIN", "2")

MATRIX = [[0, 10, 2], [4, -1, 2], [4, 1, 0]]
ABSTAIN = [1, 1, 3]
TABLE = "costs c {\n  | truth \\ answer | a | b | c | abstain | invalid |\n" + "".join(
    f"  | {label} | {' | '.join(map(str, [*row, price, 9]))} |\n"
    for label, row, price in zip(LABELS, MATRIX, ABSTAIN, strict=True)
) + "}\n"  # fmt: skip
