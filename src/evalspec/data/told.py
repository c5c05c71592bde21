"""Faults that one column may have in thousands of rows: the first ten are told, then how many more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import DataLine
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.data.table import RawRow

MOST = 10


def place_of(row: RawRow | Row) -> DataLine:
    """Where a row stands in its file."""
    return DataLine(row.file, row.line)


def where(row: RawRow | Row, seen_from: RawRow | Row) -> str:
    """A row's place in words: its line, with the file where that is another one."""
    return f"line {row.line}" if row.file == seen_from.file else f"line {row.line} of `{row.file}`"


@dataclass(slots=True)
class Told:
    """Faults of one code, all the same mistake. `many` says what the others are: `rows have no id`."""

    code: str
    many: str
    first: list[Diagnostic] = field(default_factory=list)
    others: list[Diagnostic] = field(default_factory=list)

    def add(self, fault: Diagnostic) -> None:
        """Keeps a fault."""
        (self.first if len(self.first) < MOST else self.others).append(fault)

    def all(self) -> tuple[Diagnostic, ...]:
        """The first ten, and one that counts the others."""
        if not self.others:
            return tuple(self.first)
        rest = problem(self.code, self.others[0].at, f"{len(self.others)} more {self.many}, from here on")
        return (*self.first, rest)
