"""The faults of one data file, gathered while it is read: a few in full, then how many more."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Diagnostic, errors, problem
from evalspec.text.source import DataLine
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.language.program import DataFile

EXCERPT = 200
LONGEST_NAME = 60


def clipped(line: str) -> str:
    """A line as diagnostics show it: without its line break, and at most 200 code points."""
    text = line[: EXCERPT + 2].rstrip("\r\n")
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def shown(text: str) -> str:
    """A name or value from the data as messages show it: quoted, short, and no half characters."""
    short = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return f"`{short.encode(errors='replace').decode()}`"


@dataclass(slots=True)
class Faults:
    """What was found wrong in a file so far."""

    file: DataFile
    most: int
    kept: list[Diagnostic] = field(default_factory=list)
    beyond: list[Diagnostic] = field(default_factory=list)  # the first that is not told, to have a place
    final: list[Diagnostic] = field(default_factory=list)  # why reading stopped, always told
    untold: int = 0
    repeats: Counter[str] = field(default_factory=Counter)

    def line(self, number: int, text: str | None, column: int = 1) -> DataLine:
        """A place in this file."""
        return DataLine(self.file.written, number, column, None if text is None else clipped(text))

    def add(self, fault: Diagnostic) -> None:
        """Keeps a fault, or counts it where enough were kept."""
        if len(self.kept) < self.most:
            self.kept.append(fault)
            return
        self.untold += 1
        if not self.beyond:
            self.beyond.append(fault)

    def only_counted(self) -> bool:
        """Counts one more fault and is true, where no more are told, so that none need be written."""
        if self.beyond:
            self.untold += 1
        return bool(self.beyond)

    def is_repeat(self, code: str) -> bool:
        """Counts a fault that fills whole files (a wrong encoding); false for the first one."""
        self.repeats[code] += 1
        return self.repeats[code] > 1

    def add_final(self, fault: Diagnostic) -> None:
        """Keeps the fault after which nothing can be read, however many there were before."""
        self.final.append(fault)

    def in_spec(self, code: str, message: str, *help_lines: str) -> None:
        """Keeps a fault of the file as a whole, placed where the spec names it."""
        self.add(problem(code, self.file.at, message, *help_lines))

    @property
    def number(self) -> int:
        """How many faults were found, told or not."""
        return len(self.kept) + self.untold + self.repeats.total()

    @property
    def forbid(self) -> bool:
        """Whether anything told so far is an error."""
        return bool(self.final or errors(self.kept))

    def told(self) -> tuple[Diagnostic, ...]:
        """Everything that is to be said about this file."""
        told = [self._with_count(fault) for fault in (*self.kept, *self.final)]
        if self.untold:
            faults = f"{self.untold} more fault{'s' if self.untold > 1 else ''}"
            message = f"`{self.file.written}` has {faults} from here on"
            told.append(problem("E0644", self.beyond[0].at, message))
        return tuple(told)

    def _with_count(self, fault: Diagnostic) -> Diagnostic:
        others = self.repeats[fault.code] - 1
        if others < 1:
            return fault
        lines = "1 more line is" if others == 1 else f"{others} more lines are"
        return replace(fault, help=(*fault.help, f"{lines} like this one"))
