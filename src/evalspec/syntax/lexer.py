"""From text to the lexer's tokens, comments and line breaks among them. It never fails: what it cannot
read becomes UNTERMINATED, FOREIGN or ODD, which no rule of the grammar takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax.table import PATTERNS, SIGNS, WORDS
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

# One expression for all terminals: the engine tells by the group which of them it found.
EVERY_TERMINAL = Pattern("|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS))


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign or text of a spec: its terminal in the grammar, as written, and where (code points)."""

    type: str
    value: str
    start_pos: int
    end_pos: int


def lex(text: str) -> Iterator[Token]:
    """Every token of a text, in order; only blanks are passed over."""
    for found in EVERY_TERMINAL.finditer(text):
        kind, value = str(found.lastgroup), found.group()
        if kind == "NAME":
            kind = WORDS.get(value, kind)
        elif kind == "SIGN":
            kind = SIGNS[value]
        elif kind == "WS":
            continue
        yield Token(kind, value, found.start(), found.end())
