"""The physical lines of one data file, as text, counted and bounded; faults of bytes are told here.

Only the record that is being read is held. A line that is not UTF-8 goes on with replacement
characters, so that one such fault does not hide or make others; what cannot be read on stops the tape.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from evalspec.data.limits import Limits, in_words
from evalspec.data.opening import iconv, strange_beginning
from evalspec.text.diagnostics import problem
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.data.faults import Faults


@dataclass(slots=True, kw_only=True)
class Tape:
    """Where reading stands: the last line's number, and the lines of the record that is being read."""

    faults: Faults
    limits: Limits
    number: int = 0
    first: int = 1  # the number of this record's first line
    held: list[str] = field(default_factory=list)
    size: int = 0  # bytes of this record
    total: int = 0  # bytes of the file, unpacked
    stopped: bool = False

    def begin(self) -> None:
        """A new record starts with the next line."""
        self.held.clear()
        self.size = 0
        self.first = self.number + 1

    def fault(
        self, code: str, message: str, *help_lines: str, line: int | None = None, column: int = 1
    ) -> None:
        """Tells a fault of this record, at its first line or at another one of it."""
        if self.faults.only_counted():
            return
        number = self.first if line is None else line
        held = self.held[number - self.first] if self.held else None
        self.faults.add(problem(code, self.faults.line(number, held, column), message, *help_lines))

    def stop(self, code: str, message: str, *help_lines: str, excerpt: str | None = None) -> None:
        """Tells a fault at the last line read, after which nothing of the file can be read."""
        place = self.faults.line(max(self.number, 1), excerpt)
        self.faults.add_final(problem(code, place, message, *help_lines))
        self.stopped = True

    def _given_up(self) -> None:
        most = f"{self.limits.all_faults:,}"
        self.stop("E0643", f"more than {most} faults up to this line: the rest is not read", "mend the first")

    def too_many_rows(self) -> None:
        """Tells that the table is full, and stops."""
        self.stop("E0643", f"the dataset has more than {self.limits.rows} rows", "draw a sample of it")

    def lines(self, stream: BinaryIO) -> Iterator[str]:
        """Each line with its line break; ends early, and `stopped`, where reading on is impossible."""
        record, text_size, most = self.limits.record, self.limits.text, self.limits.lines
        try:
            while raw := stream.readline(record + 1):
                self.number += 1
                self.size += len(raw)
                self.total += len(raw)
                if self.size > record or self.total > text_size or self.number > most:
                    self._too_much(raw)
                elif self.number == 1:
                    raw = self._beginning(raw)
                if self.stopped:
                    return
                # Whether a line is ASCII is quickly told, and most are: the call is saved.
                text = raw.decode("ascii") if raw.isascii() and b"\0" not in raw else self._decoded(raw)
                self.held.append(text)
                yield text
                if self.faults.number > self.limits.all_faults:
                    self._given_up()
                    return
        except EOFError:
            self.stop("E0642", f"the gzipped file is cut off{self._behind()}", "fetch or write it again")
        except (gzip.BadGzipFile, zlib.error) as fault:
            self._not_gzip(fault)
        except OSError as fault:
            self.stop("E0623", f"the file cannot be read on: {fault.strerror or fault}")

    def _decoded(self, raw: bytes) -> str:
        if b"\0" in raw:
            self._nul(raw)
        try:
            return raw.decode()
        except UnicodeDecodeError as fault:
            return self._undecodable(raw, fault)

    def _beginning(self, raw: bytes) -> bytes:
        strange = strange_beginning(raw, self.faults.file)
        if strange is not None:
            self.stop(*strange)
        return raw.removeprefix(codecs.BOM_UTF8)

    def _undecodable(self, raw: bytes, fault: UnicodeDecodeError) -> str:
        text = raw.decode(errors="replace")
        if self.faults.is_repeat("E0626"):
            return text
        column = len(raw[: fault.start].decode()) + 1
        message = f"line {self.number} is not UTF-8: byte {fault.start + 1} of it is 0x{raw[fault.start]:02X}"
        place = self.faults.line(self.number, text, column)
        likely = f"if it is Windows-1252, this makes a copy: {iconv(self.faults.file, 'WINDOWS-1252')}"
        self.faults.add(problem("E0626", place, message, likely))
        return text

    def _nul(self, raw: bytes) -> None:
        if self.faults.is_repeat("E0627"):
            return
        column = len(raw[: raw.index(b"\0")].decode(errors="replace")) + 1
        place = self.faults.line(self.number, raw.decode(errors="replace"), column)
        likely = f"if the file is UTF-16, this makes a copy: {iconv(self.faults.file, 'UTF-16LE')}"
        self.faults.add(problem("E0627", place, f"line {self.number} holds a NUL byte", likely))

    def _too_much(self, raw: bytes) -> None:
        excerpt = raw[:1000].decode(errors="replace")
        if self.number > self.limits.lines:
            self.stop(
                "E0643", f"the file has more than {self.limits.lines} lines", "split it, or draw a sample"
            )
        elif self.total > self.limits.text:
            message = f"the file holds more than {in_words(self.limits.text)} of text"
            self.stop("E0643", message, "split it, or draw a sample", excerpt=excerpt)
        elif self.held:
            limit = in_words(self.limits.record)
            opens = "a quote that opens here may never be closed"
            place = self.faults.line(self.first, self.held[0])
            message = f"the record that begins here is over {limit}"
            self.faults.add_final(problem("E0635", place, message, opens))
            self.stopped = True
        else:
            self.stop("E0635", f"line {self.number} is over {in_words(self.limits.record)}", excerpt=excerpt)

    def _not_gzip(self, fault: Exception) -> None:
        if self.number == 0 and isinstance(fault, gzip.BadGzipFile) and "Not a gzipped" in str(fault):
            name = self.faults.file.written
            self.stop(
                "E0642",
                "this file is not gzipped, though its name says so",
                f"name it `{name.removesuffix('.gz')}`",
            )
        else:
            self.stop("E0642", f"the gzipped file is damaged{self._behind()}", "fetch or write it again")

    def _behind(self) -> str:
        return f" behind line {self.number}" if self.number else ""
