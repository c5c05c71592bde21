"""Server-sent events as they come from a socket: the data of each, whatever the chunks that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalspec.text.values import dataclass, field

LINE = re.compile(rb"\r\n|\n|\r(?=[^\n])")


@dataclass(slots=True)
class Events:
    """Takes chunks of a body and gives the data of the events that they complete.

    Names, ids and comments are left out: every vendor tells the kind of an event in its data too. What no
    blank line ends at the close of the body is no event, as the standard has it.
    """

    rest: list[bytes] = field(default_factory=list)  # of a line that has not ended
    lines: list[bytes] = field(default_factory=list)

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The data of the events that end in this chunk."""
        self.rest.append(chunk)
        if b"\n" not in chunk and b"\r" not in chunk and not self.rest[-2:][0].endswith(b"\r"):
            return  # a long line is put together once
        *whole, last = LINE.split(b"".join(self.rest))
        self.rest = [last]
        for line in whole:
            if not line:
                if self.lines:
                    yield b"\n".join(self.lines)
                    self.lines.clear()
            elif line.startswith(b"data:"):
                self.lines.append(line[5:].removeprefix(b" "))
