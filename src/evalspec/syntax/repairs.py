"""Certain fixes for what the grammar cannot take: each leaves a text that parses at that place.

Where more than one thing could have been meant there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Edit, Fix
from evalspec.text.patterns import Pattern
from evalspec.text.source import Span

if TYPE_CHECKING:
    from evalspec.text.source import Source

Fixes = tuple[Fix, ...]

CLOSING = {"'": "'", "`": "`", "‘": "’", "’": "’", "“": "”“", "”": "”", "„": "“”", "«": "»"}
BEHIND_A_TEXT = Pattern(r"\s*($|[,;\])}|#])")
NEXT_ENTRY = Pattern(r",[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*=(?!=)")


def replaced(at: Span, new: str) -> Fixes:
    """One fix that writes `new` in a place."""
    return (Fix(message=f"write `{new}`", edits=(Edit(at=at, text=new),)),)


def inserted(source: Source, offset: int, new: str, message: str) -> Fixes:
    """One fix that puts `new` before a code point."""
    return (Fix(message=message, edits=(Edit(at=Span(source, offset, offset), text=new),)),)


def quoted(source: Source, start: int) -> Fixes:
    """Straight double quotes around a text in others, if it is plain where the text ends."""
    line = _rest_of_line(source, start)
    opening = line[:1]
    closings = CLOSING.get(opening, "")
    end = next((i for i, char in enumerate(line) if i > 0 and char in closings), 0)
    inner = line[1:end]
    alone = line.count(opening) == 2 if opening in closings else True
    if not end or '"' in inner or "\\" in inner or ("{" in inner and not alone):
        return ()
    if BEHIND_A_TEXT.match(line, end + 1) is None:
        return ()
    edits = tuple(Edit(at=Span(source, i, i + 1), text='"') for i in (start, start + end))
    return (Fix(message=f'write `"{inner}"`', edits=edits),)


def spelled_and(source: Source, start: int) -> Fixes:
    """`and` for `&` or `&&`."""
    end = start + (2 if source.text.startswith("&&", start) else 1)
    before = "" if source.text[:start][-1:].isspace() else " "
    behind = "" if source.text[end : end + 1].isspace() else " "
    edit = Edit(at=Span(source, start, end), text=f"{before}and{behind}")
    return (Fix(message="write `and`", edits=(edit,)),)


def comment(source: Source, start: int) -> Fixes:
    """`#` for `//`."""
    return replaced(Span(source, start, start + 2), "#") if source.text.startswith("//", start) else ()


def import_in_quotes(source: Source, start: int) -> Fixes:
    """Quotes around the name of a file that ends its line."""
    name = _rest_of_line(source, start).split("#")[0].strip()
    if not name or any(char in name for char in " \t\"'\\;"):
        return ()
    return replaced(Span(source, start, start + len(name)), f'"{name}"')


def semicolon_for_comma(source: Source, start: int) -> Fixes:
    """`;` for the comma between two attributes on one line."""
    if NEXT_ENTRY.match(source.text, start) is None:
        return ()
    return replaced(Span(source, start, start + 1), ";")


def raw_string(source: Source, start: int, written: str) -> Fixes:
    r"""`r"…"` for a string in which no backslash begins an escape, as `"\d+"`."""
    pairs = [written[i : i + 2] for i, char in enumerate(written) if char == "\\"]
    if any(pair[1:] in '"\\/bfnrtu' for pair in pairs):
        return ()
    return inserted(source, start, "r", f"write `r{written}`" if len(written) < 60 else 'write `r"…"`')


def _rest_of_line(source: Source, start: int) -> str:
    end = source.text.find("\n", start)
    return source.text[start : len(source.text) if end < 0 else end].rstrip("\r")
