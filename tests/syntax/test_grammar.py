"""The saved table belongs to the grammar, and our lexer and machine do with it what Lark does.

Lark is the judge: it reads the grammar anew here, and every spec of the project goes through both, as it
stands and with something changed in it.
"""

from __future__ import annotations

import random
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from lark import Lark, Tree
from lark import Token as LarkToken
from lark.exceptions import UnexpectedToken

from evalspec.syntax import grammar, table
from evalspec.syntax.lexer import Token, lex
from evalspec.syntax.machine import Machine
from evalspec.syntax.tokens import tokens_of

ROOT = Path(__file__).parents[2]
SPECS = sorted([*(ROOT / "specs").rglob("*.eval"), *(ROOT / "tests" / "cases").rglob("*.eval")])
NAMES = {name for name, _ in table.RULES if not name.startswith("_")}
PIECES: list[str] = [*'{}()[]="|-*,;#\\\n\r @%é$0', '"""', "of "]
Outcome = tuple[object, int, frozenset[str]]


@cache
def lark() -> Lark:
    built = grammar.build(grammar.grammar_text())
    built.lexer = built._build_lexer()  # which `lex` would make anew for each text
    return built


@cache
def texts() -> dict[str, str]:
    """The project's specs, without what is expected of them."""
    found = {}
    for path in SPECS:
        raw = path.read_bytes()
        found[str(path.relative_to(ROOT))] = raw.decode("utf-8", errors="replace").partition("\n#### ")[0]
    return found


def changed(text: str, chance: random.Random) -> str:
    """The text with something dropped, put in or moved."""
    begin, other = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
    match chance.randrange(3):
        case 0:
            return text[:begin] + text[begin + chance.choice([1, 2, 9]) :]
        case 1:
            return text[:begin] + chance.choice(PIECES) + text[begin:]
        case _:
            return text[:begin] + text[other : other + chance.choice([1, 5, 40])] + text[begin:]


def test_the_saved_table_is_fresh() -> None:
    """`python -m evalspec.syntax.grammar` makes it again."""
    assert grammar.TABLE.read_text(encoding="utf-8") == grammar.table_text(grammar.grammar_text())


def test_the_grammar_is_unambiguous() -> None:
    """`strict` refuses conflicts of rules, and terminals of one priority that match the same text."""
    grammar.build(grammar.grammar_text(), strict=True)


def test_another_grammar_makes_another_table() -> None:
    text = grammar.grammar_text()
    assert grammar.table_text(text.replace('"import"', '"include"')) != grammar.table_text(text)


def lexed_by_lark(text: str) -> list[tuple[str, str, int, int]]:
    return [(t.type, str(t.value), t.start_pos or 0, t.end_pos or 0) for t in lark().lex(text)]


def lexed_by_us(text: str) -> list[tuple[str, str, int, int]]:
    return [(t.type, t.value, t.start_pos, t.end_pos) for t in lex(text)]


def parsed_by_lark(tokens: list[Token]) -> Outcome:
    """What is made, how many tokens were taken, and what would have fitted where one did not."""
    parser = lark().parse_interactive()
    for taken, token in enumerate(tokens):
        try:
            parser.feed_token(
                LarkToken(token.type, token.value, start_pos=token.start_pos, end_pos=token.end_pos)
            )
        except UnexpectedToken:
            return None, taken, frozenset(parser.accepts())  # type: ignore[no-untyped-call]
    if "$END" not in parser.accepts():  # type: ignore[no-untyped-call]
        return None, len(tokens), frozenset(parser.accepts())  # type: ignore[no-untyped-call]
    return shape(parser.feed_eof()), len(tokens), frozenset()  # type: ignore[no-untyped-call]


def shape(node: Any) -> object:
    if isinstance(node, Tree):
        return str(node.data), [shape(child) for child in node.children]
    return str(node.type), str(node.value), node.start_pos


def parsed_by_us(tokens: list[Token]) -> Outcome:
    machine = Machine({name: partial(made, name) for name in NAMES})
    for taken, token in enumerate(tokens):
        if not machine.feed(token.type, (token.type, token.value, token.start_pos)):
            return None, taken, machine.accepts()
    if "$END" not in machine.accepts():
        return None, len(tokens), machine.accepts()
    return machine.finish(), len(tokens), frozenset()


def made(name: str, parts: list[Any]) -> object:
    return name, flat(parts)


def flat(parts: list[Any]) -> list[Any]:
    return [inner for part in parts for inner in (part if isinstance(part, list) else [part])]


@pytest.mark.parametrize("name", texts())
def test_lark_reads_each_spec_as_we_do(name: str) -> None:
    chance = random.Random(name)
    text = texts()[name]
    for _ in range(4):
        assert lexed_by_us(text) == lexed_by_lark(text)
        tokens = list(tokens_of(text).stream)
        assert parsed_by_us(tokens) == parsed_by_lark(tokens)
        text = changed(text, chance)
