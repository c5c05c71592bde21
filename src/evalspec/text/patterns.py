"""Regular expressions that are compiled when they are first used.

Compiling the larger ones takes longer than checking a spec, and `check` uses none of them.
"""

from __future__ import annotations

import re
import sys
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Pattern:
    """A regular expression of Python's `re`, with the methods of a compiled one."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        return self.compiled.match(text, start)

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        return self.compiled.search(text, start)

    def fullmatch(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        return self.compiled.fullmatch(text, start, end)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.compiled.finditer(text)

    def sub(self, new: str | Callable[[re.Match[str]], str], text: str) -> str:
        return self.compiled.sub(new, text)

    def findall(self, text: str) -> list[str]:
        """What matches, or its group; for expressions with at most one."""
        return [str(found) for found in self.compiled.findall(text)]

    def split(self, text: str) -> list[str]:
        """What stands between matches; for expressions without groups."""
        return [str(part) for part in self.compiled.split(text)]
