"""Bounds on metrics and orders by them: `require`, `rank` and `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.measuring import UNITS, Measured, known_metric
from evalspec.check.scoring import default_metric, fields_of
from evalspec.check.values import items_of, quantity_of, several_of, shown, word_of
from evalspec.language.metric_names import Measure, Metric
from evalspec.language.program import Bound, Costs
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, problem, rewritten
from evalspec.text.units import Unit

if TYPE_CHECKING:
    from evalspec.text.source import Span

SIGNED = ("overconfidence",)
OF_A_LABEL = ("precision", "recall", "f1")
OF_STEPS = ("accuracy",)
OF_FIELDS = ("accuracy",)  # of the fields of a JSON answer


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
    return tuple(bounds), excludes(inner, faults)


def excludes(inner: Entries, faults: Faults) -> bool:
    """Whether `else` says that a candidate which misses a bound is out; it may say that it is marked."""
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
    arguments = arguments_of(bound.argument, metric, measured, faults)
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
            clause=clause_of(bound, subset if subset is not None and "=" in subset else None),
            at=bound.at,
        )
        for subset, label, step in arguments
    ]


def _fits_argument(metric: Metric, argument: Argument, measured: Measured, at: Span, faults: Faults) -> bool:
    _, label, step = argument
    if step is not None and metric.measure is Measure.TIME:
        faults.not_run(at, "bounds on the latency of a step")
        return True
    if step is not None and metric.name not in OF_STEPS:
        way_out = f"of a step there is {', '.join(f'`{m}`' for m in OF_STEPS)}"
        faults.add("E0416", at, f"`{metric.name}` is not measured of a step", way_out)
        return False
    return step is not None or label_is_told(metric, label, measured, at, faults)


def label_is_told(metric: Metric, label: str | None, measured: Measured, at: Span, faults: Faults) -> bool:
    """Whether it is known of which label precision, recall and f1 are meant."""
    if metric.name not in OF_A_LABEL or label is not None or measured.positive:
        return True
    way_out = f"write `positive = LABEL`, or a bound `{metric.name}(LABEL)`"
    faults.add("E0416", at, f"`{metric.name}` needs a label", way_out)
    return False


def clause_of(bound: tree.Bound, member: str | None) -> str:
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


def arguments_of(
    node: tree.Expr | None, metric: Metric, measured: Measured, faults: Faults
) -> list[Argument]:
    """What a bound's argument names; a family of subsets stands for each of its members."""
    if node is None:
        return [(None, None, None)]
    match node:
        case tree.Index(value=tree.Name() as family, index=tree.Text() as member):
            return _member(family, member, measured, faults)
        case tree.Name(text="first_token" | "queue") if metric.measure is Measure.TIME:
            faults.not_run(node.at, f"a bound on `{shown(node)}`")
            return [(None, None, None)]
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
            label_is_told(metric, None, measured, value.at, faults)
    return tuple(m.name for m in metrics if m is not None) or ("accuracy",)


def read_report(entries: Entries, measured: Measured, faults: Faults) -> tuple[str, ...]:
    """The further columns of the table: metrics, or metrics of a subset such as `accuracy(spanish)`."""
    value = entries.value("report")
    columns: dict[str, tree.Expr] = {}
    for item in items_of(value, "write `report = [accuracy, ece]`", faults):
        for column in _reported(item, measured, faults):
            if column in columns:
                first = Label(at=columns[column].at, message="first named here")
                faults.add("E0404", item.at, f"`{column}` is named twice", "remove one", labels=[first])
            columns.setdefault(column, item)
    return tuple(columns)


def _reported(item: tree.Expr, measured: Measured, faults: Faults) -> list[str]:
    match item:
        case tree.Name() | tree.Text():
            metric = known_metric(tree.Word(item.text, item.at), measured, faults)
            told = metric is not None and label_is_told(metric, None, measured, item.at, faults)
            return [metric.name] if metric is not None and told else []
        case tree.Call(function=tree.Name() as name, arguments=(argument,), named=()):
            metric = known_metric(tree.Word(name.text, name.at), measured, faults)
            found = arguments_of(argument, metric, measured, faults) if metric is not None else []
            subsets = [subset for subset, _, _ in found if subset is not None]
            if metric is not None and found and not subsets:
                said = "a column of the table is of a metric, or of one on a subset"
                faults.add("E0416", argument.at, said, "write `accuracy(SUBSET)`")
            return [f"{metric.name}({subset})" for subset in subsets] if metric is not None else []
    faults.add("E0305", item.at, f"a metric is due, and this is `{shown(item)}`", "write its name")
    return []


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
