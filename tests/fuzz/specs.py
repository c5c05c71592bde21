"""Specs with damage of every kind, the same for the same number: tokens, characters, pieces of others."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from check.cases import every_case

ROOT = Path(__file__).parents[2]
TOKEN = re.compile(r'"""[\s\S]*?"""|"[^"\n]*"|\s+|\w+|[<>=!]=|[\s\S]')
ODD: tuple[str, ...] = (
    *"{}()[]|,;.=<>#%$@^*/\\-+\"'`&!?:~\0\r\n\t\x1b\x7f\x85\xa0\xad\u200b\u202e\u2028\ufeff\ufffd\ud800éß請ﷺ👍\U000e0041",
    '"""', "\r\n", "==", "\x1b[31m", "e\u0301" * 20, "👩\u200d👩\u200d👧", "\u0301" * 200, "請" * 500,
    "x" * 5_000,
)  # fmt: skip
NUMBERS = (
    "0", "-1", "9" * 50, "9" * 5_000, "1e999999999", "1e-999999999", "0." + "0" * 400 + "1",
    "1_000_000_000_000",
    "$99999999999999999999", "1e30%", "0ms", "1e29h", "100000000/s", "0/min", "-0", "1_", "1e5_0", "0x10",
    "٣",
)  # fmt: skip
WORDS = (
    "true", "false", "null", "not", "in", "and", "or", "of", "contains", "matches", "import", "column",
    "params",
    "labels", "row", "decide", "confidence", "first_token", "file", "env", "python", "http", "s3", "abstain",
    "invalid", "nan", "inf", "__class__", "self", "id", "*", "-", 'r"(a+)+$"', 'r"("', 'r"\\d{1,99999}"',
    '"{{ 9 ** 9 ** 9 }}"', '"{{ body * 99999999 }}"', '"{% for a in labels %}{{ loop }}{% endfor %}"',
    '"{{"', '"{%"',
    '"../../.."', '"data/*"', '"**/*.csv"', '"data/{a}_{b}.csv"', '"/dev/null"', '"/dev/zero"',
    '"\\u0000"', '"\\ud800"',
    'file("data")', 'file("data/nowhere.csv")', 'file("data/*.csv")', 'file("/dev/zero")', 'file("m.eval")',
    'import "m.eval"', "pass@0", "pass@99999999999", "coverage@5%", "p99.9", "p0", "p100.1", "1/0",
)  # fmt: skip


WITHIN = ("{{ x }}", "{{", "}}", "{%", "\\", "\\u12", "{a}", "*", "{{ labels[9] }}", "(", "+")
Damage = Callable[[str, random.Random], str]
NESTS = (("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("f(", ")"), ("a {\n", "\n}"))
OnTokens = Callable[[list[str], int, random.Random], None]


LARGEST = 1_000_000


@cache
def originals() -> tuple[str, ...]:
    """The specs that are damaged: the sample, one with most of the language in it, and every golden case."""
    files = [ROOT / "specs" / "support_routing.eval", *sorted((ROOT / "tests" / "real").glob("*.eval"))]
    texts = [path.read_text(encoding="utf-8") for path in files]
    broad = (Path(__file__).parent / "broad.eval").read_text(encoding="utf-8")
    return (broad, *texts, broad, *(case.spec for case in every_case()))


def mutant(chance: random.Random) -> tuple[str, str]:
    """An original, and the same with one to eight kinds of damage done to it."""
    original = text = chance.choice(originals()[: chance.choice((2, 6, 10_000))])
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        text = chance.choice(DAMAGES)(text, chance)[:LARGEST]
    return original, text


def _on_tokens(
    change: Callable[[list[str], int, random.Random], None],
) -> Callable[[str, random.Random], str]:
    def damaged(text: str, chance: random.Random) -> str:
        tokens = TOKEN.findall(text)
        solid = [i for i, token in enumerate(tokens) if not token.isspace()]
        if solid:
            change(tokens, chance.choice(solid), chance)
        return "".join(tokens)

    return damaged


def _deleted(tokens: list[str], at: int, chance: random.Random) -> None:
    del tokens[at : at + chance.choice((1, 1, 2, 5, 20))]


def _doubled(tokens: list[str], at: int, chance: random.Random) -> None:
    piece = tokens[at : at + chance.choice((1, 2, 7, 30))]
    tokens[at:at] = piece * chance.choice((1, 1, 1, 3, 50))


def _swapped(tokens: list[str], at: int, chance: random.Random) -> None:
    other = chance.randrange(len(tokens))
    tokens[at], tokens[other] = tokens[other], tokens[at]


def _exchanged(tokens: list[str], at: int, chance: random.Random) -> None:
    of = re.findall(r"\w+", chance.choice(originals()))
    tokens[at] = chance.choice((chance.choice(of), chance.choice(WORDS), chance.choice(NUMBERS)))


def _number_changed(tokens: list[str], at: int, chance: random.Random) -> None:
    numbers = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
    tokens[chance.choice(numbers or [at])] = chance.choice(NUMBERS)


def _string_changed(tokens: list[str], at: int, chance: random.Random) -> None:
    strings = [i for i, token in enumerate(tokens) if token[:1] == '"'] or [at]
    chosen = chance.choice(strings)
    within = chance.randrange(len(tokens[chosen]) + 1)
    piece = chance.choice(
        (*ODD, "{{ x }}", "{{", "}}", "{%", "\\", "\\u12", "{a}", "*", "{{ labels[9] }}", "(", "+")
    )
    tokens[chosen] = tokens[chosen][:within] + piece + tokens[chosen][within:]


def _nested(tokens: list[str], at: int, chance: random.Random) -> None:
    deep = chance.choice((3, 40, 150, 250, 3_000))
    opening, closing = chance.choice(
        (("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("f(", ")"), ("a {\n", "\n}"))
    )
    tokens[at] = opening * deep + tokens[at] + closing * chance.choice((deep, deep, deep - 1, 0))


def _noise(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(ODD) + text[at + chance.choice((0, 0, 1)) :]


def _truncated(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] if chance.random() < 0.7 else text[at:]


def _spliced(text: str, chance: random.Random) -> str:
    other = chance.choice(originals())
    start = chance.randrange(len(other) + 1)
    piece = other[start : start + chance.choice((10, 100, 1_000))]
    at = chance.randrange(len(text) + 1)
    return text[:at] + piece + text[at + chance.choice((0, 0, 50)) :]


def _lines_moved(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    taken = lines.pop(chance.randrange(len(lines)))
    lines.insert(chance.randrange(len(lines) + 1), taken)
    between: str = chance.choice(("\n", "\n", "\r\n", "\n\n"))
    return between.join(lines)


def _line_repeated(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at:at] = [lines[at]] * chance.choice((1, 1, 5, 300))
    return "\n".join(lines)


def _block_repeated(text: str, chance: random.Random) -> str:
    blocks = re.split(r"\n(?=\w+ )", text)
    return "\n".join([*blocks, *chance.choices(blocks, k=chance.choice((1, 2, 20)))])


DAMAGES: Sequence[Damage] = (
    *map(_on_tokens, (_deleted, _doubled, _swapped, _exchanged, _exchanged, _number_changed,
    _string_changed, _nested)),
    _noise, _truncated, _spliced, _lines_moved, _line_repeated, _block_repeated,
)  # fmt: skip
