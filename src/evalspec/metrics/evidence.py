"""The evidence of a race: bets against each of several candidates, as far as it has come.

Stands on the bets of `sequential.py`. Who is asked what, and what it costs, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evalspec.metrics.arrays import Floats
from evalspec.metrics.sequential import BETS, factor, log_wealth
from evalspec.text.values import dataclass

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Lap:
    """What some examples add to the evidence about one candidate; NaN where it was not heard.

    `loss`: what each costs, in shares of the range of costs. `failing`: for each bound, how far each lies on
    its wrong side, from -1 to 1.
    """

    loss: Floats
    failing: tuple[Floats, ...] = ()


class Evidence:
    """The bets against each candidate, as far as the race has come.

    E_jk bets that j costs more than k, and, where bounds put candidates out, counts for no more than the
    evidence that k meets each of them: whoever is out himself dominates nobody. E_j is the mean over all
    rivals that there were at the start; a bet is frozen when one of the two stops. Under "j is the best" each
    E_jk is an e-process, and so is their mean.
    """

    def __init__(self, names: Sequence[str], clauses: Sequence[str], *, certain: bool = True) -> None:
        self._names = tuple(names)
        self._clauses = tuple(clauses)
        self._certain = certain
        # What each bet has come to: of j's being dearer than k, and of its failing or meeting a bound.
        self._dearer = np.zeros((len(names), len(names), BETS.size))
        self._fails = np.zeros((len(names), len(clauses), BETS.size))
        self._meets = np.zeros((len(names), len(clauses), BETS.size))
        # The chance of losing the best is shared between the two ways of being stopped.
        self._enough = (2 if clauses else 1) / ALPHA

    def add(self, laps: Mapping[str, Lap]) -> None:
        """Adds what the same examples say about the candidates that are still in the race."""
        own = [i for i, name in enumerate(self._names) if name in laps]
        loss = np.array([laps[self._names[i]].loss for i in own])
        self._dearer[np.ix_(own, own)] += _bets(loss[:, None, :] - loss[None, :, :])
        if self._clauses:
            failing = np.array([laps[self._names[i]].failing for i in own])
            self._fails[own] += _bets(failing)
            self._meets[own] += _bets(-failing)

    def against(self, name: str) -> tuple[float, str]:
        """E against this candidate's being the best, and the rival that says so most plainly."""
        j = self._names.index(name)
        logs = log_wealth(self._dearer[j])
        if self._clauses:
            logs = np.minimum(logs, log_wealth(self._meets).min(axis=-1))
        each = {k: factor(logs[i]) for i, k in enumerate(self._names) if i != j}
        return sum(each.values()) / len(each), max(each, key=lambda k: each[k])

    def verdict(self, name: str) -> tuple[float, str | None, str | None] | None:
        """The evidence that stops a candidate, with the rival or the bound behind it; None where none."""
        own = self._fails[self._names.index(name)]
        failed = [factor(e) for e in log_wealth(own)] if self._clauses else []
        if failed and sum(failed) / len(failed) >= self._enough:
            return sum(failed) / len(failed), None, self._clauses[failed.index(max(failed))]
        if not self._certain or len(self._names) < 2:
            return None
        evidence, rival = self.against(name)
        return (evidence, rival, None) if evidence >= self._enough else None


def _bets(differences: Floats) -> Floats:
    """The bets on differences along the last axis; where one of two was not heard nothing is bet."""
    steps: Floats = np.log1p(np.nan_to_num(np.clip(differences, -1, 1))[..., None] * BETS).sum(axis=-2)
    return steps
