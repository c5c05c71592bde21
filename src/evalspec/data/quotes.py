"""Where the quotes of a CSV record went wrong: told at the quote that opened, not where reading ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.data.lines import Tape

QUOTED = Pattern(r'"[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True, slots=True)
class Unclosed:
    """A quote that opens at an offset of the record and never closes."""

    opened: int


@dataclass(frozen=True, slots=True)
class TextBehind:
    """A quoted cell with more text right behind its closing quote."""

    opened: int
    text: int


@dataclass(frozen=True, slots=True)
class BareReturn:
    """A carriage return outside quotes that is not part of a line end."""

    at: int


Trouble = Unclosed | TextBehind | BareReturn


def find_trouble(record: str, delimiter: str) -> Trouble | None:
    """The first thing in a record's text that a strict reader cannot read."""
    plain = re.compile(f"[^{re.escape(delimiter)}\r\n]*+")
    at = 0
    while at < len(record):
        opened = at
        quoted = record[at] == '"'
        match = (QUOTED if quoted else plain).match(record, at)
        if match is None:
            return Unclosed(opened)
        at = match.end()
        following = record[at : at + 2]
        if following.startswith("\r") and following not in ("\r\n", "\r"):
            return BareReturn(at)
        if quoted and following and following[0] not in (delimiter, "\r", "\n"):
            return TextBehind(opened, at)
        at += 2 if following == "\r\n" else 1
    return None


def explain(tape: Tape, delimiter: str, said: str) -> None:
    """Tells why the record that `tape` holds cannot be read."""
    record = "".join(tape.held)
    match find_trouble(record, delimiter):
        case Unclosed(opened):
            line, column = _place(tape, record, opened)
            tape.fault(
                "E0628", "the quote that opens here is never closed", _lost(tape, line),
                'a quote inside a quoted cell is written twice: `""`', line=line, column=column,
            )  # fmt: skip
        case TextBehind(opened, text):
            _text_behind(tape, _place(tape, record, opened), _place(tape, record, text))
        case BareReturn(at):
            line, column = _place(tape, record, at)
            tape.fault(
                "E0630", "a carriage return stands alone, outside quotes", "lines end with \\n or \\r\\n: "
                "`tr '\\r' '\\n'` mends old Mac files", line=line, column=column,
            )  # fmt: skip
        case None:
            tape.fault("E0629", f"this row is no CSV: {said}")


def _text_behind(tape: Tape, opened: tuple[int, int], text: tuple[int, int]) -> None:
    doubled = 'a quote inside a quoted cell is written twice: `""`'
    if opened[0] == text[0] == tape.first:
        tape.fault("E0629", "text stands behind the closing quote", doubled, column=text[1])
        return
    message = (
        f"the quote that opens at line {opened[0]}, column {opened[1]} closes "
        f"at line {text[0]}, column {text[1] - 1}, and more text stands behind it"
    )
    column = opened[1] if opened[0] == tape.first else 1
    tape.fault("E0629", message, "perhaps the first one was never closed", doubled, column=column)


def _lost(tape: Tape, line: int) -> str:
    lost = tape.number - line
    return f"all that follows counts as one cell: {lost} more line{'s' if lost > 1 else ''}" if lost else ""


def _place(tape: Tape, record: str, offset: int) -> tuple[int, int]:
    before = record[:offset]
    return tape.first + before.count("\n"), offset - (before.rfind("\n") + 1) + 1
