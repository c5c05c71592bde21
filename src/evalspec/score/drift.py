"""What else became of a candidate from one run to the next: its latency, who serves it, how it is judged.

Beside what it is ranked by (`comparing`). Latency is compared on the examples that both runs timed, in pairs
and as a ratio, since some examples take ten times as long as others: the ratio is that of the geometric
means, exp(mean(log after - log before)), with its paired interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from evalspec import metrics
from evalspec.data.rows import Row
from evalspec.score.differences import difference, redrawn
from evalspec.score.ranking import ALPHA
from evalspec.score.wording import document, items, names, number
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.score.contributions import Column
    from evalspec.score.ranking import Standing
    from evalspec.score.score import CandidateScores
    from evalspec.score.weighing import Design
    from evalspec.text.values import Json

    Found = Mapping[str, Json]

LEAST = 10  # examples, below which a latency is told and not compared


class Pace(StrEnum):
    """What became of a candidate's latency."""

    SLOWER = "slower"
    FASTER = "faster"
    UNDECIDED = "no evidence of change"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyMove:
    """Seconds before and after on `n` examples, and the ratio after / before of the geometric means.

    `low` and `high` are its 95 % interval, None below ten examples, where nothing is compared.
    """

    n: int
    p50: tuple[float, float]
    p95: tuple[float, float]
    ratio: float
    low: float | None
    high: float | None
    p_value: float | None

    @property
    def change(self) -> Pace:
        """Whether it takes longer or shorter beyond chance; the p-value is not adjusted."""
        if self.p_value is None or self.p_value > ALPHA or self.ratio == 1:
            return Pace.UNDECIDED
        return Pace.SLOWER if self.ratio > 1 else Pace.FASTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a run judged a candidate: its rank (None where it has none), whether it is viable, its verdicts."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    viable: bool
    reasons: tuple[str, ...]
    verdicts: Mapping[str, str]

    @property
    def ranks(self) -> str:
        """The ranks that it may have: `1-2`."""
        if self.rank is None:
            return "no rank"
        low, high = self.rank_low or self.rank, self.rank_high or self.rank
        return f"rank {low}" if low == high else f"ranks {low}-{high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A candidate in both runs, beside its metrics. What a run did not keep is None or empty."""

    latency: LatencyMove | None
    fingerprints: tuple[tuple[str, ...], tuple[str, ...]]
    judged: tuple[Judgement, Judgement] | None


# ── what is kept of a run ─────────────────────────────────────────────────────────────────────────


def kept_drift(
    scores: CandidateScores, standing: Standing | None, place: int, places: Mapping[str, int]
) -> dict[str, Json]:
    """What is kept of a candidate for such a comparison; `place` is the one it has in its task's order."""
    seconds: list[Json] = [None] * len(places)
    for example in scores.examples:
        taken = [s.judgement.latency_ns for s in example.samples if not s.judgement.timed_out]
        known = [ns for ns in taken if ns is not None]
        if known:
            seconds[places[example.judgement.row.id]] = round(sum(known) / len(known) / 1e9, 6)
    verdicts: dict[str, Json] = {r.clause: r.verdict.value for r in scores.requirements}
    verdicts |= {b.clause: b.verdict.value for b in scores.budgets}
    verdicts |= {f"{m.clause} against {m.model}": m.verdict.value for m in scores.margins}
    return {
        "seconds": seconds if any(s is not None for s in seconds) else None,
        "system_fingerprints": list(scores.judged.fingerprints),
        "judged": {
            "rank": place if scores.ranked and scores.viable else None,
            "rank_low": standing.low if standing else None,
            "rank_high": standing.high if standing else None,
            "viable": scores.viable,
            "reasons": list(scores.reasons),
            "verdicts": verdicts,
        },
    }


# ── two runs ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Shared:
    """The examples that both runs have, with their places in each."""

    ids: tuple[str, ...]
    old: Sequence[int]
    new: Sequence[int]
    design: Design
    seed: int

    @property
    def rows(self) -> list[Row]:
        """The examples, as far as comparing needs them."""
        return [Row(i, {}, "", 0) for i in self.ids]


def drift(old: Found, new: Found, shared: Shared) -> Drift:
    """What became of a candidate, by what was kept of both runs."""
    judged = [_judged(document(run.get("judged"))) for run in (old, new)]
    before, after = judged
    return Drift(
        latency=_latency(old, new, shared),
        fingerprints=(names(old.get("system_fingerprints")), names(new.get("system_fingerprints"))),
        judged=(before, after) if before is not None and after is not None else None,
    )


def _judged(found: Found) -> Judgement | None:
    if not found:
        return None
    ranks = [number(found.get(name)) for name in ("rank", "rank_low", "rank_high")]
    rank, low, high = (None if value is None else int(value) for value in ranks)
    return Judgement(
        rank=rank,
        rank_low=low,
        rank_high=high,
        viable=bool(found.get("viable")),
        reasons=names(found.get("reasons")),
        verdicts={clause: str(verdict) for clause, verdict in document(found.get("verdicts")).items()},
    )


def _latency(old: Found, new: Found, shared: Shared) -> LatencyMove | None:
    then, now = (_seconds(run, at) for run, at in ((old, shared.old), (new, shared.new)))
    both = ~np.isnan(then) & ~np.isnan(now)
    if not both.any():
        return None
    then, now = (np.where(both, column, math.nan) for column in (then, now))
    rows = shared.rows
    design = replace(shared.design, weight=None, cell=None)  # what a mix does not weigh
    told = difference(design, rows, np.log(now), np.log(then), metric="p50")
    n, value = int(both.sum()), told.value or 0.0
    compared = n >= LEAST
    p = float(metrics.sign_flips(redrawn(design, rows, np.log(now / then)[:, None]), shared.seed)[0])
    return LatencyMove(
        n=n,
        p50=(_percentile(then, 50), _percentile(now, 50)),
        p95=(_percentile(then, 95), _percentile(now, 95)),
        ratio=math.exp(value),
        low=math.exp(told.low) if compared and told.low is not None else None,
        high=math.exp(told.high) if compared and told.high is not None else None,
        p_value=p if compared else None,
    )


def _seconds(run: Found, at: Sequence[int]) -> Column:
    values = items(run.get("seconds"))
    if not values or max(at, default=-1) >= len(values):
        return np.full(len(at), math.nan)
    found = [number(values[place]) for place in at]
    return np.array([s if s is not None and s > 0 else math.nan for s in found], dtype=np.float64)


def _percentile(seconds: Column, q: float) -> float:
    return metrics.percentile(seconds[~np.isnan(seconds)], q).value or 0.0
