"""Leaderboards against what was found: how far they agree, and what choosing by one would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec import metrics
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.program import Leaderboard

NEAR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A candidate as far as a leaderboard is held against it. `badness`: its figure, smaller being better."""

    name: str
    model: str
    variant: str
    badness: float
    viable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a leaderboard and the examples agree.

    `chosen` is what the board would choose among the candidates it lists, `regret` how much worse that is
    than the best viable candidate, in the metric's own unit. `n` counts candidates that have both figures.
    """

    tau: float | None
    p_value: float | None
    n: int
    chosen: tuple[str, ...]
    top_agrees: bool | None
    regret: float | None
    why: str | None


def agreement(board: Leaderboard, candidates: Sequence[Found], seed: int) -> Agreement:
    """A leaderboard against the candidates that have a figure."""
    scored = [(c, s) for c in candidates if (s := board.of(c.model, c.variant)) is not None]
    both = metrics.kendall_tau_b([s for _, s in scored], [-c.badness for c, _ in scored], seed=seed)
    top = max((s for _, s in scored), default=0.0)
    chosen = [c for c, s in scored if s == top]
    viable = [c for c in candidates if c.viable]
    best = min((c.badness for c in viable), default=None)
    regret = None if best is None or not chosen else sum(c.badness for c in chosen) / len(chosen) - best
    first = [c.name for c in viable if best is not None and c.badness <= best + NEAR * abs(best)]
    return Agreement(
        tau=both.value,
        p_value=both.p_value,
        n=len(scored),
        chosen=tuple(c.name for c in chosen),
        top_agrees=any(c.name in first for c in chosen) if chosen and first else None,
        regret=regret,
        why=both.why,
    )


def agreements(
    boards: Mapping[str, Leaderboard], candidates: Sequence[Found], seed: int
) -> Mapping[str, Agreement]:
    """Every leaderboard that lists some candidate."""
    found = {name: agreement(board, candidates, seed) for name, board in boards.items()}
    return {name: agreed for name, agreed in found.items() if agreed.n}
