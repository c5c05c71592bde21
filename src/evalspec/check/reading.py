"""How a step's answers are read and judged: answer type, extraction, score, gold, confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, known_column
from evalspec.check.pricing import Labels
from evalspec.check.values import (
    call_of,
    flag_of,
    items_of,
    labels_of,
    quantity_of,
    several_of,
    shown,
    unexpected_arguments,
    word_of,
)
from evalspec.language.answer_types import AnswerType, LetterOf, NumberAnswer, OneOf, TextAnswer, YesNo
from evalspec.language.call_names import not_built_calls
from evalspec.language.expressions import MEANT_LITERALLY, Expression, Type, compile_expression
from evalspec.language.functions import pattern_fault, to_text
from evalspec.language.judging import Contains, Exact, Fence, Matches, Pattern, TextScore
from evalspec.language.program import ConfidenceSource
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults
    from evalspec.text.source import Span

ANSWERS = ("one_of", "yes_no", "number", "text", "letter_of")
IGNORABLE = ("case", "space", "punctuation", "articles")
UNKNOWN_LABELS = Labels((), None)


@dataclass(frozen=True, slots=True)
class AnswerRead:
    """An answer type with its labels: None where it has none, empty names where they are not known."""

    type: AnswerType
    labels: Labels | None

    @property
    def value_type(self) -> Type:
        """The type of the value that later steps read."""
        return Type.NUMBER if isinstance(self.type, NumberAnswer) else Type.TEXT


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
        _no_answer_type(value, call[0] if call else "", faults)
        return None
    name, arguments, named = call
    legal = {"one_of": ("abstain",), "number": ("within",)}.get(name, ())
    takes = 1 if name in ("one_of", "letter_of") else 0
    unexpected_arguments(value.at, name, arguments[takes:], named, legal, faults)
    match name:
        case "one_of":
            return _one_of(value.at, arguments, named.get("abstain"), data, faults)
        case "letter_of":
            return _letter_of(value.at, arguments, data, faults)
        case "number":
            return AnswerRead(_number(named.get("within"), faults), None)
        case "yes_no":
            return AnswerRead(YesNo(), Labels(("yes", "no"), value.at))
        case _:
            return AnswerRead(TextAnswer(), None)


def _no_answer_type(value: tree.Expr, name: str, faults: Faults) -> None:
    if name in not_built_calls("answer"):
        faults.not_built(value.at, f"the answer type `{name}`")
        return
    at = value.function.at if isinstance(value, tree.Call) else value.at
    help_line, fixes = did_you_mean(name, ANSWERS, at=at) if name else (f"one of {', '.join(ANSWERS)}", ())
    faults.found.append(
        problem("E0422", at, f"there is no answer type `{name or shown(value)}`", help_line, fixes=fixes)
    )


def _one_of(
    at: Span, arguments: tuple[tree.Expr, ...], decline: tree.Named | None, data: Data, faults: Faults
) -> AnswerRead | None:
    if not arguments:
        faults.add("E0306", at, "`one_of` needs its labels", "write `one_of(COLUMN)` or `one_of([a, b])`")
        return None
    labels = _labels(arguments[0], data, faults)
    if labels is None:
        return None
    declining = word_of(decline.value, "`abstain`", faults) if decline is not None else None
    if declining is not None and labels.names and declining.text not in labels.names:
        faults.add("E0310", declining.at, f"`{declining.text}` is not a label", "add it to the list")
        return None
    return AnswerRead(OneOf(labels=labels.names, decline=declining.text if declining else None), labels)


def _labels(node: tree.Expr, data: Data, faults: Faults) -> Labels | None:
    if isinstance(node, tree.Sequence):
        listed = labels_of(node, faults)
        return Labels(listed, node.at) if listed is not None else None
    word = word_of(node, "a column of labels", faults)
    column = known_column(word, data.scope, faults) if word is not None else None
    if column is None:
        return None
    if column == data.dataset.label and data.dataset.labels is not None:
        return Labels(data.dataset.labels, data.dataset.labels_at)
    if data.loaded is None:
        return UNKNOWN_LABELS
    values = {to_text(row.values.get(column)) for row in data.loaded.rows}
    names = tuple(sorted(v for v in values if isinstance(v, str) and v))
    if len(names) > 2000:
        faults.add(
            "E0423",
            node.at,
            f"`{column}` has {len(names):,} values",
            "labels are few; is this the right column?",
        )
        return None
    return Labels(names, node.at)


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


# ── extraction ────────────────────────────────────────────────────────────────────────────────────


def read_extract(entries: Entries, faults: Faults) -> tuple[Pattern | Fence, ...]:
    """The extractions in the order they are tried."""
    value = entries.value("extract")
    found = [_extraction(item, faults) for item in items_of(value, 'write `last(r"…")`', faults)]
    return tuple(f for f in found if f is not None)


def _extraction(node: tree.Expr, faults: Faults) -> Pattern | Fence | None:
    match call_of(node):
        case ("last" | "first" as which, (tree.Text() as pattern,), {}):
            fault = pattern_fault(pattern.text)
            if fault is not None:
                faults.add("E0304", pattern.at, f"this is not a regular expression: {fault}", MEANT_LITERALLY)
                return None
            return Pattern(regex=pattern.text, last=which == "last")
        case ("fence", (tree.Name(text="last" | "first") as which,), {}):
            return Fence(last=which.text == "last")
    faults.add("E0305", node.at, f"`extract` is a pattern or a fence, and this is `{shown(node)}`",
               'write `last(r"Answer: (.*)")`, `first(r"…")`, `fence(last)` or a list of them')  # fmt: skip
    return None


def read_abstains(entries: Entries, answer: AnswerType, faults: Faults) -> str | None:
    """The pattern by which a free answer declines."""
    value = entries.value("abstains")
    pattern = _matches(value, faults) if value is not None else None
    if value is not None and not isinstance(answer, TextAnswer | NumberAnswer):
        faults.add("E0409", value.at, "`abstains` is for `text` and `number` answers",
                   "a label that declines is named by `one_of(…, abstain = LABEL)`")  # fmt: skip
        return None
    return pattern


def _matches(node: tree.Expr, faults: Faults) -> str | None:
    match call_of(node):
        case ("matches", (tree.Text() as pattern,), {}):
            fault = pattern_fault(pattern.text)
            if fault is None:
                return pattern.text
            faults.add("E0304", pattern.at, f"this is not a regular expression: {fault}", MEANT_LITERALLY)
            return None
    faults.add("E0305", node.at, f"a pattern is due, and this is `{shown(node)}`", 'write `matches(r"…")`')
    return None


# ── judging ───────────────────────────────────────────────────────────────────────────────────────


def read_score(entries: Entries, answer: AnswerType, faults: Faults) -> TextScore:
    """How a text is judged."""
    value = entries.value("score")
    if value is None:
        return Exact()
    call = call_of(value)
    name = call[0] if call is not None else ""
    if name in not_built_calls("score"):
        faults.not_built(value.at, f"the score `{name}`")
        return Exact()
    if not isinstance(answer, TextAnswer):
        faults.add(
            "E0409",
            value.at,
            "`score` is for `text` answers",
            "other answers are right when they equal the gold",
        )
        return Exact()
    match call:
        case ("exact", arguments, named):
            unexpected_arguments(value.at, "exact", arguments, named, ("ignore",), faults)
            return Exact(ignore=_ignored(named.get("ignore"), faults))
        case ("contains", arguments, named):
            unexpected_arguments(value.at, "contains", arguments, named, (), faults)
            return Contains()
        case ("matches", _, _):
            pattern = _matches(value, faults)
            return Matches(regex=pattern) if pattern is not None else Exact()
    at = value.function.at if isinstance(value, tree.Call) else value.at
    help_line, fixes = did_you_mean(name, ("exact", "contains", "matches"), at=at)
    faults.add("E0424", value.at, f"there is no score `{name or shown(value)}`", help_line, fixes=fixes)
    return Exact()


def _ignored(named: tree.Named | None, faults: Faults) -> frozenset[str]:
    words = several_of(named.value, "what is ignored", faults) if named is not None else None
    for word in words or ():
        if word.text not in IGNORABLE:
            help_line, fixes = did_you_mean(word.text, IGNORABLE, at=word.at)
            faults.add("E0306", word.at, f"`exact` cannot ignore `{word.text}`", help_line, fixes=fixes)
    return frozenset(w.text for w in words or () if w.text in IGNORABLE)


def read_gold(entries: Entries, data: Data, default: bool, faults: Faults) -> Expression | None:
    """The right answer as an expression: what `gold` says, else (where `default`) the dataset's label."""
    value = entries.value("gold")
    if value is None and "gold" not in entries.spoiled and default and data.dataset.label is not None:
        label = data.dataset.label
        kind = (data.types or {}).get(label, Type.UNKNOWN)
        answer = entries.value("answer")
        at = answer.at if answer is not None else entries.block.header
        return Expression(at, kind, frozenset((label,)), lambda row: row.get(label))
    if value is None:
        return None
    expression, found = compile_expression(value, data.scope)
    faults.extend(found)
    return expression if not found else None


CONVERSIONS = ("number", "text", "date", "lower", "upper", "strip")


def gold_columns(entries: Entries, data: Data, default: bool) -> frozenset[str]:
    """The columns that say the right answer outright: the gold's, and those derived from nothing else.

    A gold that is computed from a text (`words(body)`) does not make the text a secret.
    """
    value = entries.value("gold")
    label = data.dataset.label if default and "gold" not in entries.spoiled else None
    column = _converted(value) if value is not None else label
    if column is None:
        return frozenset()
    gold = {column}
    for derived in data.dataset.derive:
        if derived.expression.columns and derived.expression.columns <= gold:
            gold.add(derived.name)
        elif derived.name == column and len(derived.expression.columns) == 1:
            gold |= derived.expression.columns & {data.dataset.label}
    return frozenset(gold)


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


def read_confidence(entries: Entries, labels: Labels | None, faults: Faults) -> tuple[ConfidenceSource, ...]:
    """The sources of confidence in the order they are preferred."""
    value = entries.value("confidence")
    items = items_of(value, "write `logprobs` or `stated`", faults)
    sources: list[ConfidenceSource] = []
    for item in items:
        call = call_of(item)
        name = call[0] if call is not None else ""
        if name in not_built_calls("confidence"):
            faults.not_built(item.at, f"the confidence `{name}`")
        elif name not in ("logprobs", "stated") or isinstance(item, tree.Call):
            help_line, fixes = did_you_mean(name, ("logprobs", "stated"), at=item.at)
            message = f"there is no confidence `{name or shown(item)}`"
            faults.add("E0425", item.at, message, help_line, fixes=fixes)
        elif name == "logprobs" and labels is None:
            faults.add(
                "E0414",
                item.at,
                "`logprobs` gives the probabilities of labels, and these answers have none",
                "write `confidence = stated`",
            )
        elif ConfidenceSource(name) in sources:
            faults.add("E0404", item.at, f"`{name}` is given twice", "remove one")
        else:
            sources.append(ConfidenceSource(name))
    return tuple(sources)


def read_strip(entries: Entries, faults: Faults) -> bool:
    """Whether reasoning between <think> tags is dropped."""
    value = entries.value("strip_reasoning")
    found = flag_of(value, "`strip_reasoning`", faults) if value is not None else None
    return True if found is None else found
