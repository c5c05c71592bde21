"""From the grammar's text to the table that the parser runs on: `python -m evalspec.syntax.grammar`.

The only module that knows Lark, and it is not imported when specs are read. Lark reads the grammar,
proves it unambiguous and makes the LALR table; here the table is written as `table.py`, a module of plain
values that is loaded in a fraction of a millisecond. A test proves that file fresh.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lark import Lark, Token
from lark.lexer import PatternStr
from lark.parsers.lalr_analysis import Shift

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TABLE = HERE / "table.py"
OUTSIDE_RULES = ("SEMICOLON", "NEWLINE", "COMMENT", "FOREIGN", "ODD", "UNTERMINATED", "UNTERMINATED_LONG")
SIGN = "SIGN"
HEAD = '''"""The grammar, made of `grammar/evalspec.lark` by `python -m evalspec.syntax.grammar`."""

# ruff: noqa: E501
# fmt: off
'''


class _KeepTerminals:
    """Tells Lark to keep the terminals that no rule names."""

    always_accept = OUTSIDE_RULES

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def grammar_text() -> str:
    """The grammar, which lies at the top of a checkout; a wheel carries the table alone."""
    return (HERE.parents[2] / "grammar" / "evalspec.lark").read_text(encoding="utf-8")


def build(grammar: str, *, strict: bool = False) -> Lark:
    """Lark's own parser, from the grammar's text. With `strict` any ambiguity is an error."""
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        keep_all_tokens=True,
        maybe_placeholders=False,
        strict=strict,
        postlex=_KeepTerminals(),
    )


def table_text(grammar: str) -> str:
    """The text of `table.py`."""
    made = build(grammar)
    words, signs, patterns = _terminals(made)
    rules = ", ".join(f"({str(rule.origin.name)!r}, {len(rule.expansion)})" for rule in made.rules)
    states, end = _states(made)
    lines = [
        HEAD,
        "# Words that are no names, and what they are.",
        f"WORDS = {_literal(words)}",
        "# Terminals of one character.",
        f"SIGNS = {_literal(signs)}",
        "# The other terminals in the order in which the lexer tries them.",
        f"PATTERNS = {_literal(patterns)}",
        "# Of each rule: what it makes, and of how many parts.",
        f"RULES = ({rules})",
        "# Of each state: by terminal the state that comes next or, below zero, the rule that is complete",
        "# (-1 is the first); by what a rule makes, the state that comes next. The first state begins.",
        f"END = {end}",
        "STATES: tuple[dict[str, int], ...] = (",
        *(f"    {_literal(row)}," for row in states),
        ")",
    ]
    return "\n".join(lines) + "\n"


def _terminals(made: Lark) -> tuple[dict[str, str], dict[str, str], list[tuple[str, str]]]:
    """The terminals in Lark's order, which puts the prior and the longer first: words, signs, patterns."""
    words: dict[str, str] = {}
    signs: dict[str, str] = {}
    patterns: list[tuple[str, str]] = []
    for terminal in made.parser.lexer.lexer.terminals:
        fixed = terminal.pattern.value if isinstance(terminal.pattern, PatternStr) else ""
        if fixed.isalpha():
            words[fixed] = terminal.name
        elif len(fixed) == 1:
            if not signs:
                patterns.append((SIGN, ""))
            signs[fixed] = terminal.name
        else:
            patterns.append((terminal.name, terminal.pattern.to_regexp()))
    every_sign = "".join(map(re.escape, sorted(signs)))
    return words, signs, [(name, pattern or f"[{every_sign}]") for name, pattern in patterns]


def _states(made: Lark) -> tuple[list[dict[str, int]], int]:
    """The rows of all states, and which one ends.

    Lark numbers states anew in each process; here they are numbered as they are reached, so that the text
    depends on the grammar alone.
    """
    rules = {str(rule): -1 - i for i, rule in enumerate(made.rules)}
    table = made.parser.parser._parse_table
    order = [table.start_states["start"]]
    number = {order[0]: 0}
    rows: list[dict[str, int]] = []
    for state in order:  # which grows
        rows.append({})
        for name, (kind, target) in sorted(table.states[state].items()):
            if kind is Shift and target not in number:
                number[target] = len(order)
                order.append(target)
            rows[-1][str(name)] = number[target] if kind is Shift else rules[str(target)]
    return rows, number[table.end_states["start"]]


def _literal(value: object) -> str:
    """A value as it stands in the table, with characters that nobody sees escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "(\n" + "".join(f"    {_literal(item)},\n" for item in value) + ")"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_literal, value)) + ")"
    return ascii(value)


if __name__ == "__main__":
    TABLE.write_text(table_text(grammar_text()), encoding="utf-8")
