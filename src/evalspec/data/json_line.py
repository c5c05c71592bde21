"""One line of JSON Lines: a row, or why it is none.

Stricter than Python's own reader, whose results would later be wrong without a word: numbers that do
not fit, keys given twice, half characters, nesting without end.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from sys import intern

from evalspec.data.columns import as_text
from evalspec.data.faults import shown
from evalspec.data.limits import Limits, in_words
from evalspec.data.table import WrittenNumber
from evalspec.text.patterns import Pattern

LARGEST = 2**63 - 1
HALF_CHARACTER = Pattern(r"\\u[dD][89a-fA-F]")
NOT_OBJECTS: Mapping[type, str] = {list: "a list", str: "a text", bool: "a condition", type(None): "null"}


class UnreadableLineError(ValueError):
    """Why a line is no row: a code, a sentence, a way out, and its column, or the text that is meant."""

    def __init__(
        self, code: str, message: str, help_line: str = "", *, column: int = 1, pointing: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help_line = help_line
        self.at = column
        self.pointing = pointing

    def column(self, line: str) -> int:
        """The column, from 1: where the text that is meant stands last."""
        return line.rfind(self.pointing) + 1 or self.at if self.pointing else self.at


class RowReader:
    """Reads line after line, within limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.numbers = 0  # of this line, those whose written form is kept
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=self._fraction,
            parse_constant=_no_number,
        )

    def read(self, line: str) -> dict[str, object]:
        """The row of a line; a cell that is a number may be a WrittenNumber. Raises UnreadableLineError."""
        self.numbers = 0
        try:
            return self._row(line)
        except json.JSONDecodeError as fault:
            raise _not_json(line, fault) from fault
        except RecursionError as fault:
            raise self._too_deep() from fault

    def _row(self, line: str) -> dict[str, object]:
        value: object = self.decoder.decode(line)
        if not isinstance(value, dict):
            raise _no_object(value)
        row: dict[str, object] = value
        if self.numbers:
            row = {name: _in_place(cell) for name, cell in row.items()}
        if len(line) > self.limits.cell:
            for name, cell in row.items():
                _check_size(name, cell, self.limits.cell)
        if line.count("[") + line.count("{") > self.limits.depth and not _shallow(row, self.limits.depth):
            raise self._too_deep()
        if HALF_CHARACTER.search(line):
            _check_characters(line, row)
        return row

    def _too_deep(self) -> UnreadableLineError:
        return UnreadableLineError("E0638", f"lists and objects are nested over {self.limits.depth} deep")

    def _fraction(self, text: str) -> float | WrittenNumber:
        value = float(text)
        if math.isinf(value):
            message = f"{shown(text)} is too large for a number"
            raise UnreadableLineError("E0640", message, "write it as text: in quotes", pointing=text)
        if repr(value) == text:
            return value
        self.numbers += 1
        return WrittenNumber(value, text)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = {intern(name): value for name, value in pairs}
    if len(made) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        quoted = json.dumps(twice, ensure_ascii=False)
        message = f"the key {shown(twice)} stands twice in one object"
        raise UnreadableLineError("E0639", message, pointing=quoted)
    return made


def _integer(text: str) -> int:
    if len(text) > 18 and (len(text) > 20 or not -LARGEST - 1 <= int(text) <= LARGEST):
        message = f"{shown(text)} does not fit 64 bits"
        raise UnreadableLineError("E0640", message, "write it as text: in quotes", pointing=text)
    return int(text)


def _no_number(text: str) -> object:
    message = f"`{text}` is no number of JSON"
    raise UnreadableLineError("E0640", message, "write `null` where there is none", pointing=text)


def _not_json(line: str, fault: json.JSONDecodeError) -> UnreadableLineError:
    said = (fault.msg[:1].lower() + fault.msg[1:]).removesuffix(" at").rstrip(": ")
    alone = line.strip() in ("{", "[", "[{")
    way_out = "each line holds one whole object: `jq -c .` writes it so" if alone else ""
    column = min(fault.pos, len(line.rstrip())) + 1
    return UnreadableLineError("E0636", f"this line is not JSON: {said}", way_out, column=column)


def _no_object(value: object) -> UnreadableLineError:
    found = NOT_OBJECTS.get(type(value), "a number")
    way_out = "`jq -c '.[]'` writes the items of a list line by line" if isinstance(value, list) else ""
    return UnreadableLineError("E0637", f"an object is due on each line, and this is {found}", way_out)


def _check_characters(line: str, value: object) -> None:
    """Escapes of one half of a surrogate pair make texts that no request and no file can hold."""
    try:
        json.dumps(value, ensure_ascii=False, default=as_text).encode()
    except UnicodeEncodeError as fault:
        half = f"\\u{ord(fault.object[fault.start]):04x}"
        found = re.search(re.escape(half), line, re.IGNORECASE)
        column = found.start() + 1 if found else 1
        raise UnreadableLineError("E0641", f"`{half}` is half a character", column=column) from fault


def _check_size(name: str, cell: object, most: int) -> None:
    text = as_text(cell) or ""
    if len(text) > most:
        message = f"{shown(name)} holds {in_words(len(text))}; a cell may hold {in_words(most)}"
        raise UnreadableLineError("E0634", message)


def _shallow(value: object, depth: int) -> bool:
    """Whether nothing is nested deeper: level by level, since recursion is what deep values forbid."""
    level = [value]
    for _ in range(depth + 1):
        children: list[object] = []
        for inner in level:
            if isinstance(inner, dict):
                children.extend(inner.values())
            elif isinstance(inner, list):
                children.extend(inner)
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return True
    return False


def _in_place(cell: object) -> object:
    """A cell, with its written form only where the cell itself is the number."""
    return _plain(cell) if isinstance(cell, list | dict) else cell


def _plain(value: object) -> object:
    match value:
        case WrittenNumber():
            return value.value
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value
