"""Budgets and durations under a load: what the latency pass of a run measured, held against its bounds.

Response time is counted from when a request was due, service time from when it was sent. An attempt that ran
out of its time is longer than every bound, one that failed has no time and counts among the errors. Where
our own side was too slow to tell, or too much failed, verdicts are withheld with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalspec import metrics
from evalspec.language.candidates import bears_load
from evalspec.language.metric_names import figure_in
from evalspec.metrics import BudgetVerdict, Estimate
from evalspec.metrics.means import t_interval
from evalspec.run.arrivals import Load, load_of
from evalspec.run.under_load import Fate, Passed, Sample
from evalspec.score.result_figures import Document, figures
from evalspec.text.units import short_duration
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Bound, Task
    from evalspec.score.judged import Judged
    from evalspec.score.measures import Part

MOST_FAILED = 0.02  # beyond, percentiles of what was answered say little of what was asked
CLIENT_SHARE = 0.03  # of the tightest bound: how late our own side may be at its 95th percentile
CLIENT_LEAST_S = 0.005
NONE_FIRST = "no answer came token by token"
NOT_PASSED = "no latency pass was made: it follows a run in which the candidate answers"

TOLD = (50, 90, 95, 99)

Floats = NDArray[np.float64]
Held = tuple[BudgetVerdict, Estimate]


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """What is known of a candidate under the load that its task asks for; `passed` is None without a pass,
    and `other` the load of a pass that was made for another one."""

    load: Load
    passed: Passed | None
    other: Load | None = None

    @property
    def counted(self) -> tuple[Sample, ...]:
        """The attempts that count."""
        return self.passed.counted if self.passed is not None else ()


def under_load(task: Task, candidate: ModelSpec, passed: Passed | None) -> UnderLoad | None:
    """How a candidate is to be told under load; None where it goes by the latencies of the run itself: no
    load is asked for, or nothing answers at the other end that could bear one."""
    load = load_of(task.budgets)
    if load is None or not bears_load(candidate):
        return None
    if passed is not None and passed.load != load:
        return UnderLoad(load, None, passed.load)
    return UnderLoad(load, passed)


# ── durations ─────────────────────────────────────────────────────────────────────────────────────


def response_s(sample: Sample) -> float | None:
    """From when it was due to the end, in seconds."""
    return _since(sample, sample.due_ns, sample.last_ns)


def service_s(sample: Sample) -> float | None:
    """From when it was sent to the end."""
    return _since(sample, sample.sent_ns, sample.last_ns)


def first_token_s(sample: Sample) -> float | None:
    """From when it was due to the first token; None where it came in one piece."""
    return _since(sample, sample.due_ns, sample.first_ns)


def queue_s(sample: Sample) -> float | None:
    """From when it was due to when it was sent."""
    known = sample.sent_ns is not None and sample.fate is not Fate.HELD_BACK
    return ((sample.sent_ns or 0) - sample.due_ns) / 1e9 if known else None


def token_s(sample: Sample) -> float | None:
    """The seconds from one token to the next, behind the first."""
    known = sample.fate is Fate.ANSWERED and sample.first_ns is not None and sample.last_ns is not None
    between = (sample.output_tokens or 0) - 1
    return ((sample.last_ns or 0) - (sample.first_ns or 0)) / 1e9 / between if known and between > 0 else None


def leg_s(step: str) -> Callable[[Sample], float | None]:
    """From when a step of a chain was sent to its end; None where it was not asked, or failed."""

    def taken(sample: Sample) -> float | None:
        leg = next((leg for leg in sample.legs if leg.step == step), None)
        if leg is None or leg.fate is Fate.FAILED:
            return None
        if leg.fate is Fate.TIMED_OUT or leg.last_ns is None:
            return math.inf
        return (leg.last_ns - leg.sent_ns) / 1e9

    return taken


def own_s(sample: Sample) -> float:
    """How long our own side held an attempt up: until it was taken up, and between the steps of a chain."""
    between = (
        later.sent_ns - before.last_ns
        for before, later in pairwise(sample.legs)
        if before.last_ns is not None
    )
    return ((sample.admitted_ns or sample.due_ns) - sample.due_ns + sum(between)) / 1e9


def _since(sample: Sample, begin: int | None, end: int | None) -> float | None:
    if sample.fate is Fate.TIMED_OUT:
        return math.inf
    if sample.fate is not Fate.ANSWERED or begin is None or end is None:
        return None
    return (end - begin) / 1e9


def _all(of: Callable[[Sample], float | None], samples: Iterable[Sample]) -> Floats:
    return np.array([s for s in map(of, samples) if s is not None], dtype=np.float64)


def _judged(bound: Bound, load: Load) -> Callable[[Sample], float | None]:
    """The duration that a bound is about."""
    if bound.label == "first_token":
        return first_token_s
    if bound.label == "queue":
        return queue_s
    if bound.step is not None:
        return leg_s(bound.step)
    return response_s if load.open_loop else service_s


# ── verdicts ──────────────────────────────────────────────────────────────────────────────────────


def held_under_load(task: Task, found: UnderLoad) -> list[tuple[Bound, BudgetVerdict, Estimate]]:
    """Every budget of a task for one candidate, with its verdict and the figure it was held against."""
    bounds = task.budgets.bounds if task.budgets is not None else ()
    doubt = withheld(task, found)
    told = []
    for bound in bounds:
        verdict, estimate = _held(bound, found)
        if doubt is not None and (bound.metric != "errors" or not found.counted):
            verdict, estimate = BudgetVerdict.NOT_ENOUGH_DATA, replace(estimate, why=doubt)
        told.append((bound, verdict, estimate))
    return told


def withheld(task: Task, found: UnderLoad) -> str | None:
    """Why verdicts on durations are withheld, if they are."""
    passed = found.passed
    if found.other is not None:
        lasted = short_duration(found.other.duration_ns / 1e9)
        return f"its latency pass was under another load ({found.other.said} for {lasted})"
    if passed is None:
        return NOT_PASSED
    if passed.lacking is not None:
        return passed.lacking
    if not found.counted:
        return "the latency pass was broken off before anything was measured"
    if passed.client is None:
        return "the measuring process ended before its time"
    if any(s.fate is Fate.HELD_BACK for s in passed.samples):
        return "requests were held back: more were in flight than this machine can have"
    return _slow_client(task, found) or _failing(task, found)


def _slow_client(task: Task, found: UnderLoad) -> str | None:
    """Whether our own side was late, measured by the tightest bound on a duration.

    A step of a chain is timed from when it was sent, so that only the event loop's own delay is in its time.
    """
    budgets = task.budgets.bounds if task.budgets is not None else ()
    bounds = [b for b in budgets if b.metric != "errors" and b.label != "queue"]
    wholes = [b.value for b in bounds if b.step is None]
    steps = [b.value for b in bounds if b.step is not None]
    for late, own in ((client_lag_s(found), wholes), (_loop_lag_s(found), steps)):
        if own and late > max(CLIENT_LEAST_S, CLIENT_SHARE * min(own)):
            return (
                f"the measuring process itself was {short_duration(late)} late (95th percentile): "
                "this machine is too busy to measure with"
            )
    return None


def client_lag_s(found: UnderLoad) -> float:
    """The 95th percentile of how late our own side was: in taking requests up, between the steps of a chain,
    and in whatever it did."""
    late = [own_s(s) for s in found.counted if s.admitted_ns is not None and s.fate is not Fate.HELD_BACK]
    own = float(np.quantile(late, 0.95, method="inverted_cdf")) if late else 0.0
    return max(own, _loop_lag_s(found))


def _loop_lag_s(found: UnderLoad) -> float:
    client = found.passed.client if found.passed is not None else None
    return client.lag_p95_ns / 1e9 if client is not None else 0.0


def _failing(task: Task, found: UnderLoad) -> str | None:
    """Whether so much failed that the durations of the rest say little; `errors` in the spec says how much
    may."""
    bounds = task.budgets.bounds if task.budgets is not None else ()
    failed = sum(s.fate is Fate.FAILED for s in found.counted)
    if any(b.metric == "errors" for b in bounds) or failed <= MOST_FAILED * len(found.counted):
        return None
    return f"{failed} of {len(found.counted)} requests failed: say with `errors <= …` how many may"


def _held(bound: Bound, found: UnderLoad) -> Held:
    samples = found.counted
    longest = bound.value if bound.operator == "<=" else math.nextafter(bound.value, -math.inf)
    if bound.metric == "errors":
        return _of_errors([s.fate is Fate.FAILED for s in samples], longest)
    seconds = _all(_judged(bound, found.load), samples)
    if not seconds.size:
        why = NONE_FIRST if bound.label == "first_token" and samples else "no latency was measured"
        if bound.step is not None and samples:
            why = f"`{bound.step}` was never timed"
        return BudgetVerdict.NOT_ENOUGH_DATA, Estimate(value=None, low=None, high=None, n=0, why=why)
    match bound.metric:
        case "mean":
            return _of_mean(seconds, longest)
        case "max":
            value = float(seconds.max())
            verdict = BudgetVerdict.OVER if value > longest else BudgetVerdict.WITHIN
            return verdict, _bare(value, seconds.size)
        case name:
            q = figure_in(name, "percentile") or 0.0
            return metrics.budget_verdict(seconds, q, longest).verdict, metrics.percentile(seconds, q)


def _of_mean(seconds: Floats, longest: float) -> Held:
    if not np.isfinite(seconds).all():
        why = "some requests ran out of their time"
        return BudgetVerdict.NOT_ENOUGH_DATA, Estimate(
            value=None, low=None, high=None, n=seconds.size, why=why
        )
    estimate = t_interval(seconds, np.ones(seconds.size))
    verdict = BudgetVerdict.NOT_ENOUGH_DATA
    if estimate.high is not None and estimate.high <= longest:
        verdict = BudgetVerdict.WITHIN
    elif estimate.low is not None and estimate.low > longest:
        verdict = BudgetVerdict.OVER
    return verdict, estimate


def _of_errors(failed: Sequence[bool], allowed: float) -> Held:
    n = len(failed)
    estimate = metrics.wilson(sum(failed), n)
    if not n:
        return BudgetVerdict.NOT_ENOUGH_DATA, estimate
    if not 0 <= allowed < 1:
        return (BudgetVerdict.OVER if allowed < 0 else BudgetVerdict.WITHIN), estimate
    return metrics.budget_verdict(np.array(failed, dtype=float), 100 * (1 - allowed), 0.5).verdict, estimate


def _bare(value: float, n: int) -> Estimate:
    return Estimate(value=value, low=None, high=None, n=n, why="the largest has no interval")


def with_load(task: Task, judged: Judged, part: Part) -> Part:
    """Some examples with their metrics, percentiles of latency being those under the load, where there is
    one."""
    found = under_load(task, judged.candidate, judged.passed)
    if found is None or found.passed is None:
        return part
    rows = {e.judgement.row.id for e in part.examples}
    of = response_s if found.load.open_loop else service_s
    seconds = _all(of, (s for s in found.counted if s.example in rows))
    if not seconds.size:
        return part
    return replace(part, metrics={**part.metrics, **{f"p{q}": metrics.percentile(seconds, q) for q in TOLD}})


# ── results.json ──────────────────────────────────────────────────────────────────────────────────


def load_json(task: Task, found: UnderLoad) -> Document | None:
    """The `latency` of a candidate under load; None where nothing was measured."""
    samples, passed = found.counted, found.passed
    if passed is None or not any(s.fate in (Fate.ANSWERED, Fate.TIMED_OUT) for s in samples):
        return None
    doubt = withheld(task, found)
    told: Document = {
        "measured": "open_loop" if found.load.open_loop else "closed_loop",
        "load": found.load.said,
        "service": times(_all(service_s, samples)),
    }
    if found.load.open_loop:
        told["response"] = times(_all(response_s, samples))
    return told | {
        "first_token": _times_or_none(_all(first_token_s, samples)),
        "queue": _times_or_none(_all(queue_s, samples)) if found.load.open_loop else None,
        **_where_any("token", _all(token_s, samples)),
        **_steps(task, samples),
        "requests": {
            "sent": sum(s.fate is not Fate.HELD_BACK for s in samples),
            "failed": sum(s.fate is Fate.FAILED for s in samples),
            "timed_out": sum(s.fate is Fate.TIMED_OUT for s in samples),
            "warmup": sum(s.warmup for s in passed.samples),
        },
        "client_lag_p95_s": client_lag_s(found),
        **({"partial": True} if passed.partial else {}),
        **({} if doubt is None else {"withheld": doubt}),
    }


def _steps(task: Task, samples: Sequence[Sample]) -> Document:
    """How long each step of a chain took; of a task, nothing."""
    if task.kind != "chain":
        return {}
    each = {step.name: _all(leg_s(step.name), samples) for step in task.steps}
    return {"steps": {name: times(seconds) for name, seconds in each.items() if seconds.size}}


def times(seconds: Floats) -> Document:
    """Percentiles with their intervals, the mean and the longest of some durations."""
    told: Document = {f"p{q}": figures(metrics.percentile(seconds, q)) for q in TOLD}
    n = int(seconds.size)
    for name, value in (("mean", float(seconds.mean())), ("max", float(seconds.max()))):
        beyond: Mapping[str, str] = {} if math.isfinite(value) else {"why": "it lies beyond the timeout"}
        told[name] = {"value": value if math.isfinite(value) else None, "n": n, **beyond}
    return told


def _times_or_none(seconds: Floats) -> Document | None:
    return times(seconds) if seconds.size else None


def _where_any(name: str, seconds: Floats) -> Document:
    return {name: times(seconds)} if seconds.size else {}
