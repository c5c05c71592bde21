"""Regular expressions of JavaScript as Python reads them: the same meaning, or none.

JavaScript's `\\d` and `\\w` know ASCII alone, its `.` stops at four line breaks and `$` at none, so that
each part is spelt out. What is not surely the same is refused with the reason.
"""

from __future__ import annotations

import re

SPACE = r"\t\n\x0b\x0c\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": SPACE}
ESCAPES = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\x0c", "v": r"\x0b", "0": r"\x00"}
NEEDS_ESCAPE = frozenset("\\^$.|?*+()[]{}#&~-/ ")
QUANTIFIER = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
GROUPS = ("(?:", "(?=", "(?!", "(?<=", "(?<!")


class Untranslatable(ValueError):
    """A pattern that Python would read otherwise; the message says why."""


def translated(pattern: str) -> str:
    """The pattern for Python. Raises Untranslatable."""
    out = "".join(_Reader(pattern).parts())
    try:
        re.compile(out)
    except (re.error, RecursionError, OverflowError) as fault:
        raise Untranslatable(f"it does not compile: {fault}") from fault
    return out


def literal(text: str) -> str:
    """A pattern that finds exactly this text."""
    return "".join(_literal(char) for char in text)


def _literal(char: str) -> str:
    if char in NEEDS_ESCAPE and char != " ":
        return "\\" + char
    if char == '"' or not (char.isprintable() or char == " "):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def parts(self) -> list[str]:
        found = []
        while self.at < len(self.pattern):
            found.append(self._part())
        return found

    def _take(self, count: int = 1) -> str:
        taken = self.pattern[self.at : self.at + count]
        self.at += count
        return taken

    def _part(self) -> str:
        char = self._take()
        match char:
            case "\\":
                return self._escape(inside=False)
            case "[":
                return self._set()
            case "(":
                return self._group()
            case ".":
                return r"[^\n\r\u2028\u2029]"
            case "^":
                return r"\A"
            case "$":
                return r"\Z"
            case "{":
                quantifier = QUANTIFIER.match(self.pattern, self.at - 1)
                if quantifier is None:
                    return r"\{"
                self.at = quantifier.end()
                return quantifier.group()
            case "*" | "+" | "?" if self.pattern[self.at : self.at + 1] == "+":
                raise Untranslatable("`*+` is possessive in Python and wrong in JavaScript")
            case "*" | "+" | "?" | "|" | ")":
                return char
            case _:
                return _literal(char)

    def _group(self) -> str:
        rest = self.pattern[self.at - 1 :]
        for opening in GROUPS:
            if rest.startswith(opening):
                self.at += len(opening) - 1
                return opening
        if rest.startswith("(?"):
            named = re.match(r"\(\?<([A-Za-z_][A-Za-z0-9_]*)>", rest)
            if named is None:
                raise Untranslatable(f"`{rest[:4]}` is not of JavaScript, where it fails for every answer")
            self.at += named.end() - 1
            return f"(?P<{named[1]}>"
        return "("

    def _escape(self, *, inside: bool) -> str:
        char = self._take()
        if char in CLASSES:
            return CLASSES[char] if inside else f"[{CLASSES[char]}]"
        if char.lower() in CLASSES:
            if inside:
                raise Untranslatable(f"`\\{char}` inside brackets")
            return f"[^{CLASSES[char.lower()]}]"
        if char in ESCAPES and not (char == "0" and self.pattern[self.at : self.at + 1].isdigit()):
            return ESCAPES[char]
        if char in "bB":
            return r"\x08" if inside and char == "b" else self._boundary(char, inside)
        if char in "xu":
            return self._code(4 if char == "u" else 2)
        if char.isdigit() and not inside:
            raise Untranslatable(f"`\\{char}` looks back, which the two read differently")
        if char == "" or char.isalnum():
            raise Untranslatable(f"`\\{char}` means nothing certain")
        return _literal(char) if not inside or char == '"' else "\\" + char

    def _boundary(self, char: str, inside: bool) -> str:
        if inside:
            raise Untranslatable("`\\B` inside brackets")
        word = "[A-Za-z0-9_]"
        edge = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
        return edge if char == "b" else f"(?!{edge})"

    def _code(self, digits: int) -> str:
        found = self._take(digits)
        if re.fullmatch(r"[0-9a-fA-F]+", found) is None or len(found) < digits:
            raise Untranslatable("an escape without its digits")
        return f"\\u{int(found, 16):04x}"

    def _set(self) -> str:
        negated = self.pattern[self.at : self.at + 1] == "^"
        self.at += negated
        parts = []
        while True:
            char = self._take()
            if char == "":
                raise Untranslatable("a bracket is never closed")
            if char == "]":
                break
            if char == "\\":
                parts.append(self._escape(inside=True))
            elif char == "-":
                parts.append("-")
            else:
                parts.append("\\" + char if char in "[&~|^#" else _literal(char))
        if not parts:
            return r"[^\x00-\U0010ffff]" if not negated else r"[\x00-\U0010ffff]"
        return f"[{'^' if negated else ''}{''.join(parts)}]"
