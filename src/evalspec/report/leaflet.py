"""A page of Markdown as a terminal shows it: headings strong, prose wrapped, examples indented."""

from __future__ import annotations

from collections.abc import Iterator

from evalspec.report.excerpt import Style
from evalspec.report.wrapping import wrapped

INDENT = "    "
FENCE = "```"


def leaflet(page: str, *, width: int, colour: bool) -> str:
    """The page for reading in a terminal of `width` cells, ending in a line break."""
    return "\n".join(_lines(page.rstrip("\n"), width, colour)) + "\n"


def _lines(page: str, width: int, colour: bool) -> Iterator[str]:
    fenced = False
    for line in page.split("\n"):
        if line.startswith(FENCE):
            named = _file_of(line)
            if not fenced and named:
                yield _painted(f"{INDENT}# {named}", Style.FRAME, colour)
            fenced = not fenced
        elif fenced:
            yield INDENT + line if line else ""
        elif line.startswith("#"):
            yield _painted(line.lstrip("# "), Style.STRONG, colour)
        else:
            hanging = "  " if line.startswith("- ") else ""
            yield from wrapped(line, width, rest=hanging)


def _file_of(fence: str) -> str:
    """The name of the file that a fence holds, where it says one."""
    _, _, behind = fence.partition('file="')
    return behind.partition('"')[0]


def _painted(text: str, style: Style, colour: bool) -> str:
    return f"\x1b[{style.value}m{text}\x1b[0m" if colour else text
