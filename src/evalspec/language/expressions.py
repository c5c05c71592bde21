"""Expressions over a row: typed before anything runs, and total when they run.

A missing value makes a condition not true and a computed value missing; nothing a row holds can
raise. There is no way from here to Python: the operators and functions below are all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from evalspec.language import functions
from evalspec.language.functions import FUNCTIONS, Function, Type
from evalspec.syntax import tree
from evalspec.syntax.tree import Operator
from evalspec.text.diagnostics import Diagnostic, Fix, did_you_mean, problem, rewritten
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from decimal import Decimal

    from evalspec.text.source import Span

__all__ = ["MEANT_LITERALLY", "Expression", "Scope", "Type", "compile_expression", "holds"]

MEANT_LITERALLY = "a bracket, dot or star that is meant as itself is written with a `\\` before it"

Row = Mapping[str, object]
Evaluate = Callable[[Row], object]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was understood: its type, the columns it reads, and how it is evaluated."""

    at: Span
    type: Type
    columns: frozenset[str]
    evaluate: Evaluate = field(repr=False, compare=False)

    def __call__(self, row: Row) -> object:
        return self.evaluate(row)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may read, with their types; None where the data were not read."""

    columns: Mapping[str, Type] | None
    where: str  # "dataset `tickets`", for messages
    noun: str = "column"  # what the names are


def holds(condition: Expression, row: Row) -> bool:
    """Whether a condition is true of a row; what is missing makes it not true."""
    return condition.evaluate(row) is True


def compile_expression(node: tree.Expr, scope: Scope) -> tuple[Expression, tuple[Diagnostic, ...]]:
    """The expression that a tree says, and what is wrong with it. Wrong parts have type UNKNOWN."""
    compiler = _Compiler(scope)
    kind, evaluate = compiler.compile(node)
    made = Expression(node.at, kind, frozenset(compiler.read), evaluate)
    return made, tuple(compiler.faults)


Typed = tuple[Type, Evaluate]
NOTHING: Typed = (Type.UNKNOWN, lambda row: None)
ORDER = {Operator.LESS, Operator.LESS_EQUAL, Operator.MORE, Operator.MORE_EQUAL}
ARITHMETIC = {Operator.MINUS, Operator.TIMES, Operator.DIVIDED, Operator.MODULO}


class _Compiler:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.read: set[str] = set()
        self.faults: list[Diagnostic] = []

    def wrong(
        self, code: str, at: Span, message: str, *help_lines: str, fixes: tuple[Fix, ...] = ()
    ) -> Typed:
        self.faults.append(problem(code, at, message, *help_lines, fixes=fixes))
        return NOTHING

    def compile(self, node: tree.Expr) -> Typed:
        match node:
            case tree.Name():
                return self.name(node.text, node.at)
            case tree.Text():
                return Type.TEXT, _constant(node.text)
            case tree.Amount():
                return Type.NUMBER, _constant(_plain(node.quantity.value))
            case tree.Constant():
                return (Type.BOOL if node.value is not None else Type.UNKNOWN), _constant(node.value)
            case tree.Group():
                return self.compile(node.value)
            case tree.Sequence():
                items = [self.compile(item)[1] for item in node.items]
                return Type.LIST, lambda row: [item(row) for item in items]
            case tree.Not():
                return self.negation(node)
            case tree.Negative():
                return self.negative(node)
            case tree.Binary():
                return self.binary(node)
            case tree.Call():
                return self.call(node)
            case tree.Member():
                return self.member(node)
            case tree.Index():
                return self.wrong(
                    "E0303", node.at, "expressions have no `[ ]`", "read a field with `column.field`"
                )

    # ── names ─────────────────────────────────────────────────────────────────────────────────────

    def name(self, text: str, at: Span) -> Typed:
        known = self.scope.columns
        if known is not None and text not in known:
            help_line, fixes = did_you_mean(text, known, at=at)
            quoted = "" if help_line.startswith("did") else f'a text stands in quotes: `"{text}"`'
            self.faults.append(
                problem(
                    "E0203",
                    at,
                    f"{self.scope.where} has no {self.scope.noun} `{text}`",
                    help_line,
                    quoted,
                    fixes=fixes,
                )
            )
            return NOTHING
        self.read.add(text)
        return (known[text] if known is not None else Type.UNKNOWN), lambda row: row.get(text)

    def member(self, node: tree.Member) -> Typed:
        kind, value = self.compile(node.value)
        if kind not in (Type.OBJECT, Type.UNKNOWN):
            return self.wrong(
                "E0302", node.name.at, f"a {kind} has no field `{node.name.text}`", "only objects have fields"
            )
        key = node.name.text
        return Type.UNKNOWN, lambda row: functions.field_of(value(row), key)

    # ── operators ─────────────────────────────────────────────────────────────────────────────────

    def negation(self, node: tree.Not) -> Typed:
        value = self.condition(node.value)
        return Type.BOOL, lambda row: functions.negate(value(row))

    def condition(self, node: tree.Expr) -> Evaluate:
        kind, value = self.compile(node)
        if kind not in (Type.BOOL, Type.UNKNOWN):
            self.wrong("E0302", node.at, f"this is a {kind}, and a condition is due", _condition_help(kind))
        return value

    def negative(self, node: tree.Negative) -> Typed:
        value = self.number(node.value)
        return Type.NUMBER, lambda row: functions.arithmetic(Operator.MINUS, 0, value(row))

    def number(self, node: tree.Expr) -> Evaluate:
        kind, value = self.compile(node)
        if kind not in (Type.NUMBER, Type.UNKNOWN):
            convert = f"`number({_source_text(node)})` converts a text" if kind is Type.TEXT else ""
            fixes = _converted(node) if kind is Type.TEXT else ()
            self.wrong("E0302", node.at, f"this is a {kind}, and a number is due", convert, fixes=fixes)
        return value

    def binary(self, node: tree.Binary) -> Typed:
        match node.operator:
            case Operator.OR | Operator.AND:
                left, right = self.condition(node.left), self.condition(node.right)
                combine = functions.either if node.operator is Operator.OR else functions.both
                return Type.BOOL, lambda row: combine(left(row), right(row))
            case Operator.PLUS:
                return self.plus(node)
            case Operator.IN | Operator.NOT_IN:
                return self.membership(node)
            case Operator.CONTAINS:
                return self.contains(node)
            case Operator.MATCHES:
                return self.matches(node)
        if node.operator in ARITHMETIC:
            sign = node.operator
            first, second = self.number(node.left), self.number(node.right)
            return Type.NUMBER, lambda row: functions.arithmetic(sign, first(row), second(row))
        return self.comparison(node)

    def plus(self, node: tree.Binary) -> Typed:
        (left_type, left), (right_type, right) = self.compile(node.left), self.compile(node.right)
        for kind, part in ((left_type, node.left), (right_type, node.right)):
            if kind not in (Type.NUMBER, Type.TEXT, Type.UNKNOWN):
                return self.wrong("E0302", part.at, f"a {kind} cannot be added", "numbers and texts can")
        self.same(node, left_type, right_type)
        kind = left_type if left_type is not Type.UNKNOWN else right_type
        return kind, lambda row: functions.added(left(row), right(row))

    def comparison(self, node: tree.Binary) -> Typed:
        (left_type, left), (right_type, right) = self.compile(node.left), self.compile(node.right)
        sign = node.operator
        if sign in ORDER:
            for kind, part in ((left_type, node.left), (right_type, node.right)):
                if kind in (Type.BOOL, Type.LIST, Type.OBJECT):
                    message = f"a {kind} has no order"
                    return self.wrong("E0302", part.at, message, "compare it with `==` or `in`")
        self.same(node, left_type, right_type)
        return Type.BOOL, lambda row: functions.compared(sign, left(row), right(row))

    def same(self, node: tree.Binary, left: Type, right: Type) -> None:
        """Both sides are of one type; text against number is the common slip, so it gets its own help."""
        if Type.UNKNOWN in (left, right) or left is right:
            return
        text_side = node.left if left is Type.TEXT else node.right
        convert = "both sides are of one type"
        fixes: tuple[Fix, ...] = ()
        if {left, right} == {Type.TEXT, Type.NUMBER}:
            convert = f"`number({_source_text(text_side)})` makes a number of a text"
            fixes = _converted(text_side)
            if isinstance(text_side, tree.Text):
                convert = f"write `{text_side.text}` without quotes to compare with a number"
        elif {left, right} == {Type.TEXT, Type.DATE}:
            convert = f"`date({_source_text(text_side)})` makes a date of a text"
        self.wrong("E0302", node.at, f"a {left} is set against a {right}", convert, fixes=fixes)

    def membership(self, node: tree.Binary) -> Typed:
        inside = node.operator is Operator.IN
        left_type, left = self.compile(node.left)
        if isinstance(node.right, tree.Sequence):
            items = self.items(node.right.items, left_type)
            return Type.BOOL, lambda row: functions.member_of(
                left(row), [item(row) for item in items], inside
            )
        right_type, right = self.compile(node.right)
        if right_type not in (Type.LIST, Type.UNKNOWN):
            return self.wrong("E0302", node.right.at, f"`in` looks into a list, and this is a {right_type}",
                              "write `[…]`, or `contains` to look into a text")  # fmt: skip
        return Type.BOOL, lambda row: functions.member_of(left(row), right(row), inside)

    def items(self, nodes: tuple[tree.Expr, ...], wanted: Type) -> list[Evaluate]:
        """The items of a list that a value is looked for in; the first of another type is told."""
        compiled = [self.compile(node) for node in nodes]
        for node, (kind, _) in zip(nodes, compiled, strict=True):
            if Type.UNKNOWN not in (kind, wanted) and kind is not wanted:
                message = f"a {kind} stands in the list for a {wanted}"
                self.wrong("E0302", node.at, message, _list_help(kind, wanted))
                break
        return [value for _, value in compiled]

    def contains(self, node: tree.Binary) -> Typed:
        left_type, left = self.compile(node.left)
        right_type, right = self.compile(node.right)
        if left_type not in (Type.TEXT, Type.LIST, Type.UNKNOWN):
            return self.wrong(
                "E0302",
                node.left.at,
                f"`contains` looks into a text or list, and this is a {left_type}",
                "turn the two round?" if right_type in (Type.TEXT, Type.LIST) else "compare it with `==`",
            )
        if left_type is Type.TEXT and right_type not in (Type.TEXT, Type.UNKNOWN):
            return self.wrong(
                "E0302",
                node.right.at,
                f"a text cannot contain a {right_type}",
                "`text(…)` makes a text of it",
            )
        return Type.BOOL, lambda row: functions.contained(left(row), right(row))

    def matches(self, node: tree.Binary) -> Typed:
        left_type, left = self.compile(node.left)
        if left_type not in (Type.TEXT, Type.UNKNOWN):
            return self.wrong(
                "E0302",
                node.left.at,
                f"`matches` looks into a text, and this is a {left_type}",
                "`text(…)` makes a text of it",
            )
        if not isinstance(node.right, tree.Text):
            return self.wrong("E0302", node.right.at, "`matches` takes a regular expression", 'write r"…"')
        fault = functions.pattern_fault(node.right.text)
        if fault is not None:
            message = f"this is not a regular expression: {fault}"
            return self.wrong("E0304", node.right.at, message, MEANT_LITERALLY)
        pattern = node.right.text
        return Type.BOOL, lambda row: functions.matched(left(row), pattern)

    # ── functions ─────────────────────────────────────────────────────────────────────────────────

    def call(self, node: tree.Call) -> Typed:
        if not isinstance(node.function, tree.Name):
            return self.wrong("E0303", node.at, "only a function can be called")
        name = node.function.text
        if name == "column":
            return self.column(node)
        function = FUNCTIONS.get(name)
        if function is None:
            help_line, fixes = did_you_mean(name, [*FUNCTIONS, "column"], at=node.function.at)
            message = f"there is no function `{name}`"
            return self.wrong("E0303", node.function.at, message, help_line, fixes=fixes)
        if node.named or len(node.arguments) != len(function.takes):
            return self.wrong("E0303", node.at, f"`{name}` is written `{function.shape}`")
        return self.applied(function, node)

    def applied(self, function: Function, node: tree.Call) -> Typed:
        values = []
        for argument, wanted in zip(node.arguments, function.takes, strict=True):
            kind, value = self.compile(argument)
            if kind is not Type.UNKNOWN and kind not in wanted:
                due = " or ".join(sorted(wanted))
                self.wrong("E0302", argument.at, f"`{function.name}` takes a {due}, and this is a {kind}")
            values.append(value)
        apply = function.apply
        return function.gives, lambda row: apply(*(value(row) for value in values))

    def column(self, node: tree.Call) -> Typed:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], tree.Text):
            return self.wrong("E0303", node.at, '`column` is written `column("name")`')
        return self.name(node.arguments[0].text, node.arguments[0].at)


def _constant(value: object) -> Evaluate:
    return lambda row: value


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _source_text(node: tree.Expr) -> str:
    return node.at.source.text[node.at.start : node.at.end]


def _converted(node: tree.Expr) -> tuple[Fix, ...]:
    """`number(…)` around a text, or a figure without its quotes; nothing for what is no plain operand."""
    text = _source_text(node)
    if isinstance(node, tree.Text):
        return rewritten(node.at, node.text) if node.text.isascii() and node.text.isdigit() else ()
    return (
        rewritten(node.at, f"number({text})") if isinstance(node, tree.Name | tree.Member | tree.Call) else ()
    )


def _condition_help(kind: Type) -> str:
    return "compare it with something: `… == …`" if kind in (Type.TEXT, Type.NUMBER) else ""


def _list_help(item: Type, wanted: Type) -> str:
    if item is Type.NUMBER and wanted is Type.TEXT:
        return "quote it, since the column is text; `number(…)` makes a number of a text"
    return f"write a {wanted}"
