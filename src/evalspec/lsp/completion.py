"""What may stand at the cursor: blocks, attributes, names, columns, labels, metrics, functions, files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalspec.language.call_names import CALLS
from evalspec.language.schema import Entry
from evalspec.lsp import offers
from evalspec.lsp.arguments import ARGUMENTS, LISTS_LABELS, REFERS
from evalspec.lsp.context import Context, Place, context_at
from evalspec.lsp.entry_completion import entries, kinds, steps
from evalspec.lsp.mentions import What
from evalspec.lsp.offers import Kind, Offer
from evalspec.lsp.string_completion import in_string
from evalspec.lsp.surroundings import dataset_at, entry_at, function_at
from evalspec.text.units import counted

if TYPE_CHECKING:
    from evalspec.lsp.lexemes import Lexeme
    from evalspec.lsp.names import View

OF_A_LABEL = ("precision", "recall", "f1")


def complete(view: View, offset: int, *, blank: bool = False) -> tuple[Offer, ...]:
    """What may stand at an offset. `blank`: only a blank was typed, which is no wish for a new entry.

    Never raises, whatever the text.
    """
    context = context_at(view.source.text, offset)
    if blank and context.place in (Place.ENTRY, Place.TABLE):
        return ()
    if context.place in (Place.STRING, Place.IMPORT, Place.BOUND_ARGUMENT) and context.string is not None:
        return in_string(view, context, offset)
    return offers.at(_due(view, context), context.start, context.end)


def _due(view: View, context: Context) -> Iterator[Offer]:
    match context.place:
        case Place.ENTRY if context.block is None:
            yield from kinds(view, context)
        case Place.ENTRY:
            yield from entries(view, context)
        case Place.TARGET:
            yield from offers.names(view, What.DATASET)
        case Place.BLOCK_NAME if context.key == "no_worse_than":
            yield from offers.names(view, What.MODEL)
        case Place.BLOCK_NAME if context.key == "mix":
            yield from offers.columns(view, dataset_at(view, context))
        case Place.NOTHING if context.key == "subset" and len(context.entry) == 2:
            yield Offer(label="of", kind=Kind.WORD, insert="of ")
        case Place.VALUE:
            yield from _value(view, context)
        case Place.BOUND_ARGUMENT:
            yield from _bound_argument(view, context)
        case Place.TABLE if context.around("costs") is not None:
            yield from offers.labels(view, dataset_at(view, context))
            for word in ("abstain", "invalid"):
                yield Offer(label=word, kind=Kind.WORD, detail="a column of the answers")
        case _:
            pass


# ── values ─────────────────────────────────────────────────────────────────────────────────────────


def _value(view: View, context: Context) -> Iterator[Offer]:
    entry = entry_at(context)
    if entry is None:
        return
    before = context.before
    if before is not None and before.kind == "DOT":
        if len(context.entry) > 1 and context.entry[-2].text == "params":
            yield from offers.names(view, What.PARAM)
        return
    if context.begun and before is not None and before.kind not in _LEAVES_OPEN:
        if context.key == "label" and len(context.entry) == 3:
            yield Offer(
                label="in", kind=Kind.WORD, insert="in [$1]", snippet=True, detail="the labels there are"
            )
        return
    function, argument = function_at(context)
    if function:
        yield from _argument(view, context, function, argument)
        return
    yield from _whole(view, context, entry)
    for offer in offers.names(view, What.PARAM):
        yield Offer(label=f"params.{offer.label}", kind=Kind.NAME, detail="parameter")


_LEAVES_OPEN = (
    "AND",
    "OR",
    "NOT",
    "IN",
    "COMPARE",
    "PLUS",
    "MINUS",
    "STAR",
    "SLASH",
    "PERCENT",
    "CONTAINS",
    "EQUAL",
)


def _whole(view: View, context: Context, entry: Entry) -> Iterator[Offer]:
    """What may be the value of an attribute, or an item of its list."""
    dataset = dataset_at(view, context)
    if (
        context.key == "label"
        and context.around("dataset") is not None
        and any(b.list for b in context.inside)
    ):
        yield from offers.labels(view, dataset)
        return
    quoted = entry.value.startswith('"') and not entry.calls
    for word in entry.words:
        yield Offer(label=word, kind=Kind.WORD, insert=f'"{word}"' if quoted else word)
    if entry.calls and not (context.inside and not entry.several):
        yield from offers.calls(entry.calls)
    what = REFERS.get(entry.refers)
    if what is What.METRIC:
        yield from _scores(view, context)
        if context.around("decision") is not None:
            yield Offer(label="mean_win_rate", kind=Kind.METRIC, detail="how often it beats the others")
        yield from offers.metrics()
        yield from offers.later_metrics()
    elif what is What.LABEL:
        yield from offers.labels(view, dataset)
    elif what is What.STEP:
        chain = context.around("chain")
        yield from steps(view, chain.name if chain is not None else "")
    elif what is not None and what is not What.COLUMN:
        yield from offers.names(view, what)
    if what is What.COLUMN or context.key in ("optional", "header"):
        yield from offers.columns(view, dataset)
    if entry.value in ("CONDITION", "EXPRESSION") or context.key in ("gold", "right"):
        yield from _expression(view, context)


def _scores(view: View, context: Context) -> Iterator[Offer]:
    task = context.around("task", "chain")
    for name in sorted(view.declared.scores.get(task.name if task is not None else "", ())):
        yield Offer(label=name, kind=Kind.METRIC, detail="score")


def _expression(view: View, context: Context) -> Iterator[Offer]:
    yield from offers.columns(view, dataset_at(view, context))
    chain = context.around("chain")
    if chain is not None:
        yield from steps(view, chain.name)
    yield from offers.functions()


def _argument(view: View, context: Context, function: str, argument: int | str) -> Iterator[Offer]:
    what = ARGUMENTS.get((function, argument))
    listed = context.inside[-1].list
    named = {name for name, _ in _named_pairs(context)}
    dataset = dataset_at(view, context)
    if function in LISTS_LABELS and listed:
        yield from offers.labels(view, dataset)
    elif what is What.COLUMN:
        train = next((y.text for x, y in _named_pairs(context) if x == "train"), None) or dataset
        for name in [train] if train else sorted(view.facts.types):
            yield from offers.columns(view, name)
    elif what is What.LABEL:
        yield from offers.labels(view, dataset)
    elif what is What.FIELD:
        fields = (m.symbol.name for m in view.mentions if m.declares and m.symbol.what is What.FIELD)
        yield from (Offer(label=name, kind=Kind.NAME, detail="field") for name in fields)
    elif what is not None and what is not What.FILE:
        yield from offers.names(view, what)
    elif function in ("json", "object", "list") and isinstance(argument, str) and argument != "schema":
        yield from offers.calls("json_type")
    elif not any(function in group for group in CALLS.values()):
        yield from _expression(view, context)
    if function == "file" or listed or isinstance(argument, str):
        return
    yield from (o for o in offers.arguments(function) if o.label not in named)


def _named_pairs(context: Context) -> Iterator[tuple[str, Lexeme]]:
    entry = context.entry
    for name, equals, value in zip(entry, entry[1:], entry[2:], strict=False):
        if equals.kind == "EQUAL":
            yield name.text, value


def _bound_argument(view: View, context: Context) -> Iterator[Offer]:
    block = context.block
    if block is not None and block.kind == "limits":
        yield from offers.names(view, What.MODEL)
        yield from offers.names(view, What.PROVIDER)
        return
    dataset = dataset_at(view, context)
    for offer in offers.names(view, What.SUBSET):
        if view.declared.dataset_of.get((What.SUBSET, offer.label), dataset) == dataset:
            n = view.facts.count(offer.label)
            detail = "subset" if n is None else f"subset, {counted(n, 'example')}"
            yield Offer(label=offer.label, kind=Kind.NAME, detail=detail)
            for value in view.facts.members(offer.label):
                yield Offer(label=f'{offer.label}["{value}"]', kind=Kind.NAME, detail="value of a subset")
    chain = context.around("chain")
    if chain is not None:
        yield from steps(view, chain.name)
    if context.key in OF_A_LABEL:
        yield from offers.labels(view, dataset)
    if block is not None and block.kind == "latency":
        for word in ("first_token", "queue"):
            yield Offer(label=word, kind=Kind.WORD)
