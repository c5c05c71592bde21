"""The right answers: `gold = …`, `gold { FIELD = … }`, the label, or columns named as the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import read_entries
from evalspec.language.answer_types import AnswerType, CodeAnswer, JsonAnswer, ToolCall
from evalspec.language.expressions import Expression, Type, compile_expression
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults
    from evalspec.text.source import Span

CONVERSIONS = ("number", "text", "date", "lower", "upper", "strip")
CALL_PARTS = ("name", "arguments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """The right answer as an expression; of an object by its parts, those of `gold { … }` by name."""

    whole: Expression | None = None
    fields: Mapping[str, Expression]


NO_GOLD = Gold(fields={})


def read_gold(entries: Entries, data: Data, answer: AnswerType | None, default: bool, faults: Faults) -> Gold:
    """What `gold` says, else (where `default`) the dataset's label. An object's gold are the columns named as
    its fields, where there is one for each, unless the label is an object itself."""
    block, value = entries.nested("gold"), entries.value("gold")
    if block is not None:
        return _by_fields(block, data, answer, faults)
    if value is not None:
        expression, found = compile_expression(value, data.scope)
        faults.extend(found)
        return Gold(whole=expression, fields={}) if not found else NO_GOLD
    if "gold" in entries.spoiled or not default:
        return NO_GOLD
    given = entries.value("answer")
    at = given.at if given is not None else entries.block.header
    label = data.dataset.label
    by_name = _of_columns(at, data, answer)
    if label is None or (by_name.whole is not None and (data.types or {}).get(label) is not Type.OBJECT):
        return by_name
    return Gold(whole=_column(label, at, data), fields={})


def _column(name: str, at: Span, data: Data) -> Expression:
    kind = (data.types or {}).get(name, Type.UNKNOWN)
    return Expression(at, kind, frozenset((name,)), lambda row: row.get(name))


def parts_of(answer: AnswerType | None) -> tuple[str, ...]:
    """The parts of an answer that have a gold each."""
    match answer:
        case JsonAnswer(fields=fields):
            return tuple(f.name for f in fields if f.scored)
        case ToolCall():
            return CALL_PARTS
        case _:
            return ()


def _of_columns(at: Span, data: Data, answer: AnswerType | None) -> Gold:
    """The object of the columns that are named as the parts, where there is one for each."""
    names = parts_of(answer)
    if not names or (data.types is not None and any(name not in data.types for name in names)):
        return NO_GOLD
    return Gold(whole=_object(at, {name: _column(name, at, data) for name in names}), fields={})


def _by_fields(block: tree.Block, data: Data, answer: AnswerType | None, faults: Faults) -> Gold:
    """`gold { FIELD = EXPRESSION }`: the parts that are judged, and no other."""
    inner = read_entries(block, faults)
    names = parts_of(answer)
    if answer is not None and not names:
        faults.add(
            "E0409", block.header, "`gold { … }` is for `json` and `tool_call`", "write `gold = COLUMN`"
        )
        return NO_GOLD
    golds: dict[str, Expression] = {}
    for name, attribute in inner.attributes.items():
        if answer is not None and name not in names:
            help_line, fixes = did_you_mean(name, names, at=attribute.key.at)
            said = f"the answer has no field `{name}` that is judged"
            faults.found.append(problem("E0434", attribute.key.at, said, help_line, fixes=fixes))
            continue
        expression, found = compile_expression(attribute.value, data.scope)
        faults.extend(found)
        if not found:
            golds[name] = expression
    if not inner.attributes and not inner.broken:
        faults.add("E0436", block.header, "`gold` holds no field", "write `FIELD = COLUMN`")
    return Gold(whole=_object(block.header, golds), fields=golds) if golds else NO_GOLD


def _object(at: Span, golds: Mapping[str, Expression]) -> Expression:
    """The object of some golds. A row in which all of them are missing has no gold of any field."""
    columns = frozenset(column for gold in golds.values() for column in gold.columns)
    return Expression(at, Type.OBJECT, columns, lambda row: {n: gold(row) for n, gold in golds.items()})


def gold_is_told(entries: Entries, data: Data, gold: Gold, answer: AnswerType, faults: Faults) -> None:
    """Says that nothing tells which answers are right, where nothing does."""
    if gold.whole is not None or "gold" in entries.attributes or "gold" in entries.spoiled:
        return
    if entries.nested("gold") is not None or data.dataset.label is not None or isinstance(answer, CodeAnswer):
        return
    if data.loaded is None:  # a label was given but is wrong, which was told: the data were not prepared
        return
    names = parts_of(answer)
    missing = [name for name in names if name not in (data.types or {})]
    if names and len(missing) < len(names):
        at, said = entries.block.header, f"no column holds the gold of the field `{missing[0]}`"
        faults.add(
            "E0436", at, said, f"write `gold {{ {missing[0]} = COLUMN; … }}` with the fields to be judged"
        )
        return
    faults.add(
        "E0426",
        entries.block.header,
        "nothing says which answers are right",
        f"write `label = COLUMN` in dataset `{data.dataset.name}`, or `gold = …` here",
    )


def gold_columns(entries: Entries, data: Data, gold: Gold, default: bool) -> frozenset[str]:
    """The columns that say the right answer outright: the gold's, and those derived from nothing else.

    A gold that is computed from a text (`words(body)`) does not make the text a secret.
    """
    value, block = entries.value("gold"), entries.nested("gold")
    if block is not None:
        parts = [entry.value for entry in block.entries if isinstance(entry, tree.Attribute)]
        columns = {column for part in parts if (column := _converted(part)) is not None}
    elif value is not None:
        columns = {column for column in (_converted(value),) if column is not None}
    elif "gold" in entries.spoiled or not default:
        columns = set()
    else:
        columns = set(gold.whole.columns) if gold.whole is not None else set()
    return frozenset(secret for column in columns for secret in _with_derived(column, data))


def _with_derived(column: str, data: Data) -> set[str]:
    gold = {column}
    for derived in data.dataset.derive:
        if derived.expression.columns and derived.expression.columns <= gold:
            gold.add(derived.name)
        elif derived.name == column and len(derived.expression.columns) == 1:
            gold |= derived.expression.columns & {data.dataset.label}
    return gold


def _converted(node: tree.Expr) -> str | None:
    """The column that an expression is, but for conversions; None for anything else."""
    match node:
        case tree.Name():
            return node.text
        case tree.Group():
            return _converted(node.value)
        case tree.Call(function=tree.Name(text="column"), arguments=(tree.Text() as name,)):
            return name.text
        case tree.Call(function=tree.Name() as function, arguments=(argument,)):
            return _converted(argument) if function.text in CONVERSIONS else None
    return None
