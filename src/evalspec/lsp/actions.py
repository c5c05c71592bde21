"""The fixes that diagnostics carry, as actions on a stretch of the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalspec.lsp.definition import target_of
from evalspec.lsp.rename import Replacement
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.lsp.published import Said
    from evalspec.text.diagnostics import Fix
    from evalspec.text.source import Source


@dataclass(frozen=True, slots=True)
class Action:
    """A fix: what it does, of which diagnostic, whether it is the only one, and its replacements."""

    title: str
    said: Said
    only: bool
    replacements: tuple[Replacement, ...]


def fixes_in(said: Sequence[Said], source: Source, start: int, end: int) -> Iterator[Action]:
    """The fixes of what is said between two offsets; none of what was said of another text than this."""
    for one in said:
        if one.path != source.path or one.source.text != source.text:
            continue
        if one.start <= end and start <= one.end:
            for fix in one.diagnostic.fixes:
                replacements = _replacements(fix, source)
                if replacements:
                    yield Action(fix.message, one, len(one.diagnostic.fixes) == 1, replacements)


def _replacements(fix: Fix, source: Source) -> tuple[Replacement, ...]:
    """The edits of a fix; none where one of them is for another text."""
    found = []
    for edit in fix.edits:
        target = target_of(edit.at)
        if target is None or (target.path == source.path and target.source.text != source.text):
            return ()
        found.append(Replacement(target, edit.text))
    return tuple(found)
