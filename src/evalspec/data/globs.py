"""Paths with `*`, `**`, `?`, `[…]` and captures such as `{subject}`: which files they mean.

A capture stands for a part of one name and becomes a column. A path that exists as it is written means
itself, whatever signs it holds.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from evalspec.data.places import is_file, is_there
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

MOST_FILES = 10_000
CAPTURE = Pattern(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
SIGNS = Pattern(r"\*\*/?|[*?]|\[!?\]?[^\]/]*\]|\{[A-Za-z_][A-Za-z0-9_]*\}")


class TooManyFiles(ValueError):
    """A pattern means more files than anyone has data files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A file that a pattern means: the path as the spec would write it, and what its captures stand for."""

    written: str
    captures: Mapping[str, str]


def is_pattern(written: str, folder: Path) -> bool:
    """Whether a path means several files: it holds signs, and no file has just that name."""
    return SIGNS.search(written) is not None and not is_there(folder / written)


def capture_names(written: str) -> tuple[str, ...]:
    """The names of a pattern's captures, in order."""
    return tuple(CAPTURE.findall(written))


def matches(written: str, folder: Path) -> tuple[Match, ...]:
    """The files that a pattern means, in the order of their names. Raises TooManyFiles."""
    expression = re.compile(_expression(written))
    found: list[Match] = []
    for path in _candidates(written, folder):
        fits = expression.fullmatch(path)
        if fits is not None and is_file(folder / path):
            found.append(Match(written=path, captures=fits.groupdict()))
        if len(found) > MOST_FILES:
            raise TooManyFiles(f"`{written}` means more than {MOST_FILES:,} files")
    return tuple(sorted(found, key=lambda match: match.written))


def _candidates(written: str, folder: Path) -> Iterator[str]:
    """The paths that the pattern may mean, with `/` between their parts."""
    pattern = CAPTURE.sub("*", written)
    most = 100 * MOST_FILES
    # An absolute pattern looks where it says, whatever the folder. (Path.glob follows no pattern upwards.)
    found = glob.iglob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    for number, path in enumerate(islice(found, most + 1)):
        if number == most:
            raise TooManyFiles(f"`{written}` looks at more than {most:,} paths")
        yield path.replace(os.sep, "/")


def _expression(written: str) -> str:
    """The regular expression of a pattern; a capture that stands twice means the same text."""
    parts: list[str] = []
    seen: set[str] = set()
    end = 0
    for sign in SIGNS.finditer(written):
        parts += [re.escape(written[end : sign.start()]), _of_sign(sign[0], seen)]
        end = sign.end()
    return "".join([*parts, re.escape(written[end:])])


def _of_sign(sign: str, seen: set[str]) -> str:
    if sign.startswith("**"):
        return "(?:.*/)?" if sign.endswith("/") else ".*"
    if sign.startswith("{"):
        name = sign[1:-1]
        again = name in seen
        seen.add(name)
        return f"(?P={name})" if again else f"(?P<{name}>[^/]+?)"
    if sign.startswith("["):
        return "[^" + sign[2:] if sign.startswith("[!") else sign
    return "[^/]*" if sign == "*" else "[^/]"
