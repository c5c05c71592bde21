"""Racing: who is asked on, lap by lap, and the evidence by which a candidate is asked no more.

All candidates that are still in the race are asked the same examples in the same order, which is fixed
beforehand. After each lap one looks at the evidence, which holds at every look (`metrics.sequential`). What
an answer costs is not known here: a course tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import anyio

from evalspec.metrics.evidence import Evidence, Lap
from evalspec.models.model import Failure, FailureKind
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.plan.conversations import Trace, Visit
    from evalspec.run.execute import Wait


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

    async def ready(self, candidate: str, visit: Visit, waiting: Wait) -> bool:
        """Waits for a visit's lap, `waiting`; False where its candidate has left the race."""
        heat = self._heats.get(visit.task)
        if heat is None:
            return True
        while candidate in heat.running and heat.lap_of(visit.example) > heat.open:
            self._moved = self._moved or anyio.Event()
            with waiting():
                await self._moved.wait()
        return candidate in heat.running

    def stopped(self, task: str) -> frozenset[str]:
        """Who was stopped in the race of a task so far."""
        heat = self._heats.get(task)
        return frozenset(heat.stopped) if heat is not None else frozenset()

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
