"""Costs blocks: what a table or short form says, before any task says which labels there are.

`pricing.py` binds it to a task's labels.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import amount_of, text_of, word_of
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.names import Declared
    from evalspec.text.source import Span

STAR = "*"
ZERO = "write `0` for a mistake that costs nothing"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a row or column: a label, `*`, `abstain` or `invalid`."""

    text: str
    at: Span
    star: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell: its figure, an expression where it depends on the row, None for `-`."""

    value: Decimal | tree.Expr | None
    at: Span


Given = Decimal | tree.Expr  # as written: a figure, or an expression over the example's columns


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTable:
    """A table with truths down and answers across, however it was written."""

    name: str
    at: Span
    unit: str
    truths: tuple[Head, ...]
    answers: tuple[Head, ...]
    figures: Mapping[tuple[str, str], Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoClasses:
    """The short form for two labels."""

    name: str
    at: Span
    unit: str
    positive: tree.Word
    false_positive: Given
    false_negative: Given
    abstain: Given | None
    invalid: Given | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RightOrWrong:
    """The short form for any answer type."""

    name: str
    at: Span
    unit: str
    right: Given
    wrong: Given
    abstain: Given | None
    invalid: Given | None


Written = CostTable | TwoClasses | RightOrWrong


def read_costs(declared: Declared, faults: Faults) -> Mapping[str, Written]:
    """Every costs block that could be understood, by name."""
    found = {name: _read(name, block, faults) for name, block in declared.of("costs").items()}
    return {name: costs for name, costs in found.items() if costs is not None}


def _read(name: str, block: tree.Block, faults: Faults) -> Written | None:
    entries = read_entries(block, faults)
    forms = [f for f, keys in FORMS.items() if any(k in entries.attributes for k in keys)]
    if entries.rows:
        forms.insert(0, "table")
    if len(forms) > 1:
        faults.add(
            "E0318", block.header, "costs are a table or one short form, not both", "remove one of them"
        )
        return None
    if not forms:
        if not entries.broken:
            faults.add(
                "E0318",
                block.header,
                "these costs have no figures",
                "write a table, or `right = 0; wrong = 20`",
            )
        return None
    figures = _figures(entries, faults)
    money = any(m for _, m in figures.values())
    if forms[0] == "table":
        return _table(name, entries, faults) if _all_in_the_table(entries, figures, faults) else None
    unit = _unit(entries, money, faults)
    short = {k: v for k, (v, _) in figures.items()}
    return (
        _two_classes(name, entries, unit, short, faults)
        if forms[0] == "classes"
        else _by_outcome(name, entries, unit, short, faults)
    )


def _all_in_the_table(entries: Entries, figures: Mapping[str, object], faults: Faults) -> bool:
    """Whether a table can be read on: its rows are whole, and its special columns stand in it."""
    for name in figures:
        faults.add("E0318", entries.attributes[name].key.at, f"`{name}` is a column of a table",
                   f"put a column `{name}` into the table")  # fmt: skip
    return not figures and not entries.broken


FORMS = {"classes": ("positive", "false_positive", "false_negative"), "outcome": ("right", "wrong")}


def _figures(entries: Entries, faults: Faults) -> dict[str, tuple[Given, bool]]:
    figures: dict[str, tuple[Given, bool]] = {}
    for name in ("false_positive", "false_negative", "right", "wrong", "abstain", "invalid"):
        value = entries.value(name)
        found = _given(value, f"`{name}`", faults) if value is not None else None
        if found is not None:
            figures[name] = found
    return figures


def _given(value: tree.Expr, what: str, faults: Faults) -> tuple[Given, bool] | None:
    """A figure, or an expression that gives one for each example, and whether money was written."""
    if isinstance(value, tree.Group | tree.Binary | tree.Call | tree.Member):
        return value, _has_money(value)
    return amount_of(value, what, faults)


def _has_money(node: tree.Expr) -> bool:
    match node:
        case tree.Amount():
            return node.quantity.unit is Unit.MONEY
        case tree.Group() | tree.Negative():
            return _has_money(node.value)
        case tree.Binary():
            return _has_money(node.left) or _has_money(node.right)
    return False


def _unit(entries: Entries, money: bool, faults: Faults) -> str:
    value = entries.value("unit")
    declared = text_of(value, "`unit`", faults) if value is not None else None
    if value is not None and declared is not None and money and declared.casefold() != "usd":
        faults.add(
            "E0317", value.at, f"the unit is `{declared}`, and figures are written in dollars", "drop the `$`"
        )
    return declared or ("usd" if money else "points")


def _needed(entries: Entries, names: tuple[str, ...], given: Mapping[str, Given], faults: Faults) -> bool:
    missing = [
        n for n in names if n not in given and n not in entries.attributes and n not in entries.spoiled
    ]
    for name in missing:
        faults.add("E0406", entries.block.header, f"these costs need `{name}`", f"write `{name} = …`")
    return all(n in given for n in names)


def _two_classes(
    name: str, entries: Entries, unit: str, given: Mapping[str, Given], faults: Faults
) -> TwoClasses | None:
    positive = entries.value("positive")
    word = word_of(positive, "`positive`", faults) if positive is not None else None
    if positive is None:
        faults.add("E0406", entries.block.header, "these costs need `positive`", 'write `positive = "spam"`')
    if not _needed(entries, ("false_positive", "false_negative"), given, faults) or word is None:
        return None
    return TwoClasses(
        name=name,
        at=entries.block.header,
        unit=unit,
        positive=word,
        false_positive=given["false_positive"],
        false_negative=given["false_negative"],
        abstain=given.get("abstain"),
        invalid=given.get("invalid"),
    )


def _by_outcome(
    name: str, entries: Entries, unit: str, given: Mapping[str, Given], faults: Faults
) -> RightOrWrong | None:
    if not _needed(entries, ("right", "wrong"), given, faults):
        return None
    return RightOrWrong(
        name=name,
        at=entries.block.header,
        unit=unit,
        right=given["right"],
        wrong=given["wrong"],
        abstain=given.get("abstain"),
        invalid=given.get("invalid"),
    )


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


def _table(name: str, entries: Entries, faults: Faults) -> CostTable | None:
    first, *rest = entries.rows
    corner, *across_cells = first.cells
    turned = _turned(corner, faults)
    across = [_head(cell, faults) for cell in across_cells]
    if turned is None or not _each_once(across, "column", faults):
        return None
    rows = [_row(row, len(first.cells), faults) for row in rest]
    down = [row[0] for row in rows if row is not None]
    if None in rows or not rest or not _each_once(list(down), "row", faults):
        if not rest:
            faults.add("E0313", first.at, "this table has no rows", "add a row for each label")
        return None
    figures: dict[tuple[str, str], Figure] = {}
    money = False
    for row in rows:
        for head, cell in zip(across, row[1] if row else (), strict=True):
            figure, in_money = _figure(cell, faults)
            money |= in_money
            if figure is not None and head is not None and row is not None:
                key = (head.text, row[0].text) if turned else (row[0].text, head.text)
                figures[key] = figure
    if len(figures) < len(across) * len(rows):
        return None
    heads = tuple(h for h in across if h is not None)
    truths, answers = (heads, tuple(down)) if turned else (tuple(down), heads)
    unit = _unit(entries, money, faults)
    if not _dashes_on_the_diagonal(figures, faults):
        return None
    return CostTable(
        name=name, at=entries.block.header, unit=unit, truths=truths, answers=answers, figures=figures
    )


def _dashes_on_the_diagonal(figures: Mapping[tuple[str, str], Figure], faults: Faults) -> bool:
    astray = [
        figure
        for (truth, answer), figure in figures.items()
        # A row without a diagonal is misnamed, which is told where the labels are known.
        if figure.value is None and truth != answer and (truth, truth) in figures
    ]
    for figure in astray:
        faults.add("E0315", figure.at, "`-` stands on the diagonal only", ZERO)
    return not astray


def _turned(corner: tree.Cell, faults: Faults) -> bool | None:
    if isinstance(corner, tree.Corner):
        match corner.down.text, corner.across.text:
            case ("truth", "answer"):
                return False
            case ("answer", "truth"):
                return True
    faults.add("E0313", corner.at, "the corner does not say which way the table reads",
               r"write `truth \ answer`: rows are truths, columns answers")  # fmt: skip
    return None


def _head(cell: tree.Cell, faults: Faults) -> Head | None:
    match cell:
        case tree.Word() | tree.Text():
            return Head(cell.text, cell.at)
        case tree.Amount():
            return Head(cell.quantity.text, cell.at)
        case tree.Star():
            return Head(STAR, cell.at, star=True)
        case tree.Constant():
            word = cell.at.source.text[cell.at.start : cell.at.end]
            faults.add("E0305", cell.at, f"`{word}` is a constant", f'as a label it is quoted: `"{word}"`')
        case _:
            faults.add(
                "E0313", cell.at, "a label is due here", "name a label, or `*` for every label not named"
            )
    return None


def _each_once(heads: list[Head | None], what: str, faults: Faults) -> bool:
    seen: dict[str, Head] = {}
    for head in heads:
        if head is None:
            return False
        if head.text in seen:
            first = Label(at=seen[head.text].at, message="first given here")
            faults.add(
                "E0314", head.at, f"the {what} `{head.text}` stands twice", "remove one", labels=[first]
            )
            return False
        seen[head.text] = head
    return True


def _row(row: tree.TableRow, width: int, faults: Faults) -> tuple[Head, tuple[tree.Cell, ...]] | None:
    head = _head(row.cells[0], faults)
    if len(row.cells) != width:
        faults.add("E0313", row.at, f"this row has {len(row.cells)} cells, and the first has {width}",
                   "give each column a figure")  # fmt: skip
        return None
    return (head, row.cells[1:]) if head is not None else None


def _figure(cell: tree.Cell, faults: Faults) -> tuple[Figure | None, bool]:
    match cell:
        case tree.Dash():
            return Figure(None, cell.at), False
        case tree.Amount() | tree.Negative():
            found = amount_of(cell, "a cost", faults)
            return (Figure(found[0], cell.at), found[1]) if found is not None else (None, False)
        case tree.Group():
            return Figure(cell, cell.at), _has_money(cell)
        case tree.Empty():
            faults.add("E0313", cell.at, "this cell is empty", "write a figure, or `-` for 0 on the diagonal")
        case _:
            faults.add("E0313", cell.at, "a cost is due here", "write a figure, or `-` for 0 on the diagonal")
    return None, False
