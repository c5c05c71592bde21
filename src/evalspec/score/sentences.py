"""What a person needs to decide, in plain sentences made from the results alone.

Table, JSON and every other report carry the same sentences, because all of them are made here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from evalspec.language.metric_names import Measure, metric_named
from evalspec.score import findings, made_up, race_sentences
from evalspec.score.lookups import candidate_of, follows_policy, metric_of, unit_of, value_of, viable_in
from evalspec.score.policy_sentences import policy_sentences
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
from evalspec.text.values import dataclass


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
        Section("Costs", (*_costs(found), *policy_sentences(found))),
        Section("Confidence", tuple(findings.confidence(found))),
        Section("Subsets", tuple(findings.subsets(found))),
        Section("Steps", tuple(findings.steps(found))),
        Section("Requirements", tuple(findings.requirements(found))),
        Section("Latency", tuple(findings.budgets(found))),
        Section("Margins", tuple(findings.margins(found))),
        Section("Tasks", tuple(findings.tasks(found))),
        Section("Leaderboards", tuple(findings.leaderboards(found))),
        Section("Missing", tuple(findings.missing(found))),
        Section("Race", tuple(race_sentences.race(found))),
        Section("Simulated", tuple(made_up.simulated(found))),
    )
    return tuple(s for s in all_sections if s.sentences)


# ── who is first, and with whom ───────────────────────────────────────────────────────────────────


def _decide(task: Document) -> Iterator[str]:
    viable = viable_in(task)
    metric = str(task["ranked_by"])
    if not viable:
        yield "No candidate is viable."
        return
    best = viable[0]
    figures = metric_of(candidate_of(task, best), metric)
    value = number(figures.get("value"))
    if value is None:
        yield f"{called(metric)} cannot be told for any candidate: {figures.get('why', 'no data')}."
        return
    around = interval(metric, number(figures.get("low")), number(figures.get("high")))
    told = f"95 % {around}, " if around else ""
    said = f"{figure(metric, value, unit_of(task))} ({told}n = {figures.get('n')})"
    if len(viable) == 1:
        yield f"{best}: {called(metric)} {said}."
        return
    if candidate_of(task, best)["rank_low"] is None:
        order = f"The order is no evidence: {called(metric)} is not compared pair by pair."
        yield f"{best} has the best {called(metric)}, {said}. {order}"
        return
    tied = [n for n in viable[1:] if candidate_of(task, n)["in_the_running"]]
    yield f"Take {best}: the best {called(metric)}, {said}." if not tied else _tie(task, best, tied, said)
    for name in viable[1:]:
        sentence = _against(task, best, name, metric, name in tied)
        if sentence is not None:
            yield sentence
    yield from _against_handing_over(task, best)
    yield from _other_order(task, viable)


def _against_handing_over(task: Document, best: str) -> Iterator[str]:
    """Whether the first candidate is any better than asking none at all."""
    candidate = candidate_of(task, best)
    abstaining = number(document(candidate["policy"]).get("cost_abstain_all"))
    cost = metric_of(candidate, "expected_cost")
    low, high = number(cost.get("low")), number(cost.get("high"))
    if abstaining is None or low is None or high is None:
        return
    told = f"handing every example over, which costs {figure('expected_cost', abstaining, unit_of(task))}"
    if high < abstaining:
        yield f"{best} is cheaper than {told}."
    elif low > abstaining:
        yield f"{best} is dearer than {told}."
    else:
        yield f"{best} is neither plainly cheaper nor plainly dearer than {told}."


def _tie(task: Document, best: str, tied: list[str], said: str) -> str:
    """Who is first beside others that may be: those with the very same figure share its place."""
    ranked_by = str(task["ranked_by"])
    figure_of = {name: value_of(candidate_of(task, name), ranked_by) for name in (best, *tied)}
    equal = [name for name in tied if figure_of[name] == figure_of[best]]
    others = [name for name in tied if name not in equal]
    have = "share" if equal else "has"
    but = f", but {listed(others)} may be as good" if others else ""
    return f"{listed([best, *equal])} {have} the best {called(ranked_by)}, {said}{but}."


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
        size, n = _difference(metric, abs(value), unit_of(task)), int(number(difference.get("n")) or 0)
        sure = pair["distinguished"] is True
        if tied and not sure:
            sized = f"{'+' if sign * value >= 0 else '-'}{size}"
            told = f"difference {sized}{around}{_at_once(task, ends)}"
            these = "this example" if n == 1 else f"these {n:,} examples"
            apart = f"{name} and {best} cannot be told apart on {these} ({told})"
            return f"{apart}{_needed(pair)}."
        verb, more = _comparison(metric, sign * value >= 0)
        apart = f"{name} {verb} {size} {more} than {best}{around} (n = {n})"
        if tied == sure:  # ranks go by intervals of all pairs at once, pairs by tests: either may see more
            p = number(pair.get("p_adjusted")) or 0.0
            told = "more than chance explains" if sure else "its rank is certainly lower"
            but = "yet too little for a certain rank" if sure else "though the test of the pair is not sure"
            return f"{apart}: {told} (p = {p:.3f}), {but}."
        return f"{apart}: more than chance explains."
    return None


def _at_once(task: Document, ends: list[float]) -> str:
    """Why a difference whose own interval leaves 0 out is no evidence: it is one of several."""
    alone = len(ends) == 2 and (ends[0] > 0 or ends[1] < 0)
    pairs = len(viable_in(task)) * (len(viable_in(task)) - 1) // 2
    return f"; {pairs} comparisons at once" if alone and pairs > 1 else ""


def _needed(pair: Document) -> str:
    """How many examples would tell a difference of this size apart, rounded to two figures."""
    needed = number(pair.get("n_needed"))
    if needed is None:
        return ""
    size = 10 ** max(0, len(str(int(needed))) - 2)
    return f"; about {math.ceil(needed / size) * size:,} would be needed"


def _comparison(metric: str, more: bool) -> tuple[str, str]:
    """The words that a difference stands between."""
    match metric_named(metric).measure:
        case Measure.COST:
            return "costs", "more" if more else "less"
        case Measure.SHARE:
            return "is", "higher" if more else "lower"
        case _:
            return "has", "more" if more else "less"


def _difference(metric: str, value: float, unit: str | None) -> str:
    if metric_named(metric).measure is Measure.SHARE:
        return points(value)
    return figure(metric, value, unit)


def _signed(metric: str, value: float) -> str:
    if metric_named(metric).measure is Measure.SHARE:
        return f"{100 * value:+.1f}"
    return f"{'+' if value >= 0 else '-'}{plain(abs(value))}"


def _other_order(task: Document, viable: tuple[str, ...]) -> Iterator[str]:
    """Where accuracy would have chosen otherwise than costs do, and why."""
    if task["ranked_by"] != "expected_cost":
        return
    by_accuracy = sorted(viable, key=lambda n: -(value_of(candidate_of(task, n), "accuracy") or 0.0))
    if tuple(by_accuracy) == viable:
        yield "By accuracy the order would be the same."
        return
    yield f"By accuracy the order would be {listed(by_accuracy)}."
    inverted = [
        (a, c)
        for i, a in enumerate(viable)
        for c in viable[:i]
        if by_accuracy.index(a) < by_accuracy.index(c)
    ]
    if inverted:
        yield from _why_not(task, *max(inverted, key=lambda pair: _gap(task, *pair)))


def _gap(task: Document, accurate: str, cheap: str) -> float:
    """How much more often the one is right than the other."""
    right = [value_of(candidate_of(task, name), "accuracy") or 0.0 for name in (accurate, cheap)]
    return right[0] - right[1]


def _why_not(task: Document, accurate: str, cheap: str) -> Iterator[str]:
    a, c = candidate_of(task, accurate), candidate_of(task, cheap)
    right_a, right_c = value_of(a, "accuracy"), value_of(c, "accuracy")
    cost_a, cost_c = value_of(a, "expected_cost"), value_of(c, "expected_cost")
    if None in (right_a, right_c, cost_a, cost_c):
        return
    unit = unit_of(task)
    right = f"{percent(right_a or 0)} against {percent(right_c or 0)}"
    cost_against = " against ".join(figure("expected_cost", cost or 0, unit) for cost in (cost_a, cost_c))
    more = f"{accurate} is right more often than {cheap} ({right}) and yet costs more ({cost_against})"
    yield f"{more}{_because(a, c, unit)}."


def _because(a: Document, c: Document, unit: str | None) -> str:
    """The reason that the figures give: a broken promise, or dearer mistakes."""
    surprise_a, surprise_c = (number(document(x["policy"]).get("surprise")) for x in (a, c))
    over_a, over_c = value_of(a, "overconfidence"), value_of(c, "overconfidence")
    if (
        surprise_a is not None
        and surprise_c is not None
        and surprise_a > surprise_c
        and (over_a or 0) > (over_c or 0)
    ):
        promised = number(document(a["policy"]).get("promised_cost")) or 0.0
        return (
            f": it is too sure of itself, so it keeps answers that it should have handed over; it promised "
            f"{figure('expected_cost', promised, unit)}, and the rest is surprise"
        )
    over_to_people = _handed_over(a), _handed_over(c)
    if follows_policy(a) and over_to_people[0] > over_to_people[1]:
        handed = " against ".join(percent(share, 0) for share in over_to_people)
        return f": its confidence tells right from wrong less well, so it hands more over ({handed})"
    return ": its mistakes are the dear ones"


def _handed_over(candidate: Document) -> float:
    """The share of examples that a person gets: what could not be read is neither given nor handed over."""
    coverage, given = number(document(candidate["policy"]).get("coverage")), candidate["confidence"]
    if coverage is None or not document(given).get("n"):
        return 0.0
    outcomes = document(candidate["outcomes"])
    heard = {k: number(n) or 0.0 for k, n in outcomes.items() if k not in ("error", "not_asked")}
    unread = sum(heard.get(k, 0.0) for k in ("no_answer", "refused", "truncated", "timeout"))
    return max(0.0, 1 - coverage - unread / (sum(heard.values()) or 1.0))


# ── who is out ────────────────────────────────────────────────────────────────────────────────────


def _out(task: Document) -> Iterator[str]:
    for name in names(task["order"]):
        candidate = candidate_of(task, name)
        if not candidate["viable"]:
            yield f"{name} is out: {listed(names(candidate['reasons']))}."


# ── costs ─────────────────────────────────────────────────────────────────────────────────────────


def _costs(task: Document) -> Iterator[str]:
    unit = unit_of(task)
    policies = {n: document(candidate_of(task, n)["policy"]) for n in names(task["order"])}
    for name, policy in policies.items():
        as_is, answer_all = number(policy.get("cost_as_is")), number(policy.get("cost_answer_all"))
        if as_is is None or answer_all is None:
            continue
        coverage = number(policy.get("coverage"))
        if not document(candidate_of(task, name)["confidence"]).get("n"):
            cost = figure("expected_cost", answer_all, unit)
            readable = number(document(candidate_of(task, name)["outcomes"]).get("answered"))
            silent = f"{name} gives no confidence, so it answers everything" if readable else ""
            yield f"{silent or f'{name} gave no answer that could be read'}: {cost}."
            continue
        followed = value_of(candidate_of(task, name), "expected_cost")
        cost = figure("expected_cost", as_is if followed is None else followed, unit)
        if not follows_policy(candidate_of(task, name)):
            answered, cost = cost, figure("expected_cost", as_is, unit)
            kept = f"handing over what is promised to be dearer (`abstain = when_cheaper`) would cost {cost}"
            left = percent(coverage or 0, 0)
            yield f"{name} answers everything and costs {answered}; {kept} and leave it {left}."
            continue
        said = f"{name} answers {percent(coverage or 0, 0)} itself and costs {cost}"
        answered = figure("expected_cost", answer_all, unit)
        yield f"{said} a decision (all answered: {answered}){_surprise(policy, unit)}."


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
    return f"; {said}, no surprise beyond chance"
