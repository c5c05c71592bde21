"""How an entry may begin: the kinds of blocks at the top, attributes, bounds and keys inside of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from evalspec.check.latency import OF_LATENCY
from evalspec.language.call_names import REQUEST_PARAMETERS
from evalspec.language.schema import BLOCKS, TOP_LEVEL, UNNAMED, BlockKind, Entry
from evalspec.lsp import offers
from evalspec.lsp.context import Context
from evalspec.lsp.mentions import What
from evalspec.lsp.offers import NOT_RUN, Kind, Offer
from evalspec.lsp.surroundings import dataset_at

if TYPE_CHECKING:
    from evalspec.lsp.names import View

SNIPPETS: Mapping[str, str] = {
    "dataset": 'dataset ${1:name} {\n  source = file("${2:data.csv}")\n  label = ${3:column}$0\n}',
    "subset": "subset ${1:name} of ${2:dataset} { where = ${3:condition} }$0",
    "model": 'model ${1:name} { use = "${2:openai/gpt-5-mini}" }$0',
    "provider": 'provider ${1:name} {\n  base_url = env("${2:LLM_URL}")\n  api_key = env("${3:KEY}")$0\n}',
    "task": 'task ${1:name} {\n  data = ${2:dataset}\n  prompt = """\n    ${3:{{ column \\}\\}}\n    """\n'
    "  answer = one_of(${4:column})$0\n}",
    "chain": "chain ${1:name} {\n  data = ${2:dataset}\n  step ${3:first} {\n    $0\n  }\n}",
}
LIMITS: Mapping[str, str] = {
    "spend": "$5.00",
    "concurrency": "32",
    "requests": "500/min",
    "tokens": "200_000/min",
}


def kinds(view: View, context: Context) -> Iterator[Offer]:
    """The kinds of blocks at the top; the bare word where a name follows already."""
    line = view.source.text[context.end :].partition("\n")[0].strip()
    for name in TOP_LEVEL:
        kind = BLOCKS[name]
        if kind.built:
            snippet = SNIPPETS.get(name) or (
                f"{name} {{\n  $0\n}}" if name in UNNAMED else f"{name} ${{1:name}} {{\n  $0\n}}"
            )
            yield Offer(label=name, kind=Kind.BLOCK, detail=kind.doc, insert=name if line else snippet,
                        snippet=not line)  # fmt: skip
    if not any(x for x in view.source.text[: context.start].splitlines() if "{" in x):
        yield Offer(label="import", kind=Kind.BLOCK, detail="takes in another spec",
                    insert="import" if line else 'import "${1:models.eval}"$0', snippet=not line)  # fmt: skip


def entries(view: View, context: Context) -> Iterator[Offer]:
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
    if kind.name == "latency":
        yield from _latency(bare=bare)
    elif kind.metrics:
        yield from offers.metrics(bound=not bare)
    elif kind.bounds:
        for name, example in LIMITS.items():
            yield Offer(label=name, kind=Kind.METRIC, detail="a limit", snippet=not bare,
                        insert=name if bare else f"{name} <= ${{1:{offers.escaped(example)}}}")  # fmt: skip
    if kind.free:
        yield from _free_keys(view, context, kind, block.given)


def _latency(*, bare: bool) -> Iterator[Offer]:
    """The bounds of a latency budget."""
    for name in OF_LATENCY:
        figure = "0.5%" if name == "errors" else "1.5s"
        said = "share of requests that may fail" if name == "errors" else "of latency"
        yield Offer(label=name, kind=Kind.METRIC, detail=said, snippet=not bare,
                    insert=name if bare else f"{name} <= ${{1:{figure}}}")  # fmt: skip


def _entry(entry: Entry, bare: bool) -> Offer:
    nested = BLOCKS.get(entry.name) if entry.block else None
    doc = f"`{entry.name} = {entry.value}`" if entry.value else ""
    doc += "" if entry.runs and (nested is None or nested.runs) else f"\n\n{NOT_RUN}"
    if nested is None:
        return Offer(label=entry.name, kind=Kind.ATTRIBUTE, detail=entry.doc, doc=doc,
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
            found = (
                Offer(label=n, kind=Kind.ATTRIBUTE, detail="request parameter") for n in REQUEST_PARAMETERS
            )
        case "assign" if chain is not None:
            found = steps(view, chain.name)
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
            yield Offer(
                label=offer.label,
                kind=offer.kind,
                detail=offer.detail,
                insert=f"{offer.label} = ",
            )


def steps(view: View, chain: str) -> Iterator[Offer]:
    for step in view.declared.steps.get(chain, ()):
        yield Offer(label=step, kind=Kind.NAME, detail="step")
