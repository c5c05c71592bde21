"""From Lark's tree to ours: nodes with places, strings decoded, quantities read.

The only faults that can arise here are inside tokens: a wrong escape, a suffix that is no unit.
"""

from __future__ import annotations

import json
import re
import textwrap
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from lark import Token, Tree

from evalspec.syntax import tree
from evalspec.syntax.tree import Operator, Word
from evalspec.text.diagnostics import Diagnostic, Label, problem
from evalspec.text.source import Source, Span
from evalspec.text.units import OutOfRange, Quantity, Unit, UnknownUnit, read_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

Node = Token | Tree[Token]
DEEPEST = 200


MEANT = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "millis": "ms", "mss": "ms",
    "m": "min", "mins": "min", "minute": "min", "minutes": "min", "hr": "h", "hrs": "h", "hour": "h",
    "hours": "h", "day": "d", "days": "d", "percent": "%", "pct": "%",
}  # fmt: skip


class TooDeep(Exception):
    """An expression nests deeper than anyone writes; its argument is where."""

    def __init__(self, at: Span) -> None:
        super().__init__("nested too deep")
        self.at = at


class Builder:
    """Turns one file's Lark tree into ours and gathers the faults inside tokens."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Diagnostic] = []
        self.depth = 0

    def span(self, node: Node) -> Span:
        first, last = node, node
        while isinstance(first, Tree):
            first = first.children[0]
        while isinstance(last, Tree):
            last = last.children[-1]
        return Span(self.source, first.start_pos or 0, last.end_pos or 0)

    def word(self, token: Token) -> Word:
        at = self.span(token)
        if token.type == "STRING":
            return Word(self._unescaped(token.value, at), at, quoted=True)
        return Word(str(token.value), at)

    # ── entries ───────────────────────────────────────────────────────────────────────────────────

    def entries(self, node: Node) -> tuple[tree.Entry, ...]:
        children = node.children if isinstance(node, Tree) else []
        return tuple(self.entry(entry.children[0]) for entry in children if isinstance(entry, Tree))

    def entry(self, node: Node) -> tree.Entry:
        if isinstance(node, Token):  # ERROR, made by the recovery; its value is the words it began with
            words = tuple(self.word(t) for t in node.value)
            return tree.Broken(words, Span(self.source, node.start_pos or 0, node.end_pos or 0))
        make: dict[str, Callable[[Tree[Token]], tree.Entry]] = {
            "import": self._import,
            "block": self._block,
            "attribute": self._attribute,
            "bound": self._bound,
            "row": self._row,
        }
        before = len(self.faults)
        made = make[node.data](node)
        if len(self.faults) > before and not isinstance(made, tree.Block):
            return tree.Broken(_first_words(made), made.at)
        return made

    def _import(self, node: Tree[Token]) -> tree.Import:
        word = self.word(_token(node.children[1]))
        return tree.Import(tree.Text(word.text, word.at, "string"), self.span(node))

    def _block(self, node: Tree[Token]) -> tree.Block:
        header, _, body, _ = node.children
        names = [_token(t) for t in _tree(header).children]
        words = [self.word(t) for t in names if t.type == "NAME"]
        target = words.pop() if any(t.type == "OF" for t in names) else None
        kind, *rest = words
        if len(rest) > 1:
            self.faults.append(
                problem(
                    "E0115",
                    rest[1].at,
                    f"a block has one name, and `{rest[0].text}` is it",
                    "remove this word",
                )
            )
        name = rest[0] if rest else None
        return tree.Block(kind, name, target, self.entries(body), self.span(node), self.span(header))

    def _attribute(self, node: Tree[Token]) -> tree.Attribute:
        key, _, value = node.children
        return tree.Attribute(self.word(_token(key)), self.expression(value), self.span(node))

    def _bound(self, node: Tree[Token]) -> tree.Bound:
        metric, *middle, operator, value = node.children
        argument = self.expression(middle[1]) if middle else None
        word = self.word(_token(metric))
        return tree.Bound(word, argument, str(operator), self.expression(value), self.span(node))

    def _row(self, node: Tree[Token]) -> tree.TableRow:
        bars = [self.span(c) for c in node.children if isinstance(c, Token)]
        inner = [c for c in node.children if isinstance(c, Tree)]
        cells = [self._cell(c, *around) for c, around in zip(inner, pairwise(bars), strict=True)]
        return tree.TableRow(tuple(cells), self.span(node))

    def _cell(self, node: Tree[Token], before: Span, behind: Span) -> tree.Cell:
        if not node.children:  # the blanks between its bars, or a bar where there are none
            start = before.end if before.end < behind.start else behind.start
            return tree.Empty(Span(self.source, start, max(behind.start, start + 1)))
        first, *rest = node.children
        at = self.span(node)
        if isinstance(first, Tree):
            return tree.Group(self.expression(first.children[1]), at)
        if rest and first.type == "NAME":
            return tree.Corner(self.word(first), self.word(_token(rest[1])), at)
        return self._plain_cell(first, rest, at)

    def _plain_cell(self, first: Token, rest: list[Node], at: Span) -> tree.Cell:
        match first.type:
            case "NAME":
                return self.word(first)
            case "STRING":
                return tree.Text(self._unescaped(first.value, at), at, "string")
            case "STAR":
                return tree.Star(at)
            case "MINUS":
                return tree.Negative(self._literal(_token(rest[0])), at) if rest else tree.Dash(at)
            case "QUANTITY":
                return tree.Amount(self._quantity(first), at)
            case _:
                return tree.Constant(_constant(first), at)

    # ── expressions ───────────────────────────────────────────────────────────────────────────────

    def expression(self, node: Node) -> tree.Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooDeep(self.span(node))
        try:
            return self._expression(_tree(node))
        finally:
            self.depth -= 1

    def _expression(self, node: Tree[Token]) -> tree.Expr:
        at, parts = self.span(node), node.children
        match node.data:
            case "name":
                return tree.Name(str(_token(parts[0]).value), at)
            case "literal":
                return self._literal(_token(parts[0]))
            case "list":
                return tree.Sequence(tuple(self.expression(c) for c in parts if isinstance(c, Tree)), at)
            case "group":
                return tree.Group(self.expression(parts[1]), at)
            case "member":
                return tree.Member(self.expression(parts[0]), self.word(_token(parts[2])), at)
            case "index":
                return tree.Index(self.expression(parts[0]), self.expression(parts[2]), at)
            case "call":
                return self._call(node, at)
            case "not":
                return tree.Not(self.expression(parts[1]), at)
            case "negative":
                return tree.Negative(self.expression(parts[1]), at)
            case _:
                return self._binary(parts, at)

    def _binary(self, parts: list[Node], at: Span) -> tree.Binary:
        left, *operator, right = parts
        sign = Operator(" ".join(str(_token(t).value) for t in operator))
        return tree.Binary(sign, self.expression(left), self.expression(right), at)

    def _call(self, node: Tree[Token], at: Span) -> tree.Call:
        arguments: list[tree.Expr] = []
        named: list[tree.Named] = []
        inner = [c for c in node.children[1:] if isinstance(c, Tree)]
        for argument in inner[0].children if inner else []:
            if isinstance(argument, Token):
                continue
            if argument.data == "named":
                name, _, value = argument.children
                given = tree.Named(self.word(_token(name)), self.expression(value), self.span(argument))
                self._given_once(given, named)
                named.append(given)
            else:
                arguments.append(self.expression(argument))
        return tree.Call(self.expression(node.children[0]), tuple(arguments), tuple(named), at)

    def _given_once(self, given: tree.Named, before: list[tree.Named]) -> None:
        for first in before:
            if first.name.text == given.name.text:
                label = Label(at=first.name.at, message="first given here")
                message = f"the argument `{given.name.text}` is given twice"
                self.faults.append(problem("E0108", given.name.at, message, "remove one", labels=[label]))

    # ── tokens ────────────────────────────────────────────────────────────────────────────────────

    def _literal(self, token: Token) -> tree.Amount | tree.Text | tree.Constant:
        at = self.span(token)
        match token.type:
            case "QUANTITY":
                return tree.Amount(self._quantity(token), at)
            case "STRING":
                return tree.Text(self._unescaped(token.value, at), at, "string")
            case "RAW":
                return tree.Text(token.value[2:-1], at, "raw")
            case "LONG":
                return tree.Text(long_text(token.value), at, "long")
            case _:
                return tree.Constant(_constant(token), at)

    def _quantity(self, token: Token) -> Quantity:
        try:
            return read_quantity(token.value)
        except UnknownUnit as fault:
            self.faults.append(_no_unit(token.value, str(fault), self.span(token)))
        except OutOfRange:
            message = "this number is too large or too small to mean anything"
            self.faults.append(
                problem("E0301", self.span(token), message, "write one of less than 30 digits")
            )
        return Quantity(Decimal(0), Unit.NUMBER, token.value)

    def _unescaped(self, value: str, at: Span) -> str:
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            wrong = re.search(r"\\(?![\"\\/bfnrt]|u[0-9a-fA-F]{4})", re.sub(r"\\\\", "  ", value))
            place = at.part(wrong.start(), wrong.start() + 2) if wrong else at
            self.faults.append(
                problem(
                    "E0114",
                    place,
                    "this is not an escape of a string",
                    'write `\\\\` for a backslash, or r"…" for a regular expression',
                )
            )
            return value[1:-1]


def _no_unit(written: str, suffix: str, at: Span) -> Diagnostic:
    meant = MEANT.get(suffix.lower())
    return problem(
        "E0301",
        at,
        f"`{suffix}` is not a unit",
        f"did you mean `{written.removesuffix(suffix)}{meant}`?" if meant else "",
        "units are us ms s min h d, %, $ in front, and /s /min /h behind",
    )


def _first_words(entry: tree.Entry) -> tuple[Word, ...]:
    """The word by which an entry is known, so that it does not count as missing."""
    match entry:
        case tree.Attribute():
            return (entry.key,)
        case tree.Bound():
            return (entry.metric,)
        case _:
            return ()


def long_text(token: str) -> str:
    """The text of a `\"\"\"` token: first and last line break dropped, common indentation removed."""
    lines = token[3:-3].replace("\r\n", "\n").split("\n")
    if len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    if len(lines) > 1 and not lines[0].strip():
        lines.pop(0)
    return textwrap.dedent("\n".join(lines))


def _constant(token: Token) -> bool | None:
    return {"true": True, "false": False}.get(token.value)


def _token(node: Node) -> Token:
    assert isinstance(node, Token)  # noqa: S101 - the grammar says so
    return node


def _tree(node: Node) -> Tree[Token]:
    assert isinstance(node, Tree)  # noqa: S101 - the grammar says so
    return node
