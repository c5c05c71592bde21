"""The answer type of a step: what kind of answer is due, and which labels it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.answers.labels import parts_of
from evalspec.check.datasets import Data, known_column
from evalspec.check.pricing import Labels
from evalspec.check.values import (
    call_of,
    labels_of,
    quantity_of,
    several_of,
    shown,
    unexpected_arguments,
    word_of,
)
from evalspec.language.answer_types import (
    AnswerType,
    JsonAnswer,
    LetterOf,
    NumberAnswer,
    OneOf,
    SomeOf,
    TextAnswer,
    ToolCall,
    YesNo,
)
from evalspec.language.call_names import CALLS
from evalspec.language.expressions import Type
from evalspec.language.functions import to_text
from evalspec.language.shapes import ANYTHING, LABELS, NUMBER, TEXT, Items, Record, Shape
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults
    from evalspec.language.answer_types import JsonType
    from evalspec.text.source import Span

ANSWERS = tuple(CALLS["answer"])
UNKNOWN_LABELS = Labels((), None)
MOST_LABELS = 2000
NAMED = {"one_of": ("abstain",), "number": ("within",)}  # the arguments by name that a type takes
TAKES = ("one_of", "some_of", "letter_of")  # those that take one argument without a name
SPELT_OUT = ("json", "tool_call", "code")  # those that read their own arguments


@dataclass(frozen=True, slots=True)
class AnswerRead:
    """An answer type with its labels: None where it has none, empty names where they are not known."""

    type: AnswerType
    labels: Labels | None

    @property
    def value_type(self) -> Type:
        """The type of the value that later steps read."""
        match self.type:
            case NumberAnswer():
                return Type.NUMBER
            case SomeOf():
                return Type.LIST
            case JsonAnswer() | ToolCall():
                return Type.OBJECT
            case _:
                return Type.TEXT

    @property
    def shape(self) -> Shape:
        """What is known of the value that later steps read: the fields of an object too."""
        match self.type:
            case JsonAnswer(fields=fields, schema=schema):
                if schema is not None and not fields:
                    return ANYTHING
                return Record({f.name: _shape(f.type) for f in fields}, "the answer")
            case ToolCall():
                return Record({"name": TEXT, "arguments": ANYTHING}, "the call")
            case SomeOf():
                return LABELS
            case NumberAnswer():
                return NUMBER
            case _:
                return TEXT

    @property
    def lists_labels(self) -> bool:
        """Whether templates may read `labels`."""
        return self.labels is not None or isinstance(self.type, SomeOf)


def _shape(kind: JsonType) -> Shape:
    from evalspec.language.answer_types import ListType, ObjectType

    match kind:
        case NumberAnswer():
            return NUMBER
        case SomeOf():
            return LABELS
        case ObjectType(fields=fields):
            return Record({f.name: _shape(f.type) for f in fields}, "the object")
        case ListType(of=of):
            return Items(_shape(of))
        case TextAnswer() | OneOf() | YesNo():
            return TEXT
        case _:
            return ANYTHING


def read_answer(entries: Entries, data: Data, faults: Faults) -> AnswerRead | None:
    """The answer type of a step; None after saying what is wrong."""
    value = entries.value("answer")
    if value is None:
        if "answer" not in entries.spoiled:
            faults.add(
                "E0406",
                entries.block.header,
                f"`{entries.block.kind.text}` needs `answer`",
                "write `answer = one_of(COLUMN)`, `yes_no`, `number`, `text` or `letter_of([A, B, C, D])`",
            )
        return None
    call = call_of(value)
    if call is None or call[0] not in ANSWERS:
        no_such_type(value, call[0] if call else "", ANSWERS, faults)
        return None
    if call[0] in SPELT_OUT:
        from evalspec.check.structured import read_structured  # which few specs need

        found = read_structured(value, call, entries, data, faults)
        return AnswerRead(found, None) if found is not None else None
    return _plain(value, data, faults)


def no_such_type(value: tree.Expr, name: str, legal: tuple[str, ...], faults: Faults) -> None:
    """Says that there is no answer type of a name among those legal here."""
    at = value.function.at if isinstance(value, tree.Call) else value.at
    help_line, fixes = did_you_mean(name, legal, at=at) if name else (f"one of {', '.join(legal)}", ())
    faults.found.append(
        problem("E0422", at, f"there is no answer type `{name or shown(value)}`", help_line, fixes=fixes)
    )


def _plain(value: tree.Expr, data: Data, faults: Faults) -> AnswerRead | None:
    """The types whose arguments are labels, columns and figures, from a call that is one of them."""
    name, arguments, named = call_of(value) or ("", (), {})
    takes = 1 if name in TAKES else 0
    unexpected_arguments(value.at, name, arguments[takes:], named, NAMED.get(name, ()), faults)
    match name:
        case "one_of":
            return _one_of(value.at, arguments, named.get("abstain"), data, faults)
        case "some_of":
            labels = _listed(value.at, name, arguments, data, faults)
            return AnswerRead(SomeOf(labels=labels.names), None) if labels is not None else None
        case "letter_of":
            return _letter_of(value.at, arguments, data, faults)
        case "number":
            return AnswerRead(_number(named.get("within"), faults), None)
        case "yes_no":
            return AnswerRead(YesNo(), Labels(("yes", "no"), value.at))
        case _:
            return AnswerRead(TextAnswer(), None)


def plain_type(value: tree.Expr, data: Data, faults: Faults) -> AnswerType | None:
    """A type of those that a field of an object can have as well: text, number, yes_no, one_of, some_of."""
    read = _plain(value, data, faults)
    return read.type if read is not None else None


def _one_of(
    at: Span, arguments: tuple[tree.Expr, ...], decline: tree.Named | None, data: Data, faults: Faults
) -> AnswerRead | None:
    labels = _listed(at, "one_of", arguments, data, faults)
    if labels is None:
        return None
    declining = word_of(decline.value, "`abstain`", faults) if decline is not None else None
    if declining is not None and labels.names and declining.text not in labels.names:
        faults.add("E0310", declining.at, f"`{declining.text}` is not a label", "add it to the list")
        return None
    return AnswerRead(OneOf(labels=labels.names, decline=declining.text if declining else None), labels)


def _listed(
    at: Span, name: str, arguments: tuple[tree.Expr, ...], data: Data, faults: Faults
) -> Labels | None:
    """The labels of `one_of` and `some_of`: a list of them, or those of a column."""
    if not arguments:
        faults.add("E0306", at, f"`{name}` needs its labels", f"write `{name}(COLUMN)` or `{name}([a, b])`")
        return None
    node = arguments[0]
    if isinstance(node, tree.Sequence):
        listed = labels_of(node, faults)
        return Labels(listed, node.at) if listed is not None else None
    word = word_of(node, "a column of labels", faults)
    column = known_column(word, data.scope, faults) if word is not None else None
    return _of_column(column, node, name == "some_of", data, faults) if column is not None else None


def _of_column(column: str, node: tree.Expr, sets: bool, data: Data, faults: Faults) -> Labels | None:
    """The labels that are declared for a column, else the values that it has, in alphabetical order."""
    if column == data.dataset.label and data.dataset.labels is not None:
        return Labels(data.dataset.labels, data.dataset.labels_at)
    if data.loaded is None:
        return UNKNOWN_LABELS
    cells = [row.values.get(column) for row in data.loaded.rows]
    values = [part for cell in cells for part in _parts(cell)] if sets else cells
    names = tuple(sorted({v for v in map(to_text, values) if isinstance(v, str) and v}))
    if len(names) > MOST_LABELS:
        message = f"`{column}` has {len(names):,} values"
        faults.add("E0423", node.at, message, "labels are few; is this the right column?")
        return None
    return Labels(names, node.at)


def _parts(cell: object) -> list[object]:
    """The labels of a cell that holds a set."""
    if isinstance(cell, list):
        return cell
    return parts_of(cell) if isinstance(cell, str) else [cell]


def _letter_of(at: Span, arguments: tuple[tree.Expr, ...], data: Data, faults: Faults) -> AnswerRead | None:
    words = several_of(arguments[0], "a column", faults) if arguments else None
    if not arguments:
        faults.add("E0306", at, "`letter_of` needs its columns", "write `letter_of([A, B, C, D])`")
    if words is None:
        return None
    columns = [known_column(word, data.scope, faults) for word in words]
    if None in columns:
        return None
    if not 2 <= len(columns) <= 26:
        message = f"`letter_of` takes 2 to 26 columns, and these are {len(columns)}"
        faults.add("E0306", arguments[0].at, message, "write `letter_of([A, B, C, D])`")
        return None
    answer = LetterOf(columns=tuple(c for c in columns if c is not None))
    return AnswerRead(answer, Labels(answer.letters, arguments[0].at))


def _number(within: tree.Named | None, faults: Faults) -> NumberAnswer:
    if within is None:
        return NumberAnswer()
    found = quantity_of(within.value, (Unit.RATIO, Unit.NUMBER, Unit.MONEY), "`within`", faults)
    if found is not None and found.value < 0:
        faults.add("E0305", within.value.at, "`within` is not negative", "write `within = 1%`")
        return NumberAnswer()
    if found is not None and found.unit is Unit.RATIO:
        return NumberAnswer(relative=found.value)
    return NumberAnswer(absolute=found.value if found is not None else None)
