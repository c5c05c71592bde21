"""A run from plan to traces: candidates connected, jobs handed out, what was read gathered.

Knows the plan's conversations and the store; how requests are paced and retried is `execute`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from evalspec.language.candidates import Baseline, Hosted, ModelSpec, by_variant
from evalspec.language.program import Program
from evalspec.models.baseline import Training, without_scored
from evalspec.models.connect import connected
from evalspec.models.model import Answer
from evalspec.plan.conversations import Reply, StepTrace, Trace, Visit, converse, visits
from evalspec.plan.requests import questions
from evalspec.plan.truths import invention_of
from evalspec.run.batching import Around, ask_in_batches, beside, in_batches
from evalspec.run.execute import Job, Settings, execute
from evalspec.run.gates import Limits, Rate
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    import anyio

    from evalspec.plan.plan import Plan, PlannedTask
    from evalspec.run.asking import Keeping
    from evalspec.run.events import Event
    from evalspec.run.racing import Racing
    from evalspec.store.store import Store
    from evalspec.text.values import Json

NOTHING: Mapping[str, Json] = {}
Traces = dict[tuple[str, str], list[Trace]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The traces of a run by task and candidate, as they come in, and at its end what the limiter did.

    They are there to be scored. Of answers that were read they hold no texts, which the store does.
    """

    traces: Traces = field(default_factory=dict)
    pacing: dict[str, Json] = field(default_factory=dict)

    def add(self, job: Job[Trace], trace: Trace) -> None:
        self.traces.setdefault((trace.visit.task, job.candidate), []).append(trace)

    def let_go(self) -> dict[tuple[str, str], Iterator[Trace]]:
        """The traces, each forgotten here as it is taken: there may be hundreds of thousands."""
        return {place: _emptied(own) for place, own in self.traces.items()}


async def ask_all(
    plan: Plan,
    store: Store | None,
    *,
    environment: Mapping[str, str],
    settings: Settings,
    on_event: Callable[[Event], None],
    stop: anyio.Event,
    gathered: Gathered,
    racing: Racing | None = None,
    allow_code: bool = False,
) -> None:
    """Asks everything in the plan that the store has not; each trace goes into `gathered` as it is whole.

    In a race, candidates go through the examples together, and those that are stopped are asked no more.

    Raises EvalspecFault for candidates that cannot be connected, before anything is sent, and for a store
    that can take no more, after what was on its way arrived.
    """
    specs = {c.name: c for planned in plan.tasks for c in planned.candidates}
    on_result = _taking(specs, gathered, racing)
    async with connected(
        specs.values(),
        environment=environment,
        training=training_of(plan),
        tasks=frozenset(plan.program.tasks),
        variants=plan.program.variants,
        invention=invention_of(plan),
        allow_code=allow_code,
    ) as models:
        batched = in_batches(models, store)
        alone = {name: model for name, model in models.items() if name not in batched}
        jobs = {name: candidate_jobs(plan, name, racing) for name in alone}
        asking = partial(
            execute,
            jobs,
            alone,
            store,
            settings=settings,
            on_result=on_result,
            on_event=on_event,
            stop=stop,
            on_paced=gathered.pacing.update,
        )
        if store is None or not batched:
            await asking()
            return
        around = Around(store=store, settings=settings, on_result=on_result, on_event=on_event, stop=stop)
        await beside(partial(ask_in_batches, plan, batched, around), asking)


def _taking(
    specs: Mapping[str, ModelSpec], gathered: Gathered, racing: Racing | None
) -> Callable[[Job[Trace], Trace], None]:
    """What is done with each trace that is whole."""

    def take(job: Job[Trace], trace: Trace) -> None:
        gathered.add(job, _lightened(trace) if isinstance(specs[job.candidate].use, Hosted) else trace)
        if racing is not None:
            racing.bring(job.candidate, trace)

    return take


def _emptied(traces: list[Trace]) -> Iterator[Trace]:
    traces.reverse()
    while traces:
        yield traces.pop()


def _lightened(trace: Trace) -> Trace:
    """The trace with the figures of its answers, and without what was needed only to read and to keep them:
    there may be hundreds of thousands."""
    return Trace(trace.visit, tuple(map(_light, trace.steps)))


def _light(step: StepTrace) -> StepTrace:
    reply = None if step.reply is None else _figures(step.reply)
    return StepTrace(step.step, step.reading, reply, step.sample, tuple(map(_figures, step.ballots)))


def _figures(reply: Reply) -> Reply:
    if not isinstance(reply, Answer):
        return reply
    return Answer(
        response="",
        latency_ns=reply.latency_ns,
        first_token_ns=reply.first_token_ns,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        cached_input_tokens=reply.cached_input_tokens,
        cost_usd=reply.cost_usd,
        served_model=None if reply.served_model is None else sys.intern(reply.served_model),
        system_fingerprint=None if reply.system_fingerprint is None else sys.intern(reply.system_fingerprint),
        extra=NOTHING,
    )


def candidate_jobs(plan: Plan, name: str, racing: Racing | None = None) -> Iterator[Job[Trace]]:
    """Every job of a candidate, task by task, made as it is taken."""
    for planned in plan.tasks:
        for candidate in planned.candidates:
            if candidate.name == name:
                asked = questions(planned, candidate)
                own: Iterable[Visit] = visits(planned, candidate)
                for visit in own if racing is None else racing.order(planned.task.name, own):
                    ready = None if racing is None else partial(racing.ready, name, visit)
                    yield Job(name, partial(converse, planned, candidate, visit, asked), ready)


def job_counts(plan: Plan) -> dict[str, int]:
    """How many jobs each candidate has, for progress."""
    counts: dict[str, int] = {}
    for planned in plan.tasks:
        for candidate in planned.candidates:
            own = len(planned.rows) * sum(planned.samples(candidate, p) for p in planned.passings(candidate))
            counts[candidate.name] = counts.get(candidate.name, 0) + own
    return counts


def training_of(plan: Plan) -> Callable[[Baseline], Training]:
    """What each baseline learns from: its training rows, without those that are scored."""

    def training(use: Baseline) -> Training:
        train, label = plan.data[use.train], plan.program.datasets[use.train].label
        asked = [row.values for planned in plan.tasks for row in planned.rows if _asks(planned, use)]
        scored = [row.values for planned in plan.tasks if _asks(planned, use)
                  for row in plan.data[planned.task.dataset].rows]  # fmt: skip
        kept = [row.values for row in train.rows]
        if use.columns:
            kept = list(without_scored(kept, scored, use.columns)[0])
        labels = [str(values.get(label or "")) for values in kept]
        return Training(rows=kept, row_labels=labels, labels=tuple(sorted(set(labels))), inputs=asked)

    return training


def _asks(planned: PlannedTask, use: Baseline) -> bool:
    return any(candidate.use == use for candidate in planned.candidates)


def settings_for(program: Program, *, concurrency: int | None, keeping: Keeping) -> Settings:
    """How the program's limits and a `--max-concurrency` press the endpoints."""
    limits = program.limits
    own = dict(limits.model_concurrency)
    together: list[tuple[int, frozenset[str]]] = []
    for name, spec in program.models.items():
        if isinstance(spec.use, Hosted) and spec.use.concurrency is not None:
            own[name] = min(spec.use.concurrency, own.get(name, spec.use.concurrency))
    for provider, declared in program.providers.items():
        least = min((n for n in (declared, own.pop(provider, None)) if n is not None), default=None)
        if least is not None:
            together.append((least, _of_provider(program, provider)))
    together += [(n, _of_models(program, [name])) for name, n in own.items()]
    overall = [n for n in (limits.concurrency, concurrency) if n is not None]
    return Settings(
        limits=Limits(
            concurrency=min(overall) if overall else None,
            shared_concurrency=tuple(together),
            rates=_rates(program, limits.request_rates),
            token_rates=_rates(program, limits.token_rates),
        ),
        keeping=keeping,
    )


def _rates(program: Program, named: Mapping[str, float]) -> tuple[Rate, ...]:
    return tuple(Rate(per_s=rate, candidates=_meant(program, name)) for name, rate in named.items())


def _of_provider(program: Program, provider: str) -> frozenset[str]:
    return _of_models(
        program,
        [n for n, s in program.models.items() if isinstance(s.use, Hosted) and s.use.provider == provider],
    )


def _of_models(program: Program, names: Iterable[str]) -> frozenset[str]:
    """The candidates that some models make: themselves, and their prompt variants together."""
    candidates = {n: by_variant(program.models[n], program.variants) for n in names if n in program.models}
    return frozenset(n for name, own in candidates.items() for n in (name, *(c.name for c in own)))


def _meant(program: Program, name: str) -> frozenset[str]:
    """The candidates that a limit on a model, a provider or (empty) on all means."""
    if not name:
        return _of_models(program, program.models)
    return _of_models(program, [name]) if name in program.models else _of_provider(program, name)
