"""The latency pass behind a run: each task that names a load is asked under it, in a process of its own.

Here it is decided who is asked what, and what it may cost; when requests are due is `arrivals`' matter, and
the sending that of `latency_child`. Nothing comes from the store, nothing is asked again, and `concurrency`
holds nothing back: what is measured is the model, as many people at once would meet it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from evalspec.models.model import Answer, Failure, FailureKind
from evalspec.run.arrivals import Load, load_of, requests_of_each
from evalspec.run.events import Answered, Measured
from evalspec.run.latency_asked import Asked, asked_of, is_chain, turns, under_load
from evalspec.run.latency_chains import Conversations
from evalspec.run.latency_course import cost_told
from evalspec.run.latency_process import Lines, started, stop_when, tell
from evalspec.run.latency_talk import DROP, Errand, next_request
from evalspec.run.spending import Spent
from evalspec.run.under_load import FIGURES, Client, Fate, Passed, Sample, legs_in
from evalspec.text.units import short_duration
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from anyio.abc import Process

    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Task
    from evalspec.models.model import Request
    from evalspec.plan.conversations import Trace
    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.arrivals import Block
    from evalspec.run.events import Event
    from evalspec.run.racing import Racing
    from evalspec.run.spending import Hold, Purse

MOST_IN_FLIGHT = 4_000
SHORTEST_WAIT_S = 60.0
DROP_LIMIT_S = 5.0
STOPPED = "its latency was not measured: the run was stopped before"
BEATEN = "its latency was not measured: the race has stopped it"

Traces = Mapping[tuple[str, str], Sequence["Trace"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a pass needs beside its plan: variables, money, who is told what it cost, a way to stop it, who
    hears and who sees how far it is, the race behind which it comes, if there was one, and whether the user
    lets functions of his own be run."""

    environment: Mapping[str, str] = field(repr=False)
    purse: Purse | None
    on_event: Callable[[Event], None]
    stop: anyio.Event
    say: Callable[[str], None]
    show: Callable[[Event], None] = lambda event: None
    racing: Racing | None = None
    allow_code: bool = False

    def beaten(self, task: str) -> frozenset[str]:
        """Who was stopped in the race of a task: nobody pays for the latency of a model that is out."""
        return self.racing.stopped(task) if self.racing is not None else frozenset()


async def make_passes(
    plan: Plan, traces: Traces, around: Around, passes: dict[tuple[str, str], Passed]
) -> None:
    """Makes the passes of a plan, task by task, into `passes`. Cancelled, it keeps what was measured.

    Candidates that brought no answer in the run are not asked again, nor those that its race has stopped.
    """
    for planned in plan.tasks:
        load = load_of(planned.task.budgets)
        if load is None:
            continue
        errands = _Errands(planned, load, around, passes)
        heard = [c for c in under_load(planned) if _heard(traces.get((planned.task.name, c.name), ()))]
        beaten = around.beaten(planned.task.name)
        errands.leave_out([c.name for c in heard if c.name in beaten], BEATEN)
        chosen = [c for c in heard if c.name not in beaten]
        if around.stop.is_set():
            errands.leave_out([c.name for c in chosen], STOPPED)
            continue
        blocks = turns(planned, load, chosen, plan.seed)
        asked = asked_of(planned, chosen, blocks, plan.seed)
        if any(asked.values()):
            await errands.make(chosen, asked, blocks)


def _heard(traces: Sequence[Trace]) -> bool:
    return any(isinstance(r, Answer) for trace in traces for step in trace.steps for r in step.replies)


def wait_ns(task: Task) -> int:
    """How long an attempt is waited for, where the candidate has no shorter timeout: beyond every bound."""
    bounds = task.budgets.bounds if task.budgets is not None else ()
    longest = max((b.value for b in bounds if b.metric != "errors"), default=0.0)
    return int(max(SHORTEST_WAIT_S, 2 * longest) * 1e9)


# ── one task's pass ───────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Errands:
    """The pass of one task: its money held back, its process, what comes out of it."""

    planned: PlannedTask
    load: Load
    around: Around
    passes: dict[tuple[str, str], Passed]
    began_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="microseconds"))
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    end: Mapping[str, object] = field(default_factory=dict)  # what the process said last
    holds: dict[str, list[Hold]] = field(default_factory=lambda: defaultdict(list))
    shown: Measured | None = None

    async def make(self, candidates: Sequence[ModelSpec], asked: Asked, blocks: Sequence[Block]) -> None:
        lacking = {c.name: await self._without_money(c, asked[c.name], blocks) for c in candidates}
        sent = tuple(c for c in candidates if lacking[c.name] is None)
        for name, why in lacking.items():
            if why is not None:
                self.leave_out([name], why)
        own = [b for b in blocks if lacking[b.candidate] is None]
        errand = Errand(
            specs=sent,
            environment=dict(self.around.environment),
            requests={c.name: asked[c.name] for c in sent},
            blocks=tuple(own),
            in_flight=self.load.in_flight,
            warmup=self.load.warmup,
            wait_ns=wait_ns(self.planned.task),
            most_in_flight=MOST_IN_FLIGHT,
            allow_code=self.around.allow_code,
            asks_on=is_chain(self.planned),
        )
        if sent:
            self.around.say(told_of(self.planned.task.name, self.load, own, len(sent)))
            self._show(beginning(self.planned.task.name, self.load, own))
            await self._sent(errand)

    def leave_out(self, candidates: Sequence[str], why: str) -> None:
        """Tells of candidates that are not measured."""
        for name in candidates:
            self._keep(name, Passed(load=self.load, began_at=self.began_at, lacking=why))

    def _keep(self, candidate: str, passed: Passed) -> None:
        self.passes[self.planned.task.name, candidate] = passed

    async def _sent(self, errand: Errand) -> None:
        """Has the errand done; however that ends, what was measured is kept, and unused money given back."""
        try:
            async with started(errand) as process:
                await self._gather(process, errand)
        finally:
            self._settle_rest()
            if self.shown is not None:
                self._show(replace(self.shown, over=True))
            client = _client(self.end)
            fault = self.end.get("fault")
            for spec in errand.specs:
                self._keep(
                    spec.name,
                    Passed(
                        load=self.load,
                        began_at=self.began_at,
                        samples=tuple(self.samples[spec.name]),
                        client=client,
                        partial=client is None or bool(self.end.get("stopped")),
                        lacking=str(fault) if fault is not None else None,
                    ),
                )

    async def _gather(self, process: Process, errand: Errand) -> None:
        """Takes what the process says, until it ends; cancelled, until it has dropped what is in flight."""
        lines, conversations = Lines(process), Conversations(self.planned, errand.requests)
        async with anyio.create_task_group() as beside:
            beside.start_soon(stop_when, self.around.stop, process)
            try:
                async for line in lines.each():
                    if "asks_on" in line:
                        await tell(process, next_request(*conversations.next(line)))
                    else:
                        self._take(line, errand)
            except anyio.get_cancelled_exc_class():
                with anyio.move_on_after(DROP_LIMIT_S, shield=True):
                    await tell(process, DROP)
                    async for line in lines.each():
                        if "asks_on" not in line:
                            self._take(line, errand)
                raise
            beside.cancel_scope.cancel()

    def _take(self, line: Mapping[str, object], errand: Errand) -> None:
        """Takes a sample, or what is said last."""
        if "due_ns" not in line:
            self.end = line
            return
        name, requests = str(line["candidate"]), errand.requests[str(line["candidate"])]
        example = requests[int(str(line["number"])) % len(requests)].example
        figures = {c: line.get(c) for c in FIGURES} | {"example": example, "fate": Fate(str(line["fate"]))}
        self.samples[name].append(Sample(**figures, legs=legs_in(line.get("legs"))))  # type: ignore[arg-type]
        cost = cost_told(line)
        if line["fate"] == Fate.ANSWERED or cost is not None:  # of a chain that failed, its answers so far
            self.around.on_event(Answered(name, cost))
        if self.shown is not None:
            self._show(further(self.shown, name, Fate(str(line["fate"])), cost))
        if line["fate"] != Fate.HELD_BACK and self.around.purse is not None and self.holds[name]:
            self.around.purse.settle(self.holds[name].pop(), _paid(line, cost))

    def _show(self, told: Measured) -> None:
        self.shown = told
        self.around.show(told)

    # ── money ─────────────────────────────────────────────────────────────────────────────────────

    async def _without_money(
        self, spec: ModelSpec, asked: Sequence[Request], blocks: Sequence[Block]
    ) -> str | None:
        """Why a candidate cannot be asked, if it cannot: all that its pass may cost is held back first."""
        if self.around.purse is None:
            return None
        if not self.load.open_loop:
            return "under a cap on spending only a load by the clock, such as `load = 4/s`, has known costs"
        if is_chain(self.planned):
            return "under a cap on spending a chain is not measured: its steps cost what answers make of them"
        for arrival in (a for b in blocks if b.candidate == spec.name for a in b.arrivals):
            request = asked[arrival.number % len(asked)]
            hold = await self.around.purse.take(spec.name, request, lambda: True)
            if isinstance(hold, Spent):
                self._give_back(spec.name)
                return f"its latency was not measured: {hold.message}"
            self.holds[spec.name].append(hold)
        return None

    def _settle_rest(self) -> None:
        for name in list(self.holds):
            self._give_back(name)

    def _give_back(self, candidate: str) -> None:
        while self.around.purse is not None and self.holds[candidate]:
            self.around.purse.settle(self.holds[candidate].pop(), Answer(response="", cost_usd=Decimal(0)))


def _paid(line: Mapping[str, object], cost: Decimal | None) -> Answer | Failure | None:
    """An attempt as a purse settles it."""
    if line["fate"] == Fate.ANSWERED:
        return Answer(response="", cost_usd=cost)
    status = line.get("status")
    if isinstance(status, int):
        return Failure(kind=FailureKind.TRANSIENT, message="", status=status)
    return None


def told_of(task: str, load: Load, blocks: Sequence[Block], candidates: int) -> str:
    """What is about to be asked, and how long it takes at least."""
    lasts = short_duration(max(b.ends_ns for b in blocks) / 1e9)
    each = requests_of_each(blocks, candidates)
    requests = f"{each * candidates:,} requests, " if load.open_loop else ""
    who = "1 candidate" if candidates == 1 else f"{candidates} candidates in turn"
    return f"latency pass of {task}: {who} at {load.said}, {requests}{lasts} at least"


def beginning(task: str, load: Load, blocks: Sequence[Block]) -> Measured:
    """How far a pass is when it begins."""
    return Measured(
        candidate=blocks[0].candidate,
        task=task,
        load=load.said,
        seconds=max(b.ends_ns for b in blocks) / 1e9,
        requests=sum(len(b.arrivals) for b in blocks) if load.open_loop else None,
    )


def further(before: Measured, candidate: str, fate: Fate, cost: Decimal | None) -> Measured:
    """How far it is when one more has come to its end."""
    return replace(
        before,
        candidate=candidate,
        attended=before.attended + 1,
        failed=before.failed + (fate is Fate.FAILED),
        timed_out=before.timed_out + (fate is Fate.TIMED_OUT),
        spent=before.spent if cost is None else (before.spent or Decimal(0)) + cost,
    )


def _client(end: Mapping[str, object]) -> Client | None:
    figures = [end.get(name) for name in ("lag_p95_ns", "lag_max_ns", "most_in_flight")]
    if not all(isinstance(figure, int) for figure in figures):
        return None
    lag_p95, lag_max, most = (int(str(figure)) for figure in figures)
    return Client(lag_p95_ns=lag_p95, lag_max_ns=lag_max, most_in_flight=most)
