"""What the figures of single candidates say: confidence, subsets, steps, requirements, what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from evalspec.language.metric_names import Measure, metric_named
from evalspec.score.load_sentences import load_sentences, too_few
from evalspec.score.lookups import candidate_of, metric_of, value_of, viable_in
from evalspec.score.wording import (
    Document,
    called,
    document,
    figure,
    interval,
    items,
    listed,
    names,
    number,
    percent,
    points,
)
from evalspec.text.units import counted, short_duration

NOTICEABLE = 0.02
SMALL = 10
WEAK_AT_MOST = 3


# ── confidence ────────────────────────────────────────────────────────────────────────────────────


def confidence(task: Document) -> Iterator[str]:
    silent = []
    for name in names(task["order"]):
        candidate = candidate_of(task, name)
        sentence = _calibration(name, candidate)
        if sentence is None:
            silent.append(name)
        else:
            yield sentence
    if silent and len(silent) < len(names(task["order"])):
        yield f"{listed(silent)}: no confidence was given."


def _calibration(name: str, candidate: Document) -> str | None:
    ece, over = metric_of(candidate, "ece"), metric_of(candidate, "overconfidence")
    error, gap = number(ece.get("value")), number(over.get("value"))
    if error is None or gap is None:
        return None
    mean = value_of(candidate, "mean_confidence") or 0.0
    floor, p = number(ece.get("null_mean")), number(ece.get("p_value"))
    noise = f"ECE {error:.3f}; {floor:.3f} would be noise" if floor is not None else f"ECE {error:.3f}"
    chance = f", p = {p:.3f}" if p is not None and p >= 0.001 else ", p < 0.001" if p is not None else ""
    claims = f"it claims {percent(mean)} and is right {percent(mean - gap)}"
    if candidate.get("race") is not None:  # stopped when it looked bad: no verdict for so many examples holds
        return f"{name} claimed {percent(mean)} and was right {percent(mean - gap)} before it was stopped."
    one_way = error <= abs(gap) * (1 + 1e-9)
    verdict = _verdict(gap, number(over.get("low")), number(over.get("high")), p, one_way=one_way)
    return f"{name} {verdict}: {claims} ({noise}{chance})."


def _verdict(gap: float, low: float | None, high: float | None, p: float | None, *, one_way: bool) -> str:
    """`one_way`: all confidences err on the same side, so that none makes up for another."""
    if low is not None and low > 0 and gap >= NOTICEABLE:
        return "is overconfident"
    if high is not None and high < 0 and -gap >= NOTICEABLE:
        return "is underconfident"
    if p is not None and p <= 0.05:
        if low is not None and high is not None and low <= 0 <= high and not one_way:
            return "is right about itself on average, but not at each confidence"
        return "is overconfident" if gap > 0 else "is underconfident"
    return "shows no miscalibration beyond noise"


# ── subsets ───────────────────────────────────────────────────────────────────────────────────────


def subsets(task: Document) -> Iterator[str]:
    """The subsets where the first candidate, or those tied with it, are plainly weaker than overall."""
    metric = "accuracy"
    small: list[str] = []
    for name in viable_in(task)[:1]:
        candidate = candidate_of(task, name)
        overall = value_of(candidate, metric)
        weak = []
        for subset, found in document(candidate["subsets"]).items():
            figures = document(document(document(found)["metrics"]).get(metric))
            value, high = number(figures.get("value")), number(figures.get("high"))
            n = number(document(found)["n"]) or 0
            if n < SMALL:
                small.append(f"{subset} ({n:.0f})")
            elif value is not None and high is not None and overall is not None and high < overall:
                weak.append((value, subset, figures))
        for value, subset, figures in sorted(weak, key=lambda w: w[0])[:WEAK_AT_MOST]:
            around = interval(metric, number(figures.get("low")), number(figures.get("high")))
            yield (
                f"{name} is weak on {subset}: {percent(value)} right (95 % {around}, "
                f"n = {figures.get('n')}), against {percent(overall or 0)} overall."
            )
        if not weak and document(candidate["subsets"]):
            yield f"{name} is plainly weaker on no subset."
    if small:
        yield f"Too few examples to say anything: {listed(small)}."


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def steps(task: Document) -> Iterator[str]:
    for name in viable_in(task)[:1]:
        candidate = candidate_of(task, name)
        steps = document(candidate["steps"])
        compounding = document(candidate["compounding"])
        failures = {s: number(document(f)["first_failures"]) or 0 for s, f in steps.items()}
        if not any(failures.values()):
            continue
        worst = max(failures, key=lambda s: failures[s])
        most = f"{failures[worst]:.0f} of {sum(failures.values()):.0f} failures"
        yield f"{name} fails first at {worst} most often: {most}."
        product, end = number(compounding.get("product_of_steps")), value_of(candidate, "end_to_end")
        if product is not None and end is not None:
            multiplied = f"The steps' accuracies multiply to {percent(product)}"
            yield f"{multiplied}; end to end it is right {percent(end)}."
        yield from (s for step, f in steps.items() if (s := _exposure(step, document(f))) is not None)


def _exposure(step: str, found: Document) -> str | None:
    free = number(document(document(found["free"])["accuracy"]).get("value"))
    golden = number(document(document(found["given_gold"])["accuracy"]).get("value"))
    if free is None or golden is None or abs(golden - free) < 0.005:
        return None
    return f"{step} is right {percent(free)} on what it is really given, {percent(golden)} given gold."


# ── requirements and gaps ─────────────────────────────────────────────────────────────────────────


def requirements(task: Document) -> Iterator[str]:
    for name in names(task["order"]):
        for requirement in map(document, items(candidate_of(task, name)["requirements"])):
            verdict = requirement["verdict"]
            if verdict == "met":
                continue
            said = {"not_met": "is not met by", "undecided": "is undecided for"}[str(verdict)]
            yield f"{requirement['clause']} {said} {name}: {_held_against(requirement)}."


def budgets(task: Document) -> Iterator[str]:
    """The latency budgets that a candidate does not plainly keep."""
    for name in names(task["order"]):
        candidate = candidate_of(task, name)
        latency = document(candidate["latency"])
        note = latency.get("note")
        where = WHERE.get(str(latency.get("measured")), "") + (f" ({note})" if note else "")
        yield from load_sentences(name, latency)
        for budget in map(document, items(candidate["budgets"])):
            said = {"over": "is over for", "not_enough_data": "cannot be decided for"}.get(
                str(budget["verdict"])
            )
            at = where if number(budget.get("value")) is not None else ""
            if said is not None:
                yield f"{budget['clause']} {said} {name}: {_measured(budget)}{at}{too_few(budget)}."


WHERE = {"under_run": ", at the run's own concurrency", "recorded": ", as recorded"}


def _measured(budget: Document) -> str:
    """The figure of a budget: a duration, or a share of errors."""
    value, low, high = (number(budget.get(k)) for k in ("value", "low", "high"))
    share = str(budget["clause"]).startswith("errors")
    if value is None:
        return str(budget.get("why", "no data"))
    told = percent(value) if share else short_duration(value)
    if low is None or high is None:
        return f"{told} (n = {budget.get('n')})"
    ends = interval("error_rate" if share else "p95", low, high)
    return f"{told} (95 % {ends}, n = {budget.get('n')})"


def margins(task: Document) -> Iterator[str]:
    """Where a candidate is worse than a model by more than the spec allows, or may be."""
    for name in names(task["order"]):
        for margin in map(document, items(candidate_of(task, name).get("no_worse_than"))):
            said = {"broken": "is", "not_enough_data": "may be"}.get(str(margin["verdict"]))
            if said is not None:
                beyond = f"worse than {margin['model']} by more than {margin['clause']} allows"
                yield f"{name} {said} {beyond}: {_worse(margin)}."


def _worse(margin: Document) -> str:
    metric = str(margin["clause"]).partition(" ")[0].partition("(")[0]
    value, low, high = (number(margin.get(k)) for k in ("value", "low", "high"))
    if value is None:
        return str(margin.get("why", "no data"))
    more = "worse" if value >= 0 else "better"
    size = points(value) if metric_named(metric).measure is Measure.SHARE else figure(metric, abs(value))
    if value < 0 and low is not None and high is not None:  # the ends say the same way round as the figure
        low, high = -high, -low
    around = interval(metric, low, high) if low is not None and high is not None else ""
    told = f"95 % {around}, " if around else ""
    return f"{size} {more} ({told}n = {margin.get('n')})"


def tasks(task: Document) -> Iterator[str]:
    """Of a decision: who is first in each task, and where the one that is first overall stands."""
    weights, best = document(task.get("weights")), next(iter(viable_in(task)), None)
    for name, weight in weights.items():
        ranks = {
            c: number(document(document(candidate_of(task, c).get("tasks")).get(name)).get("rank"))
            for c in names(task["order"])
        }
        first = min((c for c, rank in ranks.items() if rank), key=lambda c: ranks[c] or 0.0, default=None)
        counts = f"{name} counts {percent(number(weight) or 0.0, 0)}"
        if first is None or best is None:
            yield f"{counts}; no candidate is viable there."
        elif first == best:
            yield f"{counts}; {best} is best there too."
        else:
            yield f"{counts}; {first} is best there, and {best} has rank {ranks[best] or 0:.0f}."


def leaderboards(task: Document) -> Iterator[str]:
    """What choosing by each leaderboard would have cost."""
    metric, unit = str(task["ranked_by"]), task.get("unit")
    for name, found in ((n, document(f)) for n, f in document(task["leaderboards"]).items()):
        chosen, regret = names(found.get("chosen")), number(found.get("regret"))
        if not chosen or regret is None:
            continue
        tau, p = number(found.get("kendall_tau")), number(found.get("p_value"))
        told = f"{counted(number(found['n']) or 0, 'candidate')} listed"
        told += f", Kendall's tau {tau:.2f}" if tau is not None else ""
        told += f", p = {p:.2f}" if p is not None else ""
        told += f": {found['why']}" if tau is not None and found.get("why") else ""
        choice = f"By {name} one would choose {listed(chosen)}"
        out = [c for c in chosen if not candidate_of(task, c).get("viable")]
        if out:
            reasons = names(candidate_of(task, out[0]).get("reasons"))
            yield f"{choice}, but {out[0]} is out: {listed(reasons)} ({told})."
            continue
        if found.get("top_agrees"):
            yield f"{choice}, and so do these examples ({told})."
            continue
        share = metric_named(metric).measure is Measure.SHARE
        size = points(regret) if share else figure(metric, regret, str(unit) if unit is not None else None)
        best = next(iter(viable_in(task)), "the best")
        yield f"{choice}, which would be {size} of {called(metric)} worse than {best} ({told})."


def _held_against(requirement: Document) -> str:
    metric = str(requirement["clause"]).partition(" ")[0].partition("(")[0]
    value = number(requirement.get("value"))
    if value is None:
        return str(requirement.get("why", "no data"))
    around = interval(metric, number(requirement.get("low")), number(requirement.get("high")))
    told = f"95 % {around}, " if around else ""
    why = f"; {requirement['why']}" if not around and requirement.get("why") else ""
    return f"{figure(metric, value)} ({told}n = {requirement.get('n')}{why})"


def missing(task: Document) -> Iterator[str]:
    for name in names(task["order"]):
        outcomes = document(candidate_of(task, name)["outcomes"])
        unheard = {k: number(outcomes.get(k)) or 0 for k in ("error", "not_asked")}
        unread = {k: number(outcomes.get(k)) or 0 for k in ("no_answer", "truncated", "refused", "timeout")}
        if unheard["error"]:
            yield f"{name}: errors on {counted(unheard['error'], 'example')}, in no figure."
        if unheard["not_asked"] and candidate_of(task, name).get("race") is None:
            yield f"{name}: {counted(unheard['not_asked'], 'example')} not answered yet, in no figure."
        told = [f"{n:.0f} {called(k)}" for k, n in unread.items() if n]
        if told:
            yield f"{name}: {listed(told)} of {task['examples']}; these count as wrong."
