"""Expressions and prompts out of texts, for the tests beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.expressions import Expression, Scope, Type, compile_expression
from evalspec.language.prompts import Prompt, Written, read_prompt
from evalspec.syntax import tree
from evalspec.syntax.parse import parse
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.text.diagnostics import Diagnostic

COLUMNS: Mapping[str, Type] = {
    "t": Type.TEXT,
    "u": Type.TEXT,
    "n": Type.NUMBER,
    "m": Type.NUMBER,
    "b": Type.BOOL,
    "c": Type.BOOL,
    "d": Type.DATE,
    "xs": Type.LIST,
    "o": Type.OBJECT,
    "v": Type.UNKNOWN,
}


def understood(
    text: str, columns: Mapping[str, Type] | None = COLUMNS
) -> tuple[Expression, list[Diagnostic]]:
    """An expression, and what is wrong with it."""
    file, faults = parse(Source(name="a.eval", text=f"x = {text}"))
    assert faults == (), [d.message for d in faults]
    (entry,) = file.entries
    assert isinstance(entry, tree.Attribute)
    made, found = compile_expression(entry.value, Scope(columns, "dataset `d`"))
    return made, list(found)


def value(text: str, **row: object) -> object:
    """What a sound expression gives for a row."""
    made, faults = understood(text)
    assert faults == [], [d.message for d in faults]
    return made(row)


def prompt_of(
    text: str, scope: Mapping[str, Type] | None = COLUMNS
) -> tuple[Prompt | None, tuple[Diagnostic, ...]]:
    """A prompt that stands in a file of its own, and what is wrong with it."""
    source = Source(name="p.jinja", text=text)
    written = Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")
    return read_prompt(written, scope, "dataset `d`")


def rendered(text: str, **row: object) -> str:
    """What a sound prompt says for a row."""
    prompt, faults = prompt_of(text)
    assert prompt is not None, [d.message for d in faults]
    return prompt.render(row)
