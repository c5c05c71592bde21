"""What the rules of the grammar make: nodes with places, strings decoded, quantities read.

`Builder` is driven by the machine, rule by rule, from the leaves upwards. The only faults that can arise
here are inside tokens: a wrong escape, a suffix that is no unit.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from evalspec.syntax import tree
from evalspec.syntax.depth import DEEPEST, deeper_than
from evalspec.syntax.lexer import Token
from evalspec.syntax.repairs import raw_string
from evalspec.syntax.strings import long_text, unescaped, wrong_escape
from evalspec.syntax.tree import Operator, Word
from evalspec.text.diagnostics import Diagnostic, Label, problem, rewritten
from evalspec.text.source import Source, Span
from evalspec.text.units import OutOfRange, Quantity, Unit, UnknownUnit, read_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Parts = list[Any]  # tokens and what rules made; which they are, the grammar says
CONSTANTS = {"true": True, "false": False, "null": None}

MEANT = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "millis": "ms", "mss": "ms",
    "m": "min", "mins": "min", "minute": "min", "minutes": "min", "hr": "h", "hrs": "h", "hour": "h",
    "hours": "h", "day": "d", "days": "d", "percent": "%", "pct": "%",
}  # fmt: skip


class Builder:
    """Makes one file's nodes and gathers the faults inside tokens."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Diagnostic] = []
        self.settled = 0  # how many faults belong to entries that are complete
        self.makers: Mapping[str, Callable[[Parts], object]] = {
            "start": self._entries, "body": self._entries, "entry": self._entry,
            "import": self._import, "header": self._header, "block": self._block,
            "attribute": self._attribute, "bound": self._bound, "row": self._row, "cell": self._cell,
            "or": self._binary, "and": self._binary, "compare": self._binary, "add": self._binary,
            "multiply": self._binary, "not": self._not, "negative": self._negative, "call": self._call,
            "arguments": _flat, "named": self._named, "member": self._member, "index": self._index,
            "list": self._list, "group": self._group, "name": self._name, "literal": self._literal,
        }  # fmt: skip

    def forget_open(self) -> None:
        """Drops the faults inside the entry that stands open: that it is broken is told of the whole."""
        del self.faults[self.settled :]

    def span(self, first: Any, last: Any) -> Span:
        start = first.start_pos if isinstance(first, Token) else first.at.start
        return Span(self.source, start, last.end_pos if isinstance(last, Token) else last.at.end)

    def word(self, token: Token) -> Word:
        at = Span(self.source, token.start_pos, token.end_pos)
        if token.type == "STRING":
            return Word(self._unescaped(token.value, at), at, quoted=True)
        return Word(token.value, at)

    # ── entries ───────────────────────────────────────────────────────────────────────────────────

    def _entries(self, parts: Parts) -> tuple[tree.Entry, ...]:
        return tuple(_flat(parts))

    def _entry(self, parts: Parts) -> tree.Entry:
        """An entry without the SEP behind it; broken where a token inside it was at fault."""
        made: tree.Entry = parts[0]
        # Only what is longer than the limit can nest deeper: most need not be searched.
        if made.at.end - made.at.start > DEEPEST and (deep := deeper_than(made, DEEPEST)) is not None:
            self.faults.append(
                problem("E0107", deep, f"this nests more than {DEEPEST} levels deep", "split it up")
            )
        if len(self.faults) > self.settled and not isinstance(made, tree.Block):
            made = tree.Broken(_first_words(made), made.at)
        self.settled = len(self.faults)
        return made

    def _import(self, parts: Parts) -> tree.Import:
        word = self.word(parts[1])
        return tree.Import(tree.Text(word.text, word.at, "string"), self.span(parts[0], parts[1]))

    def _header(self, parts: Parts) -> tuple[Word, Word | None, Word | None, Span]:
        tokens: list[Token] = _flat(parts)
        words = [self.word(t) for t in tokens if t.type == "NAME"]
        target = words.pop() if any(t.type == "OF" for t in tokens) else None
        kind, *rest = words
        if len(rest) > 1:
            message = f"a block has one name, and `{rest[0].text}` is it"
            self.faults.append(problem("E0115", rest[1].at, message, "remove this word"))
        self.settled = len(self.faults)  # it is told of the head, and the entries inside are whole
        return kind, rest[0] if rest else None, target, self.span(tokens[0], tokens[-1])

    def _block(self, parts: Parts) -> tree.Block:
        (kind, name, target, header), _, entries, closing = parts
        at = Span(self.source, header.start, closing.end_pos)
        return tree.Block(kind, name, target, entries, at, header)

    def _attribute(self, parts: Parts) -> tree.Attribute:
        key, _, value = parts
        return tree.Attribute(self.word(key), value, self.span(key, value))

    def _bound(self, parts: Parts) -> tree.Bound:
        metric, *middle, operator, value = parts
        argument = middle[1] if middle else None
        return tree.Bound(self.word(metric), argument, operator.value, value, self.span(metric, value))

    def _row(self, parts: Parts) -> tree.TableRow:
        whole = _flat(parts)
        bars, cells = whole[::2], whole[1::2]
        made = [
            cell or self._empty(before, behind)
            for cell, (before, behind) in zip(cells, pairwise(bars), strict=True)
        ]
        return tree.TableRow(tuple(made), self.span(bars[0], bars[-1]))

    def _empty(self, before: Token, behind: Token) -> tree.Empty:
        """The blanks between two bars, or the second bar where there are none."""
        start = before.end_pos if before.end_pos < behind.start_pos else behind.start_pos
        return tree.Empty(Span(self.source, start, max(behind.start_pos, start + 1)))

    def _cell(self, parts: Parts) -> tree.Cell | None:
        if not parts:
            return None
        first, *rest = parts
        if isinstance(first, tree.Group):
            return first
        at = self.span(first, parts[-1])
        if rest and first.type == "NAME":
            return tree.Corner(self.word(first), self.word(rest[1]), at)
        match first.type:
            case "NAME":
                return self.word(first)
            case "STAR":
                return tree.Star(at)
            case "MINUS":
                return tree.Negative(self._literal(rest), at) if rest else tree.Dash(at)
            case _:
                return self._literal([first])

    # ── expressions ───────────────────────────────────────────────────────────────────────────────

    def _name(self, parts: Parts) -> tree.Name:
        (token,) = parts
        return tree.Name(token.value, Span(self.source, token.start_pos, token.end_pos))

    def _list(self, parts: Parts) -> tree.Sequence:
        items = tuple(p for p in _flat(parts) if not isinstance(p, Token))
        return tree.Sequence(items, self.span(parts[0], parts[-1]))

    def _group(self, parts: Parts) -> tree.Group:
        return tree.Group(parts[1], self.span(parts[0], parts[2]))

    def _member(self, parts: Parts) -> tree.Member:
        return tree.Member(parts[0], self.word(parts[2]), self.span(parts[0], parts[2]))

    def _index(self, parts: Parts) -> tree.Index:
        return tree.Index(parts[0], parts[2], self.span(parts[0], parts[3]))

    def _not(self, parts: Parts) -> tree.Not:
        return tree.Not(parts[1], self.span(*parts))

    def _negative(self, parts: Parts) -> tree.Negative:
        return tree.Negative(parts[1], self.span(*parts))

    def _binary(self, parts: Parts) -> tree.Binary:
        left, *operator, right = parts
        sign = Operator(" ".join(token.value for token in operator))
        return tree.Binary(sign, left, right, self.span(left, right))

    def _named(self, parts: Parts) -> tree.Named:
        name, _, value = parts
        return tree.Named(self.word(name), value, self.span(name, value))

    def _call(self, parts: Parts) -> tree.Call:
        function, _, *inner, closing = parts
        given = [p for p in _flat(inner) if not isinstance(p, Token)]
        named = tuple(p for p in given if isinstance(p, tree.Named))
        self._given_once(named)
        plain = tuple(p for p in given if not isinstance(p, tree.Named))
        return tree.Call(function, plain, named, self.span(function, closing))

    def _given_once(self, named: tuple[tree.Named, ...]) -> None:
        first: dict[str, tree.Named] = {}
        for given in named:
            before = first.setdefault(given.name.text, given)
            if before is not given:
                label = Label(at=before.name.at, message="first given here")
                message = f"the argument `{given.name.text}` is given twice"
                self.faults.append(problem("E0108", given.name.at, message, "remove one", labels=[label]))

    # ── tokens ────────────────────────────────────────────────────────────────────────────────────

    def _literal(self, parts: Parts) -> tree.Amount | tree.Text | tree.Constant:
        token: Token = parts[0]
        at = Span(self.source, token.start_pos, token.end_pos)
        match token.type:
            case "QUANTITY":
                return tree.Amount(self._quantity(token, at), at)
            case "STRING":
                return tree.Text(self._unescaped(token.value, at), at, "string")
            case "RAW":
                return tree.Text(token.value[2:-1], at, "raw")
            case "LONG":
                return tree.Text(long_text(token.value), at, "long")
            case _:
                return tree.Constant(CONSTANTS[token.value], at)

    def _quantity(self, token: Token, at: Span) -> Quantity:
        try:
            return read_quantity(token.value)
        except UnknownUnit as fault:
            self.faults.append(_no_unit(token.value, str(fault), at))
        except OutOfRange:
            message = "this number is too large or too small to mean anything"
            self.faults.append(problem("E0301", at, message, "write one of less than 30 digits"))
        return Quantity(Decimal(0), Unit.NUMBER, token.value)

    def _unescaped(self, written: str, at: Span) -> str:
        text = unescaped(written)
        if text is not None:
            return text
        wrong = wrong_escape(written)
        self.faults.append(
            problem(
                "E0114",
                at if wrong is None else at.part(wrong, wrong + 2),
                "this is not an escape of a string",
                'write `\\\\` for a backslash, or r"…" for a regular expression',
                fixes=raw_string(at.source, at.start, written),
            )
        )
        return written[1:-1]


def _flat(parts: Parts) -> Parts:
    """The parts, with those of repetitions, which are lists, in their places."""
    flat: Parts = []
    for part in parts:
        if isinstance(part, list):
            flat += part
        else:
            flat.append(part)
    return flat


def _no_unit(written: str, suffix: str, at: Span) -> Diagnostic:
    meant = MEANT.get(suffix.lower())
    guess = f"{written.removesuffix(suffix)}{meant}" if meant else ""
    return problem(
        "E0301",
        at,
        f"`{suffix}` is not a unit",
        f"did you mean `{guess}`?" if guess else "",
        "units are us ms s min h d, %, $ in front, and /s /min /h behind",
        fixes=rewritten(at, guess) if guess else (),
    )


def _first_words(entry: tree.Entry) -> tuple[Word, ...]:
    """The word by which an entry is known, so that it does not count as missing."""
    match entry:
        case tree.Attribute():
            return (entry.key,)
        case tree.Bound():
            return (entry.metric,)
        case tree.Broken():
            return entry.words
        case _:
            return ()
