"""How many terminal cells characters take: what columns are aligned by, in specs and in reports."""

from __future__ import annotations

import unicodedata

NO_WIDTH = frozenset({"Mn", "Me"})
NON_JOINER, JOINER, EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"


def width_of(text: str) -> int:
    """The cells that a text takes as it stands; characters that show nothing take none."""
    if text.isascii() and text.isprintable():
        return len(text)
    width, before = 0, ""
    for char in text:
        if unicodedata.category(char) not in ("Cc", "Cf") or char == JOINER:
            width += char_width(char, before)
            before = char
    return width


def char_width(char: str, before: str) -> int:
    """The cells that a character adds behind another (`""` at the beginning)."""
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
