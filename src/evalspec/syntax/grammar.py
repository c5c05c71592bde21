"""The parser's table, loaded from the saved one, or built from the grammar where that is stale.

Loading takes some 10 ms, building some 300. The saved table lies beside this module and is made by
`python -m evalspec.syntax.grammar`; a test proves it fresh.
"""

from __future__ import annotations

import functools
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from lark import Lark, Token
from lark import __version__ as lark_version

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TABLE = HERE / "grammar.table"
OUTSIDE_RULES = ("SEMICOLON", "NEWLINE", "COMMENT", "FOREIGN", "ODD", "UNTERMINATED", "UNTERMINATED_LONG")


class _KeepTerminals:
    """Tells Lark to keep the terminals that no rule names."""

    always_accept = OUTSIDE_RULES

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def grammar_text() -> str:
    """The grammar: inside an installed package, or at the top of a checkout."""
    packed = HERE / "evalspec.lark"
    path = packed if packed.exists() else HERE.parents[2] / "grammar" / "evalspec.lark"
    return path.read_text(encoding="utf-8")


def fingerprint(grammar: str) -> bytes:
    """What a saved table must begin with to belong to this grammar and this version of Lark."""
    return hashlib.sha256(f"{lark_version}\n{grammar}".encode()).digest()


def build(grammar: str, *, strict: bool = False) -> Lark:
    """The parser, from the grammar's text. With `strict` any ambiguity is an error."""
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        keep_all_tokens=True,
        maybe_placeholders=False,
        strict=strict,
        postlex=_KeepTerminals(),
    )


def table_bytes(grammar: str) -> bytes:
    """The table as it is saved: fingerprint, then Lark's own form."""
    buffer = io.BytesIO()
    made = build(grammar)
    made.options.options["postlex"] = (
        None  # served its purpose; pickled, it would tie the table to this module
    )
    made.save(buffer)
    return fingerprint(grammar) + buffer.getvalue()


@functools.cache
def parser() -> Lark:
    """The parser, made once a process."""
    grammar = grammar_text()
    saved = TABLE.read_bytes() if TABLE.exists() else b""
    mark = fingerprint(grammar)
    if saved.startswith(mark):
        return Lark.load(io.BytesIO(saved[len(mark) :]))
    return build(grammar)


if __name__ == "__main__":
    TABLE.write_bytes(table_bytes(grammar_text()))
