"""The ranked table, readable at 100 columns, and the sentences under it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from enum import StrEnum

from evalspec.language.metric_names import METRICS
from evalspec.report.glyphs import cells, visible
from evalspec.report.wrapping import shortened, wrapped
from evalspec.score.lookups import follows_policy
from evalspec.score.made_up import is_made_up
from evalspec.score.results import Results
from evalspec.score.sentences import sections
from evalspec.score.wording import (
    Document,
    better_first,
    called,
    document,
    figure,
    interval,
    items,
    names,
    number,
    percent,
)
from evalspec.text.units import counted
from evalspec.text.values import Json

WIDTH = 100


class TableForm(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "md"
    CSV = "csv"
    LINE = "line"


def render_results(results: Results, form: TableForm = TableForm.TABLE) -> str:
    """The results as text, ending in a line break."""
    tasks = list(document(results.document["tasks"]))
    match form:
        case TableForm.JSON:
            return results.to_json()
        case TableForm.CSV:
            return _csv(results, tasks)
        case TableForm.LINE:
            return "".join(_line(results, task) for task in tasks)
        case TableForm.TABLE | TableForm.MARKDOWN:
            return "\n".join(_page(results, task, form) for task in tasks)


def _task(results: Results, name: str) -> Document:
    return document(document(results.document["tasks"])[name])


def _page(results: Results, name: str, form: TableForm) -> str:
    from tabulate import tabulate

    task = _task(results, name)
    headers, rows = table_rows(task)
    style = "github" if form is TableForm.MARKDOWN else "simple"
    table = tabulate(rows, headers=headers, tablefmt=style, disable_numparse=True)
    title = _title(results, name, task)
    heading = [f"## {title}"] if form is TableForm.MARKDOWN else wrapped(title, WIDTH)
    return "\n".join((*heading, "", table, "", *_orders(task, style), *_sentences(results, name, form)))


def _orders(task: Document, style: str) -> list[str]:
    from tabulate import tabulate

    rows = two_orders(task)
    if not rows:
        return []
    headers = [
        "",
        "by expected cost",
        *shortened([visible(str(task["unit"]))], LONGEST_NAME),
        "by accuracy",
        "right",
    ]
    return [tabulate(rows, headers=headers, tablefmt=style, disable_numparse=True), ""]


def _title(results: Results, name: str, task: Document) -> str:
    metric = str(task["ranked_by"])
    unit = f" in {task['unit']}" if metric in ("expected_cost", "total_cost") and task.get("unit") else ""
    run = document(results.document["run"])
    partial = "" if run.get("complete") else ", PARTIAL"
    ranked = f"ranked by {called(metric)}{unit} ({better_first(metric)})"
    simulated = ", SIMULATED" if run.get("simulated") and is_made_up(task) else ""
    examples = counted(number(task["examples"]) or 0, "example")
    return visible(f"{name}: {examples}, {ranked}{partial}{simulated}")


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def table_rows(task: Document) -> tuple[list[str], list[list[str]]]:
    """The table's headers and rows, one for each candidate.

    Columns that say nothing are left out; so are the last ones of `LEAST_NEEDED` while the table is too wide.
    """
    columns = _columns(task)
    for head in ("", *LEAST_NEEDED):
        columns = [(h, column) for h, column in columns if h != head]
        if _fits(columns):
            break
    else:
        columns = _columns(task, bare=True)  # what was asked for stays, and gives up its intervals
    rows = [list(row) for row in zip(*(column for _, column in columns), strict=True)]
    return [head for head, _ in columns], rows


def _fits(columns: Sequence[tuple[str, Sequence[str]]]) -> bool:
    return sum(_width(h, column) + 2 for h, column in columns) - 2 <= WIDTH


def _width(head: str, column: Sequence[str]) -> int:
    """The width that tabulate gives a column: two blanks more than its head, or its widest cell."""
    return max(cells(head) + 2, *map(cells, column))


LONGEST_NAME = 24
LEAST_NEEDED = ("claims", "met", "usd per 1k", "p95", "answers")


def _columns(task: Document, *, bare: bool = False) -> list[tuple[str, list[str]]]:
    """Every column that says something; `bare`: the further ones without intervals, and none unasked for."""
    order = names(task["order"])
    metric = str(task["ranked_by"])
    candidates = [document(document(task["candidates"])[n]) for n in order]
    shown = dict.fromkeys((metric, "accuracy")) if metric != "end_to_end" else {metric: None}
    weights = document(task.get("weights"))
    further = [name for name in names(task.get("report")) if name not in shown]
    alone = {"mean_confidence": "claims", "ece": "ECE (noise)", "p95": "p95", "cost_per_1k": "usd per 1k"}
    twice = {head for name, head in alone.items() if name in further}
    twice |= set(LEAST_NEEDED) if bare else set()
    columns: list[tuple[str, list[str]]] = [
        ("rank", [_rank(c) for c in candidates]),
        ("candidate", shortened([visible(n) for n in order], LONGEST_NAME)),
        *((_head(name), [_with_interval(c, name) for c in candidates]) for name in shown),
        *(
            (_head(n, bare), [(_value if bare else _with_interval)(c, n) for c in candidates])
            for n in further
        ),
        *((_weighed(n, w), [_in_task(c, n) for c in candidates]) for n, w in weights.items()),
        ("answers", [_coverage(c) for c in candidates]),
        ("claims", [_value(c, "mean_confidence") for c in candidates]),
        ("ECE (noise)", [_ece(c) for c in candidates]),
        ("p95", [_slow(c) for c in candidates]),
        ("usd per 1k", [_value(c, "cost_per_1k") for c in candidates]),
        ("met", [_requirements(c) for c in candidates]),
    ]
    return [
        (head, column)
        for head, column in columns
        if head not in twice and any(cell not in ("", "-") for cell in column)
    ]


def two_orders(task: Document) -> list[list[str]]:
    """The order by cost beside the order by accuracy, where the task is ranked by cost and has both."""
    order = names(task["order"])
    ranked = [n for n in order if document(document(task["candidates"])[n])["rank_low"] is not None]
    if task["ranked_by"] != "expected_cost" or len(ranked) < 2:
        return []
    found = {n: document(document(task["candidates"])[n]) for n in ranked}
    by_cost = sorted(ranked, key=lambda n: number(_figures(found[n], "expected_cost").get("value")) or 0.0)
    by_accuracy = sorted(ranked, key=lambda n: -(number(_figures(found[n], "accuracy").get("value")) or 0.0))
    short = dict(zip(order, shortened([visible(n) for n in order], LONGEST_NAME), strict=True))
    return [
        [str(i), short[a], _value(found[a], "expected_cost"), short[b], _value(found[b], "accuracy")]
        for i, (a, b) in enumerate(zip(by_cost, by_accuracy, strict=True), 1)
    ]


def _weighed(task: str, weight: Json) -> str:
    """The head of a decision's column for one of its tasks: its name, and how much it counts."""
    return f"{shortened([visible(task)], LONGEST_NAME)[0]} ({percent(number(weight) or 0.0, 0)})"


def _in_task(candidate: Document, task: str) -> str:
    found = document(document(candidate.get("tasks")).get(task))
    value = number(found.get("value"))
    return "-" if value is None else figure(str(found.get("metric")), value)


def _slow(candidate: Document) -> str:
    """The 95th percentile of latency, where it is of a size that anyone would feel."""
    value = number(_figures(candidate, "p95").get("value"))
    return "-" if value is None or value < 0.005 else figure("p95", value)


def _head(metric: str, bare: bool = False) -> str:
    name = "cost" if metric == "expected_cost" else called(metric)
    return f"{name} (95 %)" if metric.partition("(")[0] in METRICS and not bare else name


def _figures(candidate: Document, metric: str) -> Document:
    """The figures of a metric, or of one on a subset: `accuracy(spanish)`."""
    name, bracket, subset = metric.partition("(")
    if not bracket:
        return document(document(candidate["metrics"]).get(metric))
    part = document(document(candidate["subsets"]).get(subset.removesuffix(")")))
    return document(document(part.get("metrics")).get(name))


def _rank(candidate: Document) -> str:
    """The rank, or the range of ranks that the data allow."""
    if candidate["rank"] is None:
        return "out" if candidate["rank_low"] is not None else "-"
    low, high = candidate["rank_low"], candidate["rank_high"]
    return str(candidate["rank"]) if low == high or low is None else f"{low}-{high}"


def _with_interval(candidate: Document, metric: str) -> str:
    figures = _figures(candidate, metric)
    value = number(figures.get("value"))
    if value is None:
        return "-"
    name = metric.partition("(")[0]
    around = interval(name, number(figures.get("low")), number(figures.get("high")))
    return figure(name, value) + (f" ({around})" if around else "")


def _value(candidate: Document, metric: str) -> str:
    value = number(_figures(candidate, metric).get("value"))
    return "-" if value is None else figure(metric.partition("(")[0], value)


def _coverage(candidate: Document) -> str:
    coverage = number(document(candidate["policy"]).get("coverage"))
    return "-" if coverage is None or not follows_policy(candidate) else percent(coverage, 0)


def _ece(candidate: Document) -> str:
    figures = _figures(candidate, "ece")
    value, floor = number(figures.get("value")), number(figures.get("null_mean"))
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({floor:.3f})" if floor is not None else "")


def _requirements(candidate: Document) -> str:
    """How many requirements, budgets and margins are met of how many; what is undecided is not met yet."""
    clauses = [c for kind in BOUNDS for c in items(candidate.get(kind))]
    verdicts = [str(document(c)["verdict"]) for c in clauses]
    met = sum(verdict in ("met", "within", "kept") for verdict in verdicts)
    return f"{met} of {len(verdicts)}" if verdicts else ""


BOUNDS = ("requirements", "budgets", "no_worse_than")


# ── other forms ───────────────────────────────────────────────────────────────────────────────────


def _sentences(results: Results, name: str, form: TableForm) -> list[str]:
    lines: list[str] = []
    for section in sections(results, name):
        if form is TableForm.MARKDOWN:
            lines += [f"**{section.title}**", "", *(f"- {visible(s)}" for s in section.sentences), ""]
            continue
        for i, sentence in enumerate(section.sentences):
            head = f"{section.title:<13}" if i == 0 else " " * 13
            lines += wrapped(visible(sentence), WIDTH, first=head, rest=" " * 15)
    return [*lines, ""] if form is TableForm.TABLE else lines


def _line(results: Results, name: str) -> str:
    """One line for a log: the task, the first, and what it was ranked by."""
    task = _task(results, name)
    order = names(task["order"])
    best = document(document(task["candidates"])[order[0]])
    metric = str(task["ranked_by"])
    if not best["viable"]:
        return visible(f"{name}: no candidate is viable (n = {task['examples']})") + "\n"
    told = f"{order[0]} {called(metric)} {_with_interval(best, metric)}"
    return visible(f"{name}: {told} (n = {task['examples']})") + "\n"


def _csv(results: Results, tasks: Sequence[str]) -> str:
    """Every metric of every candidate, overall and by subset, a row each."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["task", "candidate", "subset", "metric", "value", "low", "high", "n"])
    for name in tasks:
        for candidate, found in document(_task(results, name)["candidates"]).items():
            scopes = {"": document(found)["metrics"]}
            scopes |= {s: document(f)["metrics"] for s, f in document(document(found)["subsets"]).items()}
            for subset, metrics in scopes.items():
                for metric, figures in document(metrics).items():
                    told = [document(figures).get(k) for k in ("value", "low", "high", "n")]
                    writer.writerow([_cell(name), _cell(candidate), _cell(subset), metric, *told])
    return buffer.getvalue()


def _cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula, nor a terminal for a command."""
    shown = visible(text)
    return "'" + shown if text.startswith(("=", "+", "-", "@", "\t", "\r")) else shown
