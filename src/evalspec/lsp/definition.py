"""Where a name comes from and where else it is meant, across the spec, its imports, templates and data."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.lsp.mentions import DECLARED, Mention, Symbol, What
from evalspec.lsp.names import declarations_of, mention_at, mentions_of
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import DataFile
    from evalspec.lsp.names import View

HEADER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Target:
    """A stretch of a file that an editor may open. `source` holds as much of its text as was read."""

    path: Path
    source: Source
    start: int
    end: int


def target_of(at: Span) -> Target | None:
    """A place in a spec or template; None where it lies in no file."""
    path = at.source.path
    return Target(path, at.source, at.start, at.end) if path is not None else None


def definition(view: View, offset: int) -> tuple[Target, ...]:
    """Where the word at an offset is declared: a block, a list of labels, a header of data, a file."""
    mention = mention_at(view, offset)
    if mention is None:
        return ()
    if mention.symbol.what is What.FILE:
        return _file(view, mention)
    declared = declarations_of(view, mention.symbol) or _owners(view, mention.symbol)
    found = [target_of(m.at) for m in declared]
    if not declared and mention.symbol.what is What.COLUMN:
        found = [_in_data(view, mention.symbol)]
    return tuple(t for t in found if t is not None)


def _owners(view: View, symbol: Symbol) -> tuple[Mention, ...]:
    """What stands for a thing that is declared in the data only: a value's subset, a label's column."""
    if symbol.what is What.MEMBER:
        return declarations_of(view, Symbol(What.SUBSET, symbol.scope))
    if symbol.what is What.LABEL:
        column = view.declared.label_of.get(symbol.scope, "")
        return mentions_of(view, Symbol(What.COLUMN, column, symbol.scope))[:1]
    return ()


def _file(view: View, mention: Mention) -> tuple[Target, ...]:
    path = mention.at.source.folder / mention.symbol.name
    known = [
        f for d in view.facts.datasets.values() for f in d.files if f.at.start <= mention.at.start < f.at.end
    ]
    paths = [path] if _is_file(path) else [f.path for f in known if _is_file(f.path)][:20]
    return tuple(Target(p, Source(name=str(p), text="", path=p), 0, 0) for p in paths)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _in_data(view: View, column: Symbol) -> Target | None:
    """Where the first file of a dataset names a column: in its header, or in its first object."""
    dataset = view.facts.datasets.get(column.scope)
    for file in dataset.files[:1] if dataset is not None else ():
        if column.name in file.captures:
            return target_of(file.at)
        if file.gzipped or file.format not in ("csv", "tsv", "jsonl"):
            return Target(file.path, Source(name=file.written, text="", path=file.path), 0, 0)
        head = _head(file.path)
        at = _column_in(head, file, column.name) if head is not None else None
        if head is not None and at is not None:
            return Target(file.path, Source(name=file.written, text=head, path=file.path), *at)
    return None


def _head(path: Path) -> str | None:
    try:
        with path.open("rb") as raw:
            return raw.read(HEADER_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return None


def _column_in(head: str, file: DataFile, name: str) -> tuple[int, int] | None:
    line = re.split(r"\r\n|\n|\r", head, maxsplit=1)[0]
    if file.format == "jsonl":
        found = line.find(json.dumps(name, ensure_ascii=False))
        return (found + 1, found + 1 + len(name)) if found >= 0 else None
    delimiter = "\t" if file.format == "tsv" else ","
    cells = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    if name not in cells:
        return None
    places = _cell_places(line, delimiter)
    return places[cells.index(name)] if cells.index(name) < len(places) else None


def _cell_places(line: str, delimiter: str) -> list[tuple[int, int]]:
    """Where the cells of a header line stand, without their quotes."""
    pattern = re.compile(rf'"(?P<quoted>(?:[^"]|"")*)"(?={delimiter}|$)|(?P<plain>[^{delimiter}]*)')
    places: list[tuple[int, int]] = []
    at = 0
    while at <= len(line):
        found = pattern.match(line, at)
        if found is None:
            break
        places.append(found.span("quoted") if found.group("quoted") is not None else found.span("plain"))
        at = found.end() + 1
    return places


def references(views: tuple[View, ...], offset: int, *, declaration: bool) -> tuple[Mention, ...]:
    """Every place that means the same as the word at an offset of the first view, each once.

    The other views are specs that import the first one. Words of the language have references as well.
    """
    mention = mention_at(views[0], offset)
    if mention is None:
        return ()
    return tuple(m for m in everywhere(views, mention.symbol) if declaration or not m.declares)


def everywhere(views: tuple[View, ...], symbol: Symbol) -> tuple[Mention, ...]:
    """The mentions of a symbol in several views, each place once."""
    found: dict[tuple[str, int], Mention] = {}
    for view in views:
        for mention in mentions_of(view, symbol):
            key = (str(mention.at.source.path or mention.at.source.name), mention.at.start)
            found.setdefault(key, mention)
    return tuple(found.values())


def highlights(view: View, offset: int) -> tuple[Mention, ...]:
    """The places in the spec itself that mean the same as the word at an offset."""
    mention = mention_at(view, offset)
    if mention is None or mention.symbol.what not in DECLARED | {What.METRIC}:
        return ()
    return tuple(m for m in mentions_of(view, mention.symbol) if m.at.source is view.source)
