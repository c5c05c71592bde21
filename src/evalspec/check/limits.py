"""The limits of a file: requests in flight and by time, tokens by time, money, and racing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import flag_of, quantity_of, shown, word_of
from evalspec.language.program import Limits
from evalspec.text.diagnostics import Label, did_you_mean, problem
from evalspec.text.units import Unit
from evalspec.text.values import replace

if TYPE_CHECKING:
    from decimal import Decimal

    from evalspec.check.names import Declared
    from evalspec.syntax import tree

LIMITS = ("concurrency", "requests", "spend", "tokens")


def read_limits(declared: Declared, faults: Faults) -> Limits:
    """The limits of a file."""
    if declared.limits is None:
        return Limits()
    entries = read_entries(declared.limits, faults)
    limits = Limits(race=_race(entries, faults))
    seen: dict[tuple[str, str], tree.Bound] = {}
    for bound in entries.bounds:
        target = _target(bound, declared, faults)
        if _upper(bound, faults) and target is not None and _limited_once(bound, target, seen, faults):
            limits = _with(limits, bound, target, faults)
    return limits


def _with(limits: Limits, bound: tree.Bound, target: str, faults: Faults) -> Limits:
    """The limits with one more; as they are where it is none."""
    match bound.metric.text:
        case "concurrency":
            most = _concurrency(bound, faults)
            if not target:
                return replace(limits, concurrency=most)
            own = {target: most} if most else {}
            return replace(limits, model_concurrency={**limits.model_concurrency, **own})
        case "requests":
            rate = _above_nothing(bound, Unit.RATE, faults)
            own_rate = {} if rate is None else {target: float(rate)}
            return replace(limits, request_rates={**limits.request_rates, **own_rate})
        case "spend":
            money = _above_nothing(bound, Unit.MONEY, faults)
            return replace(limits, spend={**limits.spend, **({} if money is None else {target: money})})
        case "tokens":
            flow = _above_nothing(bound, Unit.RATE, faults)
            own_flow = {} if flow is None else {target: float(flow)}
            return replace(limits, token_rates={**limits.token_rates, **own_flow})
        case name:
            help_line, fixes = did_you_mean(name, LIMITS, at=bound.metric.at)
            faults.add("E0430", bound.metric.at, f"there is no limit `{name}`", help_line, fixes=fixes)
            return limits


def _above_nothing(bound: tree.Bound, unit: Unit, faults: Faults) -> Decimal | None:
    found = quantity_of(bound.value, (unit,), f"`{bound.metric.text}`", faults)
    if found is None or not _asks_something(found.value > 0, bound, faults):
        return None
    return found.value


def _race(entries: Entries, faults: Faults) -> bool:
    value = entries.value("race")
    on = flag_of(value, "`race`", faults) if value is not None else False
    return bool(on)


def _limited_once(
    bound: tree.Bound, target: str, seen: dict[tuple[str, str], tree.Bound], faults: Faults
) -> bool:
    first = seen.setdefault((bound.metric.text, target), bound)
    if first is not bound:
        label = Label(at=first.at, message="first given here")
        faults.add("E0404", bound.at, f"`{bound.metric.text}` is given twice", "remove one", labels=[label])
    return first is bound


def _concurrency(bound: tree.Bound, faults: Faults) -> int | None:
    found = quantity_of(bound.value, (Unit.NUMBER,), "`concurrency`", faults)
    whole = found is not None and found.value == int(found.value) and found.value >= 1
    if found is None or not _asks_something(whole, bound, faults):
        return None
    return int(found.value)


def _upper(bound: tree.Bound, faults: Faults) -> bool:
    if bound.operator != "<=":
        faults.add("E0428", bound.at, f"a limit is not written with `{bound.operator}`", "write `<=`")
        return False
    return True


def _asks_something(fits: bool, bound: tree.Bound, faults: Faults) -> bool:
    if not fits:
        faults.add(
            "E0305",
            bound.value.at,
            f"`{bound.metric.text} <= {shown(bound.value)}` would ask nothing",
            "write a figure above 0"
            if bound.metric.text != "concurrency"
            else "write a whole number of at least 1",
        )
    return fits


def _target(bound: tree.Bound, declared: Declared, faults: Faults) -> str | None:
    """The model or provider that a limit is for; empty for all."""
    if bound.argument is None:
        return ""
    word = word_of(bound.argument, "a model or provider", faults)
    known = declared.names["model"] | declared.names["provider"]
    if word is not None and word.text not in known:
        help_line, fixes = did_you_mean(word.text, known, at=word.at)
        faults.found.append(
            problem("E0201", word.at, f"there is no model or provider `{word.text}`", help_line, fixes=fixes)
        )
        return None
    return word.text if word is not None else None
