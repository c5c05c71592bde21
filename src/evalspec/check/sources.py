"""Where a dataset's rows come from: files, patterns that mean several, or a table in the block itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.check.values import call_of, file_of, json_of, several_of, shown, text_of
from evalspec.data.globs import Match, TooManyFiles, capture_names, is_pattern, matches
from evalspec.language.program import DataFile, InlineTable
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean
from evalspec.text.patterns import Pattern
from evalspec.text.units import Unit

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults

FORMATS = {
    ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".parquet": "parquet",
}  # fmt: skip
NAMED_BY_HEADER = ("csv", "tsv")
REMOTE = Pattern(r"[a-z][a-z0-9+.-]+://")


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


def read_files_of(entries: Entries, look: bool, faults: Faults) -> tuple[DataFile, ...] | None:
    """The files of `source`, patterns resolved; None after saying what is wrong.

    Where `look` is false, a pattern that means nothing is no fault.
    """
    value = entries.value("source")
    declared = _format(entries, faults)
    if value is None:
        return None
    items = value.items if isinstance(value, tree.Sequence) else (value,)
    found = [_files(item, declared, look, faults) for item in items]
    if not found:
        faults.add("E0305", value.at, "the list of files is empty", 'write `file("data.csv")`')
    if not found or None in found:
        return None
    files = tuple(file for some in found for file in some or ())
    _differing_captures(value, files, faults)
    return files


def _differing_captures(value: tree.Expr, files: tuple[DataFile, ...], faults: Faults) -> None:
    names = {tuple(sorted(file.captures)) for file in files}
    if len(names) > 1:
        message = "the paths of this list tell different columns"
        faults.add("E0609", value.at, message, "use the same captures in each of them")


def _format(entries: Entries, faults: Faults) -> str | None:
    value = entries.value("format")
    found = text_of(value, "`format`", faults) if value is not None else None
    if value is None or found is None or found in FORMATS.values():
        return found
    faults.add(
        "E0305", value.at, f"there is no format `{found}`", did_you_mean(found, set(FORMATS.values()))[0]
    )
    return None


def _files(node: tree.Expr, declared: str | None, look: bool, faults: Faults) -> tuple[DataFile, ...] | None:
    written = _path(node)
    folder = node.at.source.folder
    if written is not None and REMOTE.match(written) is None and is_pattern(written, folder):
        return _of_pattern(node, written, declared, look, faults)
    if written is not None and REMOTE.match(written):
        return _remote(node, written, declared, faults)
    found = file_of(node, faults)
    if found is None:
        return None
    made = _data_file(node, found[0], declared, faults)
    return None if made is None else (made,)


def _path(node: tree.Expr) -> str | None:
    match call_of(node):
        case ("file", (tree.Text() as written,), {}) if written.text and "\0" not in written.text:
            return written.text
    return None


def pattern_matches(
    node: tree.Expr, written: str, faults: Faults, *, look: bool = True
) -> tuple[Match, ...] | None:
    """The files that a pattern means; None after saying what is wrong. Without `look`, none is no fault."""
    try:
        found = matches(written, node.at.source.folder)
    except TooManyFiles as fault:
        faults.add("E0608", node.at, str(fault), "name them more closely")
        return None
    except (OSError, re.error) as fault:
        faults.add(
            "E0608", node.at, f"`{written}` is no pattern of file names: {fault}", "`*`, `**`, `?`, `[…]`"
        )
        return None
    if not found and look:
        captures = "".join(f", `{{{name}}}` too" for name in capture_names(written)[:1])
        faults.add("E0608", node.at, f"`{written}` means no file",
                   f"paths start from the spec's folder; `*` is any part of a name{captures}")  # fmt: skip
        return None
    return found


def _of_pattern(
    node: tree.Expr, written: str, declared: str | None, look: bool, faults: Faults
) -> tuple[DataFile, ...] | None:
    found = pattern_matches(node, written, faults, look=look)
    if found is None:
        return None
    made = [_data_file(node, match.written, declared, faults) for match in found]
    if None in made:
        return None
    return tuple(
        DataFile(written=file.written, path=file.path, format=file.format, gzipped=file.gzipped, at=file.at,
                 captures=match.captures)
        for file, match in zip(made, found, strict=True) if file is not None
    )  # fmt: skip


def _remote(
    node: tree.Expr, written: str, declared: str | None, faults: Faults
) -> tuple[DataFile, ...] | None:
    if written.startswith(("http://", "https://")):
        faults.add("E0607", node.at, "data are not fetched from the web",
                   "download the file, and name it by its path")  # fmt: skip
        return None
    made = _data_file(node, written, declared, faults)
    return None if made is None else (made,)


def _data_file(node: tree.Expr, written: str, declared: str | None, faults: Faults) -> DataFile | None:
    path = node.at.source.folder / written
    gzipped = path.suffix == ".gz"
    ending = path.with_suffix("").suffix if gzipped else path.suffix
    kind = declared or FORMATS.get(ending.lower())
    if kind is None:
        faults.add("E0601", node.at, f"the ending of `{written}` does not tell its format",
                   'write `format = "csv"` (or tsv, jsonl, json, parquet)')  # fmt: skip
        return None
    return DataFile(written=written, path=path, format=kind, gzipped=gzipped, at=node.at)


def read_header(entries: Entries, files: tuple[DataFile, ...], faults: Faults) -> tuple[str, ...] | None:
    """The names of the columns of files without a header row."""
    value = entries.value("header")
    words = several_of(value, "a column", faults) if value is not None else None
    if value is None or not words:
        return None
    other = next((file for file in files if file.format not in NAMED_BY_HEADER), None)
    if other is not None:
        faults.add("E0409", value.at, f"`{other.written}` names its columns itself",
                   "`header` is for csv and tsv: remove it")  # fmt: skip
        return None
    return tuple(w.text for w in words)


# ── a table in the block ──────────────────────────────────────────────────────────────────────────


def read_table(entries: Entries, faults: Faults) -> InlineTable | None:
    """The table that stands in a dataset; None after saying what is wrong with it."""
    before = len(faults.found)
    first, *others = entries.rows
    header = tuple(_column_name(cell, faults) for cell in first.cells)
    for i, (name, cell) in enumerate(zip(header, first.cells, strict=True)):
        if name is not None and name in header[:i]:
            faults.add("E0632", cell.at, f"the column `{name}` stands twice", "rename one of them")
    rows = []
    for row in others:
        if len(row.cells) != len(header):
            counted = f"this row has {len(row.cells)} cells, and the first has {len(header)}"
            faults.add("E0631", row.at, counted,
                       "a missing value is written `-`")  # fmt: skip
            continue
        rows.append(tuple(_cell(cell, faults) for cell in row.cells))
    if not others:
        faults.add("E0625", first.at, "this table has no rows, only a header", "add `| … |` below it")
    if len(faults.found) > before:
        return None
    names = tuple(name for name in header if name is not None)
    return InlineTable(header=names, rows=tuple(rows), places=tuple(row.at for row in others))


def _column_name(cell: tree.Cell, faults: Faults) -> str | None:
    if isinstance(cell, tree.Word | tree.Text) and cell.text.strip():
        return cell.text
    faults.add("E0632", cell.at, "the first row names the columns, and this is no name", "write a name")
    return None


def _cell(cell: tree.Cell, faults: Faults) -> object:
    """What a cell holds: text, number, condition, list, or None for a dash."""
    match cell:
        case tree.Word() | tree.Text():
            return cell.text
        case tree.Constant():
            return cell.value
        case tree.Dash() | tree.Empty():
            return None
        case tree.Amount():
            return _number(cell, 1, faults)
        case tree.Negative(value=tree.Amount() as figure):
            return _number(figure, -1, faults)
        case tree.Group(value=tree.Sequence() as items):
            return [_item(item, faults) for item in items.items]
        case _:
            faults.add("E0305", cell.at, f"a cell is a value, and this is `{_shown(cell)}`",
                       "write a text, a number, `true`, `-` for nothing, `([a, b])` for a list")  # fmt: skip
            return None


def _item(node: tree.Expr, faults: Faults) -> object:
    """An item of a list in a cell; a bare word is a text there too."""
    return node.text if isinstance(node, tree.Name) else json_of(node, "an item of the list", faults)


def _shown(cell: tree.Cell) -> str:
    if isinstance(cell, tree.Group | tree.Negative):
        return shown(cell)
    return cell.at.source.text[cell.at.start : cell.at.end]


def _number(figure: tree.Amount, sign: int, faults: Faults) -> object:
    quantity = figure.quantity
    if quantity.unit is not Unit.NUMBER:
        faults.add("E0305", figure.at, f"a cell is a number or a text, and this is a {quantity.unit.value}",
                   f'write the number, or the text `"{quantity.text}"`')  # fmt: skip
        return None
    value = quantity.value * sign
    return int(value) if value == value.to_integral_value() else float(value)
