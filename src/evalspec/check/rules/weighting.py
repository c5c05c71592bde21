"""Mixes, weights and clusters held against the data: each share has examples, each weight is a number."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Diagnostic, Label, did_you_mean, problem
from evalspec.text.source import DataLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded, Row
    from evalspec.language.program import Dataset, Mix, Program

FEW_CLUSTERS = 20
SHOWN = 3


def examples_stand_for_production(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """What is wrong with how the examples of each dataset are weighted."""
    for name, dataset in program.datasets.items():
        rows = data[name].rows if name in data else ()
        if rows and dataset.mix is not None:
            yield from _mix(dataset.mix, rows)
        if rows and dataset.weight is not None:
            yield from _weight(dataset, dataset.weight, rows)
        if rows and dataset.cluster is not None:
            yield from _cluster(dataset, dataset.cluster, rows)


def _mix(mix: Mix, rows: Sequence[Row]) -> Iterable[Diagnostic]:
    counts = Counter(str(row.values.get(mix.column)) for row in rows)
    unnamed = {value: n for value, n in counts.items() if value not in mix.shares}
    absent = [value for value in mix.shares if value not in counts]
    for value in absent:
        said = f"no example has the {mix.column} `{value}`, which is {mix.shares[value]:.0%} of production"
        help_line = did_you_mean(value, unnamed)[0]
        yield problem("E0325", mix.at, said, help_line, "label some of it, or take it into another share")
    if mix.rest is not None and not unnamed:
        said = (
            f"`*` is {mix.rest:.0%} of production, and no example has another {mix.column} than those named"
        )
        yield problem("E0325", mix.at, said, "label some of it, or leave `*` out")
    if mix.rest is None and unnamed and not absent:
        listed = ", ".join(f"`{v}` ({n:,} of the examples)" for v, n in sorted(unnamed.items())[:SHOWN])
        said = f"the mix has no share for the {mix.column} {listed}"
        yield problem("E0325", mix.at, said, "name it, or write `* = …` for all values that are not named")


def _weight(dataset: Dataset, column: str, rows: Sequence[Row]) -> Iterable[Diagnostic]:
    wrong = [row for row in rows if not _is_weight(row.values.get(column))]
    if wrong:
        labels = [
            Label(at=DataLine(row.file, row.line), message=_weight_is(dataset, column, row))
            for row in wrong[:SHOWN]
        ]
        said = f"{len(wrong):,} of {len(rows):,} examples have no weight that is a number of 0 or more"
        yield problem("E0326", dataset.at, said, f"mend the column `{column}`", labels=labels)
    elif not any(float(str(row.values.get(column))) > 0 for row in rows):
        yield problem("E0326", dataset.at, "every weight is 0", f"mend the column `{column}`")


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return False
    return math.isfinite(number) and number >= 0


def _weight_is(dataset: Dataset, column: str, row: Row) -> str:
    value = "private" if column in dataset.private else f"{row.values.get(column)!r:.40}"
    return f"example `{row.id}`: `{column}` is {value}"


def _cluster(dataset: Dataset, column: str, rows: Sequence[Row]) -> Iterable[Diagnostic]:
    values = [row.values.get(column) for row in rows]
    groups = len({str(v) for v in values if v not in (None, "")}) + sum(v in (None, "") for v in values)
    if groups < FEW_CLUSTERS:
        counted = "1 cluster" if groups == 1 else f"{groups} clusters"
        said = f"`{column}` makes {counted} of {len(rows):,} examples: intervals from so few are rough"
        yield problem("W0327", dataset.at, said, f"they can be trusted from about {FEW_CLUSTERS} on")
