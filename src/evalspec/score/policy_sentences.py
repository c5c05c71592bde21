"""What recalibration would save, and how far the order holds when a review costs more or less: in words.

Made from the results alone, like all sentences; `sentences.py` puts them under `Costs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalspec.score.lookups import candidate_of, unit_of, value_of, viable_in
from evalspec.score.wording import Document, document, figure, items, listed, number

RECALIBRATED = "when_cheaper(recalibrated)"
SLIVER = 1e-3  # of the range of prices: shorter stretches at its ends are not worth a word
NOTICEABLE = 0.05  # of the cost: what recalibration saves beyond it is said


def policy_sentences(task: Document) -> Iterator[str]:
    """What else could be decided by confidence, and at which prices."""
    yield from _not_recalibrated(task)
    yield from _recalibrated(task)
    yield from _crossover(task)


def _not_recalibrated(task: Document) -> Iterator[str]:
    """The candidates whose confidences the spec would recalibrate, and had to be taken as stated."""
    by_reason: dict[str, list[str]] = {}
    for name in viable_in(task):
        candidate = candidate_of(task, name)
        policy, given = document(candidate["policy"]), document(candidate["confidence"]).get("n")
        fit = document(policy.get("recalibration"))
        if policy.get("rule") == RECALIBRATED and given and fit.get("method") is None:
            by_reason.setdefault(str(fit.get("why")), []).append(name)
    for why, told in by_reason.items():
        yield f"The confidences of {listed(told)} are taken as stated, not recalibrated: {why}."


def _recalibrated(task: Document) -> Iterator[str]:
    """The candidates that would cost noticeably less if their confidences were recalibrated first."""
    told: list[str] = []
    for name in viable_in(task):
        policy = document(candidate_of(task, name)["policy"])
        stated, learnt = number(policy.get("cost_as_is")), number(policy.get("cost_recalibrated"))
        if stated is None or learnt is None or policy.get("rule") == RECALIBRATED:
            continue
        paid = value_of(
            candidate_of(task, name), "expected_cost"
        )  # all answered, where no policy is declared
        now = stated if paid is None else min(stated, paid)
        if learnt < now - NOTICEABLE * abs(now):
            verb = "would cost " if not told else ""
            told.append(f"{name} {verb}{figure('expected_cost', learnt, unit_of(task))}")
    if told:
        how = "`abstain = when_cheaper(recalibrated)`, each example by what the others taught"
        yield f"With recalibrated confidences {listed(told)} ({how})."


def _crossover(task: Document) -> Iterator[str]:
    """How far the first candidate stays the cheaper one as the price of a review changes.

    Against the one among the others that accuracy would choose.
    """
    viable = viable_in(task)
    if task["ranked_by"] != "expected_cost" or len(viable) < 2:
        return
    rival = max(viable[1:], key=lambda name: value_of(candidate_of(task, name), "accuracy") or 0.0)
    now = number(document(candidate_of(task, viable[0])["policy"]).get("cost_abstain_all"))
    for pair in map(document, items(task.get("crossovers"))):
        if pair["b"] == rival and now is not None:
            stretches = list(map(document, items(pair["stretches"])))
            yield from _sentence(viable[0], rival, stretches, now, unit_of(task))


def _sentence(
    first: str, rival: str, stretches: Sequence[Document], now: float, unit: str | None
) -> Iterator[str]:
    """Between which prices the order holds, the present price among them."""
    here = next((i for i, s in enumerate(stretches) if _within(s, now)), None)
    if here is None or stretches[here]["cheaper"] != first:
        return
    low, high = (
        figure("expected_cost", number(stretches[here].get(end)) or 0.0, unit) for end in ("low", "high")
    )
    least = SLIVER * (number(stretches[-1].get("high")) or 0.0)  # confidences of nearly 1 flip who is ahead
    below = [s for s in stretches[:here] if _length(s) > least]
    above = [s for s in stretches[here + 1 :] if _length(s) > least]
    if not below and not above:
        yield f"{first} is cheaper than {rival} at any price of a review."
        return
    prices = (
        f"between {low} and {high}" if below and above else f"{low} or more" if below else f"up to {high}"
    )
    sides = [("below", low, s) for s in below[-1:]] + [("above", high, s) for s in above[:1]]
    said = ["they cost the same" if s["cheaper"] is None else f"{rival} is" for _, _, s in sides]
    beyond = ", ".join(f"{where} {price} {is_}" for (where, price, _), is_ in zip(sides, said, strict=True))
    if len(said) > len(set(said)):
        beyond = f"outside of that {said[0]}"
    told = figure("expected_cost", now, unit)
    yield f"{first} is cheaper than {rival} where a review costs {prices} (here {told}); {beyond}."


def _length(stretch: Document) -> float:
    return (number(stretch.get("high")) or 0.0) - (number(stretch.get("low")) or 0.0)


def _within(stretch: Document, price: float) -> bool:
    low, high = number(stretch.get("low")), number(stretch.get("high"))
    return low is not None and high is not None and low <= price <= high
