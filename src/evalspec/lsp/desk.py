"""The specs that are open in an editor, and what was found out about them. Knows nothing of the protocol.

Everything a request reads is a value that is replaced as a whole, so that requests and checks may run in
threads while somebody types.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.data.remembered import Memory, remembering
from evalspec.lsp.facts import Facts, facts_of
from evalspec.lsp.names import View, declarations_of, mention_at, view_of
from evalspec.lsp.published import Said, said_of
from evalspec.pipeline import check_source
from evalspec.spec_files import read_source
from evalspec.text.source import Source
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.text.diagnostics import Diagnostic

MOST_FOLDERS, MOST_SPECS = 2_000, 300
IMPORTS = re.compile(r'^\s*import\s+"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """A spec as it stands in the editor. `path` is where it lies, if it lies in a folder at all."""

    uri: str
    path: Path | None
    version: int
    text: str

    @property
    def source(self) -> Source:
        name = self.path.name if self.path is not None else self.uri
        return Source(name=name, text=self.text, path=self.path)


@dataclass(frozen=True, slots=True)
class Result:
    """What a check of a document said, and of which version; and the files that it was made of."""

    document: Document
    said: tuple[Said, ...]
    sources: tuple[Source, ...]


@dataclass(slots=True)
class Desk:
    """The open documents, by URI. `edition` grows with everything that may change what a view shows."""

    documents: dict[str, Document] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    edition: int = 0
    memory: Memory = field(default_factory=Memory)
    views: dict[str, tuple[int, View]] = field(default_factory=dict)

    # ── what the editor does ──────────────────────────────────────────────────────────────────────

    def put(self, document: Document) -> None:
        """Takes in a document that was opened or changed."""
        self.documents[document.uri] = document
        self.edition += 1

    def drop(self, uri: str) -> None:
        """Forgets a document that was closed."""
        for known in (self.documents, self.results, self.facts, self.views):
            known.pop(uri, None)
        self.edition += 1

    def refresh(self) -> None:
        """Notes that something on the disk, or on another machine, may be different."""
        self.memory.forget_remote()
        self.edition += 1

    def check(self, document: Document) -> Result:
        """Checks a document with its data; what was found stays here. May take long: the data are read."""
        with remembering(self.memory):
            front = check_source(document.source, read=self.read)
        result = Result(document, said_of(front), front.sources)
        if document.uri in self.documents:
            self.facts[document.uri] = facts_of(front.checked, self.facts.get(document.uri, Facts()))
            self.results[document.uri] = result
            self.edition += 1
        return result

    def dependents(self, uri: str) -> Iterator[str]:
        """The open documents that import one, as far as they were checked."""
        document = self.documents.get(uri)
        place = _place(document.path) if document is not None else None
        for other, result in self.results.items():
            if other != uri and place is not None and any(_place(s.path) == place for s in result.sources):
                yield other

    # ── what requests read ────────────────────────────────────────────────────────────────────────

    def read(self, path: Path, name: str = "") -> tuple[Source, Diagnostic | None]:
        """A spec's text: as it stands in the editor if it is open there, else from the disk."""
        place = _place(path)
        for document in tuple(self.documents.values()):
            if place is not None and _place(document.path) == place:
                return Source(name=name or str(path), text=document.text, path=path), None
        return read_source(path, name)

    def view(self, uri: str) -> View | None:
        """A document as it stands now, with its names; None for one that is not open."""
        document, edition = self.documents.get(uri), self.edition
        if document is None:
            return None
        kept = self.views.get(uri)
        if kept is not None and kept[0] == edition:
            return kept[1]
        view = view_of(document.source, self.read, self.facts.get(uri, Facts()))
        self.views[uri] = (edition, view)
        return view

    def views_for(self, uri: str, offset: int) -> tuple[View, ...]:
        """The view of a document, and those of specs that import the file which declares the word there."""
        view = self.view(uri)
        if view is None:
            return ()
        mention = mention_at(view, offset)
        declared = declarations_of(view, mention.symbol) if mention is not None else ()
        places = {_place(m.at.source.path) for m in declared} - {None}
        own = _place(view.source.path)
        others = [v for v in self._importing(view) if _place(v.source.path) != own]
        return (view, *(v for v in others if places & {_place(f.source.path) for f in v.files}))

    def _importing(self, view: View) -> Iterator[View]:
        """Other specs that import anything: those that are open, and those in the workspace."""
        seen: set[str | None] = set()
        for document in tuple(self.documents.values()):
            seen.add(_place(document.path))
            other = self.view(document.uri)
            if other is not None and other.source.path != view.source.path:
                yield other
        roots = self.folders or ((view.source.path.parent,) if view.source.path is not None else ())
        for path in _specs(roots):
            if _place(path) in seen:
                continue
            seen.add(_place(path))
            source, fault = read_source(path)
            if fault is None and IMPORTS.search(source.text):
                yield view_of(source, self.read, Facts())


def _place(path: Path | None) -> str | None:
    """Where a file really lies."""
    try:
        return os.path.realpath(path) if path is not None else None
    except (OSError, ValueError):
        return None


def _specs(roots: tuple[Path, ...]) -> Iterator[Path]:
    """The specs in some folders, not too many, hidden folders and environments left out."""
    folders = specs = 0
    for root in roots:
        for here, inner, files in os.walk(root):
            folders += 1
            inner[:] = [
                name for name in inner if not name.startswith(".") and name not in ("node_modules", "venv")
            ]
            for name in files:
                if name.endswith(".eval"):
                    specs += 1
                    yield Path(here, name)
                if specs >= MOST_SPECS:
                    return
            if folders >= MOST_FOLDERS:
                return
