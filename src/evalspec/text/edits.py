"""Fixes that may be applied without asking, and texts with edits applied.

A fix is certain where its diagnostic offers no other, and where none of its edits touches what another fix
changes. Takes diagnostics to texts; reads and writes no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalspec.text.diagnostics import Diagnostic, Edit, Fix
    from evalspec.text.source import Source


@dataclass(frozen=True, slots=True)
class Certain:
    """A diagnostic with the one fix that it offers."""

    diagnostic: Diagnostic
    fix: Fix

    @property
    def said(self) -> tuple[str, str, str, tuple[str, ...]]:
        """What stays the same of it when the places move."""
        about = self.diagnostic
        return about.at.file, about.code, about.message, tuple(edit.text for edit in self.fix.edits)


def certain_fixes(diagnostics: Iterable[Diagnostic]) -> list[Certain]:
    """The fixes that may be applied together, in the order of the diagnostics."""
    chosen: list[Certain] = []
    taken: list[Edit] = []
    for diagnostic in diagnostics:
        if len(diagnostic.fixes) != 1 or not diagnostic.fixes[0].edits:
            continue
        fix = diagnostic.fixes[0]
        fresh = [edit for edit in fix.edits if edit not in taken]
        if not any(_touch(edit, other) for edit in fresh for other in (*taken, *fresh) if other is not edit):
            chosen.append(Certain(diagnostic, fix))
            taken += fresh
    return chosen


def edited(source: Source, edits: Iterable[Edit]) -> str:
    """The source's text with the edits that are about it; line breaks as the text has them."""
    text = source.text
    line_break = "\r\n" if "\r\n" in text else "\n"
    own = {edit for edit in edits if edit.at.source == source}
    for edit in sorted(own, key=lambda e: e.at.start, reverse=True):
        new = edit.text.replace("\n", line_break)
        text = text[: edit.at.start] + new + text[edit.at.end :]
    return text


def sources_of(edits: Sequence[Edit]) -> list[Source]:
    """The sources that edits change, each once."""
    found: list[Source] = []
    for edit in edits:
        if edit.at.source not in found:
            found.append(edit.at.source)
    return found


def _touch(one: Edit, other: Edit) -> bool:
    """Whether two edits overlap or begin at one place, so that their order would matter."""
    if one.at.source != other.at.source:
        return False
    apart = one.at.end <= other.at.start or other.at.end <= one.at.start
    return not apart or one.at.start == other.at.start
