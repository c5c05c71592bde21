"""How examples stand for production: shares of a mix, sampling weights, clusters; and averages over groups.

Takes the place of plain means where a dataset has a mix, weights or clusters, or a subset is a macro
group. Knows figures by example only; which metric they are of stands in `weighed.py`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.language.expressions import holds
from evalspec.metrics import Estimate
from evalspec.metrics.arrays import is_constant, weights_for
from evalspec.metrics.means import CONSTANT, t_interval
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.language.program import Dataset, Mix, Subset

Floats = NDArray[np.float64]
REST = "*"
CERTAIN = 1e-12
ONE_EXAMPLE = "one example gives no interval"
SAME = "all examples have the same mean, which leaves no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the examples of a set were drawn, by their ids. None where they all count alike, or alone.

    `weight`: how much each stands for; `cell` and `shares`: its cell of the mix, and the cells' shares in
    production; `cluster`: the examples that stand together. `repeated`: each example is there several times,
    once for each of its samples, which stand together too.
    """

    weight: Mapping[str, float] | None = None
    cell: Mapping[str, str] | None = None
    shares: Mapping[Hashable, float] = field(default_factory=dict)
    cluster: Mapping[str, Hashable] | None = None
    repeated: bool = False

    @property
    def plain(self) -> bool:
        """Whether every example counts alike and for itself."""
        return self.weight is None and not self.clustered

    @property
    def clustered(self) -> bool:
        """Whether some figures stand together: of examples of one cluster, of samples of one example."""
        return self.cluster is not None or self.repeated

    def unit(self, row: Row) -> Hashable:
        """What was drawn when an example was: itself, or its cluster."""
        return row.id if self.cluster is None else self.cluster[row.id]

    @property
    def weighted(self) -> bool:
        """Whether examples count differently."""
        return self.weight is not None


PLAIN = Design()


@dataclass(frozen=True, slots=True)
class Figure:
    """One example's figure: the example, and how much of the metric it has."""

    row: Row
    value: float


def design_of(dataset: Dataset | None, rows: Sequence[Row]) -> Design:
    """The design of a dataset on the examples that are judged."""
    if dataset is None or (dataset.mix is None and dataset.weight is None and dataset.cluster is None):
        return PLAIN
    weight, cell, shares = None, None, dict[Hashable, float]()
    if dataset.mix is not None:
        shares.update(dataset.mix.shares)
        if dataset.mix.rest is not None:
            shares[REST] = dataset.mix.rest
        cell = {row.id: cell_of(dataset.mix, row) for row in rows}
        sizes = {h: sum(c == h for c in cell.values()) for h in shares}
        weight = {row.id: shares[cell[row.id]] * len(rows) / sizes[cell[row.id]] for row in rows}
    elif dataset.weight is not None:
        read = [number_in(row, dataset.weight) for row in rows]
        weight = dict(zip((row.id for row in rows), weights_for(read, len(rows)).tolist(), strict=True))
    column = dataset.cluster
    cluster = None if column is None else {row.id: _cluster(row, column) for row in rows}
    return Design(weight=weight, cell=cell, shares=shares, cluster=cluster)


def cell_of(mix: Mix, row: Row) -> str:
    """The cell of a mix that an example is in: its value, or `*` for all that are not named."""
    value = str(row.values.get(mix.column))
    return value if value in mix.shares else REST


def number_in(row: Row, column: str) -> float:
    """A column's number at an example; texts that say one are converted."""
    value = row.values.get(column)
    return float(value) if isinstance(value, int | float | str) else 0.0


def _cluster(row: Row, column: str) -> Hashable:
    """What an example stands together with; one that names no cluster stands alone."""
    value = row.values.get(column)
    return f"alone {row.id}" if value is None or value == "" else f"in {value}"


# ── means ─────────────────────────────────────────────────────────────────────────────────────────


def mean_of(design: Design, figures: Sequence[Figure], *, flags: bool, whole: bool) -> Estimate:
    """The mean of some figures under a design. `flags`: they are 0 or 1; `whole`: of the whole set.

    Where the whole set has a mix, each cell counts by its share; part of a set takes the examples' weights.
    """
    y = np.array([f.value for f in figures], dtype=np.float64)
    if design.plain:
        return metrics.wilson(int(y.sum()), y.size) if flags else t_interval(y, np.ones(y.size))
    if design.repeated:
        return _of_samples(design, figures, flags=flags, whole=whole)
    w = weights_of(design, [f.row for f in figures])
    if design.cluster is not None:
        return _clustered(y, [design.cluster[f.row.id] for f in figures], w, flags=flags)
    if whole and design.cell is not None:
        found = metrics.post_stratified(y, [design.cell[f.row.id] for f in figures], design.shares)
        return found if flags else _of_amounts(found, y)
    return metrics.weighted_proportion(y, w) if flags else t_interval(y[w > 0], w[w > 0])


def _of_samples(design: Design, figures: Sequence[Figure], *, flags: bool, whole: bool) -> Estimate:
    """The mean over samples, clustered by example, or by what examples stand together in: `n` counts
    examples. Under a mix each cell's figure is the mean over the cell's examples."""
    alone = by_example(figures)
    if whole and design.cell is not None and design.cluster is None:
        found = mean_of(replace(design, repeated=False), alone, flags=flags, whole=True)
        return _as_share(found) if flags else found
    if len(alone) == len(figures) and (not flags or all(f.value in (0, 1) for f in alone)):
        return mean_of(replace(design, repeated=False), alone, flags=flags, whole=whole)
    y = np.array([f.value for f in figures], dtype=np.float64)
    w = weights_of(design, [f.row for f in figures])
    found = replace(_clustered(y, [design.unit(f.row) for f in figures], w, flags=flags), n=len(alone))
    if design.cluster is not None or found.value is None:
        return found
    if found.low is not None:  # few clusters are a reason for caution; few examples are told by `n`
        return replace(found, why=None)
    return replace(found, why=ONE_EXAMPLE if len(alone) == 1 else SAME)


def by_example(figures: Sequence[Figure]) -> list[Figure]:
    """One figure for each example: the mean of its samples."""
    values: dict[str, list[Figure]] = {}
    for figure in figures:
        values.setdefault(figure.row.id, []).append(figure)
    return [Figure(own[0].row, math.fsum(f.value for f in own) / len(own)) for own in values.values()]


def weights_of(design: Design, rows: Sequence[Row]) -> Floats:
    """How much each example counts."""
    if design.weight is None:
        return np.ones(len(rows))
    return np.array([design.weight[row.id] for row in rows], dtype=np.float64)


def _clustered(y: Floats, cluster: Sequence[Hashable], w: Floats, *, flags: bool) -> Estimate:
    """The t interval over clusters; Wilson's at the effective number where that would leave 0 to 1."""
    codes = {c: i for i, c in enumerate(dict.fromkeys(cluster))}
    found = metrics.clustered_mean(y, np.array([codes[c] for c in cluster], dtype=np.int64), w)
    return _as_share(found) if flags else _of_amounts(found, y)


def _of_amounts(found: Estimate, y: Floats) -> Estimate:
    """Costs that are all 1 (or all 0) are no share of 1: what rare answers may cost is not in the data."""
    if found.value is None or not is_constant(y):
        return found
    return replace(found, low=None, high=None, why=CONSTANT)


def _as_share(found: Estimate) -> Estimate:
    """The figure, with Wilson's interval at the effective number where the other would leave 0 to 1."""
    value, low, high, se = found.value, found.low, found.high, found.se
    if value is None or low is None or high is None or se is None or (low >= 0 and high <= 1):
        return found
    effective = max(value * (1 - value) / (se * se), 1.0)
    around = metrics.wilson(value * effective, effective)
    return Estimate(value=value, low=around.low, high=around.high, se=se, n=found.n, why=found.why)


# ── groups ────────────────────────────────────────────────────────────────────────────────────────


def members_of(subset: Subset, share: float = 1.0) -> Iterator[tuple[Subset, float]]:
    """The subsets that a macro average goes over, with their shares; a macro group inside counts as one."""
    if not subset.macro:
        yield subset, share
        return
    for member in subset.members:
        yield from members_of(member, share / len(subset.members))


def macro_mean(design: Design, subset: Subset, figures: Sequence[Figure], *, flags: bool) -> Estimate:
    """The mean of the members' means, with an interval that is right where members overlap."""
    members = list(members_of(subset))
    inside = [[f for f in figures if holds(m.where, f.row.values)] for m, _ in members]
    empty = next((m for (m, _), part in zip(members, inside, strict=True) if not part), None)
    if empty is not None:
        return metrics.Estimate(
            value=None, low=None, high=None, n=len(figures), why=f"no data in {empty.name}"
        )
    combined = metrics.combined_mean(
        [np.array([f.value for f in part], dtype=np.float64) for part in inside],
        [[design.unit(f.row) for f in part] for part in inside],
        np.array([share for _, share in members], dtype=np.float64),
        flags=flags and all(f.value in (0, 1) for part in inside for f in part),
        weights=[weights_of(design, [f.row for f in part]) for part in inside] if design.weighted else None,
    )
    return replace(combined, n=len({f.row.id for part in inside for f in part}))


# ── comparing ─────────────────────────────────────────────────────────────────────────────────────


def units_of(design: Design, rows: Sequence[Row], matrix: Floats) -> Floats:
    """Figures (examples × candidates) so that each row was drawn by itself and all rows count alike.

    The mean of a column of what comes back is the figure under the design; rows with a gap are left out.
    Rows of a cluster are added up.
    """
    if design.plain:
        return matrix
    kept = np.flatnonzero(~np.isnan(matrix).any(axis=1))
    own, table = [rows[i] for i in kept.tolist()], matrix[kept]
    if not own:
        return table
    w = weights_of(design, own)
    scaled: Floats = table * (w / w.mean())[:, None]
    if design.cluster is None:
        return scaled
    codes: dict[Hashable, int] = {}
    of_row = [codes.setdefault(design.cluster[row.id], len(codes)) for row in own]
    sums = np.zeros((len(codes), table.shape[1]))
    np.add.at(sums, of_row, scaled)
    added: Floats = sums * (len(codes) / len(own))
    return added
