"""How far two candidates are apart, example by example, under the way that the examples were drawn.

Under a mix each cell counts by its share, with weights each example by its own, and what stands in a cluster
goes together. What a mix does not re-weight (tokens, latency) is compared as it was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.language.metric_names import Measure, metric_named
from evalspec.metrics import Estimate
from evalspec.score.contributions import Column
from evalspec.score.weighed import NOT_WEIGHTED
from evalspec.score.weighing import Design, weights_of
from evalspec.text.values import replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row

Ints = NDArray[np.int64]


def compared_by(metric: str, design: Design) -> Design:
    """The design under which a metric is compared."""
    return replace(design, weight=None, cell=None) if metric in NOT_WEIGHTED else design


def difference(
    design: Design, rows: Sequence[Row], a: Column, b: Column, *, metric: str, whole: bool = True
) -> Estimate:
    """The mean of a - b on the examples that both finished; of a part of the set where not `whole`."""
    amounts = metric_named(metric).measure is Measure.COST  # costs of 0 and 1 are not all that there may be
    if design.cluster is None and whole and design.cell is not None:
        cells = [design.cell[row.id] for row in rows]
        return metrics.stratified_difference(a, b, cells, design.shares, amounts=amounts)
    weights = weights_of(design, rows) if design.weighted else None
    cluster = clusters_of(design, rows)
    return metrics.paired_difference(a, b, weights, cluster=cluster, amounts=amounts)


def clusters_of(design: Design, rows: Sequence[Row]) -> Ints | None:
    """A number for each example, the same for those that stand together; None where each stands alone."""
    if design.cluster is None:
        return None
    codes: dict[object, int] = {}
    of_row = [codes.setdefault(design.cluster[row.id], len(codes)) for row in rows]
    return np.array(of_row, dtype=np.int64)


def weights_where(design: Design, rows: Sequence[Row], finished: NDArray[np.bool_]) -> Column | None:
    """How much each example counts where only some were finished by all: cells of a mix keep their shares."""
    if not design.weighted:
        return None
    if design.cell is None:
        return weights_of(design, rows)
    cells = [design.cell[row.id] for row in rows]
    left = {
        h: sum(c == h and f for c, f in zip(cells, finished.tolist(), strict=True)) for h in design.shares
    }
    return np.array([design.shares[c] / max(1, left[c]) for c in cells], dtype=np.float64)


def redrawn(design: Design, rows: Sequence[Row], d: Column) -> Column:
    """Differences (examples × pairs) as they were drawn: weighted, those of a cluster added up.

    Each row could as well have had the other sign if the candidates were alike. Gaps count as 0.
    """
    table = np.nan_to_num(d, nan=0.0)
    if design.weighted:
        table = table * weights_of(design, rows)[:, None]
    codes = clusters_of(design, rows)
    if codes is None or not codes.size:
        return table
    added = np.zeros((int(codes.max()) + 1, table.shape[1]))
    np.add.at(added, codes, table)
    return added
