"""How text looks on a terminal: what each code point is shown as, and how many cells it takes.

The first step of every text that people read. Specs, data and answers are hostile to terminals: whatever
could move the cursor, colour, reorder or hide something is shown as its escape, and never as itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from evalspec.text.cells import JOINER, NON_JOINER, char_width

TAB = "    "
ELLIPSIS = "…"
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, invisible formats, half characters, separators


def visible(text: str) -> str:
    r"""The text on one line, with what would act on a terminal spelt out: `\n`, `\t`, `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(glyph for glyph, _ in glyphs(text, tab="\\t"))


def cells(text: str) -> int:
    """How many terminal cells `visible(text)` takes."""
    return sum(width for _, width in glyphs(text, tab="\\t"))


def glyphs(text: str, *, tab: str = TAB) -> Iterator[tuple[str, int]]:
    """For each code point, what is shown in its place and how many cells that takes."""
    before = ""
    for char in text:
        shown = tab if char == "\t" else char if _is_safe(char, before) else escaped(char)
        yield shown, (char_width(char, before) if shown == char else len(shown))
        before = char if shown == char else ""


def escaped(char: str) -> str:
    r"""A code point spelt as Python spells it: `\n`, `\x1b`, `\u202e`, `\U000e0041`."""
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(char)
    wide = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return short.get(char, wide)


def _is_safe(char: str, before: str) -> bool:
    if char in (JOINER, NON_JOINER):
        return before > "\x7f"  # inside emoji and in scripts that need them; elsewhere they only hide
    return unicodedata.category(char) not in UNSAFE
