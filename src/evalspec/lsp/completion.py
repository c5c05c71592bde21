"""What may stand at the cursor: kinds of blocks, attributes, names, columns, labels, metrics, functions, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.language.call_names import BASELINES, CALLS, PROVIDERS, REQUEST_PARAMETERS
from evalspec.language.schema import BLOCKS, TOP_LEVEL, UNNAMED, BlockKind, Entry
from evalspec.lsp import offers
from evalspec.lsp.context import Context, Place, context_at
from evalspec.lsp.mentions import What
from evalspec.lsp.offers import NOT_RUN, Kind, Offer
from evalspec.lsp.template_completion import in_template
from evalspec.lsp.walk import ARGUMENTS, FREE_VALUES, LISTS_LABELS, REFERS, TEMPLATES

if TYPE_CHECKING:
    from evalspec.lsp.lexemes import Lexeme
    from evalspec.lsp.names import View

MOST_FILES = 300
SNIPPETS: Mapping[str, str] = {
    "dataset": 'dataset ${1:name} {\n  source = file("${2:data.csv}")\n  label = ${3:column}$0\n}',
    "subset": "subset ${1:name} of ${2:dataset} { where = ${3:condition} }$0",
    "model": 'model ${1:name} { use = "${2:openai/gpt-5-mini}" }$0',
    "provider": 'provider ${1:name} {\n  base_url = env("${2:LLM_URL}")\n  api_key = env("${3:LLM_KEY}")$0\n}',
    "task": 'task ${1:name} {\n  data = ${2:dataset}\n  prompt = """\n    ${3:{{ column \\}\\}}\n    """\n'
    "  answer = one_of(${4:column})$0\n}",
    "chain": "chain ${1:name} {\n  data = ${2:dataset}\n  step ${3:first} {\n    $0\n  }\n}",
}
LIMITS: Mapping[str, str] = {"spend": "$5.00", "concurrency": "32", "requests": "500/min", "tokens": "200_000/min"}
OF_A_LABEL = ("precision", "recall", "f1")


def complete(view: View, offset: int, *, blank: bool = False) -> tuple[Offer, ...]:
    """What may stand at an offset. `blank`: only a blank was typed, which is no wish for a new entry.

    Never raises, whatever the text.
    """
    context = context_at(view.source.text, offset)
    if blank and context.place in (Place.ENTRY, Place.TABLE):
        return ()
    if context.place in (Place.STRING, Place.IMPORT, Place.BOUND_ARGUMENT) and context.string is not None:
        return _in_string(view, context, offset)
    return offers.at(_due(view, context), context.start, context.end)


def _due(view: View, context: Context) -> Iterator[Offer]:
    match context.place:
        case Place.ENTRY if context.block is None:
            yield from _kinds(view, context)
        case Place.ENTRY:
            yield from _entries(view, context)
        case Place.TARGET:
            yield from offers.names(view, What.DATASET)
        case Place.BLOCK_NAME if context.key == "no_worse_than":
            yield from offers.names(view, What.MODEL)
        case Place.BLOCK_NAME if context.key == "mix":
            yield from offers.columns(view, dataset_at(view, context))
        case Place.NOTHING if context.key == "subset" and len(context.entry) == 2:
            yield Offer(label="of", kind=Kind.WORD, insert="of ", again=True)
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


def dataset_at(view: View, context: Context) -> str:
    """The dataset that columns at the cursor belong to."""
    block = context.around("dataset", "subset", "task", "chain", "costs", "prompt")
    match block.kind if block is not None else "":
        case "dataset":
            return block.name if block is not None else ""
        case "subset":
            return block.target if block is not None else ""
        case "task" | "chain":
            return block.word("data") if block is not None else ""
        case "costs" | "prompt" as kind:
            what = What.COSTS if kind == "costs" else What.PROMPT
            return view.declared.dataset_of.get((what, block.name if block is not None else ""), "")
        case _:
            return ""


# ── beginnings of entries ─────────────────────────────────────────────────────────────────────────


def _kinds(view: View, context: Context) -> Iterator[Offer]:
    """The kinds of blocks at the top; the bare word where a name follows already."""
    line = view.source.text[context.end :].partition("\n")[0].strip()
    for name in TOP_LEVEL:
        kind = BLOCKS[name]
        if kind.built:
            snippet = SNIPPETS.get(name) or (f"{name} {{\n  $0\n}}" if name in UNNAMED else f"{name} ${{1:name}} {{\n  $0\n}}")
            yield Offer(label=name, kind=Kind.BLOCK, detail=kind.doc, insert=name if line else snippet,
                        snippet=not line)  # fmt: skip
    if not any(x for x in view.source.text[: context.start].splitlines() if "{" in x):
        yield Offer(label="import", kind=Kind.BLOCK, detail="takes in another spec",
                    insert="import" if line else 'import "${1:models.eval}"$0', snippet=not line)  # fmt: skip


def _entries(view: View, context: Context) -> Iterator[Offer]:
    block = context.block
    kind = BLOCKS.get(block.kind) if block is not None else None
    if block is None or kind is None:
        return
    behind = view.source.text[context.end :].partition("\n")[0].lstrip()
    bare = behind[:1] in ("=", "{", "<", ">", "(")
    for name in sorted(kind.entries, key=lambda n: n not in kind.required):
        entry = kind.entries[name]
        known = BLOCKS.get(name)
        several = kind.repeats or (entry.block and known is not None and known.named)
        if entry.built and (name not in block.given or several):
            yield _entry(entry, bare)
    if kind.metrics:
        yield from offers.metrics(bound=not bare)
    elif kind.bounds:
        for name, example in LIMITS.items():
            yield Offer(label=name, kind=Kind.METRIC, detail="a limit", snippet=not bare,
                        insert=name if bare else f"{name} <= ${{1:{offers.escaped(example)}}}")  # fmt: skip
    if kind.free:
        yield from _free_keys(view, context, kind, block.given)


def _entry(entry: Entry, bare: bool) -> Offer:
    nested = BLOCKS.get(entry.name) if entry.block else None
    doc = f"`{entry.name} = {entry.value}`" if entry.value else ""
    doc += "" if entry.runs and (nested is None or nested.runs) else f"\n\n{NOT_RUN}"
    if nested is None:
        return Offer(label=entry.name, kind=Kind.ATTRIBUTE, detail=entry.doc, doc=doc, again=not bare,
                     insert=entry.name if bare else f"{entry.name} = ")  # fmt: skip
    head = f"{entry.name} ${{1:name}}" if nested.named else entry.name
    return Offer(label=entry.name, kind=Kind.BLOCK, detail=entry.doc, doc=doc, snippet=not bare,
                 insert=entry.name if bare else f"{head} {{\n  $0\n}}")  # fmt: skip


def _free_keys(view: View, context: Context, kind: BlockKind, given: frozenset[str]) -> Iterator[Offer]:
    """The keys of blocks that admit any name, where it is known which make sense."""
    chain = context.around("chain")
    found: Iterator[Offer] = iter(())
    match kind.name:
        case "model" | "request":
            found = (Offer(label=n, kind=Kind.ATTRIBUTE, detail="request parameter") for n in REQUEST_PARAMETERS)
        case "assign" if chain is not None:
            found = _steps(view, chain.name)
        case "weights":
            found = offers.names(view, What.TASK)
        case "leaderboard":
            found = offers.names(view, What.MODEL)
        case "mix":
            found = offers.labels(view, dataset_at(view, context))
        case _:
            pass
    for offer in found:
        if offer.label not in given:
            yield Offer(label=offer.label, kind=offer.kind, detail=offer.detail, insert=f"{offer.label} = ", again=True)


def _steps(view: View, chain: str) -> Iterator[Offer]:
    for step in view.declared.steps.get(chain, ()):
        yield Offer(label=step, kind=Kind.NAME, detail="step")


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def entry_at(context: Context) -> Entry | None:
    """What the schema says of the attribute at the cursor."""
    block = context.block
    kind = BLOCKS.get(block.kind) if block is not None else None
    if block is None or kind is None:
        return None
    return kind.entries.get(context.key) or FREE_VALUES.get(block.kind)


def function_at(context: Context) -> tuple[str, int | str]:
    """The function whose argument is at the cursor, seen through lists, and which argument it is."""
    for bracket in reversed(context.inside):
        if bracket.function:
            return bracket.function, bracket.argument
        if not bracket.list:
            break
    return "", 0


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
            yield Offer(label="in", kind=Kind.WORD, insert="in [$1]", snippet=True, detail="the labels there are")
        return
    function, argument = function_at(context)
    if function:
        yield from _argument(view, context, function, argument)
        return
    yield from _whole(view, context, entry)
    for offer in offers.names(view, What.PARAM):
        yield Offer(label=f"params.{offer.label}", kind=Kind.NAME, detail="parameter")


_LEAVES_OPEN = ("AND", "OR", "NOT", "IN", "COMPARE", "PLUS", "MINUS", "STAR", "SLASH", "PERCENT", "CONTAINS", "EQUAL")


def _whole(view: View, context: Context, entry: Entry) -> Iterator[Offer]:
    """What may be the value of an attribute, or an item of its list."""
    dataset = dataset_at(view, context)
    if context.key == "label" and context.around("dataset") is not None and any(b.list for b in context.inside):
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
        yield from offers.metrics()
    elif what is What.LABEL:
        yield from offers.labels(view, dataset)
    elif what is What.STEP:
        chain = context.around("chain")
        yield from _steps(view, chain.name if chain is not None else "")
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
        yield from _steps(view, chain.name)
    yield from offers.functions()


def _argument(view: View, context: Context, function: str, argument: int | str) -> Iterator[Offer]:
    what = ARGUMENTS.get((function, argument))
    listed = context.inside[-1].list
    named = {n for n in (x.text for x, y in zip(context.entry, context.entry[1:], strict=False) if y.kind == "EQUAL")}
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
            yield Offer(label=offer.label, kind=Kind.NAME, detail="subset" if n is None else f"subset, {n:,} examples")
            for value in view.facts.members(offer.label):
                yield Offer(label=f'{offer.label}["{value}"]', kind=Kind.NAME, detail="value of a subset")
    chain = context.around("chain")
    if chain is not None:
        yield from _steps(view, chain.name)
    if context.key in OF_A_LABEL:
        yield from offers.labels(view, dataset)
    if block is not None and block.kind == "latency":
        for word in ("first_token", "queue"):
            yield Offer(label=word, kind=Kind.WORD)


# ── inside quotes ─────────────────────────────────────────────────────────────────────────────────


def _in_string(view: View, context: Context, offset: int) -> tuple[Offer, ...]:
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
            yield Offer(label=value, kind=Kind.LABEL, detail=f"a value of {column}", insert=value.replace('"', '\\"'))


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
                found.append(Offer(label=f"{path.name}/", kind=Kind.FOLDER, again=True))
            elif not endings or path.suffix in endings:
                found.append(Offer(label=path.name, kind=Kind.FILE))
    except OSError:  # no such folder: nothing to offer
        return ()
    return offers.at(found, start + (len(folder) + 1 if folder or typed.startswith("/") else 0), end)
