"""The saved table belongs to the grammar, and the grammar has one meaning for each text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from lark import Lark

from evalspec.syntax import grammar

if TYPE_CHECKING:
    import pytest


def test_the_saved_table_is_fresh() -> None:
    """`python -m evalspec.syntax.grammar` makes it again."""
    assert grammar.TABLE.read_bytes().startswith(grammar.fingerprint(grammar.grammar_text()))


def test_the_saved_table_is_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(text: str, *, strict: bool = False) -> Lark:
        raise AssertionError("the table was built although it is saved")

    monkeypatch.setattr(grammar, "build", build)
    grammar.parser.cache_clear()
    assert [t.type for t in grammar.parser().lex("a = 1")] == ["NAME", "EQUAL", "QUANTITY"]


def test_a_stale_table_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "fingerprint", lambda text: b"another grammar")
    grammar.parser.cache_clear()
    assert [t.type for t in grammar.parser().lex("a = 1")] == ["NAME", "EQUAL", "QUANTITY"]
    grammar.parser.cache_clear()


def test_the_grammar_is_unambiguous() -> None:
    """`strict` refuses conflicts of rules, and terminals of one priority that match the same text."""
    grammar.build(grammar.grammar_text(), strict=True)


def test_the_saved_table_gives_the_tree_that_the_grammar_gives() -> None:
    text = "task t { a = f(x, y = [1, 2]) and not b; | a | -1 |\n p95(q) <= 1.5s }"
    built, saved = grammar.build(grammar.grammar_text()), grammar.parser()
    assert [(t.type, t.value) for t in built.lex(text)] == [(t.type, t.value) for t in saved.lex(text)]
    assert sorted(map(str, built.terminals)) == sorted(map(str, saved.terminals))
    assert [str(r) for r in built.rules] == [str(r) for r in saved.rules]


def test_the_table_can_be_made_again() -> None:
    made = grammar.table_bytes(grammar.grammar_text())
    mark = grammar.fingerprint(grammar.grammar_text())
    assert made.startswith(mark)
    again = Lark.load(io.BytesIO(made[len(mark) :]))
    assert [t.type for t in again.lex("a = 1")] == ["NAME", "EQUAL", "QUANTITY"]
