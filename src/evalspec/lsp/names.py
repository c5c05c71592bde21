"""The one index of a spec's names: which words there are, what each means, and where else it is meant.

Made from the trees of a spec and of the files it imports. Everything that asks "what is this word" asks here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.lsp.declared import Declarations, declarations
from evalspec.lsp.facts import Facts
from evalspec.lsp.mentions import Mention, Symbol
from evalspec.lsp.walk import Walker
from evalspec.spec_files import Reader, gather
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.syntax.tree import File
    from evalspec.text.source import Source


@dataclass(frozen=True, slots=True)
class View:
    """A spec as an editor sees it: its text, its trees (those imported first, its own last), its names, and
    what the last check knew of the data."""

    source: Source
    files: tuple[File, ...]
    declared: Declarations
    mentions: tuple[Mention, ...]
    facts: Facts

    @property
    def file(self) -> File:
        """The tree of the spec itself."""
        return self.files[-1]

    @property
    def own(self) -> tuple[Mention, ...]:
        """The mentions in the spec itself, in order."""
        return tuple(m for m in self.mentions if m.at.source is self.source)


def view_of(source: Source, read: Reader, facts: Facts) -> View:
    """The view of a text. `read` brings the files that it imports. Never raises, whatever the text."""
    files, _ = gather(source, read)
    declared = declarations(files)
    walker = Walker(declared)
    for file in files:
        walker.file(file)
    mentions = sorted(walker.found, key=lambda m: (m.at.source is not source, m.at.start, m.at.end))
    return View(source, files, declared, tuple(mentions), facts)


def mention_at(view: View, offset: int) -> Mention | None:
    """The word at an offset, or just before it; the innermost where words stand in words."""
    touching = [m for m in view.own if m.at.start <= offset <= m.at.end]
    inside = [m for m in touching if offset < m.at.end] or touching
    return min(inside, key=lambda m: m.at.end - m.at.start, default=None)


def mentions_of(view: View, symbol: Symbol) -> tuple[Mention, ...]:
    """Every place where a symbol is meant, in all files of the spec."""
    return tuple(m for m in view.mentions if m.symbol == symbol)


def declarations_of(view: View, symbol: Symbol) -> tuple[Mention, ...]:
    """Where a symbol is brought into being; more than one where a mistake declares it twice."""
    return tuple(m for m in mentions_of(view, symbol) if m.declares)
