"""Costs blocks: what a table or short form says, and its figures for a task's labels.

A table is read once (`read_costs`) and bound to labels where a task uses it (`bind_costs`), since it
is the task that says which labels there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.names import Declared
from evalspec.check.values import amount_of, text_of, word_of
from evalspec.language.program import ABSTAIN, INVALID, CostByOutcome, CostMatrix, Costs
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, problem
from evalspec.text.source import Span

STAR = "*"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a row or column: a label, `*`, `abstain` or `invalid`."""

    text: str
    at: Span
    star: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell: its figure, None for `-`."""

    value: Decimal | None
    at: Span


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
    false_positive: Decimal
    false_negative: Decimal
    abstain: Decimal | None
    invalid: Decimal | None


Written = CostTable | TwoClasses | CostByOutcome


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
        faults.add("E0318", block.header, "costs are a table or one short form, not both", "remove one of them")
        return None
    if not forms:
        if not entries.broken:
            faults.add("E0318", block.header, "these costs have no figures", "write a table, or `right = 0; wrong = 20`")
        return None
    figures = _figures(entries, faults)
    money = any(m for _, m in figures.values())
    if forms[0] == "table":
        return _table(name, entries, faults)
    unit = _unit(entries, money, faults)
    short = {k: v for k, (v, _) in figures.items()}
    return _two_classes(name, entries, unit, short, faults) if forms[0] == "classes" else _by_outcome(name, entries, unit, short, faults)


FORMS = {"classes": ("positive", "false_positive", "false_negative"), "outcome": ("right", "wrong")}


def _figures(entries: Entries, faults: Faults) -> dict[str, tuple[Decimal, bool]]:
    figures = {}
    for name in ("false_positive", "false_negative", "right", "wrong", "abstain", "invalid"):
        value = entries.value(name)
        found = amount_of(value, f"`{name}`", faults) if value is not None else None
        if found is not None:
            figures[name] = found
    return figures


def _unit(entries: Entries, money: bool, faults: Faults) -> str:
    value = entries.value("unit")
    declared = text_of(value, "`unit`", faults) if value is not None else None
    if value is not None and declared is not None and money and declared.casefold() != "usd":
        faults.add("E0317", value.at, f"the unit is `{declared}`, and figures are written in dollars", "drop the `$`")
    return declared or ("usd" if money else "points")


def _needed(entries: Entries, names: tuple[str, ...], given: Mapping[str, Decimal], faults: Faults) -> bool:
    missing = [n for n in names if n not in given and n not in entries.attributes and n not in entries.spoiled]
    for name in missing:
        faults.add("E0406", entries.block.header, f"these costs need `{name}`", f"write `{name} = …`")
    return all(n in given for n in names)


def _two_classes(
    name: str, entries: Entries, unit: str, given: Mapping[str, Decimal], faults: Faults
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
    name: str, entries: Entries, unit: str, given: Mapping[str, Decimal], faults: Faults
) -> CostByOutcome | None:
    if not _needed(entries, ("right", "wrong"), given, faults):
        return None
    if given["right"] >= given["wrong"]:
        faults.add("W0316", entries.block.header, "a right answer costs no less than a wrong one")
    largest = max(given["right"], given["wrong"], given.get("abstain", given["wrong"]))
    return CostByOutcome(
        name=name,
        at=entries.block.header,
        unit=unit,
        right=given["right"],
        wrong=given["wrong"],
        abstain=given.get("abstain"),
        invalid=given.get("invalid", largest),
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
    return CostTable(name=name, at=entries.block.header, unit=unit, truths=truths, answers=answers, figures=figures)


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
            faults.add("E0313", cell.at, "a label is due here", "name a label, or `*` for every label not named")
    return None


def _each_once(heads: list[Head | None], what: str, faults: Faults) -> bool:
    seen: dict[str, Head] = {}
    for head in heads:
        if head is None:
            return False
        if head.text in seen:
            first = Label(at=seen[head.text].at, message="first given here")
            faults.add("E0314", head.at, f"the {what} `{head.text}` stands twice", "remove one", labels=[first])
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
            faults.not_built(cell.at, "a cost that depends on the row")
        case tree.Empty():
            faults.add("E0313", cell.at, "this cell is empty", "write a figure, or `-` for 0 on the diagonal")
        case _:
            faults.add("E0313", cell.at, "a cost is due here", "write a figure, or `-` for 0 on the diagonal")
    return None, False


# ── bound to labels ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a task, and where they were declared, for messages."""

    names: tuple[str, ...]
    at: Span | None


def bind_costs(written: Written, labels: Labels | None, used_at: Span, faults: Faults) -> Costs | None:
    """The costs for a task's labels (None where its answers have none)."""
    if isinstance(written, CostByOutcome):
        return written
    if labels is None:
        faults.add("E0319", used_at, f"`{written.name}` prices labels, and these answers have none",
                   "price them by `right = 0; wrong = 20; abstain = 1`")  # fmt: skip
        return None
    if isinstance(written, TwoClasses):
        return _bind_two(written, labels, faults)
    return _bind_table(written, labels, faults)


def _bind_two(written: TwoClasses, labels: Labels, faults: Faults) -> CostMatrix | None:
    if len(labels.names) != 2:
        faults.add("E0319", written.at, f"this short form is for two labels, and there are {len(labels.names)}",
                   "write a table")  # fmt: skip
        return None
    if written.positive.text not in labels.names:
        _foreign(written.positive.text, written.positive.at, labels, faults)
        return None
    zero = Decimal(0)
    figures = tuple(
        tuple(
            zero if truth == answer else (written.false_positive if answer == written.positive.text else written.false_negative)
            for answer in labels.names
        )
        for truth in labels.names
    )  # fmt: skip
    abstain = None if written.abstain is None else (written.abstain, written.abstain)
    largest = [max(*row, written.abstain or zero) for row in figures]
    invalid = tuple(largest) if written.invalid is None else (written.invalid, written.invalid)
    return CostMatrix(
        name=written.name, at=written.at, unit=written.unit,
        truths=labels.names, figures=figures, abstain=abstain, invalid=invalid,
    )  # fmt: skip


def _foreign(name: str, at: Span, labels: Labels, faults: Faults) -> None:
    help_line, fixes = did_you_mean(name, labels.names, at=at)
    where = [Label(at=labels.at, message="declared here")] if labels.at is not None else []
    faults.found.append(problem("E0310", at, f"`{name}` is not a label", help_line, labels=where, fixes=fixes))


def _bind_table(table: CostTable, labels: Labels, faults: Faults) -> CostMatrix | None:
    before = len(faults.found)
    special = (ABSTAIN, INVALID)
    for head in (*table.truths, *(a for a in table.answers if a.text not in special)):
        if not head.star and head.text not in labels.names:
            _foreign(head.text, head.at, labels, faults)
    known = len(faults.found) == before
    if known:
        _missing(table, table.truths, "row", labels, faults)
        _missing(table, tuple(a for a in table.answers if a.text not in special), "column", labels, faults)
    if len(faults.found) > before:
        return None
    matrix = _matrix(table, labels)
    _dashes(table, faults)
    _diagonal(table, matrix, faults)
    return matrix


def _missing(table: CostTable, heads: tuple[Head, ...], what: str, labels: Labels, faults: Faults) -> None:
    given = {h.text for h in heads}
    missing = [] if STAR in given else [n for n in labels.names if n not in given]
    if not missing:
        return
    where = [Label(at=labels.at, message="declared here")] if labels.at is not None else []
    listed = ", ".join(f"`{m}`" for m in missing)
    faults.found.append(
        problem(
            "E0312",
            table.at,
            f"the costs have no {what} for {'label' if len(missing) == 1 else 'labels'} {listed}",
            f"add a {what} for it, or `*` for every label not named",
            labels=where,
            here=f"{what}s: " + ", ".join(h.text for h in heads),
        )
    )


def _matrix(table: CostTable, labels: Labels) -> CostMatrix:
    figures = tuple(tuple(_cell(table, truth, answer) for answer in labels.names) for truth in labels.names)
    columns = {a.text for a in table.answers}
    abstain = tuple(_cell(table, t, ABSTAIN) for t in labels.names) if ABSTAIN in columns else None
    if INVALID in columns:
        invalid = tuple(_cell(table, t, INVALID) for t in labels.names)
    else:
        invalid = tuple(max(*row, *(abstain[i : i + 1] if abstain else ())) for i, row in enumerate(figures))
    return CostMatrix(
        name=table.name, at=table.at, unit=table.unit,
        truths=labels.names, figures=figures, abstain=abstain, invalid=invalid,
    )  # fmt: skip


def _cell(table: CostTable, truth: str, answer: str) -> Decimal:
    """The figure for a pair, through `*` where it is not named; `*` never stands on the diagonal."""
    row = truth if any(t.text == truth for t in table.truths) else STAR
    column = answer if any(a.text == answer for a in table.answers) else STAR
    if truth == answer and STAR in (row, column):
        return Decimal(0)
    return table.figures[row, column].value or Decimal(0)


def _dashes(table: CostTable, faults: Faults) -> None:
    for (truth, answer), figure in table.figures.items():
        if figure.value is None and truth != answer:
            faults.add("E0315", figure.at, "`-` stands on the diagonal only", "write `0` for a mistake that costs nothing")


def _diagonal(table: CostTable, matrix: CostMatrix, faults: Faults) -> None:
    for i, truth in enumerate(matrix.truths):
        if matrix.figures[i][i] > min(matrix.figures[i]):
            at = next((t.at for t in table.truths if t.text == truth), table.at)
            faults.add("W0316", at, f"answering `{truth}` rightly is not the cheapest answer of its row",
                       "are truths and answers the wrong way round?")  # fmt: skip


