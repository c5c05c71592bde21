"""The names inside a template, with their places, found without parsing it: it may be half written.

Jinja2's own parser stops at the first mistake and knows lines only; what an editor needs is every name that
can be told, at its exact place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.syntax import tree

OPENING = re.compile(r"\{\{[-+]?|\{%[-+]?|\{#")
CLOSING = {"{{": re.compile(r"[-+]?\}\}"), "{%": re.compile(r"[-+]?%\}"), "{#": re.compile(r"#\}")}
TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d[\w.]*)|(?P<name>[^\W\d]\w*)|(?P<sign>\S)""",
    re.DOTALL,
)
KEYWORDS = frozenset(
    ("if", "elif", "else", "endif", "for", "endfor", "in", "set", "endset", "with", "endwith", "and", "or",
     "not", "is", "recursive", "true", "false", "none", "True", "False", "None")
)  # fmt: skip
TAGS = ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "with", "endwith")


class Role(StrEnum):
    """What a word in a template does there."""

    NAME = "name"
    LOCAL = "local"  # a name that the template itself brings into being
    MEMBER = "member"
    KEY = "key"  # x["key"]
    FILTER = "filter"
    TEST = "test"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    BRACKET = "bracket"  # {{ and }}, {% and %}


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a template: offsets in its text, its role, and for members and keys whose they are."""

    start: int
    end: int
    role: Role
    text: str
    owner: str = ""


def pieces(text: str) -> Iterator[Piece]:
    """Every word inside the tags of a template, in order."""
    at = 0
    while (opening := OPENING.search(text, at)) is not None:
        kind = opening.group()[:2]
        closing = CLOSING[kind].search(text, opening.end())
        end = closing.start() if closing is not None else _line_end(text, opening.end())
        if kind != "{#":
            yield Piece(opening.start(), opening.end(), Role.BRACKET, opening.group())
            yield from _inside(text, opening.end(), end, statement=kind == "{%")
            if closing is not None:
                yield Piece(closing.start(), closing.end(), Role.BRACKET, closing.group())
        at = closing.end() if closing is not None else end


def _line_end(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found


def _inside(text: str, start: int, end: int, *, statement: bool) -> Iterator[Piece]:
    found = list(TOKEN.finditer(text, start, end))
    targets = _targets(found) if statement else frozenset()
    before = ["", ""]  # the two tokens before
    owner = ""
    for i, token in enumerate(found):
        word = token.group()
        following = found[i + 1].group() if i + 1 < len(found) else ""
        role = _role(token, before, following, i in targets)
        if role is not None:
            shift = 1 if role is Role.KEY else 0
            of = owner if role in (Role.MEMBER, Role.KEY) else ""
            yield Piece(token.start() + shift, token.end() - shift, role, word[shift : len(word) - shift], of)
        if role in (Role.NAME, Role.LOCAL):
            owner = word
        elif word not in (".", "[") and role is not Role.KEY:
            owner = ""
        before = [before[1], word]


def _role(token: re.Match[str], before: list[str], following: str, target: bool) -> Role | None:
    word = token.group()
    if token.lastgroup == "string":
        return Role.KEY if before[1] == "[" and following == "]" else Role.STRING
    if token.lastgroup == "number":
        return Role.NUMBER
    if token.lastgroup != "name":
        return None
    if before[1] == ".":
        return Role.MEMBER
    if before[1] == "|":
        return Role.FILTER
    if (before[1] == "is" or before == ["is", "not"]) and word != "not":
        return Role.TEST
    if word in KEYWORDS:
        return Role.KEYWORD
    if target:
        return Role.LOCAL
    return None if following == "=" and before[1] in ("(", ",") else Role.NAME


def _targets(found: list[re.Match[str]]) -> frozenset[int]:
    """Which tokens of a statement are names that it sets: between `for` and `in`, or before `=`."""
    words = [token.group() for token in found]
    if words[:1] == ["for"]:
        end = words.index("in") if "in" in words else len(words)
        return frozenset(range(1, end))
    if words[:1] in (["set"], ["with"]):
        return frozenset(i for i in range(1, len(words) - 1) if words[i + 1] == "=" and words[i - 1] != "(")
    return frozenset()


def locals_of(text: str) -> frozenset[str]:
    """The names that a template brings into being itself."""
    return frozenset(piece.text for piece in pieces(text) if piece.role is Role.LOCAL)


# ── where a template's text stands in the spec ────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a string as the template has it, and the offset of each of its characters."""

    text: str
    offsets: tuple[int, ...] | range

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the source that a stretch of the content is written as."""
        return self.offsets[start], self.offsets[end]

    def inside(self, offset: int) -> int | None:
        """Where in the content an offset of the source is; None outside of it."""
        if not self.offsets[0] <= offset <= self.offsets[-1]:
            return None
        if isinstance(self.offsets, range):
            return offset - self.offsets[0]
        return next(i for i, place in enumerate(self.offsets) if place >= offset)


ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[\s\S]")


def content_of(text: tree.Text) -> Content:
    """The content of a string of the spec; of a long one as it is written, indentation included."""
    return content_between(text.at.source.text, text.at.start, text.at.end, text.form)


def content_between(source: str, start: int, end: int, form: str) -> Content:
    """The same for a token from `start` to `end`, which may lack its closing quotes."""
    quotes = {"long": 3, "raw": 2, "string": 1}[form]
    closing = '"""' if form == "long" else '"'
    first = start + quotes
    closed = end - len(closing) >= first and source[:end].endswith(closing)
    last = end - len(closing) if closed else end
    if form != "string":
        return Content(source[first:last], range(first, last + 1))
    chars: list[str] = []
    offsets: list[int] = []
    for found in ESCAPE.finditer(source, first, last):
        for char in _unescaped(found.group()):
            chars.append(char)
            offsets.append(found.start())
    return Content("".join(chars), (*offsets, last))


def _unescaped(written: str) -> str:
    if not written.startswith("\\"):
        return written
    try:
        return str(json.loads(f'"{written}"'))
    except ValueError:  # no escape of a string, which `check` says
        return written[-1]
