"""What may stand at the cursor inside a template: columns, steps and their fields, filters, tests, tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from evalspec.language.sandbox import FILTERS, TESTS
from evalspec.language.walking import LOOP
from evalspec.lsp import offers
from evalspec.lsp.mentions import What
from evalspec.lsp.offers import Kind, Offer
from evalspec.lsp.template_walk import OWN_NAMES
from evalspec.lsp.templates import TAGS, Content, content_between, locals_of

if TYPE_CHECKING:
    from evalspec.lsp.context import Block, Context
    from evalspec.lsp.names import View

FILTER = re.compile(r"\|\s*(\w*)$")
TEST = re.compile(r"\bis\s+(?:not\s+)?(\w*)$")
MEMBER = re.compile(r"([^\W\d]\w*)\s*\.\s*(\w*)$")
KEY = re.compile(r"([^\W\d]\w*)\s*\[\s*[\"'](\w*)$")
TAG = re.compile(r"^\{%[-+]?\s*(\w*)$")
NAME = re.compile(r"(?:^|[^\w.\"'])(\w*)$")
CHOICE = ("letter", "text")
LABELLED = ("one_of", "some_of", "yes_no", "letter_of")


def in_template(view: View, context: Context, offset: int, dataset: str) -> tuple[Offer, ...]:
    """What may stand at an offset of the source that lies in a template; nothing outside its tags."""
    string = context.string
    if string is None:
        return ()
    content = content_between(view.source.text, string.start, string.end, string.form)
    at = content.inside(offset)
    tag = _tag_before(content.text[:at]) if at is not None else None
    if at is None or tag is None:
        return ()
    found, typed = _due(view, context, content, tag, dataset)
    rest = re.match(r"\w*", content.text[at:])
    start, end = at - len(typed), at + (rest.end() if rest is not None else 0)
    return offers.at(found, *content.place(start, end))


def _tag_before(text: str) -> str | None:
    """The tag that is open at the end of a text, from its opening on."""
    opening = max(text.rfind("{{"), text.rfind("{%"))
    if opening < 0:
        return None
    tag = text[opening:]
    return None if "}}" in tag or "%}" in tag or "\n\n" in tag else tag


def _due(
    view: View, context: Context, content: Content, tag: str, dataset: str
) -> tuple[Iterator[Offer], str]:
    """What is due at the end of a tag, and what of it is typed already."""
    if found := FILTER.search(tag):
        return _words(sorted(FILTERS), Kind.FUNCTION, "filter"), found.group(1)
    if found := TEST.search(tag):
        return _words(sorted(TESTS), Kind.FUNCTION, "test"), found.group(1)
    if found := KEY.search(tag):
        return _members(view, context, found.group(1), content, dataset), found.group(2)
    if found := MEMBER.search(tag):
        return _members(view, context, found.group(1), content, dataset), found.group(2)
    if found := TAG.search(tag):
        return _words(TAGS, Kind.WORD, "tag"), found.group(1)
    if (found := NAME.search(tag)) and not _in_quotes(tag):
        return _names(view, context, content, dataset), found.group(1)
    return iter(()), ""


def _in_quotes(tag: str) -> bool:
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', "", tag)
    return '"' in bare or "'" in bare


def _words(words: Iterable[str], kind: Kind, detail: str) -> Iterator[Offer]:
    return (Offer(label=word, kind=kind, detail=detail) for word in words)


def _members(view: View, context: Context, owner: str, content: Content, dataset: str) -> Iterator[Offer]:
    chain = context.around("chain")
    if owner == "row":
        for offer in offers.columns(view, dataset):
            yield Offer(label=offer.label, kind=Kind.COLUMN, detail=offer.detail, doc=offer.doc)
    elif owner == "loop":
        yield from _words(LOOP, Kind.NAME, "of the loop")
    elif chain is not None and owner in view.declared.steps.get(chain.name, ()):
        scope = f"{chain.name}/{owner}"
        for mention in view.mentions:
            if mention.declares and mention.symbol.what is What.FIELD and mention.symbol.scope == scope:
                yield Offer(label=mention.symbol.name, kind=Kind.NAME, detail=f"field of step {owner}")
    elif re.search(rf"\bfor\s+{re.escape(owner)}\s+in\s+choices\b", content.text):
        yield from _words(CHOICE, Kind.NAME, "of a choice")


def _names(view: View, context: Context, content: Content, dataset: str) -> Iterator[Offer]:
    chain, step = context.around("chain"), context.around("step")
    if chain is not None:
        for name in view.declared.steps.get(chain.name, ()):
            if step is None or name != step.name:
                yield Offer(label=name, kind=Kind.NAME, detail="what an earlier step answered")
    for name in _own_names(context.around("step") or context.around("task"), content):
        yield Offer(label=name, kind=Kind.NAME, detail=OWN_NAMES[name])
    for name in sorted(locals_of(content.text)):
        yield Offer(label=name, kind=Kind.NAME, detail="of this template")
    for offer in offers.columns(view, dataset):
        plain = offer.label.isidentifier()
        yield Offer(label=offer.label, kind=Kind.COLUMN, detail=offer.detail, doc=offer.doc,
                    insert=offer.label if plain else f'row["{offer.label}"]')  # fmt: skip


def _own_names(block: Block | None, content: Content) -> Iterator[str]:
    """The names that are no columns, where they are there."""
    answer = block.word("answer") if block is not None else ""
    if answer in LABELLED:
        yield "labels"
    if answer == "letter_of":
        yield "choices"
    if block is not None and "shots" in block.given:
        yield "shots"
    yield "row"
    if "{% for" in content.text:
        yield "loop"
