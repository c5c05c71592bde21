"""What a word of a spec means: the schema's words, a column's type and values, a metric, a count."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.language.call_names import CALLS
from evalspec.language.functions import FUNCTIONS
from evalspec.language.metric_names import LATER_METRICS, METRICS, metric_named
from evalspec.language.schema import BLOCKS, Entry
from evalspec.lsp.mentions import Mention, Symbol, What
from evalspec.lsp.names import declarations_of, mention_at
from evalspec.lsp.offers import NOT_RUN, direction_of
from evalspec.lsp.template_walk import OWN_NAMES
from evalspec.text.units import counted
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.lsp.names import View

PARAMETRIC = re.compile(r".*[@^].*|p[0-9]+(\.[0-9]+)?")  # pass@10, pass^5, coverage@5%, p99.9
NOT_BUILT = "not built yet"
LONGEST_EXCERPT = 400
MOST_LABELS = 12


@dataclass(frozen=True, slots=True)
class Hover:
    """A few lines of Markdown about a stretch of the text."""

    text: str
    start: int
    end: int


def hover(view: View, offset: int) -> Hover | None:
    """What the word at an offset means; None where there is none."""
    mention = mention_at(view, offset)
    if mention is None:
        return None
    lines = [line for line in _about(view, mention) if line]
    return Hover("\n\n".join(lines), mention.at.start, mention.at.end) if lines else None


def _about(view: View, mention: Mention) -> list[str]:
    symbol = mention.symbol
    match symbol.what:
        case What.BLOCK:
            kind = BLOCKS[symbol.name]
            return [f"**{symbol.name}** { {True: 'NAME', False: ''}[kind.named]}".rstrip(), kind.doc,
                    *_state(kind.built, kind.runs)]  # fmt: skip
        case What.ATTRIBUTE:
            return _attribute(symbol)
        case What.FUNCTION:
            return _function(symbol)
        case What.METRIC:
            return _metric(symbol.name)
        case What.COLUMN:
            return _column(view, symbol)
        case What.DATASET:
            return _dataset(view, symbol.name)
        case What.SUBSET | What.MEMBER:
            return _subset(view, symbol)
        case What.LABEL:
            n = view.facts.labels(symbol.scope).get(symbol.name)
            return [f"label **{_safe(symbol.name)}** of dataset `{symbol.scope}`",
                    counted(n, "example") if n is not None else ""]  # fmt: skip
        case What.TEMPLATE_WORD:
            return [f"**{symbol.name}**", OWN_NAMES[symbol.name]]
        case What.FILTER | What.TEST:
            return [f"{symbol.what} **{symbol.name}** of templates"]
        case What.FILE | What.WORD | What.LOCAL | What.ARGUMENT:
            return []
        case _:
            return [f"{symbol.what} **{_safe(symbol.name)}**", _declaration(view, symbol)]


def _state(built: bool, runs: bool) -> list[str]:
    return [f"*{NOT_BUILT}*"] if not built else [] if runs else [f"*{NOT_RUN}*"]


def _attribute(symbol: Symbol) -> list[str]:
    kind = BLOCKS.get(symbol.scope)
    entry = kind.entries.get(symbol.name) if kind is not None else None
    if entry is None:
        return [f"**{_safe(symbol.name)}**", "a request parameter: sent to the model as it is"]
    nested = BLOCKS.get(entry.name) if entry.block else None
    runs = entry.runs and (nested is None or nested.runs)
    return [f"**{entry.name}** of `{symbol.scope}`", entry.doc, _written(entry), *_state(entry.built, runs)]


def _written(entry: Entry) -> str:
    if entry.block:
        return f"`{entry.name} {{ … }}`"
    lines = [f"`{entry.name} = {entry.value}`"] if entry.value else []
    if entry.words:
        lines.append("one of " + ", ".join(f"`{word}`" for word in entry.words))
    lines += [f"- `{call.written}`: {call.doc}" for call in CALLS.get(entry.calls, {}).values() if call.built]
    return "\n".join(lines)


def _function(symbol: Symbol) -> list[str]:
    if not symbol.scope:
        function = FUNCTIONS.get(symbol.name)
        return [f"`{function.shape}` → {function.gives}"] if function is not None else []
    call = CALLS.get(symbol.scope, {}).get(symbol.name)
    return [f"`{call.written}`", call.doc, *_state(call.built, call.runs)] if call is not None else []


def _metric(name: str) -> list[str]:
    metric = METRICS.get(name) or (metric_named(name) if PARAMETRIC.fullmatch(name) else None)
    if metric is None:
        return [f"metric **{name}**", *_state(True, False)] if name in LATER_METRICS else []
    needs = f"needs {metric.needs}" if metric.needs else ""
    return [f"metric **{name}**: {metric.doc}", f"{direction_of(metric)}; a {metric.measure}", needs]


def _column(view: View, symbol: Symbol) -> list[str]:
    kind = view.facts.columns(symbol.scope).get(symbol.name)
    head = f"column **{_safe(symbol.name)}** of dataset `{symbol.scope}`"
    if kind is None:
        return [head] if symbol.scope else []
    if view.facts.is_private(symbol.scope, symbol.name):
        return [f"{head}: {kind}", "*private: its values are not shown*"]
    values = view.facts.values(symbol.scope, symbol.name)
    declared = _declaration(view, symbol)
    return [f"{head}: {kind}", "such as " + ", ".join(_code(v) for v in values) if values else "", declared]


def _dataset(view: View, name: str) -> list[str]:
    size = view.facts.size(name)
    lines = [f"dataset **{name}**" + (f": {counted(size, 'example')}" if size is not None else "")]
    labels = view.facts.labels(name)
    if labels:
        shown = [f"{_code(label)} {n:,}" for label, n in list(labels.items())[:MOST_LABELS]]
        more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
        lines.append("labels: " + ", ".join(shown) + more)
    columns = view.facts.columns(name)
    if columns:
        lines.append("columns: " + ", ".join(_code(c) for c in columns))
    return lines


def _subset(view: View, symbol: Symbol) -> list[str]:
    family = symbol.scope or symbol.name
    name = f"{family}={symbol.name}" if symbol.what is What.MEMBER else symbol.name
    declared = _declaration(view, Symbol(What.SUBSET, family))
    members = view.facts.members(family)
    if symbol.what is What.SUBSET and members:
        counts = [f"{_code(m)} {view.facts.count(f'{family}={m}') or 0:,}" for m in members[:MOST_LABELS]]
        more = f" and {len(members) - MOST_LABELS} more" if len(members) > MOST_LABELS else ""
        return [f"subset **{family}**: one for each value", ", ".join(counts) + more, declared]
    n = view.facts.count(name)
    return [f"subset **{_safe(name)}**" + (f": {counted(n, 'example')}" if n is not None else ""), declared]


def _declaration(view: View, symbol: Symbol) -> str:
    """The line in which a name is declared, as it is written."""
    for mention in declarations_of(view, symbol)[:1]:
        source, (number, _) = mention.at.source, mention.at.begin
        line = source.line(number).strip()[:LONGEST_EXCERPT].replace("```", "")
        return f"```evalspec\n{line}\n```"
    return ""


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def _safe(text: str) -> str:
    """A name from data as it stands in Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|" and not c.isalnum() and c != "_" else c for c in text)[:100]
