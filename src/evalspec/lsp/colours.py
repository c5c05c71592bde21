"""What kind each word is, for editors that colour by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from evalspec.lsp.lexemes import lexed
from evalspec.lsp.mentions import What
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.lsp.names import View

# The protocol's own names, which every theme knows.
TYPES = ("keyword", "property", "class", "variable", "function", "enumMember", "parameter", "number",
         "string", "comment", "operator")  # fmt: skip
MODIFIERS = ("declaration", "readonly")
OF: Mapping[What, str] = {
    What.BLOCK: "keyword", What.ATTRIBUTE: "property", What.ARGUMENT: "parameter", What.FUNCTION: "function",
    What.FILTER: "function", What.TEST: "function", What.METRIC: "function", What.WORD: "enumMember",
    What.LABEL: "enumMember", What.MEMBER: "enumMember", What.COLUMN: "variable", What.LOCAL: "variable",
    What.TEMPLATE_WORD: "variable", What.FIELD: "property", What.PARAM: "variable", What.FILE: "string",
}  # fmt: skip
SIMPLE = {"QUANTITY": "number", "TRUE": "keyword", "FALSE": "keyword", "NULL": "keyword", "AND": "keyword",
          "OR": "keyword", "NOT": "keyword", "IN": "keyword", "IMPORT": "keyword", "OF": "keyword",
          "CONTAINS": "keyword", "MATCHES": "keyword", "COMPARE": "operator"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Colour:
    """A stretch of one line, its type and whether it declares."""

    start: int
    end: int
    type: str
    declares: bool = False
    readonly: bool = False


def colours(view: View) -> tuple[Colour, ...]:
    """The coloured words of a spec in order, none overlapping another, none over the end of a line."""
    found = lexed(view.source.text)
    meant = [
        _meant(m.symbol.what, m.at.start, m.at.end, m.declares) for m in view.own if m.at.end > m.at.start
    ]
    plain = [Colour(x.start, x.end, SIMPLE[x.kind]) for x in found.lexemes if x.kind in SIMPLE]
    comments = [Colour(x.start, x.end, "comment") for x in found.comments]
    return tuple(
        _apart(sorted([*meant, *plain, *comments], key=lambda c: (c.start, -c.end)), view.source.text)
    )


def _meant(what: What, start: int, end: int, declares: bool) -> Colour:
    return Colour(start, end, OF.get(what, "class"), declares, what is What.TEMPLATE_WORD)


def _apart(ordered: list[Colour], text: str) -> Iterator[Colour]:
    end = 0
    for colour in ordered:
        if colour.start >= end and "\n" not in text[colour.start : colour.end]:
            yield colour
            end = colour.end
