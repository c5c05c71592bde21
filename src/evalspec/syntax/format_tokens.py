"""The tokens of a spec as the formatter needs them: comments in their places, and the line breaks between.

The formatter's only door to the lexer. What it gets from there is the parser's own stream, in which words
and operators are told apart, each entry ends in a SEP, and line breaks inside brackets are gone.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from evalspec.syntax.tokens import tokens_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMENT, SEPARATOR = "COMMENT", "SEP"


@dataclass(frozen=True, slots=True)
class Piece:
    """A token or a comment: the name of its terminal, its text, where it begins and ends, and how many
    line breaks lie between it and the one before."""

    kind: str
    text: str
    start: int
    end: int
    breaks: int


def pieces_of(text: str) -> Iterator[Piece]:
    """All tokens and comments of a spec that parses, in order. Comments come without blanks at their end."""
    found = tokens_of(text)
    tokens = ((t.start_pos or 0, t.end_pos or 0, t.type, str(t.value)) for t in found.stream)
    comments = ((t.start_pos or 0, t.end_pos or 0, COMMENT, str(t.value)) for t in found.comments)
    reached = 0
    for start, end, kind, value in merge(tokens, comments):
        if kind == SEPARATOR:
            yield Piece(kind, "", start, end, 0)
            continue
        breaks = text.count("\n", reached, start)
        yield Piece(kind, value.rstrip() if kind == COMMENT else value, start, end, breaks)
        reached = end
