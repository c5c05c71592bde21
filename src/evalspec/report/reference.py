"""The reference page of the language, made from the schema: `python -m evalspec.report.reference FILE`.

Every block, attribute, function and metric, with what cannot be done yet marked. A test proves
`docs/reference.md` fresh.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from evalspec.check.latency import OF_LATENCY
from evalspec.check.measuring import ELSEWHERE
from evalspec.language.call_names import CALLS, REQUEST_PARAMETERS, CallName
from evalspec.language.functions import FUNCTIONS
from evalspec.language.metric_names import (
    LATER_METRICS,
    METRICS,
    Direction,
    Measure,
    Metric,
    metric_named,
)
from evalspec.language.schema import BLOCKS, TOP_LEVEL, BlockKind, Entry
from evalspec.syntax.tree import Operator

HEAD = """\
# Reference of the language

Every block, attribute, function and metric. [language.md](language.md) tells how they are used. Made from
the schema that `check` and the editor server read: `python -m evalspec.report.reference docs/reference.md`.

What is marked *not built* is refused by `check`; what is marked *not run* is understood by `check` and
`plan`, and refused by `run`. Defaults stand in parentheses.
"""
NAMES = {"mix": "COLUMN", "no_worse_than": "MODEL"}  # what stands where others have a name of their own
WITH_FIGURES = ("pass@10", "pass^5", "coverage@5%", "p99.9")  # names that hold a figure, of any size
BETTER = {Direction.MAX: "higher", Direction.MIN: "lower", Direction.ZERO: "nearer to 0"}
FIGURES = {
    Measure.SHARE: "a share, `85%`",
    Measure.SCORE: "a number, `0.8`",
    Measure.COST: "a number or money, `$1.50`",
    Measure.TIME: "a duration, `900ms`",
    Measure.COUNT: "a number, `200`",
}
GROUPS = {
    "json_type": "types of the fields of `json`",
    "chain_confidence": "`confidence` of a chain",
    "prompt": "templates",
}


def reference() -> str:
    """The page as Markdown; the same for the same schema."""
    parts = [HEAD, *_blocks(), *_groups(), _expressions(), *_metrics(), _parameters()]
    return "\n".join(parts)


def _blocks() -> Iterator[str]:
    yield "## Blocks at the top of a file\n"
    yield '`import "other.eval"` stands above them and takes in the blocks of another file.\n'
    yield from (_block(BLOCKS[name]) for name in TOP_LEVEL)
    yield "## Blocks inside others\n"
    yield from (_block(kind) for name, kind in BLOCKS.items() if name not in TOP_LEVEL)


def _block(kind: BlockKind) -> str:
    name = f" {NAMES.get(kind.name, 'NAME')}" if kind.named else ""
    target = " of DATASET" if kind.target else ""
    lines = [
        f"### {kind.name}",
        "",
        f"`{kind.name}{name}{target} {{ … }}`: {kind.doc}.{_state(kind.built, kind.runs)}",
    ]
    inside = [outer.name for outer in BLOCKS.values() if kind.name in outer.entries]
    if kind.name not in TOP_LEVEL and inside:
        lines[-1] += f" Stands in {_listed(inside)}."
    lines += [f"- {said}" for said in _admits(kind)]
    if kind.entries:
        lines += [
            "",
            *_table(("attribute", "written", "what it is"), [_entry(e, kind) for e in kind.entries.values()]),
        ]
    return "\n".join(lines) + "\n"


def _admits(kind: BlockKind) -> Iterator[str]:
    """What may stand in a block besides its attributes."""
    if kind.free:
        yield "takes any name as an attribute" + (", and `*` for the rest" if kind.star else "")
    if kind.metrics:
        yield "takes bounds on metrics: `METRIC >= 85%`, `METRIC(ARGUMENT) <= 5%`"
    elif kind.bounds:
        yield "takes bounds: `concurrency <= 32`, `spend(MODEL) <= $1`"
    if kind.rows:
        yield "takes a table: rows of `| … | … |`"
    if kind.repeats:
        yield "takes an attribute more than once"


def _entry(entry: Entry, kind: BlockKind) -> tuple[str, str, str]:
    inner = BLOCKS.get(entry.name) if entry.block else None
    built = entry.built and (inner is None or inner.built)
    runs = entry.runs and (inner is None or inner.runs)
    name = f"`{entry.name}`" + (" (required)" if entry.name in kind.required else "")
    said = entry.doc + (f"; one of {_listed(entry.words)}" if entry.words and not _flag(entry) else "")
    if entry.calls:
        said += f" ([{entry.calls.replace('_', ' ')}](#{_anchor(entry.calls)}))"
    return name, _written(entry), said + _state(built, runs)


def _flag(entry: Entry) -> bool:
    return set(entry.words) == {"true", "false"}


def _written(entry: Entry) -> str:
    if entry.block:
        name = f" {NAMES.get(entry.name, 'NAME')}" if BLOCKS[entry.name].named else ""
        return f"`{entry.name}{name} {{ … }}`"
    both = f", or `{entry.name} {{ … }}`" if entry.block_too else ""
    return f"`{entry.name} = {entry.value}`{both}"


def _groups() -> Iterator[str]:
    yield "## Words and functions that stand as values\n"
    for group, calls in CALLS.items():
        where = sorted(
            {f"`{e.name}`" for kind in BLOCKS.values() for e in kind.entries.values() if e.calls == group}
        )
        title = GROUPS.get(group) or f"values of {_joined(where)}"
        lines = [f"### {group.replace('_', ' ')}: {title}" if group in GROUPS else f"### {group}", ""]
        if group not in GROUPS:
            lines += [title[0].upper() + title[1:] + ".", ""]
        yield (
            "\n".join([*lines, *_table(("written", "what it is"), [_call(c) for c in calls.values()])]) + "\n"
        )


def _anchor(group: str) -> str:
    """The anchor of a group's heading, as Markdown readers make it."""
    heading = f"{group.replace('_', ' ')}: {GROUPS[group]}" if group in GROUPS else group
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _call(call: CallName) -> tuple[str, str]:
    return f"`{call.written}`", call.doc + _state(call.built, call.runs)


def _expressions() -> str:
    """Operators and functions of conditions and computed columns."""
    signs = " ".join(f"`{operator}`" for operator in Operator)
    rows = [(f"`{f.shape}`", str(f.gives)) for f in FUNCTIONS.values()]
    lines = [
        "## Expressions", "",
        f"Operators: {signs}, `not` and unary `-`. Values: columns, `column(\"odd name\")`, `object.field`, "
        "`params.NAME`, texts, numbers, `true`, `false`, `null` and lists.", "",
        *_table(("function", "gives"), rows),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _metrics() -> Iterator[str]:
    yield "## Metrics\n"
    rows = [_metric(m) for m in (*METRICS.values(), *map(metric_named, WITH_FIGURES))]
    yield "\n".join(_table(("metric", "what it is", "better", "bounds are", "needs"), rows)) + "\n"
    later = [name for name in LATER_METRICS if name not in ELSEWHERE]
    if later:
        yield f"*Not run* yet: {_listed(later)}.\n"
    budgets = "A `latency` block has bounds on"
    parts = "`first_token`, `queue` or a step"
    yield f"{budgets} {_listed(OF_LATENCY)} and other percentiles, also of {parts}.\n"


def _metric(metric: Metric) -> tuple[str, str, str, str, str]:
    said = metric.doc + _state(metric.built, True)
    return f"`{metric.name}`", said, BETTER[metric.direction], FIGURES[metric.measure], metric.needs


def _parameters() -> str:
    return f"""\
## Request parameters

In `model` and `request` these are known, and a slip of one is told: {_listed(REQUEST_PARAMETERS)}.
Any other name is passed on as it is; one that is nearly like a known one is quoted.
"""


# ── Markdown ──────────────────────────────────────────────────────────────────────────────────────


def _state(built: bool, runs: bool) -> str:
    return " *Not built.*" if not built else "" if runs else " *Not run.*"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _joined(parts: list[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(tuple("---" for _ in head))
    yield from (_row(row) for row in rows)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
