"""The requests that a server answers: from the view of a document to the protocol's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from evalspec.lsp import wire
from evalspec.lsp.actions import fixes_in
from evalspec.lsp.colours import MODIFIERS, TYPES, colours
from evalspec.lsp.completion import complete
from evalspec.lsp.definition import definition, highlights, references, target_of
from evalspec.lsp.hover import hover
from evalspec.lsp.outline import folds, outline
from evalspec.lsp.rename import Refused, renamable, rename
from evalspec.lsp.signature import signature
from evalspec.syntax.format import format_source

if TYPE_CHECKING:
    from evalspec.lsp.names import View
    from evalspec.lsp.server import Server

TRIGGERS = ['"', "{", ".", "|", "(", "[", "=", " ", "/", ","]
LEGEND = types.SemanticTokensLegend(token_types=list(TYPES), token_modifiers=list(MODIFIERS))


def register(server: Server) -> None:
    """Has a server answer every request of this module."""
    _writing(server)
    _reading(server)
    _going(server)
    _changing(server)


class Pointing(Protocol):
    """A request about a place in a document."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


def _at(server: Server, params: Pointing) -> tuple[View, int] | None:
    """The view of the document that is asked about, and the offset; None for one that is not open."""
    view = server.desk.view(params.text_document.uri)
    if view is None:
        return None
    return view, server.lines(view).offset(params.position.line, params.position.character)


def _writing(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS))
    async def completion(params: types.CompletionParams) -> types.CompletionList | None:
        return await server.ask(_completion, server, params)

    @server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(trigger_characters=["(", ","])
    )
    async def signature_help(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        return await server.ask(_signature, server, params)


def _completion(server: Server, params: types.CompletionParams) -> types.CompletionList | None:
    found = _at(server, params)
    if found is None:
        return None
    view, offset = found
    blank = params.context is not None and params.context.trigger_character == " "
    text = server.client_capabilities.text_document
    item = text.completion.completion_item if text is not None and text.completion is not None else None
    snippets = bool(item is not None and item.snippet_support)
    return wire.completion(complete(view, offset, blank=blank), server.lines(view), snippets=snippets)


def _signature(server: Server, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
    found = _at(server, params)
    written = signature(*found) if found is not None else None
    if written is None:
        return None
    return types.SignatureHelp([types.SignatureInformation(written.written, documentation=written.doc)])


def _reading(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovering(params: types.HoverParams) -> types.Hover | None:
        return await server.ask(_hover, server, params)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        return await server.ask(_symbols, server, params)

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folding(params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        return await server.ask(_folds, server, params)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, LEGEND)
    async def semantic(params: types.SemanticTokensParams) -> types.SemanticTokens | None:
        return await server.ask(_tokens, server, params)


def _hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    found = _at(server, params)
    said = hover(*found) if found is not None else None
    if found is None or said is None:
        return None
    at = wire.range_of(server.lines(found[0]), said.start, said.end)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, said.text), at)


def _symbols(server: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
    view = server.desk.view(params.text_document.uri)
    return [wire.symbol(e, server.lines(view)) for e in outline(view)] if view is not None else None


def _folds(server: Server, params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
    view = server.desk.view(params.text_document.uri)
    if view is None:
        return None
    lines = server.lines(view)
    found = []
    for start, end, kind in folds(view):
        first, last = lines.position(start)[0], lines.position(max(end - 1, start))[0]
        if last > first:
            found.append(types.FoldingRange(first, last, kind=types.FoldingRangeKind(kind)))
    return found


def _tokens(server: Server, params: types.SemanticTokensParams) -> types.SemanticTokens | None:
    view = server.desk.view(params.text_document.uri)
    return wire.tokens(colours(view), server.lines(view)) if view is not None else None


def _going(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defining(params: types.DefinitionParams) -> list[types.Location] | None:
        return await server.ask(_definition, server, params)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def referring(params: types.ReferenceParams) -> list[types.Location] | None:
        return await server.ask(_references, server, params)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlighting(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
        return await server.ask(_highlights, server, params)


def _definition(server: Server, params: types.DefinitionParams) -> list[types.Location] | None:
    found = _at(server, params)
    if found is None:
        return None
    known = server.known_uris()
    return [wire.location(target, server.encoding, known) for target in definition(*found)]


def _references(server: Server, params: types.ReferenceParams) -> list[types.Location] | None:
    found = _at(server, params)
    if found is None:
        return None
    views = server.desk.views_for(params.text_document.uri, found[1])
    known, declaration = server.known_uris(), params.context.include_declaration
    targets = [target_of(m.at) for m in references(views, found[1], declaration=declaration)]
    return [wire.location(t, server.encoding, known) for t in targets if t is not None]


def _highlights(
    server: Server, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    found = _at(server, params)
    if found is None:
        return None
    lines, kind = server.lines(found[0]), types.DocumentHighlightKind
    return [
        types.DocumentHighlight(
            wire.range_of(lines, m.at.start, m.at.end), kind.Write if m.declares else kind.Read
        )
        for m in highlights(*found)
    ]


def _changing(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def renaming(params: types.RenameParams) -> types.WorkspaceEdit | None:
        return await server.ask(_rename, server, params)

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def preparing(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        return await server.ask(_prepare, server, params)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        return await server.ask(_format, server, params)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    async def acting(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        return await server.ask(_actions, server, params)


def _rename(server: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
    found = _at(server, params)
    if found is None:
        return None
    views = server.desk.views_for(params.text_document.uri, found[1])
    try:
        replacements = rename(views, found[1], params.new_name)
    except Refused as why:
        raise JsonRpcInvalidParams(message=str(why)) from why
    return wire.workspace_edit(replacements, server.encoding, server.known_uris())


def _prepare(server: Server, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
    found = _at(server, params)
    if found is None:
        return None
    try:
        mention = renamable(*found)
    except Refused as why:
        raise JsonRpcInvalidParams(message=str(why)) from why
    at = wire.range_of(server.lines(found[0]), mention.at.start, mention.at.end)
    return types.PrepareRenamePlaceholder(range=at, placeholder=mention.symbol.name)


def _format(server: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
    view = server.desk.view(params.text_document.uri)
    if view is None:
        return None
    text, faults = format_source(view.source)
    return wire.whole_edit(view.source.text, text, server.lines(view)) if not faults else None


def _actions(server: Server, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    uri = params.text_document.uri
    view, result = server.desk.view(uri), server.desk.results.get(uri)
    if view is None or result is None:
        return None
    lines = server.lines(view)
    start = lines.offset(params.range.start.line, params.range.start.character)
    end = lines.offset(params.range.end.line, params.range.end.character)
    known = server.known_uris()
    return [
        types.CodeAction(
            title=action.title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[wire.diagnostic(action.said, server.encoding)],
            is_preferred=action.only,
            edit=wire.workspace_edit(action.replacements, server.encoding, known),
        )
        for action in fixes_in(result.said, view.source, start, end)
    ]
