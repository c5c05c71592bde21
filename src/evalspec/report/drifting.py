"""Sentences on what else changed between two runs (`score.drift`), and the same for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalspec.score.drift import LatencyMove, Pace
from evalspec.score.wording import listed
from evalspec.text.units import short_duration

if TYPE_CHECKING:
    from evalspec.score.comparing import CandidateMove, TaskMove
    from evalspec.score.drift import Judgement
    from evalspec.score.result_figures import Document


def drift_sentences(candidate: CandidateMove) -> Iterator[str]:
    """What changed of a candidate beside its metrics; a sentence each."""
    name, drift = candidate.name, candidate.drift
    if drift.latency is not None and drift.latency.change is not Pace.UNDECIDED:
        yield f"{name}: {_latency(drift.latency)}"
    before, after = candidate.served_before, candidate.served_after
    if before and after and set(before) != set(after):
        yield f"{name}: the served model changed: {listed(before)} -> {listed(after)}"
    old, new = drift.fingerprints
    if old and new and not set(old) & set(new):
        yield f"{name}: the system behind it changed: fingerprint {listed(old)} -> {listed(new)}"
    if drift.judged is not None:
        yield from (f"{name}: {said}" for said in _judged(*drift.judged))


def no_evidence(task: TaskMove) -> str | None:
    """The sentence for a task in which nothing shows that anything changed; None where something does."""
    if not task.candidates or any(c.change_found or [*drift_sentences(c)] for c in task.candidates):
        return None
    timed = all(c.drift.latency is not None for c in task.candidates)
    what = "quality, cost or latency" if timed else "quality or cost"
    judged = all(c.drift.judged is not None for c in task.candidates)
    same = "; every rank and verdict is the same" if judged else ""
    return f"no evidence of change in {what}{same}"


def _latency(move: LatencyMove) -> str:
    around = (
        f" (95 % {move.low:.2f} to {move.high:.2f})" if move.low is not None and move.high is not None else ""
    )
    p50, p95 = (" -> ".join(map(short_duration, pair)) for pair in (move.p50, move.p95))
    return f"{move.change.value}, {move.ratio:.2f} times as long{around}; p50 {p50}, p95 {p95}"


def _judged(before: Judgement, after: Judgement) -> Iterator[str]:
    if before.viable and not after.viable:
        yield f"viable before, and out now: {'; '.join(after.reasons)}"
    elif after.viable and not before.viable:
        yield f"viable now, and out before: {'; '.join(before.reasons)}"
    elif before.ranks != after.ranks:
        yield f"{before.ranks} -> {after.ranks}"
    for clause, verdict in after.verdicts.items():
        was = before.verdicts.get(clause)
        if was is not None and was != verdict:
            yield f"`{clause}` was {_words(was)}, and is {_words(verdict)}"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


# ── for a program ─────────────────────────────────────────────────────────────────────────────────


def drift_json(candidate: CandidateMove) -> Document:
    """What is added to a candidate's document."""
    drift = candidate.drift
    old, new = drift.fingerprints
    before, after = drift.judged if drift.judged is not None else (None, None)
    return {
        "latency": None if drift.latency is None else _latency_json(drift.latency),
        "system_fingerprints": {"before": list(old), "after": list(new)},
        "judged": {"before": _judged_json(before), "after": _judged_json(after)},
    }


def _latency_json(move: LatencyMove) -> Document:
    return {
        "n": move.n,
        "p50": {"before": move.p50[0], "after": move.p50[1]},
        "p95": {"before": move.p95[0], "after": move.p95[1]},
        "ratio": {"value": move.ratio, "low": move.low, "high": move.high},
        "p_value": move.p_value,
        "change": move.change.value,
    }


def _judged_json(found: Judgement | None) -> Document | None:
    if found is None:
        return None
    return {
        "rank": found.rank,
        "rank_low": found.rank_low,
        "rank_high": found.rank_high,
        "viable": found.viable,
        "reasons": list(found.reasons),
        "verdicts": dict(found.verdicts),
    }
