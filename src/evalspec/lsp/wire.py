"""From our values to the protocol's: ranges in the editor's units, items, edits.

With `server` and `requests` all that knows the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls import uris

from evalspec.lsp.colours import MODIFIERS, TYPES
from evalspec.lsp.offers import Kind
from evalspec.lsp.positions import Encoding, Lines
from evalspec.text.diagnostics import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from evalspec.lsp.colours import Colour
    from evalspec.lsp.definition import Target
    from evalspec.lsp.offers import Offer
    from evalspec.lsp.outline import Entry
    from evalspec.lsp.published import Related, Said
    from evalspec.lsp.rename import Replacement

ITEM: Mapping[Kind, types.CompletionItemKind] = {
    Kind.BLOCK: types.CompletionItemKind.Class,
    Kind.ATTRIBUTE: types.CompletionItemKind.Property,
    Kind.NAME: types.CompletionItemKind.Variable,
    Kind.COLUMN: types.CompletionItemKind.Field,
    Kind.LABEL: types.CompletionItemKind.EnumMember,
    Kind.FUNCTION: types.CompletionItemKind.Function,
    Kind.ARGUMENT: types.CompletionItemKind.Property,
    Kind.METRIC: types.CompletionItemKind.Unit,
    Kind.WORD: types.CompletionItemKind.Keyword,
    Kind.FILE: types.CompletionItemKind.File,
    Kind.FOLDER: types.CompletionItemKind.Folder,
}
SEVERITY: Mapping[Severity, types.DiagnosticSeverity] = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
SYMBOL: Mapping[str, types.SymbolKind] = {
    "dataset": types.SymbolKind.Array, "subset": types.SymbolKind.Enum,
    "provider": types.SymbolKind.Interface, "model": types.SymbolKind.Object,
    "prompt": types.SymbolKind.String, "costs": types.SymbolKind.Number,
    "task": types.SymbolKind.Function, "chain": types.SymbolKind.Function, "step": types.SymbolKind.Method,
    "decision": types.SymbolKind.Function, "entry": types.SymbolKind.Property,
}  # fmt: skip
PLACEHOLDER = re.compile(r"(?<!\\)\$(?:\{\d+:((?:\\.|[^}\\])*)\}|\d+)")


def range_of(lines: Lines, start: int, end: int) -> types.Range:
    """A stretch of a text as a range."""
    return types.Range(types.Position(*lines.position(start)), types.Position(*lines.position(end)))


def uri_of(path: Path) -> str:
    """A file's URI."""
    return uris.from_fs_path(str(path.absolute())) or ""


def location(target: Target, encoding: Encoding, known: Mapping[str, str]) -> types.Location:
    """A place in a file. `known`: the URIs of open files, as the editor writes them, by path."""
    uri = known.get(str(target.path.absolute())) or uri_of(target.path)
    return types.Location(uri, range_of(Lines(target.source.text, encoding), target.start, target.end))


def diagnostic(said: Said, encoding: Encoding) -> types.Diagnostic:
    """What is said, at its range."""
    tags = [types.DiagnosticTag.Unnecessary] if said.unused else None
    return types.Diagnostic(
        range=range_of(Lines(said.source.text, encoding), said.start, said.end),
        message=said.message,
        severity=SEVERITY[said.severity],
        code=said.code,
        source="evalspec",
        tags=tags,
        related_information=[_related(r, encoding) for r in said.related] or None,
    )


def _related(related: Related, encoding: Encoding) -> types.DiagnosticRelatedInformation:
    uri = uri_of(related.path)
    if related.source is not None:
        at = range_of(Lines(related.source.text, encoding), related.start, related.end)
    else:
        place = types.Position(max(related.start, 0), max(related.end, 0))
        at = types.Range(place, place)
    return types.DiagnosticRelatedInformation(types.Location(uri, at), related.message)


def plain(snippet: str) -> str:
    """A snippet's text for editors that know no snippets."""
    text = PLACEHOLDER.sub(lambda found: found.group(1) or "", snippet)
    return re.sub(r"\\([\\$}])", r"\1", text)


def completion(offers: Sequence[Offer], lines: Lines, *, snippets: bool) -> types.CompletionList:
    """The offers as items, in their order."""
    return types.CompletionList(
        is_incomplete=False,
        items=[_item(offer, i, lines, snippets=snippets) for i, offer in enumerate(offers)],
    )


def _item(offer: Offer, number: int, lines: Lines, *, snippets: bool) -> types.CompletionItem:
    snippet = offer.snippet and snippets
    text = plain(offer.insert) if offer.snippet and not snippets else offer.insert
    return types.CompletionItem(
        label=offer.label,
        kind=ITEM[offer.kind],
        detail=offer.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, offer.doc) if offer.doc else None,
        sort_text=f"{number:04}",
        filter_text=offer.label,
        insert_text_format=types.InsertTextFormat.Snippet if snippet else types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(range_of(lines, offer.start, offer.end), text),
    )


def symbol(entry: Entry, lines: Lines) -> types.DocumentSymbol:
    """A block of the outline with those inside."""
    return types.DocumentSymbol(
        name=entry.name,
        kind=SYMBOL.get(entry.kind, types.SymbolKind.Namespace),
        detail=entry.detail or None,
        range=range_of(lines, entry.at.start, entry.at.end),
        selection_range=range_of(lines, entry.jump.start, entry.jump.end),
        children=[symbol(inner, lines) for inner in entry.inner],
    )


def tokens(colours: Iterable[Colour], lines: Lines) -> types.SemanticTokens:
    """Colours in the protocol's relative numbers."""
    data: list[int] = []
    before = (0, 0)
    for colour in colours:
        line, column = lines.position(colour.start)
        modifiers = (1 << MODIFIERS.index("declaration") if colour.declares else 0) | (
            1 << MODIFIERS.index("readonly") if colour.readonly else 0
        )
        step = column - before[1] if line == before[0] else column
        width = lines.width(colour.start, colour.end)
        data += [line - before[0], step, width, TYPES.index(colour.type), modifiers]
        before = (line, column)
    return types.SemanticTokens(data=data)


def workspace_edit(
    replacements: Iterable[Replacement], encoding: Encoding, known: Mapping[str, str]
) -> types.WorkspaceEdit:
    """Replacements in several files as one edit."""
    changes: dict[str, list[types.TextEdit]] = {}
    for replacement in replacements:
        place = location(replacement.target, encoding, known)
        changes.setdefault(place.uri, []).append(types.TextEdit(place.range, replacement.text))
    return types.WorkspaceEdit(changes=changes)


def whole_edit(before: str, after: str, lines: Lines) -> list[types.TextEdit]:
    """One edit that turns a text into another: what lies between their common beginning and end."""
    if before == after:
        return []
    start = 0
    least = min(len(before), len(after))
    while start < least and before[start] == after[start]:
        start += 1
    end = 0
    while end < least - start and before[-1 - end] == after[-1 - end]:
        end += 1
    if start and before[start - 1] == "\r":  # never between the two characters of a line end
        start -= 1
    if end and before[len(before) - end] == "\n":
        end -= 1
    text = after[start : len(after) - end]
    return [types.TextEdit(range_of(lines, start, len(before) - end), text)]
