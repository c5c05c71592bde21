"""The mentions inside templates, whether they stand in the spec or in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from evalspec.lsp.mentions import Mention, Symbol, What
from evalspec.lsp.templates import Content, Piece, Role, content_of, locals_of, pieces
from evalspec.syntax import tree
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.lsp.declared import Declarations

OWN_NAMES: Mapping[str, str] = {
    "labels": "the labels that the answer may be",
    "choices": "the choices of `letter_of`, each with `letter` and `text`",
    "shots": "the few-shot examples, each a row",
    "row": 'the whole row: `row["column"]` reads a column that another name hides',
    "loop": "the loop that this stands in: `index`, `first`, `last`, …",
}
JUDGES = ("answer", "response", "gold")
LONGEST_FILE = 1_000_000


class Surroundings(Protocol):
    """What a template stands in."""

    @property
    def dataset(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def step(self) -> str: ...


class TemplateReader:
    """Gathers the mentions of templates. A template file is read once, for the first place that names it."""

    def __init__(self, declared: Declarations, found: list[Mention]) -> None:
        self.declared = declared
        self.found = found
        self.read: set[Path] = set()

    def text(self, node: tree.Text, around: Surroundings) -> None:
        """A template that stands in the spec."""
        self.content(content_of(node), node.at.source, around)

    def file(self, node: tree.Call, around: Surroundings) -> None:
        """A template in a file of its own, where that can be read."""
        match node.arguments:
            case (tree.Text() as written,):
                path = node.at.source.folder / written.text
                text = self.text_of(path)
                if text is not None:
                    whole = Content(text, range(len(text) + 1))
                    self.content(whole, Source(name=str(path), text=text, path=path), around)

    def text_of(self, path: Path) -> str | None:
        if path in self.read:
            return None
        self.read.add(path)
        try:
            small = path.is_file() and path.stat().st_size <= LONGEST_FILE
            return path.read_bytes().decode("utf-8-sig") if small else None
        except (OSError, ValueError):  # `check` says what is wrong with it
            return None

    def content(self, content: Content, source: Source, around: Surroundings) -> None:
        own = locals_of(content.text)
        for piece in pieces(content.text):
            symbol = self.symbol(piece, own, around)
            if symbol is not None:
                at = Span(source, *content.place(piece.start, piece.end))
                declares = piece.role is Role.LOCAL
                self.found.append(Mention(symbol, at, declares, piece.role is Role.KEY))

    def symbol(self, piece: Piece, own: frozenset[str], around: Surroundings) -> Symbol | None:
        match piece.role:
            case Role.LOCAL:
                return Symbol(What.LOCAL, piece.text, f"{around.task}/{around.step}")
            case Role.NAME if piece.text in own:
                return Symbol(What.LOCAL, piece.text, f"{around.task}/{around.step}")
            case Role.NAME:
                return self.name(piece.text, around)
            case Role.MEMBER | Role.KEY:
                return self.member(piece, around)
            case Role.FILTER:
                return Symbol(What.FILTER, piece.text)
            case Role.TEST:
                return Symbol(What.TEST, piece.text)
            case _:
                return None

    def name(self, name: str, around: Surroundings) -> Symbol:
        if name in self.declared.steps.get(around.task, ()):
            return Symbol(What.STEP, name, around.task)
        if name in OWN_NAMES:
            return Symbol(What.TEMPLATE_WORD, name)
        return Symbol(What.COLUMN, name, around.dataset)

    def member(self, piece: Piece, around: Surroundings) -> Symbol | None:
        if piece.owner == "row":
            return Symbol(What.COLUMN, piece.text, around.dataset)
        if piece.owner in self.declared.steps.get(around.task, ()):
            return Symbol(What.FIELD, piece.text, f"{around.task}/{piece.owner}")
        return None
