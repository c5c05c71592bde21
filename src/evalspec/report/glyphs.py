"""How text looks on a terminal: what each code point is shown as, and how many cells it takes.

The first step of every text that people read. Specs, data and answers are hostile to terminals: whatever
could move the cursor, colour, reorder or hide something is shown as its escape, and never as itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

TAB = "    "
ELLIPSIS = "…"
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, invisible formats, half characters, separators
NO_WIDTH = frozenset({"Mn", "Me"})
NON_JOINER, JOINER, EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"


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
        yield shown, (_width(char, before) if shown == char else len(shown))
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


def _width(char: str, before: str) -> int:
    if char < "\x7f":
        return 1
    if char in (JOINER, NON_JOINER) or unicodedata.category(char) in NO_WIDTH:
        return 1 if char == EMOJI_STYLE and _is_narrow_emoji(before) else 0
    if _continues_emoji(char, before) or "\u1160" <= char <= "\u11ff":  # Hangul vowels join the letter before
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _continues_emoji(char: str, before: str) -> bool:
    tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    return _is_emoji(char) and (before == JOINER or (tone and _is_emoji(before)))


def _is_narrow_emoji(char: str) -> bool:
    narrow = char != "" and unicodedata.east_asian_width(char) not in "WF"
    return narrow and (_is_emoji(char) or char in "0123456789#*")


def _is_emoji(char: str) -> bool:
    return char >= "\U0001f000" or (char != "" and unicodedata.category(char) == "So")
