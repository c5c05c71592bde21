"""Answers that were collected earlier, by this tool or any other: JSON lines, plain or gzipped.

Reading gives a table and the faults of rows that cannot be used; asking looks a request up in the
table. Nothing is sent and nothing stored.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.language.candidates import model_of
from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.models.recorded_rows import BadRow, RecordedRow, read_row
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import Recorded

BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"

KEPT_FAULTS = 20
MOST_FAULTS = 10_000  # in one file; then it is not read on

# What an answer is found by: task, step, prompt variant, example, sample. None: the row names no such thing.
Slot = tuple[str | None, str | None, str | None, str, int]


@dataclass(frozen=True, slots=True)
class RecordedFault:
    """A row, or the rest of a file, that cannot be used. `line` counts from 1; 0 is the file as a whole."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """How many rows were passed over because they are about something else."""

    other_task: int = 0
    other_model: int = 0
    other_prompt: int = 0
    perturbed: int = 0
    under_load: int = 0

    @property
    def total(self) -> int:
        return self.other_task + self.other_model + self.other_prompt + self.perturbed + self.under_load


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTable:
    """What was recorded, by what it answers. `rows` counts those that are used, `unusable` the faults."""

    answers: Mapping[Slot, Answer | Failure]
    rows: int
    skipped: Skipped
    unusable: int = 0

    def find(self, request: Request) -> Answer | Failure | None:
        """What was recorded for a request: rows that name its task and step before rows that name neither."""
        for task in (request.task, None):
            for step in (request.step or None, None):
                slot = (task, step, request.variant or None, request.example, request.sample)
                held = self.answers.get(slot)
                if held is not None:
                    return held
        return None

    def reply(self, request: Request) -> Answer | Failure:
        """What was recorded, or the failure that says that nothing was."""
        message = f"nothing is recorded for `{request.example}`"
        return self.find(request) or Failure(kind=FailureKind.NOT_RECORDED, message=message)


def read_recorded(
    files: Iterable[Path], *, model: str, tasks: Collection[str] | None = None, variants: Collection[str] = ()
) -> tuple[RecordedTable, tuple[RecordedFault, ...]]:
    """The table of what `model` answered, and the first 20 faults found on the way.

    Rows that name another model, or a task outside `tasks` (None: any task), are skipped and counted;
    so are rows about changed (perturbed) examples and those of a latency pass, and, where there are
    `variants` of prompts, rows that name another one; where there are none, the prompt that a row names
    means nothing. Of two equal rows one is kept; two that differ about the same thing are a fault, and the
    first one is kept. A file with more than 10,000 faults is not read on.
    """
    reading = _Reading(model=model, tasks=tasks, variants=variants)
    for path in files:
        reading.read(path)
    skipped = Skipped(**reading.skipped)
    table = RecordedTable(
        answers=reading.answers, rows=len(reading.answers), skipped=skipped, unusable=reading.unusable
    )
    return table, tuple(reading.faults)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What is known while files are being read."""

    model: str
    tasks: Collection[str] | None
    variants: Collection[str]
    answers: dict[Slot, Answer | Failure] = field(default_factory=dict)
    places: dict[Slot, tuple[str, int]] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    faults: list[RecordedFault] = field(default_factory=list)
    unusable: int = 0

    def read(self, path: Path) -> None:
        number, before = 0, self.unusable
        try:
            for line in _lines(path):
                number += 1
                if line:
                    self._take(str(path), number, line)
                if self.unusable - before > MOST_FAULTS:
                    return
        except (OSError, EOFError, zlib.error) as error:
            # EOFError: a gzip file that ends before its time. What came before is kept.
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._fault(str(path), number + 1 if number else 0, f"cannot be read: {reason}")

    def _fault(self, file: str, line: int, message: str) -> None:
        self.unusable += 1
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(RecordedFault(file, line, message))

    def _take(self, file: str, number: int, line: bytes) -> None:
        try:
            row = read_row(line)
        except BadRow as error:
            self._fault(file, number, str(error))
            return
        reason = self._reason_to_skip(row)
        if reason is not None:
            self.skipped[reason] = self.skipped.get(reason, 0) + 1
        elif row.held is not None:
            prompt = row.prompt if self.variants else None
            self._keep(file, number, (row.task, row.step, prompt, row.example, row.sample), row.held)

    def _reason_to_skip(self, row: RecordedRow) -> str | None:
        if row.model is not None and row.model != self.model:
            return "other_model"
        if row.task is not None and self.tasks is not None and row.task not in self.tasks:
            return "other_task"
        if self.variants and row.prompt is not None and row.prompt not in self.variants:
            return "other_prompt"
        if row.under_load:
            return "under_load"
        return "perturbed" if row.perturbed else None

    def _keep(self, file: str, number: int, slot: Slot, held: Answer | Failure) -> None:
        known = self.answers.setdefault(slot, held)
        if known is held:
            self.places[slot] = (file, number)
        elif not _same(known, held):
            first_file, first_line = self.places[slot]
            where = f"line {first_line}" + ("" if first_file == file else f" of {first_file}")
            message = f"`{slot[3]}` was already answered otherwise in {where}"
            self._fault(file, number, message)


def _same(one: Answer | Failure, other: Answer | Failure) -> bool:
    if isinstance(one, Answer) and isinstance(other, Answer):
        return one.response == other.response
    return isinstance(one, Failure) and isinstance(other, Failure)


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, without byte order mark, line breaks and outer blanks, unzipped where needed."""
    with path.open("rb") as raw:
        zipped = raw.peek(2)[:2] == GZIP
        with gzip.open(raw) if zipped else raw as data:
            lines = io.BufferedReader(data) if zipped else data
            for number, line in enumerate(lines):
                yield (line.removeprefix(BOM) if number == 0 else line).strip(b" \t\r\n")


# ── the candidate ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedModel:
    """A candidate whose answers lie in files."""

    name: str
    table: RecordedTable
    faults: tuple[RecordedFault, ...] = ()
    endpoint: str = "recorded"

    @property
    def skipped(self) -> Skipped:
        """How many rows were passed over, for a note to the user."""
        return self.table.skipped

    def key(self, request: Request) -> None:
        """None: what is already kept in files is not stored again."""

    async def ask(self, request: Request) -> Answer | Failure:
        """What was recorded, at once."""
        return self.table.reply(request)


def recorded_model(
    name: str, use: Recorded, tasks: Collection[str] | None = None, variants: Collection[str] = ()
) -> RecordedModel:
    """The candidate that answers from these files; `faults` are the rows that cannot be used."""
    model = use.model or model_of(name)
    table, faults = read_recorded(use.files, model=model, tasks=tasks, variants=variants)
    return RecordedModel(name=name, table=table, faults=faults)
