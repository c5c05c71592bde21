"""CSV and TSV: records that may run over several lines, each a row of texts.

Python's own reader does the work, in its strict mode; where it balks, `quotes.py` finds the place.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evalspec.data.faults import shown
from evalspec.data.limits import in_words
from evalspec.data.quotes import explain
from evalspec.data.table import Part, RawRow
from evalspec.text.diagnostics import problem

if TYPE_CHECKING:
    from evalspec.data.lines import Tape

Header = tuple[str, ...]


def read_delimited(
    tape: Tape, lines: Iterator[str], delimiter: str, header: Header | None, *, room: int
) -> Part:
    """The rows of a file, at most `room` of them; its first record is the header unless one is given."""
    part = Part({}, [])
    names = header
    if names is not None:
        part.kinds.update((name, {str}) for name in names)
    declared = header is not None
    width, file, rows = len(names or ()), tape.faults.file.written, part.rows
    for cells in records(tape, lines, delimiter):
        if names is None:
            if not _few_enough(tape, len(cells)):
                break
            names, width = tuple(cells), len(cells)
            part.kinds.update((name, {str}) for name in names)
            _check_header(tape, names, delimiter)
        elif len(cells) != width:
            _ragged(tape, len(cells), width, delimiter, declared)
        elif len(rows) >= room:
            tape.too_many_rows()
            break
        else:
            rows.append(RawRow(dict(zip(names, cells, strict=True)), file, tape.first))
            if declared and len(rows) == 1 and tuple(cells) == header:
                _header_twice(tape)
    return part


def records(tape: Tape, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Each record's cells; blank lines are none. While one is out, `tape` holds its lines."""
    with _cells_of(tape.limits.record):
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            tape.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as fault:
                if tape.stopped:  # the last record is cut off by what was told already
                    return
                explain(tape, delimiter, str(fault))
                continue
            if tape.size > tape.limits.cell and _too_long(tape, cells):
                continue
            if cells:
                yield cells


@contextmanager
def _cells_of(size: int) -> Iterator[None]:
    """Lifts the csv module's limit, which is the process's, for as long as a file is read."""
    before = csv.field_size_limit(size)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _too_long(tape: Tape, cells: list[str]) -> bool:
    longest = max(cells, key=len, default="")
    if len(longest) <= tape.limits.cell:
        return False
    size, limit = in_words(len(longest)), in_words(tape.limits.cell)
    number = cells.index(longest) + 1
    tape.fault("E0634", f"cell {number} holds {size}; a cell may hold {limit}", _runs_over(tape))
    return True


def _few_enough(tape: Tape, columns: int) -> bool:
    if columns > tape.limits.columns:
        tape.stop("E0643", f"the header has more than {tape.limits.columns} columns", excerpt=tape.held[0])
    return not tape.stopped


def _check_header(tape: Tape, names: Header, delimiter: str) -> None:
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip():
            tape.fault("E0632", f"column {number} has no name", "the first row names the columns")
        elif name in seen:
            tape.fault("E0632", f"columns {seen[name]} and {number} are both named {shown(name)}")
        seen.setdefault(name, number)
    others = [mark for mark in ";\t,|" if mark != delimiter and mark in names[0]]
    if len(names) == 1 and others:
        _other_delimiter(tape, others[0], delimiter)


def _other_delimiter(tape: Tape, found: str, delimiter: str) -> None:
    place = tape.faults.line(tape.first, tape.held[0])
    message = f"there is only one column, and its name holds a {_mark(found)}"
    separated = f"cells are separated by a {_mark(delimiter)} here; {_format_help(found)}"
    tape.faults.add(problem("W0602", place, message, separated))


def _mark(delimiter: str) -> str:
    return {",": "comma", "\t": "tab"}.get(delimiter, f"`{delimiter}`")


def _format_help(mark: str) -> str:
    known = {"\t": 'write `format = "tsv"`', ",": 'write `format = "csv"`'}
    return known.get(mark, "save the file with commas")


def _ragged(tape: Tape, cells: int, width: int, delimiter: str, declared: bool) -> None:
    if tape.faults.only_counted():
        return
    owner = "the spec's `header`" if declared else "the header"
    columns = f"{width} column{'s' if width != 1 else ''}"
    help_line = ""
    if any(f'{delimiter} "' in line for line in tape.held):
        help_line = "a quote counts only at the very beginning of a cell: take out the blank before it"
    elif cells > width:
        help_line = f'a cell that holds a {_mark(delimiter)} stands in quotes: `"…"`'
    message = f"this row has {cells} cell{'s' if cells != 1 else ''}, and {owner} has {columns}"
    tape.fault("E0631", message, help_line, _runs_over(tape))


def _runs_over(tape: Tape) -> str:
    if len(tape.held) < 2:
        return ""
    return f"the row runs from line {tape.first} to line {tape.number}, inside quotes"


def _header_twice(tape: Tape) -> None:
    place = tape.faults.line(tape.first, tape.held[0])
    message = "the first row is the header itself, and the spec gives a `header` too"
    tape.faults.add(problem("W0601", place, message, "take `header` out of the dataset"))
