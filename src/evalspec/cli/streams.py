"""Standard output and error that nothing can break: a reader that leaves, a full disk, an odd encoding.

Whoever reads our output may stop at any time (`| head -1`), which is no fault of the command: the rest
goes nowhere, and the exit code still tells what came of it.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


class Outlet(io.TextIOWrapper):
    """A standard stream that drops what it cannot write, and keeps the `fault` that was the reason."""

    fault: OSError | None = None

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as fault:
            return self._drop(fault, len(text))

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as fault:
            self._drop(fault, 0)

    def _drop(self, fault: OSError, length: int) -> int:
        if self.fault is None:
            self.fault = fault
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        return length


def secure_streams() -> None:
    """Puts outlets in the place of the standard streams; those that were closed lead nowhere."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened would take the place, and be printed into
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _outlet(sys.stdout, 1)
    sys.stderr = _outlet(sys.stderr, 2)


def _outlet(stream: TextIO | None, number: int) -> Outlet:
    encoding, raw = "utf-8", None
    if isinstance(stream, io.TextIOWrapper):
        encoding, raw = stream.encoding, stream.detach()
    raw = raw if raw is not None else open(number, "wb", closefd=False)  # noqa: SIM115  for good
    by_line = number == 2 or os.isatty(number)
    return Outlet(raw, encoding=encoding, errors="backslashreplace", line_buffering=by_line)


def undelivered() -> str | None:
    """Why standard output could not be written, unless its reader just left."""
    sys.stdout.flush()
    sys.stderr.flush()
    fault = sys.stdout.fault if isinstance(sys.stdout, Outlet) else None
    return None if fault is None or isinstance(fault, BrokenPipeError) else fault.strerror or str(fault)
