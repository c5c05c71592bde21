"""How much worse than a model a candidate may be at most: `no_worse_than MODEL { … }`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.bounds import arguments_of, clause_of, label_is_told
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.measuring import UNITS, Measured, known_metric
from evalspec.check.values import quantity_of, shown
from evalspec.language.metric_names import Measure, figure_in
from evalspec.language.program import Bound, NoWorseThan
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.language.metric_names import Metric
    from evalspec.syntax import tree

# What is compared example by example: means, the recall of a label, and percentiles of latency.
COMPARED = frozenset((
    "accuracy", "end_to_end", "exact", "contains", "token_f1", "rouge_l", "bleu", "expected_cost",
    "total_cost", "brier", "log_loss", "mean_confidence", "invalid_rate", "refusal_rate",
    "truncation_rate", "abstain_rate", "error_rate", "cost_per_1k", "output_tokens", "recall",
    "consistency",
))  # fmt: skip


def read_comparisons(
    entries: Entries, models: Sequence[str], measured: Measured, faults: Faults
) -> tuple[NoWorseThan, ...]:
    """The models that candidates are held against, with the margins."""
    found: dict[str, NoWorseThan] = {}
    for block in entries.blocks:
        if block.kind.text != "no_worse_than" or block.name is None:
            continue
        inner = read_entries(block, faults)
        margins = tuple(m for bound in inner.bounds for m in _margins(bound, measured, faults))
        if not inner.bounds and not inner.broken:
            faults.add("E0427", block.header, "`no_worse_than` holds no margin", "write `accuracy <= 1%`")
        if not _is_candidate(block.name, models, faults):
            continue
        if block.name.text in found:
            faults.add("E0404", block.header, f"`{block.name.text}` is named twice", "join the two")
            continue
        found[block.name.text] = NoWorseThan(model=block.name.text, margins=margins, at=block.header)
    return tuple(found.values())


def _is_candidate(word: tree.Word, models: Sequence[str], faults: Faults) -> bool:
    if word.text in models or not models:
        return bool(models)
    help_line, fixes = did_you_mean(word.text, models, at=word.at)
    said = f"`{word.text}` is no candidate here, so nothing can be held against it"
    faults.found.append(problem("E0452", word.at, said, help_line, fixes=fixes))
    return False


def _margins(bound: tree.Bound, measured: Measured, faults: Faults) -> list[Bound]:
    metric = known_metric(bound.metric, measured, faults)
    if bound.operator not in ("<=", "<"):
        said = f"a margin is not written with `{bound.operator}`"
        faults.add("E0428", bound.at, said, "it says how much worse at most: write `<=`")
        return []
    if metric is None:
        return []
    of_a_figure = any(figure_in(metric.name, part) is not None for part in ("percentile", "samples"))
    if metric.name not in COMPARED and not of_a_figure:
        said = f"`{metric.name}` is not compared example by example"
        faults.add("E0453", bound.metric.at, said, "accuracy, costs, rates, recall and percentiles are")
        return []
    margin = _margin(bound, metric, faults)
    arguments = arguments_of(bound.argument, metric, measured, faults)
    told = [label_is_told(metric, label, measured, bound.at, faults) for _, label, _ in arguments[:1]]
    if margin is None or not all(told):
        return []
    return [
        Bound(
            metric=metric.name,
            subset=subset,
            label=label,
            step=step,
            operator=bound.operator,
            value=margin,
            clause=clause_of(bound, subset if subset is not None and "=" in subset else None),
            at=bound.at,
        )
        for subset, label, step in arguments
    ]


def _margin(bound: tree.Bound, metric: Metric, faults: Faults) -> float | None:
    found = quantity_of(bound.value, UNITS[metric.measure], f"a margin of `{metric.name}`", faults)
    if found is None:
        return None
    if found.value < 0 or (metric.measure is Measure.SHARE and found.value > 1):
        percent = found.unit is Unit.NUMBER and 1 < found.value <= 100
        way_out = f"write `{found.text}%`" if percent else "write how much worse at most, 0 or more"
        faults.add(
            "E0429", bound.value.at, f"`{shown(bound.value)}` is no margin of `{metric.name}`", way_out
        )
        return None
    return float(found.value)
