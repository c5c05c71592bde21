"""Bounds and metrics: requirements, rank, limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.scoring import default_metric, fields_of, text_scores
from evalspec.check.values import quantity_of, several_of, shown, word_of
from evalspec.language.answer_types import TextAnswer
from evalspec.language.metric_names import LATER_METRICS, METRICS, Measure, Metric, metric_named
from evalspec.language.program import Bound, Costs, Limits, Step, Subset
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, problem, rewritten
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.names import Declared
    from evalspec.check.pricing import Labels
    from evalspec.text.source import Span

UNITS = {
    Measure.SHARE: (Unit.RATIO, Unit.NUMBER),
    Measure.SCORE: (Unit.NUMBER, Unit.RATIO),
    Measure.COST: (Unit.NUMBER, Unit.MONEY),
    Measure.TIME: (Unit.DURATION,),
    Measure.COUNT: (Unit.NUMBER,),
}


PARAMETRIC = re.compile(r".*[@^].*|p[0-9]+(\.[0-9]+)?")  # pass@10, pass^5, coverage@5%, p99.9
SIGNED = ("overconfidence",)
OF_A_LABEL = ("precision", "recall", "f1")
OF_STEPS = ("accuracy",)
OF_FIELDS = ("accuracy",)  # of the fields of a JSON answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a task offers to measure: its subsets, labels, steps and costs."""

    subsets: Sequence[Subset]
    spoiled_subsets: frozenset[str]
    labels: Labels | None
    steps: Sequence[Step]
    chain: bool
    final: Step
    costs_given: bool
    confident: bool  # whether some candidate may give a confidence
    positive: bool  # whether one label is looked for, by `positive` or because answers are yes or no


def known_metric(word: tree.Word, measured: Measured | None, faults: Faults) -> Metric | None:
    """The metric of that name, where this task has it. `measured`: None where the task was not understood."""
    if measured is not None and word.text in text_scores(measured.final):
        return metric_named(word.text)
    metric = METRICS.get(word.text)
    if metric is None:
        if word.text in LATER_METRICS or PARAMETRIC.fullmatch(word.text):
            faults.not_built(word.at, f"the metric `{word.text}`")
        else:
            help_line, fixes = did_you_mean(word.text, METRICS, at=word.at)
            faults.found.append(
                problem("E0410", word.at, f"there is no metric `{word.text}`", help_line, fixes=fixes)
            )
        return None
    missing = _missing_for(metric, measured) if measured is not None else None
    if missing is not None:
        faults.add("E0416", word.at, f"`{metric.name}` needs {missing[0]}", missing[1])
        return None
    return metric


def _missing_for(metric: Metric, measured: Measured) -> tuple[str, str] | None:
    if metric.needs == "costs" and not measured.costs_given:
        return "costs", "write `costs = NAME`"
    if metric.needs == "confidence" and not measured.confident:
        return "a confidence", "write `confidence = [logprobs, stated]`"
    if metric.needs == "labels" and measured.labels is None:
        return "answers that are labels", "it is for one_of, yes_no and letter_of"
    if metric.needs == "text" and not isinstance(measured.final.answer, TextAnswer):
        return "`answer = text`", "write `accuracy`"
    if metric.needs == "text" and metric.name not in text_scores(measured.final):
        return f"the score `{metric.name}`", f"write `score = {metric.name}`, or put it into `scores`"
    if metric.name == "end_to_end" and not measured.chain:
        return "a chain", "write `accuracy`"
    return None


# ── requirements ──────────────────────────────────────────────────────────────────────────────────


def read_requirements(entries: Entries, measured: Measured, faults: Faults) -> tuple[tuple[Bound, ...], bool]:
    """The bounds of `require`, and whether an unmet one excludes a candidate."""
    block = entries.nested("require")
    if block is None:
        return (), True
    inner = read_entries(block, faults)
    bounds = [b for bound in inner.bounds for b in _bounds(bound, measured, faults)]
    if not inner.bounds and not inner.broken:
        faults.add("E0427", block.header, "`require` holds no bound", "write `accuracy >= 85%`")
    return tuple(bounds), _excludes(inner, faults)


def _excludes(inner: Entries, faults: Faults) -> bool:
    value = inner.value("else")
    word = word_of(value, "`else`", faults) if value is not None else None
    if word is not None and word.text not in ("exclude", "mark"):
        faults.add("E0305", word.at, f"`else` is not `{word.text}`", "write `exclude` or `mark`")
    return word is None or word.text != "mark"


def _bounds(bound: tree.Bound, measured: Measured, faults: Faults) -> list[Bound]:
    metric = known_metric(bound.metric, measured, faults)
    if bound.operator not in ("<=", ">=", "<", ">"):
        faults.add("E0428", bound.at, f"a bound is not written with `{bound.operator}`", "write `<=` or `>=`")
        return []
    if metric is None:
        return []
    value = _figure(bound.value, metric, faults)
    if value is None:
        return []
    arguments = _arguments(bound.argument, metric, measured, faults)
    if not all(_fits_argument(metric, a, measured, bound.metric.at, faults) for a in arguments[:1]):
        return []
    return [
        Bound(
            metric=metric.name,
            subset=subset,
            label=label,
            step=step,
            operator=bound.operator,
            value=value,
            clause=_clause(bound, subset if subset is not None and "=" in subset else None),
            at=bound.at,
        )
        for subset, label, step in arguments
    ]


def _fits_argument(metric: Metric, argument: Argument, measured: Measured, at: Span, faults: Faults) -> bool:
    _, label, step = argument
    if step is not None and metric.measure is Measure.TIME:
        faults.not_built(at, "the latency of a step")
        return False
    if step is not None and metric.name not in OF_STEPS:
        way_out = f"of a step there is {', '.join(f'`{m}`' for m in OF_STEPS)}"
        faults.add("E0416", at, f"`{metric.name}` is not measured of a step", way_out)
        return False
    return step is not None or _label_is_told(metric, label, measured, at, faults)


def _label_is_told(metric: Metric, label: str | None, measured: Measured, at: Span, faults: Faults) -> bool:
    """Whether it is known of which label precision, recall and f1 are meant."""
    if metric.name not in OF_A_LABEL or label is not None or measured.positive:
        return True
    way_out = f"write `positive = LABEL`, or a bound `{metric.name}(LABEL)`"
    faults.add("E0416", at, f"`{metric.name}` needs a label", way_out)
    return False


def _clause(bound: tree.Bound, member: str | None) -> str:
    """The bound as it is written; for one member of a family, with the member's name."""
    argument = (
        member if member is not None else (shown(bound.argument) if bound.argument is not None else None)
    )
    inside = f"({argument})" if argument is not None else ""
    return f"{bound.metric.text}{inside} {bound.operator} {shown(bound.value)}"


def _figure(node: tree.Expr, metric: Metric, faults: Faults) -> float | None:
    found = quantity_of(node, UNITS[metric.measure], f"a bound on `{metric.name}`", faults)
    if found is None:
        return None
    value = float(found.value)
    least = -1.0 if metric.name in SIGNED else 0.0
    if metric.measure is Measure.SHARE and not least <= value <= 1:
        percent = found.unit is Unit.NUMBER and 0 <= value <= 100
        way_out = f"write `{found.text}%`" if percent else "write a figure from 0 % to 100 %, such as `85%`"
        message = f"`{metric.name}` is a share, and `{shown(node)}` is none"
        fixes = rewritten(node.at, f"{found.text}%") if percent and value > 1 else ()
        faults.add("E0429", node.at, message, way_out, fixes=fixes)
        return None
    if metric.measure in (Measure.TIME, Measure.COUNT) and value <= 0:
        faults.add("E0429", node.at, f"`{metric.name}` is never `{shown(node)}`", "write a figure above 0")
        return None
    return value


Argument = tuple[str | None, str | None, str | None]  # subset, label, step


def _arguments(node: tree.Expr | None, metric: Metric, measured: Measured, faults: Faults) -> list[Argument]:
    """What a bound's argument names; a family of subsets stands for each of its members."""
    if node is None:
        return [(None, None, None)]
    match node:
        case tree.Index(value=tree.Name() as family, index=tree.Text() as member):
            return _member(family, member, measured, faults)
        case tree.Name(text="first_token" | "queue") if metric.measure is Measure.TIME:
            faults.not_built(node.at, f"a bound on `{shown(node)}`")
            return []
        case tree.Name() | tree.Text():
            return _named(node.text, node.at, metric, measured, faults)
    faults.add("E0305", node.at, f"a subset, a step or a label is due, and this is `{shown(node)}`",
               'write its name, or `SUBSET["value"]`')  # fmt: skip
    return []


def _member(family: tree.Name, member: tree.Text, measured: Measured, faults: Faults) -> list[Argument]:
    name = f"{family.text}={member.text}"
    members = [s.name for s in measured.subsets if s.family == family.text]
    if name in members:
        return [(name, None, None)]
    if members:
        values = [m.removeprefix(f"{family.text}=") for m in members]
        help_line, fixes = did_you_mean(member.text, values, at=member.at)
        message = f"subset `{family.text}` has no value `{member.text}`"
        faults.add("E0204", member.at, message, help_line, fixes=fixes)
    elif family.text not in measured.spoiled_subsets:
        families = {s.family for s in measured.subsets if s.family is not None}
        help_line, fixes = did_you_mean(family.text, families, at=family.at)
        help_line = help_line or "declare it: `subset NAME of DATASET { by = COLUMN }`"
        message = f"there is no subset `{family.text}` with values"
        faults.add("E0204", family.at, message, help_line, fixes=fixes)
    return []


def _named(name: str, at: Span, metric: Metric, measured: Measured, faults: Faults) -> list[Argument]:
    found: list[Argument] = [(s.name, None, None) for s in measured.subsets if name in (s.name, s.family)]
    labels = measured.labels.names if measured.labels is not None and metric.name in OF_A_LABEL else ()
    if metric.name in OF_FIELDS:
        labels = fields_of(measured.final)
    if name in labels:
        found.append((None, name, None))
    if measured.chain and name in {s.name for s in measured.steps}:
        found.append((None, None, name))
    kinds = {tuple(part is not None for part in argument) for argument in found}
    if len(kinds) > 1:
        faults.add("E0206", at, f"`{name}` could mean a subset, a step or a label here", "rename one of them")
        return []
    if not found and name not in measured.spoiled_subsets:
        known = [s.family or s.name for s in measured.subsets] + list(labels)
        known += [s.name for s in measured.steps] if measured.chain else []
        help_line, fixes = did_you_mean(name, set(known), at=at)
        help_line = help_line or "declare it: `subset NAME of DATASET { where = … }`"
        faults.found.append(
            problem("E0204", at, f"`{name}` is no subset, step or label of this task", help_line, fixes=fixes)
        )
    return found


# ── rank ──────────────────────────────────────────────────────────────────────────────────────────


def read_rank(entries: Entries, measured: Measured, costs: Costs | None, faults: Faults) -> tuple[str, ...]:
    """The metrics that order the candidates: those named, else expected cost where there are costs,
    else accuracy."""
    value = entries.value("rank")
    if value is None:
        default = "expected_cost" if costs is not None else "end_to_end" if measured.chain else "accuracy"
        return (default_metric(measured.final) or default,)
    metrics = [known_metric(word, measured, faults) for word in several_of(value, "a metric", faults) or ()]
    for metric in metrics:
        if metric is not None:
            _label_is_told(metric, None, measured, value.at, faults)
    return tuple(m.name for m in metrics if m is not None) or ("accuracy",)


def check_metrics(entries: Entries, faults: Faults) -> None:
    """Says which metrics and figures are wrong in a task that was not understood otherwise."""
    rank = entries.value("rank")
    for word in (several_of(rank, "a metric", faults) if rank is not None else None) or ():
        known_metric(word, None, faults)
    block = entries.nested("require")
    for bound in read_entries(block, faults).bounds if block is not None else ():
        metric = known_metric(bound.metric, None, faults)
        if metric is not None:
            _figure(bound.value, metric, faults)


# ── limits ────────────────────────────────────────────────────────────────────────────────────────


def read_limits(declared: Declared, faults: Faults) -> Limits:
    """The limits of a file."""
    if declared.limits is None:
        return Limits()
    entries = read_entries(declared.limits, faults)
    overall: int | None = None
    each: dict[str, int] = {}
    rates: dict[str, float] = {}
    seen: dict[tuple[str, str], tree.Bound] = {}
    for bound in entries.bounds:
        target = _target(bound, declared, faults)
        if not _upper(bound, faults) or target is None or not _limited_once(bound, target, seen, faults):
            continue
        match bound.metric.text:
            case "concurrency":
                most = _concurrency(bound, faults)
                overall, each = (
                    (most, each) if not target else (overall, each | ({target: most} if most else {}))
                )
            case "requests":
                rate = quantity_of(bound.value, (Unit.RATE,), "`requests`", faults)
                if rate is not None and _asks_something(rate.value > 0, bound, faults):
                    rates[target] = float(rate.value)
            case "spend" | "tokens":
                faults.not_built(bound.metric.at, f"the limit `{bound.metric.text}`")
            case name:
                limits = ("concurrency", "requests", "spend", "tokens")
                help_line, fixes = did_you_mean(name, limits, at=bound.metric.at)
                faults.add("E0430", bound.metric.at, f"there is no limit `{name}`", help_line, fixes=fixes)
    return Limits(concurrency=overall, model_concurrency=each, request_rates=rates)


def _limited_once(
    bound: tree.Bound, target: str, seen: dict[tuple[str, str], tree.Bound], faults: Faults
) -> bool:
    first = seen.setdefault((bound.metric.text, target), bound)
    if first is not bound:
        label = Label(at=first.at, message="first given here")
        faults.add("E0404", bound.at, f"`{bound.metric.text}` is given twice", "remove one", labels=[label])
    return first is bound


def _concurrency(bound: tree.Bound, faults: Faults) -> int | None:
    found = quantity_of(bound.value, (Unit.NUMBER,), "`concurrency`", faults)
    whole = found is not None and found.value == int(found.value) and found.value >= 1
    if found is None or not _asks_something(whole, bound, faults):
        return None
    return int(found.value)


def _upper(bound: tree.Bound, faults: Faults) -> bool:
    if bound.operator != "<=":
        faults.add("E0428", bound.at, f"a limit is not written with `{bound.operator}`", "write `<=`")
        return False
    return True


def _asks_something(fits: bool, bound: tree.Bound, faults: Faults) -> bool:
    if not fits:
        faults.add(
            "E0305",
            bound.value.at,
            f"`{bound.metric.text} <= {shown(bound.value)}` would ask nothing",
            "write a whole number of at least 1",
        )
    return fits


def _target(bound: tree.Bound, declared: Declared, faults: Faults) -> str | None:
    """The model or provider that a limit is for; empty for all."""
    if bound.argument is None:
        return ""
    word = word_of(bound.argument, "a model or provider", faults)
    known = declared.names["model"] | declared.names["provider"]
    if word is not None and word.text not in known:
        help_line, fixes = did_you_mean(word.text, known, at=word.at)
        faults.found.append(
            problem("E0201", word.at, f"there is no model or provider `{word.text}`", help_line, fixes=fixes)
        )
        return None
    return word.text if word is not None else None
