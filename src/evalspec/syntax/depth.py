"""How deep expressions and brackets may nest, and where one nests deeper: without recursion, on any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalspec.syntax.lexer import Token
    from evalspec.text.source import Span

DEEPEST = 200
OPENING = frozenset(("LPAR", "LSQB", "LBRACE"))
CLOSING = frozenset(("RPAR", "RSQB", "RBRACE"))


def first_too_deep(tokens: Iterable[Token]) -> Token | None:
    """The bracket or brace that opens one level too many."""
    depth = 0
    for token in tokens:
        if token.type in OPENING:
            depth += 1
            if depth > DEEPEST:
                return token
        elif token.type in CLOSING:
            depth = max(0, depth - 1)
    return None


def deeper_than(entry: tree.Entry, levels: int) -> Span | None:
    """Where an expression of this entry (not of those inside it) is so many levels deep; None if nowhere."""
    level: list[tree.Expr] = list(_of_entry(entry))
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return None
    return level[0].at


def _of_entry(entry: tree.Entry) -> Iterable[tree.Expr]:
    match entry:
        case tree.Attribute():
            return (entry.value,)
        case tree.Bound():
            return (entry.value,) if entry.argument is None else (entry.argument, entry.value)
        case tree.TableRow():
            return (c for c in entry.cells if isinstance(c, tree.Group))
        case _:
            return ()


def _inside(outer: tree.Expr) -> Iterable[tree.Expr]:
    """The expressions directly inside one."""
    match outer:
        case tree.Binary():
            return (outer.left, outer.right)
        case tree.Group() | tree.Not() | tree.Negative() | tree.Member():
            return (outer.value,)
        case tree.Index():
            return (outer.value, outer.index)
        case tree.Sequence():
            return outer.items
        case tree.Call():
            return (outer.function, *outer.arguments, *(named.value for named in outer.named))
        case _:
            return ()
