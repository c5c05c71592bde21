"""Data files with damage of every kind, the same for the same number: csv, tsv, jsonl, json, gzip."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence

FORMATS = ("csv", "tsv", "jsonl", "json")
BODIES = (
    "my card was charged twice", 'she said "no", twice', "two\nlines", "tarjeta duplicada, ¿por qué?",
    "請求書が届かない",
    "", " ", "=1+1", "'; drop table", "<script>alert(1)</script>", "{{ body }}", "a" * 300, "null",
    "👍🏽 thanks",
)  # fmt: skip
PIECES: tuple[bytes, ...] = (
    b"\0", b'"', b'""', b"'", b",", b"\t", b";", b"\r", b"\n", b"\r\n", b"\n\n", b"\xff", b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80", b"\xc3", b"\xf0\x9f", b"\x1a", b"\x1b[31m", b"{", b"}", b"[", b"]", b":", b"\\",
    b"\\u0000",
    b"\\ud800", b"1e999", b"-", b"NaN", b"Infinity", b"null", b"true", b"9" * 400, b"9" * 5_000,
    b"{" * 500, b"[" * 5_000,
    b'{"a":' * 300, b"\xe2\x80\xa8", b"#", b"=cmd|' /C calc'!A0", b"," * 300, b'"a":1,"a":2,',
    b"x" * 70_000, b" " * 9_000,
)  # fmt: skip
LARGEST = 8_000_000
GIANT = 2_000_000  # bytes of a cell that is over the limit


def table(count: int = 24) -> list[dict[str, object]]:
    """Rows as a job may have them."""
    queues, langs = ("billing", "bug", "abuse", "other"), ("en", "es", "de")
    return [
        {"id": f"t{i}", "body": f"{i} {BODIES[i % len(BODIES)]}", "queue": queues[i % 4],
        "lang": langs[i % 3],
         "amount": str(i * 7.5), "missing_column": ""}
        for i in range(count)
    ]  # fmt: skip


def answers(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Recorded answers for those rows."""
    lines = ({"id": row["id"], "task": "route", "response": row["queue"], "confidence": 0.9, "latency_s": 0.4,
              "label_logprobs": {"billing": -0.1, "bug": -2.5}} for row in rows)  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def written(rows: Sequence[Mapping[str, object]], form: str) -> bytes:
    """The rows in a format."""
    if form == "json":
        return json.dumps(list(rows), indent=1, ensure_ascii=False).encode()
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(
        buffer, list(rows[0]), delimiter="," if form == "csv" else "\t", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def mutant(content: bytes, chance: random.Random) -> bytes:
    """The content with one to twenty kinds of damage done to it."""
    for _ in range(chance.choice((1, 1, 2, 4, 20))):
        content = chance.choice(DAMAGES)(content, chance)[:LARGEST]
    return content


def packed(content: bytes, chance: random.Random) -> bytes:
    """The content gzipped, and the archive damaged more often than not."""
    archive = gzip.compress(content, mtime=0)
    match chance.randrange(6):
        case 0:
            return archive
        case 1:
            return archive[: chance.randrange(len(archive))]
        case 2:
            return archive + chance.choice((archive, b"\0" * 100, b"trailing", archive[:15]))
        case 3:
            return content
        case _:
            return _flipped(archive, chance)


def _place(content: bytes, chance: random.Random) -> int:
    return chance.randrange(len(content) + 1)


def _flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 50))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _beheaded(content: bytes, chance: random.Random) -> bytes:
    return content[_place(content, chance) :]


def _inserted(content: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 10)) + content[at:]


def _replaced(content: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + chance.choice(PIECES) + content[at + chance.choice((1, 3, 30)) :]


def _lines_shuffled(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def _line_repeated(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    lines[at:at] = [lines[at]] * chance.choice((1, 1, 10, 1_000))
    return b"\n".join(lines)


def _giant(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.8:  # it is slow, and one kind of damage among many
        return _inserted(content, chance)
    at = _place(content, chance)
    return content[:at] + chance.choice((b"x", b'"', b",", b"\n", b"[", "請".encode())) * GIANT + content[at:]


def _other_line_breaks(content: bytes, chance: random.Random) -> bytes:
    return content.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\0", b"")))


def _recoded(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-8-sig", "latin-1", "utf-32")), "replace")


DAMAGES: Sequence[Callable[[bytes, random.Random], bytes]] = (
    _flipped, _flipped, _truncated, _beheaded, _inserted, _inserted, _replaced, _replaced, _lines_shuffled,
    _line_repeated, _giant, _other_line_breaks, _recoded,
)  # fmt: skip
