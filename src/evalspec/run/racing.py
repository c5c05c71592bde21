"""Racing: who is asked on, lap by lap, and the evidence by which a candidate is asked no more.

All candidates that are still in the race are asked the same examples in the same order, which is fixed
beforehand. After each lap one looks at the evidence, which holds at every look (`metrics.sequential`). What
an answer costs is not known here: a course tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import numpy as np

from evalspec.metrics.sequential import BETS, factor, log_wealth
from evalspec.models.model import Failure, FailureKind

if TYPE_CHECKING:
    from evalspec.metrics.arrays import Floats
    from evalspec.plan.conversations import Trace, Visit

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Lap:
    """What some examples add to the evidence about one candidate; NaN where it was not heard.

    `loss`: what each costs, in shares of the range of costs. `failing`: for each bound, how far each lies on
    its wrong side, from -1 to 1.
    """

    loss: Floats
    failing: tuple[Floats, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A candidate that is asked no more: after `n` of `of` examples, by evidence of this strength.

    `by` is the rival that dominates it most plainly; or `clause` the bound that it certainly does not meet.
    """

    n: int
    of: int
    e_value: float
    by: str | None = None
    clause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is raced over in a task, fixed before anyone is asked.

    `order` are the examples in the order in which they are asked, of which each lap takes `lap`. `visits` is
    how often each candidate is asked about an example. `clauses` are the bounds that put a candidate out;
    `certain`: whether they are all among them. `kept` are never stopped, since others are held against them.
    """

    task: str
    order: tuple[int, ...]
    lap: int
    visits: Mapping[str, int]
    run: Callable[[str, Sequence[int], Sequence[Trace]], Lap] = field(repr=False)
    clauses: tuple[str, ...] = ()
    certain: bool = True
    kept: frozenset[str] = frozenset()


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


class Heat:
    """A task's race as it goes on: who is in it, and which lap is being run. Decides; waits for nothing."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.stopped: dict[str, Stopped] = {}
        self.running = set(course.visits)  # neither stopped by the race nor by anything else
        self.open = 0
        self._lap_of = {example: i // course.lap for i, example in enumerate(course.order)}
        self._evidence = Evidence(tuple(course.visits), course.clauses, certain=course.certain)
        self._brought: dict[str, list[Trace]] = {name: [] for name in course.visits}

    def lap_of(self, example: int) -> int:
        """The lap in which an example is asked."""
        return self._lap_of[example]

    def examples(self, lap: int) -> tuple[int, ...]:
        """The examples of a lap."""
        return self.course.order[lap * self.course.lap : (lap + 1) * self.course.lap]

    def bring(self, name: str, trace: Trace) -> None:
        """Takes what a visit brought. Who was not asked to its end, because he or the run was stopped, has
        left the race without a verdict; what the others' answers say goes on to count."""
        if name not in self.running:
            return
        if was_cut_short(trace):
            self.withdraw(name)
            return
        self._brought[name].append(trace)
        self._advance()

    def withdraw(self, name: str) -> None:
        """Goes on without a candidate."""
        self.running.discard(name)
        self._advance()

    def _advance(self) -> None:
        """Ends the lap when everybody who is running has done all of it."""
        own, names = self.examples(self.open), [n for n in self.course.visits if n in self.running]
        done = all(len(self._brought[n]) == len(own) * self.course.visits[n] for n in names)
        if not own or not names or not done:
            return
        seen = self.open * self.course.lap + len(own)
        if seen < len(self.course.order):  # behind the last lap there is nothing to save
            self._look(own, names, seen)
        self.open += 1
        self._brought = {name: [] for name in self.course.visits}

    def _look(self, own: Sequence[int], names: Sequence[str], seen: int) -> None:
        self._evidence.add({name: self.course.run(name, own, self._brought[name]) for name in names})
        verdicts = {name: self._evidence.verdict(name) for name in names if name not in self.course.kept}
        for name, found in verdicts.items():
            if found is not None:
                evidence, rival, clause = found
                of = len(self.course.order)
                self.stopped[name] = Stopped(n=seen, of=of, e_value=evidence, by=rival, clause=clause)
                self.running.discard(name)


def was_cut_short(trace: Trace) -> bool:
    """Whether something was not asked on a visit, because its candidate or the run was stopped."""
    replies = [reply for step in trace.steps for reply in step.replies]
    kinds = [reply.kind for reply in replies if isinstance(reply, Failure)]
    return any(kind.stops_candidate or kind is FailureKind.NOT_ASKED for kind in kinds)


def run_heat(course: Course, traces: Mapping[str, Iterable[Trace]]) -> Heat:
    """The race once more over answers that are all there: the same verdicts as when they came in."""
    heat = Heat(course)
    by_lap: dict[tuple[str, int], list[Trace]] = {}
    for name, own in traces.items():
        for trace in own:
            by_lap.setdefault((name, heat.lap_of(trace.visit.example)), []).append(trace)
    laps = -(-len(course.order) // course.lap)
    for lap in range(laps):
        for name in sorted(heat.running):
            here = by_lap.get((name, lap), [])
            for trace in here:
                heat.bring(name, trace)
            if len(here) < len(heat.examples(lap)) * course.visits[name]:
                heat.withdraw(name)
    return heat


class Racing:
    """The races of a run, for those who ask: which visits are made, and when."""

    def __init__(self, courses: Iterable[Course]) -> None:
        self._heats = {course.task: Heat(course) for course in courses}
        self._moved: anyio.Event | None = None

    def order(self, task: str, visits: Iterable[Visit]) -> list[Visit]:
        """Visits in the order of their race; of a task that is not raced, as they are."""
        heat = self._heats.get(task)
        if heat is None:
            return list(visits)
        place = {example: i for i, example in enumerate(heat.course.order)}
        return sorted(visits, key=lambda visit: place[visit.example])

    async def ready(self, candidate: str, visit: Visit) -> bool:
        """Waits for a visit's lap; False where its candidate has left the race."""
        heat = self._heats.get(visit.task)
        if heat is None:
            return True
        while candidate in heat.running and heat.lap_of(visit.example) > heat.open:
            self._moved = self._moved or anyio.Event()
            await self._moved.wait()
        return candidate in heat.running

    def bring(self, candidate: str, trace: Trace) -> None:
        """Takes what a visit brought, and lets those go on who waited for it."""
        heat = self._heats.get(trace.visit.task)
        if heat is None:
            return
        before = (heat.open, len(heat.running))
        heat.bring(candidate, trace)
        if (heat.open, len(heat.running)) != before and self._moved is not None:
            self._moved.set()
            self._moved = None
