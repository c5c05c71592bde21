"""JSON: one list of objects, each a row, read object by object so that the whole is never held.

Structure is followed with a pattern over the lines; each object is then read as a line of JSON Lines is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalspec.data.json_line import RowReader, UnreadableLineError
from evalspec.data.jsonl_file import note_kinds
from evalspec.data.table import Part, RawRow
from evalspec.text.diagnostics import problem
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.data.lines import Tape

# Possessive: nothing is given back, so that a cell of megabytes leaves no trail of places to return to.
SIGNS = Pattern(r'"(?:[^"\\\n]++|\\.)*+"?|[\[\]{},]|[^\s"\[\]{},]+')
LIST_OF_OBJECTS = "a JSON data file is one list of objects: `[{…}, {…}]`"


@dataclass(slots=True)
class _Reading:
    """Where reading stands: how deep, what of the present object was read, and where that began."""

    tape: Tape
    reader: RowReader
    part: Part
    room: int
    depth: int = 0  # 0 before the list, 1 in it, more inside an object
    closed: bool = False
    comma_due: bool = False
    after_comma: bool = False
    pieces: list[str] = field(default_factory=list)
    began: tuple[int, int] = (1, 1)  # line and column


def read_json(tape: Tape, lines: Iterator[str], *, room: int) -> Part:
    """The rows of a file, at most `room` of them."""
    reading = _Reading(tape, RowReader(tape.limits), Part({}, []), room)
    tape.begin()
    for line in lines:
        _read_line(line, reading)
        if tape.stopped:
            return reading.part
        if not reading.pieces:
            tape.begin()
    if not reading.closed and not tape.stopped and tape.number:
        _cut_off(reading)
    return reading.part


def _read_line(line: str, reading: _Reading) -> None:
    start = 0  # of what belongs to the present object
    for sign in SIGNS.finditer(line):
        if reading.tape.stopped:
            return
        before = reading.depth
        _step(sign[0], sign.start() + 1, reading)
        if before == 1 and reading.depth == 2:
            start = sign.start()
            reading.began = (reading.tape.number, start + 1)
        elif before == 2 and reading.depth == 1:
            reading.pieces.append(line[start : sign.end()])
            _finish(reading)
    if reading.depth >= 2:
        reading.pieces.append(line[start:])


def _step(sign: str, column: int, reading: _Reading) -> None:
    """Moves over one sign; only brackets, braces and what stands between the objects matter."""
    if reading.depth >= 2:
        reading.depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign, 0)
        return
    fault = _misplaced(sign, reading)
    if fault is not None:
        _stop(reading, column, *fault)
    elif sign == ",":
        reading.comma_due, reading.after_comma = False, True
    elif sign == "[":
        reading.depth = 1
    elif sign == "]":
        reading.depth, reading.closed = 0, True
    else:
        reading.depth, reading.after_comma = 2, False


def _misplaced(sign: str, reading: _Reading) -> tuple[str, str, str] | None:
    """Why a sign cannot stand outside an object: code, sentence and way out."""
    if reading.depth == 0:
        if reading.closed:
            return "E0636", "something stands behind the list", LIST_OF_OBJECTS
        if sign == "{":
            way_out = 'if each line is an object of its own, it is JSON Lines: `format = "jsonl"`'
            return "E0637", "this file is an object, not a list of objects", way_out
        return None if sign == "[" else ("E0636", "this is no JSON list", LIST_OF_OBJECTS)
    if sign == ",":
        return None if reading.comma_due else ("E0636", "a comma with nothing before it", "remove it")
    if sign == "]":
        stray = reading.after_comma
        return ("E0636", "a comma with nothing behind it", "remove it") if stray else None
    if reading.comma_due:
        return "E0636", "a comma is missing between two objects", "put one before this"
    if sign != "{":
        return "E0637", "this item of the list is no object", LIST_OF_OBJECTS
    return None


def _stop(reading: _Reading, column: int, code: str, message: str, way_out: str) -> None:
    tape = reading.tape
    place = tape.faults.line(tape.number, tape.held[-1] if tape.held else None, column)
    tape.faults.add_final(problem(code, place, message, way_out))
    tape.stopped = True


def _cut_off(reading: _Reading) -> None:
    if reading.pieces:
        line, column = reading.began
        place = reading.tape.faults.line(line, reading.pieces[0], column if len(reading.pieces) > 1 else 1)
        fault = problem("E0636", place, "this object is never closed", "the file may be cut off")
        reading.tape.faults.add_final(fault)
        reading.tape.stopped = True
    elif reading.depth:
        reading.tape.stop("E0636", "the list is never closed", "the file may be cut off")


def _finish(reading: _Reading) -> None:
    """Reads the object that ends here."""
    tape, text = reading.tape, "".join(reading.pieces)
    reading.pieces.clear()
    reading.comma_due = True
    if len(reading.part.rows) >= reading.room:
        tape.too_many_rows()
        return
    try:
        values = reading.reader.read(text)
    except UnreadableLineError as fault:
        line, column = _place(fault, text, reading.began)
        tape.fault(fault.code, fault.message, fault.help_line, line=line, column=column)
        return
    note_kinds(tape, reading.part.kinds, values)
    file = tape.faults.file.written
    reading.part.rows.append(RawRow(values, file, reading.began[0]))


def _place(fault: UnreadableLineError, text: str, began: tuple[int, int]) -> tuple[int, int]:
    """The line and column in the file of what is wrong in an object that begins somewhere."""
    cause = fault.__cause__
    offset = cause.pos if isinstance(cause, json.JSONDecodeError) else fault.column(text) - 1
    before = text[: max(0, min(offset, len(text)))]
    lines = before.count("\n")
    column = len(before) - (before.rfind("\n") + 1)
    return began[0] + lines, column + (began[1] if lines == 0 else 1)
