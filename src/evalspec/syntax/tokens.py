"""From the lexer's tokens to the parser's: comments out, separators in their places, operators told apart.

The lexer never fails, so neither does this. What is done here keeps the grammar free of line breaks.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from evalspec.syntax.depth import first_too_deep
from evalspec.syntax.lexer import Token, lex
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENING = {"LPAR": "RPAR", "LSQB": "RSQB"}
ENDS_VALUE = frozenset(
    ("NAME", "METRIC", "STRING", "RAW", "LONG", "QUANTITY", "TRUE", "FALSE", "NULL", "RPAR", "RSQB")
)
STARTS_VALUE = frozenset(
    ("NAME", "METRIC", "STRING", "RAW", "LONG", "QUANTITY", "TRUE", "FALSE", "NULL", "LPAR", "LSQB", "MINUS")
)
WORD_OPERATORS = {"contains": "CONTAINS", "matches": "MATCHES", "of": "OF"}
MOST_TOKENS = 250_000  # ten thousand lines, were all of them rows of wide tables; more is data


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the parser is fed, the comments beside it, the first bracket that nests too deep, and the
    token at which a text is too long to be a spec, where it is."""

    stream: tuple[Token, ...]
    comments: tuple[Token, ...]
    too_deep: Token | None
    too_many: Token | None = None


def tokens_of(text: str) -> Tokens:
    """The tokens of a spec, ready for the parser; the last one is a SEP at the end of the text."""
    lexed = list(islice(lex(text), MOST_TOKENS + 1))
    if len(lexed) > MOST_TOKENS:
        return Tokens((), (), None, lexed[-1])
    comments = tuple(t for t in lexed if t.type == "COMMENT")
    kept = [t for t in lexed if t.type != "COMMENT"]
    flat = _without_inner_newlines(kept)
    separated = _separated(flat, len(text))
    return Tokens(tuple(_operators_told_apart(separated)), comments, first_too_deep(flat))


def _closed_brackets(tokens: list[Token]) -> set[int]:
    """Where brackets stand that are closed before any brace; others must not swallow the line breaks."""
    closed: set[int] = set()
    stack: list[int] = []
    for i, token in enumerate(tokens):
        if token.type in OPENING:
            stack.append(i)
        elif token.type in ("RPAR", "RSQB"):
            if stack and OPENING[tokens[stack[-1]].type] == token.type:
                closed.update((stack.pop(), i))
        elif token.type in ("LBRACE", "RBRACE"):
            stack.clear()
    return closed


def _without_inner_newlines(tokens: list[Token]) -> list[Token]:
    closed = _closed_brackets(tokens)
    depth = 0
    kept = []
    for i, token in enumerate(tokens):
        if i in closed:
            depth += 1 if token.type in OPENING else -1
        if token.type != "NEWLINE" or depth == 0:
            kept.append(token)
    return kept


def _separated(tokens: list[Token], end: int) -> list[Token]:
    """Newlines and semicolons as one SEP behind each entry, also before a closing brace and at the end."""
    result: list[Token] = []
    for token in tokens:
        if token.type in ("NEWLINE", "SEMICOLON"):
            if result and result[-1].type not in ("SEP", "LBRACE"):
                result.append(_separator(token.start_pos))
            continue
        if token.type == "RBRACE" and result and result[-1].type not in ("SEP", "LBRACE"):
            result.append(_separator(token.start_pos))
        result.append(token)
    if result and result[-1].type != "SEP":
        result.append(_separator(end))
    return result


def _separator(at: int) -> Token:
    return Token("SEP", "", at, at)


def _operators_told_apart(tokens: list[Token]) -> Iterator[Token]:
    """`contains` and `matches` are operators only between two values, `of` only in a header; else names."""
    words = 0  # how many names the entry consists of so far; -1 once it is more than names
    for i, token in enumerate(tokens):
        before = tokens[i - 1].type if i else ""
        after = tokens[i + 1].type if i + 1 < len(tokens) else ""
        kind = token.type
        if kind == "NAME" and token.value in WORD_OPERATORS and after in STARTS_VALUE:
            operator = words == 2 if token.value == "of" else words < 0 and before in ENDS_VALUE
            kind = WORD_OPERATORS[token.value] if operator else "NAME"
        if kind in ("SEP", "LBRACE", "RBRACE"):
            words = 0
        else:
            words = words + 1 if kind == "NAME" and words >= 0 else -1
        yield token if kind == token.type else Token(kind, token.value, token.start_pos, token.end_pos)
