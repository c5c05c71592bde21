"""JSON Lines: one object a line, each a row; the keys of all rows are the columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalspec.data.json_line import RowReader, UnreadableLineError
from evalspec.data.table import Part, RawRow

if TYPE_CHECKING:
    from evalspec.data.lines import Tape


def read_jsonl(tape: Tape, lines: Iterator[str], *, room: int) -> Part:
    """The rows of a file, at most `room` of them. Blank lines are none; nothing is added for missing keys."""
    part = Part({}, [])
    reader = RowReader(tape.limits)
    file = tape.faults.file.written
    tape.begin()
    for line in lines:
        if line and not line.isspace():
            if len(part.rows) >= room:
                tape.too_many_rows()
                break
            values = _row(tape, reader, line)
            if values is not None:
                note_kinds(tape, part.kinds, values)
                part.rows.append(RawRow(values, file, tape.number))
        tape.begin()
    return part


def _row(tape: Tape, reader: RowReader, line: str) -> dict[str, object] | None:
    try:
        return reader.read(line)
    except UnreadableLineError as fault:
        tape.fault(fault.code, fault.message, fault.help_line, column=fault.column(line))
        return None


def note_kinds(tape: Tape, kinds: dict[str, set[type]], values: dict[str, object]) -> None:
    """Notes the types of a row's values, and what is wrong with its keys."""
    for name, value in values.items():
        if name in kinds:
            kinds[name].add(type(value))
            continue
        kinds[name] = {type(value)}
        if not name.strip():
            tape.fault("E0632", "a column has no name: the key is empty")
        if len(kinds) == tape.limits.columns + 1:
            tape.stop("E0643", f"the rows have more than {tape.limits.columns} different keys")
