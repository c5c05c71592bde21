"""Formats a spec: text in, text out, in the one style that `docs/formatting.md` shows.

tokens → shapes (`format_read`) → lines (`format_write`), and then the check of itself (`format_check`).
Only the syntax counts: what `check` would say of the spec's meaning is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax.format_check import fault_of, unstable
from evalspec.syntax.format_read import members_of
from evalspec.syntax.format_write import written
from evalspec.syntax.parse import parse

if TYPE_CHECKING:
    from evalspec.text.diagnostics import Diagnostic
    from evalspec.text.source import Source


def format_source(source: Source) -> tuple[str, tuple[Diagnostic, ...]]:
    r"""A spec's text in the style of the house, or its own text and why. Never raises.

    The text keeps its line breaks, `\r\n` or `\n`: those that most of its lines have.
    """
    file, faults = parse(source)
    if faults:
        return source.text, faults
    newline = _newline_of(source.text)
    found = _formatted(source.text, newline)
    if found == source.text:
        return found, ()
    fault = fault_of(file, found) or unstable(file, found, _formatted(found, newline))
    return (found, ()) if fault is None else (source.text, (fault,))


def _formatted(text: str, newline: str) -> str:
    return written(members_of(text), newline)


def _newline_of(text: str) -> str:
    windows = text.count("\r\n")
    return "\r\n" if windows > text.count("\n") - windows else "\n"
