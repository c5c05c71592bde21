"""What a person needs to decide, in plain sentences made from the results alone.

Table, JSON and every other report carry the same sentences, because all of them are made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalspec.language.schema import METRICS, Measure
from evalspec.score.results import Results
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
    plain,
    points,
)

NOTICEABLE = 0.02
SMALL = 10
WEAK_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Section:
    """Some sentences under a word: `Decide`, `Costs`, `Confidence`, …."""

    title: str
    sentences: tuple[str, ...]


def sections(results: Results, task: str) -> tuple[Section, ...]:
    """The sentences about a task, in the order in which they matter."""
    found = document(document(results.document["tasks"])[task])
    all_sections = (
        Section("Decide", tuple(_decide(found))),
        Section("Out", tuple(_out(found))),
        Section("Costs", tuple(_costs(found))),
        Section("Confidence", tuple(_confidence(found))),
        Section("Subsets", tuple(_subsets(found))),
        Section("Steps", tuple(_steps(found))),
        Section("Requirements", tuple(_requirements(found))),
        Section("Missing", tuple(_missing(found))),
    )
    return tuple(s for s in all_sections if s.sentences)


# ── who is first, and with whom ───────────────────────────────────────────────────────────────────


def _candidate(task: Document, name: str) -> Document:
    return document(document(task["candidates"])[name])


def _metric(candidate: Document, name: str) -> Document:
    return document(document(candidate["metrics"]).get(name))


def _value(candidate: Document, name: str) -> float | None:
    return number(_metric(candidate, name).get("value"))


def _viable(task: Document) -> tuple[str, ...]:
    return tuple(n for n in names(task["order"]) if _candidate(task, n)["viable"])


def _unit(task: Document) -> str | None:
    unit = task.get("unit")
    return str(unit) if unit is not None else None


def _decide(task: Document) -> Iterator[str]:
    viable = _viable(task)
    metric = str(task["ranked_by"])
    if not viable:
        yield "No candidate is viable."
        return
    best = viable[0]
    figures = _metric(_candidate(task, best), metric)
    value = number(figures.get("value"))
    if value is None:
        yield f"{called(metric)} cannot be told for any candidate: {figures.get('why', 'no data')}."
        return
    around = interval(metric, number(figures.get("low")), number(figures.get("high")))
    told = f"95 % {around}, " if around else ""
    said = f"{figure(metric, value, _unit(task))} ({told}n = {figures.get('n')})"
    if len(viable) == 1:
        yield f"{best}: {called(metric)} {said}."
        return
    tied = [n for n in viable[1:] if _candidate(task, n)["in_the_running"]]
    yield f"Take {best}: the best {called(metric)}, {said}." if not tied else _tie(task, best, tied, said)
    for name in viable[1:]:
        sentence = _against(task, best, name, metric, name in tied)
        if sentence is not None:
            yield sentence
    yield from _against_handing_over(task, best)
    yield from _other_order(task, viable)


def _against_handing_over(task: Document, best: str) -> Iterator[str]:
    """Whether the first candidate is any better than asking none at all."""
    candidate = _candidate(task, best)
    abstaining = number(document(candidate["policy"]).get("cost_abstain_all"))
    cost = _metric(candidate, "expected_cost")
    low, high = number(cost.get("low")), number(cost.get("high"))
    if abstaining is None or low is None or high is None:
        return
    told = f"handing every example over, which costs {figure('expected_cost', abstaining, _unit(task))}"
    if high < abstaining:
        yield f"{best} is cheaper than {told}."
    else:
        yield f"{best} is {'dearer' if low > abstaining else 'not plainly cheaper'} than {told}."


def _tie(task: Document, best: str, tied: list[str], said: str) -> str:
    metric = called(str(task["ranked_by"]))
    verb = "cannot be told apart from it" if len(tied) == 1 else "cannot be told apart from it either"
    return f"{best} has the best {metric}, {said}, but {listed(tied)} {verb} on these examples."


def _against(task: Document, best: str, name: str, metric: str, tied: bool) -> str | None:
    """How far another candidate is from the first, on the examples that both finished."""
    for pair in map(document, items(task["pairs"])):
        if pair["metric"] != metric or {pair["a"], pair["b"]} != {best, name}:
            continue
        difference = document(pair["difference"])
        value, low, high = (number(difference.get(k)) for k in ("value", "low", "high"))
        if value is None:
            return None
        sign = 1 if pair["a"] == name else -1
        ends = sorted(sign * end for end in (low, high) if end is not None)
        around = f", 95 % {_signed(metric, ends[0])} to {_signed(metric, ends[1])}" if len(ends) == 2 else ""
        size = _difference(metric, abs(value), _unit(task))
        verb, more = _comparison(metric, sign * value >= 0)
        verdict = _told_apart(task, tied, ends)
        return f"{name} {verb} {size} {more} than {best}{around} (n = {difference.get('n')}): {verdict}."
    return None


def _told_apart(task: Document, tied: bool, ends: list[float]) -> str:
    """Whether a difference is more than chance, all pairs counted together."""
    if not tied:
        return "more than chance explains"
    alone = len(ends) == 2 and (ends[0] > 0 or ends[1] < 0)
    pairs = len(_viable(task)) * (len(_viable(task)) - 1) // 2
    if alone and pairs > 1:
        return f"not enough to tell them apart, with {pairs} comparisons at once"
    return "not enough to tell them apart"


def _comparison(metric: str, more: bool) -> tuple[str, str]:
    """The words that a difference stands between."""
    match METRICS[metric].measure:
        case Measure.COST:
            return "costs", "more" if more else "less"
        case Measure.SHARE:
            return "is", "higher" if more else "lower"
        case _:
            return "has", "more" if more else "less"


def _difference(metric: str, value: float, unit: str | None) -> str:
    if METRICS[metric].measure is Measure.SHARE:
        return points(value)
    return figure(metric, value, unit)


def _signed(metric: str, value: float) -> str:
    if METRICS[metric].measure is Measure.SHARE:
        return f"{100 * value:+.1f}"
    return f"{'+' if value >= 0 else '-'}{plain(abs(value))}"


def _other_order(task: Document, viable: tuple[str, ...]) -> Iterator[str]:
    """Where accuracy would have chosen otherwise than costs do, and why."""
    if task["ranked_by"] != "expected_cost":
        return
    by_accuracy = sorted(viable, key=lambda n: -(_value(_candidate(task, n), "accuracy") or 0.0))
    if tuple(by_accuracy) == viable:
        yield "By accuracy the order would be the same."
        return
    yield f"By accuracy the order would be {listed(by_accuracy)}."
    inverted = [(a, c) for i, a in enumerate(viable) for c in viable[:i] if by_accuracy.index(a) < by_accuracy.index(c)]
    if inverted:
        yield from _why_not(task, *max(inverted, key=lambda pair: _gap(task, *pair)))


def _gap(task: Document, accurate: str, cheap: str) -> float:
    """How much more often the one is right than the other."""
    right = [_value(_candidate(task, name), "accuracy") or 0.0 for name in (accurate, cheap)]
    return right[0] - right[1]


def _why_not(task: Document, accurate: str, cheap: str) -> Iterator[str]:
    a, c = _candidate(task, accurate), _candidate(task, cheap)
    right_a, right_c = _value(a, "accuracy"), _value(c, "accuracy")
    cost_a, cost_c = _value(a, "expected_cost"), _value(c, "expected_cost")
    if None in (right_a, right_c, cost_a, cost_c):
        return
    unit = _unit(task)
    yield (
        f"{accurate} is right more often than {cheap} ({percent(right_a or 0)} against {percent(right_c or 0)}) "
        f"and yet costs more ({figure('expected_cost', cost_a or 0, unit)} against {figure('expected_cost', cost_c or 0, unit)})"
        f"{_because(a, c, accurate, cheap, unit)}."
    )


def _because(a: Document, c: Document, accurate: str, cheap: str, unit: str | None) -> str:
    """The reason that the figures give: a broken promise, or dearer mistakes."""
    surprise_a, surprise_c = (number(document(x["policy"]).get("surprise")) for x in (a, c))
    over_a, over_c = _value(a, "overconfidence"), _value(c, "overconfidence")
    if surprise_a is not None and surprise_c is not None and surprise_a > surprise_c and (over_a or 0) > (over_c or 0):
        promised = number(document(a["policy"]).get("promised_cost")) or 0.0
        return (
            f": it is too sure of itself, so it keeps answers that it should have handed over; it promised "
            f"{figure('expected_cost', promised, unit)}, and the rest is surprise"
        )
    return ": its mistakes are the dear ones"


# ── who is out ────────────────────────────────────────────────────────────────────────────────────


def _out(task: Document) -> Iterator[str]:
    for name in names(task["order"]):
        candidate = _candidate(task, name)
        if not candidate["viable"]:
            yield f"{name} is out: {listed(names(candidate['reasons']))}."


# ── costs ─────────────────────────────────────────────────────────────────────────────────────────


def _costs(task: Document) -> Iterator[str]:
    unit = _unit(task)
    policies = {n: document(_candidate(task, n)["policy"]) for n in names(task["order"])}
    for name, policy in policies.items():
        as_is, answer_all = number(policy.get("cost_as_is")), number(policy.get("cost_answer_all"))
        if as_is is None or answer_all is None:
            continue
        coverage = number(policy.get("coverage"))
        if not document(_candidate(task, name)["confidence"]).get("n"):
            yield f"{name} gives no confidence, so it answers everything: {figure('expected_cost', answer_all, unit)}."
            continue
        yield (
            f"{name} answers {percent(coverage or 0, 0)} itself and costs {figure('expected_cost', as_is, unit)} a decision "
            f"(all answered: {figure('expected_cost', answer_all, unit)}){_surprise(policy, unit)}."
        )


def _surprise(policy: Document, unit: str | None) -> str:
    promised, surprise = number(policy.get("promised_cost")), number(policy.get("surprise"))
    around = document(policy.get("surprise_interval"))
    low, high = number(around.get("low")), number(around.get("high"))
    if promised is None or surprise is None or low is None or high is None:
        return ""
    said = f"its own confidence promised {figure('expected_cost', promised, unit)}"
    if low > 0:
        return f"; {said}, so {figure('expected_cost', surprise, unit)} came as a surprise"
    if high < 0:
        return f"; {said}, more than it was"
    return f"; {said}, which it about kept"


# ── confidence ────────────────────────────────────────────────────────────────────────────────────


def _confidence(task: Document) -> Iterator[str]:
    silent = []
    for name in names(task["order"]):
        candidate = _candidate(task, name)
        sentence = _calibration(name, candidate)
        if sentence is None:
            silent.append(name)
        else:
            yield sentence
    if silent and len(silent) < len(names(task["order"])):
        yield f"{listed(silent)}: no confidence was given."


def _calibration(name: str, candidate: Document) -> str | None:
    ece, over = _metric(candidate, "ece"), _metric(candidate, "overconfidence")
    error, gap = number(ece.get("value")), number(over.get("value"))
    if error is None or gap is None:
        return None
    mean = _value(candidate, "mean_confidence") or 0.0
    floor, p = number(ece.get("null_mean")), number(ece.get("p_value"))
    noise = f"ECE {error:.3f}; {floor:.3f} would be noise" if floor is not None else f"ECE {error:.3f}"
    chance = f", p = {p:.3f}" if p is not None and p >= 0.001 else ", p < 0.001" if p is not None else ""
    claims = f"it claims {percent(mean)} and is right {percent(mean - gap)}"
    return f"{name} {_verdict(gap, number(over.get('low')), number(over.get('high')), p)}: {claims} ({noise}{chance})."


def _verdict(gap: float, low: float | None, high: float | None, p: float | None) -> str:
    if low is not None and low > 0 and gap >= NOTICEABLE:
        return "is overconfident"
    if high is not None and high < 0 and -gap >= NOTICEABLE:
        return "is underconfident"
    if p is not None and p <= 0.05:
        return "is right about itself on average, but not at each confidence"
    return "shows no miscalibration beyond noise"


# ── subsets ───────────────────────────────────────────────────────────────────────────────────────


def _subsets(task: Document) -> Iterator[str]:
    """The subsets where the first candidate, or those tied with it, are plainly weaker than overall."""
    metric = "accuracy"
    small: list[str] = []
    for name in _viable(task)[:1]:
        candidate = _candidate(task, name)
        overall = _value(candidate, metric)
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
                f"{name} is weak on {subset}: {percent(value)} right (95 % {around}, n = {figures.get('n')}), "
                f"against {percent(overall or 0)} overall."
            )
        if not weak and document(candidate["subsets"]):
            yield f"{name} is plainly weaker on no subset."
    if small:
        yield f"Too few examples to say anything: {listed(small)}."


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _steps(task: Document) -> Iterator[str]:
    for name in _viable(task)[:1]:
        candidate = _candidate(task, name)
        steps = document(candidate["steps"])
        compounding = document(candidate["compounding"])
        failures = {s: number(document(f)["first_failures"]) or 0 for s, f in steps.items()}
        if not any(failures.values()):
            continue
        worst = max(failures, key=lambda s: failures[s])
        yield f"{name} fails first at {worst} most often: {failures[worst]:.0f} of {sum(failures.values()):.0f} failures."
        product, end = number(compounding.get("product_of_steps")), _value(candidate, "end_to_end")
        if product is not None and end is not None:
            yield f"The steps' accuracies multiply to {percent(product)}; end to end it is right {percent(end)}."
        yield from (s for step, f in steps.items() if (s := _exposure(step, document(f))) is not None)


def _exposure(step: str, found: Document) -> str | None:
    free = number(document(document(found["free"])["accuracy"]).get("value"))
    golden = number(document(document(found["given_gold"])["accuracy"]).get("value"))
    if free is None or golden is None or abs(golden - free) < 0.005:
        return None
    return f"{step} is right {percent(free)} on what it is really given, {percent(golden)} given gold."


# ── requirements and gaps ─────────────────────────────────────────────────────────────────────────


def _requirements(task: Document) -> Iterator[str]:
    for name in names(task["order"]):
        for requirement in map(document, items(_candidate(task, name)["requirements"])):
            verdict = requirement["verdict"]
            if verdict == "met":
                continue
            said = {"not_met": "is not met by", "undecided": "is undecided for"}[str(verdict)]
            yield f"{requirement['clause']} {said} {name}: {_held_against(requirement)}."


def _held_against(requirement: Document) -> str:
    metric = str(requirement["clause"]).partition(" ")[0].partition("(")[0]
    value = number(requirement.get("value"))
    if value is None:
        return str(requirement.get("why", "no data"))
    around = interval(metric, number(requirement.get("low")), number(requirement.get("high")))
    told = f"95 % {around}, " if around else ""
    return f"{figure(metric, value)} ({told}n = {requirement.get('n')})"


def _missing(task: Document) -> Iterator[str]:
    for name in names(task["order"]):
        outcomes = document(_candidate(task, name)["outcomes"])
        unheard = {k: number(outcomes.get(k)) or 0 for k in ("error", "not_asked")}
        unread = {k: number(outcomes.get(k)) or 0 for k in ("no_answer", "truncated", "refused", "timeout")}
        if unheard["error"]:
            yield f"{name}: {unheard['error']:.0f} requests failed; they count nowhere."
        if unheard["not_asked"]:
            yield f"{name}: {unheard['not_asked']:.0f} examples are not answered yet; they count nowhere."
        told = [f"{n:.0f} {called(k)}" for k, n in unread.items() if n]
        if told:
            yield f"{name}: {listed(told)} of {task['examples']}; these count as wrong."
