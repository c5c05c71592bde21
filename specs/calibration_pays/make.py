"""Writes claims.csv and the candidates' answers: every figure is laid down, nothing is drawn at random.

400 insurance claims, 100 of each of four lines. Each candidate's answers fall into groups; in each group the
stated confidence and the number of right answers are given below, and the wrong ones lie evenly among the
right. Run it again and the files do not change: `python specs/calibration_pays/make.py`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LINES = ("motor", "home", "travel", "liability")
EXAMPLES = 400
FIRST_WORDS = {
    "motor": "A car was damaged",
    "home": "Water came through a ceiling",
    "travel": "A journey was broken off",
    "liability": "Someone else was hurt",
}


@dataclass(frozen=True, slots=True)
class Group:
    """So many answers stated with one confidence, of which so many are right."""

    confidence: float
    answers: int
    right: int


# 85 % right, and each confidence is true to the letter: 198 of 200 at 99 %, 90 of 100 at 90 %, ….
CALIBRATED = (Group(0.99, 200, 198), Group(0.90, 100, 90), Group(0.70, 60, 42), Group(0.25, 40, 10))
# 92 % right, and always 99 % sure: its confidence tells nothing.
ALWAYS_SURE = (Group(0.99, 400, 368),)
# 92 % right and as boastful, but it says a little less where it is often wrong: its confidence ranks.
SURE_BUT_RANKS = (Group(0.99, 300, 297), Group(0.97, 100, 71))


def truth(example: int) -> str:
    """The line of business of a claim; they take turns."""
    return LINES[example % len(LINES)]


def spread(groups: tuple[Group, ...], stride: int) -> list[tuple[float, bool]]:
    """For each example its confidence and whether it is right.

    `stride`, which shares no divisor with 400, decides which examples fall into which group, so that the
    candidates do not err on the same ones.
    """
    said: list[tuple[float, bool]] = []
    for group in groups:
        wrong = group.answers - group.right
        said += [
            (group.confidence, (i + 1) * wrong // group.answers == i * wrong // group.answers)
            for i in range(group.answers)
        ]
    placed = {(i * stride) % EXAMPLES: each for i, each in enumerate(said)}
    return [placed[i] for i in range(EXAMPLES)]


def answer(example: int, right: bool) -> str:
    """The truth, or the line after it."""
    return LINES[(example + (0 if right else 1)) % len(LINES)]


def write_claims() -> None:
    """The examples."""
    with (HERE / "claims.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("id", "text", "line"))
        for i in range(EXAMPLES):
            rows.writerow((f"c{i:03}", f"{FIRST_WORDS[truth(i)]} (claim {i}).", truth(i)))


def write_answers(name: str, groups: tuple[Group, ...], stride: int) -> None:
    """One candidate's answers in the recorded form."""
    lines = [
        json.dumps({"id": f"c{i:03}", "response": answer(i, right), "confidence": confidence})
        for i, (confidence, right) in enumerate(spread(groups, stride))
    ]
    (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_claims()
    write_answers("calibrated", CALIBRATED, stride=1)
    write_answers("always_sure", ALWAYS_SURE, stride=7)
    write_answers("sure_but_ranks", SURE_BUT_RANKS, stride=11)
