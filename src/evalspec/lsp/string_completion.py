"""What may stand inside quotes: paths, routes, words, values of a column, and templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.language.call_names import BASELINES, PROVIDERS
from evalspec.lsp import offers
from evalspec.lsp.arguments import ARGUMENTS, TEMPLATES
from evalspec.lsp.context import Context, Place
from evalspec.lsp.mentions import What
from evalspec.lsp.offers import Kind, Offer
from evalspec.lsp.surroundings import dataset_at, entry_at, function_at
from evalspec.lsp.template_completion import in_template

if TYPE_CHECKING:
    from evalspec.language.schema import Entry
    from evalspec.lsp.names import View

MOST_FILES = 300


def in_string(view: View, context: Context, offset: int) -> tuple[Offer, ...]:
    string = context.string
    if string is None:
        return ()
    quotes = {"long": 3, "raw": 2, "string": 1}[string.form]
    start = string.start + quotes
    if offset < start:
        return ()
    entry, (function, argument) = entry_at(context), function_at(context)
    if _is_template(entry, function, argument):
        return in_template(view, context, offset, dataset_at(view, context))
    end = string.end if string.is_open else string.end - (3 if string.form == "long" else 1)
    end = max(min(end, string.end), offset)
    typed = view.source.text[start:offset]
    if context.place is Place.IMPORT or ARGUMENTS.get((function, argument)) is What.FILE:
        return _paths(view, typed, start, end, (".eval",) if context.place is Place.IMPORT else ())
    return offers.at(_texts(view, context, entry, function, argument), start, end)


def _is_template(entry: Entry | None, function: str, argument: int | str) -> bool:
    if function:
        return (function, argument) in TEMPLATES
    return entry is not None and entry.calls == "prompt"


def _texts(
    view: View, context: Context, entry: Entry | None, function: str, argument: int | str
) -> Iterator[Offer]:
    """What a text may be: a route, a word, a kind of baseline, a value of the column it is compared with."""
    words = [x.text for x in context.entry]
    if context.place is Place.BOUND_ARGUMENT and len(words) >= 2 and words[-1] == "[":
        for value in view.facts.members(words[-2]):
            yield Offer(label=value, kind=Kind.LABEL, detail=f"value of {words[-2]}")
    elif context.key == "use" and not function:
        yield from (Offer(label=f"{p}/", kind=Kind.NAME, detail="provider") for p in sorted(PROVIDERS))
    elif (function, argument) == ("baseline", 0):
        yield from (Offer(label=name, kind=Kind.WORD, detail="baseline") for name in BASELINES)
    elif function == "column":
        for offer in offers.columns(view, dataset_at(view, context)):
            yield Offer(label=offer.label, kind=Kind.COLUMN, detail=offer.detail)
    elif entry is not None and entry.words:
        yield from (Offer(label=word, kind=Kind.WORD) for word in entry.words)
    elif len(context.entry) >= 2 and context.entry[-1].kind == "COMPARE":
        yield from _values(view, dataset_at(view, context), words[-2])


def _values(view: View, dataset: str, column: str) -> Iterator[Offer]:
    known = view.facts.datasets.get(dataset)
    if known is not None and known.label == column:
        for offer in offers.labels(view, dataset):
            yield Offer(label=offer.label, kind=Kind.LABEL, detail=offer.detail)
        return
    for value in view.facts.values(dataset, column):
        if not value.endswith("…"):
            yield Offer(
                label=value, kind=Kind.LABEL, detail=f"a value of {column}", insert=value.replace('"', '\\"')
            )


def _paths(view: View, typed: str, start: int, end: int, endings: tuple[str, ...]) -> tuple[Offer, ...]:
    """The files and folders that a path may go on with, from the spec's own folder."""
    folder, _, _ = typed.rpartition("/")
    if "\0" in folder:
        return ()
    found: list[Offer] = []
    try:
        entries = sorted(Path(view.source.folder, folder).iterdir())[:MOST_FILES]
        for path in entries:
            if path.name.startswith("."):
                continue
            if path.is_dir():
                found.append(Offer(label=f"{path.name}/", kind=Kind.FOLDER))
            elif not endings or path.suffix in endings:
                found.append(Offer(label=path.name, kind=Kind.FILE))
    except OSError:  # no such folder: nothing to offer
        return ()
    return offers.at(found, start + (len(folder) + 1 if folder or typed.startswith("/") else 0), end)
