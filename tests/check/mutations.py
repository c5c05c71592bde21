"""Specs with random damage: bytes swapped, pieces cut, doubled, moved and mixed in from other specs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from check.cases import every_case

MAIN_SPEC = Path(__file__).parents[2] / "specs" / "support_routing.eval"
SIGNS = "{}()[]\"'|=;,\n\\\0\r-*%$#@^./é😀ﬃ\ufeff\u2028\ud800"
WORDS = """
    \"\"\" == <= 1e999 -1 85% 1.5s 400ms $0.5 4/s null true not in of contains matches import
    params.n env("X")
    file("x") r"(" {{ }} {% %} {# {{x.__class__}} subset column("")
"""
PIECES: tuple[str, ...] = (
    *SIGNS,
    *WORDS.split(),
    "9" * 50,
    " " * 100,
    "\r\n",
    "\x1b[31m",
    "chain c { step a { answer = text } }",
    "costs c { | truth \\ answer | }",
)


def originals() -> list[str]:
    return [MAIN_SPEC.read_text(encoding="utf-8"), *(case.spec for case in every_case())]


def mutants(seed: int, count: int) -> Iterator[str]:
    """`count` damaged specs, the same for the same seed."""
    chance = random.Random(seed)
    texts = originals()
    for _ in range(count):
        text = chance.choice(texts)
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            text = _damaged(text, texts, chance)
        yield text


def _damaged(text: str, others: Sequence[str], chance: random.Random) -> str:
    at, end = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
    end = min(end, at + chance.choice((1, 1, 5, 30, 200)))
    match chance.randrange(7):
        case 0:
            return text[:at] + text[end:]
        case 1:
            return text[:at] + chance.choice(PIECES) + text[at:]
        case 2:
            return text[:at] + chance.choice(PIECES) + text[end:]
        case 3:
            return text[:at] + text[at:end] * 2 + text[end:]
        case 4:
            words = text.split(" ")
            chosen = chance.randrange(len(words))
            words[chosen] = chance.choice(words)
            return " ".join(words)
        case 5:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            return text[:at] + other[start : start + chance.choice((3, 20, 100))] + text[at:]
        case _:
            lines = text.split("\n")
            chance.shuffle(lines)
            return "\n".join(lines) if chance.random() < 0.1 else text[:at] + text[at:end][::-1] + text[end:]
