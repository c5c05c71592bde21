"""What may be offered to whoever writes a spec: one value, and the ways in which such values come about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from evalspec.check.measuring import ELSEWHERE
from evalspec.language.call_names import CALLS, CallName
from evalspec.language.functions import FUNCTIONS
from evalspec.language.metric_names import LATER_METRICS, METRICS, Direction, Measure, Metric
from evalspec.lsp.mentions import What
from evalspec.lsp.names import View
from evalspec.text.units import counted
from evalspec.text.values import dataclass, replace

NOT_RUN = "`run` cannot do this yet"


class Kind(StrEnum):
    """What an offer is, which editors show by a sign."""

    BLOCK = "block"
    ATTRIBUTE = "attribute"
    NAME = "name"
    COLUMN = "column"
    LABEL = "label"
    FUNCTION = "function"
    ARGUMENT = "argument"
    METRIC = "metric"
    WORD = "word"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something to be put in the place of the word at the cursor. `insert` may be a snippet (`${1:name}`)."""

    label: str
    kind: Kind
    detail: str = ""
    doc: str = ""
    insert: str = ""
    snippet: bool = False
    start: int = 0
    end: int = 0


def at(offers: Iterable[Offer], start: int, end: int) -> tuple[Offer, ...]:
    """The offers, each once, for a place in the text."""
    unique = {(o.label, o.kind): o for o in reversed(list(offers))}
    ordered = reversed(unique.values())
    return tuple(replace(o, start=start, end=end, insert=o.insert or o.label) for o in ordered)


def escaped(text: str) -> str:
    """A text as it stands in a snippet."""
    return re.sub(r"([\\$}])", r"\\\1", text)


def names(view: View, what: What) -> Iterator[Offer]:
    """The declared names of a kind, in the order they are written."""
    for mention in view.mentions:
        if mention.declares and mention.symbol.what is what:
            yield Offer(
                label=mention.symbol.name, kind=Kind.NAME, detail=about(view, what, mention.symbol.name)
            )


def about(view: View, what: What, name: str) -> str:
    """A few words about a declared name."""
    size = view.facts.size(name) if what is What.DATASET else None
    return f"{what}, {counted(size, 'example')}" if size is not None else str(what)


def columns(view: View, dataset: str) -> Iterator[Offer]:
    """The columns of a dataset; where its data were not read, those that the spec names."""
    known = view.facts.columns(dataset)
    for name, kind in known.items():
        plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None
        private = " · private" if view.facts.is_private(dataset, name) else ""
        yield Offer(label=name, kind=Kind.COLUMN, detail=f"{kind}{private}",
                    doc=", ".join(f"`{v}`" for v in view.facts.values(dataset, name)),
                    insert=name if plain else f'column("{name}")')  # fmt: skip
    for mention in view.mentions:
        symbol = mention.symbol
        if (
            mention.declares
            and symbol.what is What.COLUMN
            and symbol.scope == dataset
            and symbol.name not in known
        ):
            yield Offer(label=symbol.name, kind=Kind.COLUMN, detail=f"column of {dataset}")


def labels(view: View, dataset: str, *, quoted: bool = False) -> Iterator[Offer]:
    """The labels of a dataset with how often they stand there."""
    for label, n in view.facts.labels(dataset).items():
        bare = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label) is not None and label not in ("true", "false")
        written = f'"{label}"' if quoted or not bare else label
        yield Offer(label=label, kind=Kind.LABEL, detail=f"{n:,} of dataset {dataset}", insert=written)


def calls(group: str) -> Iterator[Offer]:
    """The words and functions of a group that are built."""
    for call in CALLS.get(group, {}).values():
        if call.built:
            yield _call(call)


def _call(call: CallName) -> Offer:
    function = "(" in call.written
    return Offer(
        label=call.name,
        kind=Kind.FUNCTION if function else Kind.WORD,
        detail=call.written,
        doc=call.doc + ("" if call.runs else f"\n\n{NOT_RUN}"),
        insert=snippet_of(call.written) if function else call.name,
        snippet=function,
    )


def snippet_of(written: str) -> str:
    """How a call is used, as a snippet whose first example is replaced by what is typed."""
    name, _, rest = written.partition("(")
    first = re.match(r'\w+ = [^,)]*|r?"""[^"]*"""|r?"[^"]*"|\[[^\]]*\]|[^,()]+', rest.removesuffix(")"))
    example = first.group() if first is not None else ""
    key, equals, value = example.partition(" = ") if re.match(r"\w+ = ", example) else ("", "", example)
    quotes = re.fullmatch(r'(r?"|\[)(.*)("|\])', value, re.DOTALL)
    opening, inner, closing = (
        quotes.groups() if quotes is not None and '"""' not in value else ("", value, "")
    )
    return f"{name}({key}{equals}{opening}${{1:{escaped(inner)}}}{closing})$0"


def arguments(function: str) -> Iterator[Offer]:
    """The named arguments of a function, as the examples of the language have them."""
    for group in CALLS.values():
        call = group.get(function)
        if call is not None:
            for name in re.findall(r"(\w+) = ", f"{call.written} {call.doc}"):
                if name != "field":
                    yield Offer(label=name, kind=Kind.ARGUMENT, detail=call.written, insert=f"{name} = ")


def functions() -> Iterator[Offer]:
    """The functions of expressions."""
    for function in FUNCTIONS.values():
        yield Offer(label=function.name, kind=Kind.FUNCTION, detail=f"{function.shape} → {function.gives}",
                    insert=f"{function.name}($1)$0", snippet=True)  # fmt: skip


EXAMPLES: Mapping[Measure, str] = {
    Measure.SHARE: "85%", Measure.SCORE: "0.8", Measure.COST: "1.5", Measure.TIME: "1.5s",
    Measure.COUNT: "200",
}  # fmt: skip


def metrics(*, bound: bool = False) -> Iterator[Offer]:
    """The metrics; as bounds with the sign and a figure of their kind."""
    for metric in METRICS.values():
        if metric.built:
            sign = ">=" if metric.direction is Direction.MAX else "<="
            insert = f"{metric.name} {sign} ${{1:{_figure(metric)}}}" if bound else metric.name
            yield Offer(label=metric.name, kind=Kind.METRIC, detail=metric.doc, doc=direction_of(metric),
                        insert=insert, snippet=bound)  # fmt: skip


def later_metrics() -> Iterator[Offer]:
    """The metrics that are part of the language and not measured yet."""
    for name in LATER_METRICS:
        if name not in ELSEWHERE:
            yield Offer(label=name, kind=Kind.METRIC, detail=NOT_RUN)


def _figure(metric: Metric) -> str:
    if metric.measure is Measure.SHARE and metric.direction is not Direction.MAX:
        return "5%"
    return EXAMPLES[metric.measure]


def direction_of(metric: Metric) -> str:
    """Which way is better, in words."""
    return {
        Direction.MAX: "higher is better",
        Direction.MIN: "lower is better",
        Direction.ZERO: "the nearer to 0 the better",
    }[metric.direction]
