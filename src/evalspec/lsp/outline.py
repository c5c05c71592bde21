"""The outline of a spec, and what can be folded away in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalspec.language.schema import BLOCKS
from evalspec.syntax import tree
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.lsp.names import View
    from evalspec.text.source import Span


@dataclass(frozen=True, slots=True)
class Entry:
    """A block in the outline: the stretch of the whole, and of what one jumps to."""

    name: str
    kind: str
    detail: str
    at: Span
    jump: Span
    inner: tuple[Entry, ...]


def outline(view: View) -> tuple[Entry, ...]:
    """The blocks of a spec, and those inside of them."""
    return tuple(_entry(block) for block in view.file.entries if isinstance(block, tree.Block))


def _entry(block: tree.Block) -> Entry:
    kind = block.kind.text
    name = block.name.text if block.name is not None else kind
    target = f" of {block.target.text}" if block.target is not None else ""
    inner = [_entry(e) for e in block.entries if isinstance(e, tree.Block)]
    known = BLOCKS.get(kind)
    if known is not None and kind in ("derive", "prompts", "scores", "params", "weights"):
        inner += [
            Entry(e.key.text, "entry", "", e.at, e.key.at, ())
            for e in block.entries
            if isinstance(e, tree.Attribute)
        ]
    jump = block.name.at if block.name is not None else block.kind.at
    return Entry(name or kind, kind, f"{kind}{target}", block.at, jump, tuple(inner))


def folds(view: View) -> Iterator[tuple[int, int, str]]:
    """The stretches that can be folded, as offsets, each with `region` or `comment`."""
    yield from ((at.start, at.end, "region") for at in _blocks(view.file.entries))
    run: list[Span] = []
    source = view.source
    for comment in view.file.comments:
        alone = not source.text[source.line_starts[comment.begin[0] - 1] : comment.start].strip()
        if run and (not alone or comment.begin[0] != run[-1].begin[0] + 1):
            yield from _run(run)
            run = []
        if alone:
            run.append(comment)
    yield from _run(run)


def _run(comments: list[Span]) -> Iterator[tuple[int, int, str]]:
    if len(comments) > 1:
        yield comments[0].start, comments[-1].end, "comment"


def _blocks(entries: tuple[tree.Entry, ...]) -> Iterator[Span]:
    for entry in entries:
        if isinstance(entry, tree.Block):
            yield entry.at
            yield from _blocks(entry.entries)
        elif isinstance(entry, tree.Attribute) and isinstance(
            entry.value, tree.Text | tree.Sequence | tree.Call
        ):
            yield entry.value.at
