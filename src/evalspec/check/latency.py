"""Latency budgets: bounds on percentiles, mean, largest and errors, and the load under which they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.bounds import clause_of, excludes
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import quantity_of, shown, whole_number
from evalspec.language.metric_names import figure_in
from evalspec.language.program import Bound, Budgets
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, problem
from evalspec.text.units import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.measuring import Measured

OF_LATENCY = ("p50", "p90", "p95", "p99", "p99.9", "mean", "max", "errors")
FROM_THE_FIRST = ("first_token", "queue")


def read_budgets(entries: Entries, measured: Measured, faults: Faults) -> Budgets | None:
    """The budgets of a task or chain."""
    block = entries.nested("latency")
    if block is None:
        return None
    inner = read_entries(block, faults)
    rate, in_flight = _load(inner, measured, faults)
    under_load = "load" in inner.attributes
    bounds = [_bound(bound, measured, under_load, faults) for bound in inner.bounds]
    if not inner.bounds and not inner.broken:
        faults.add("E0427", block.header, "`latency` holds no bound", "write `p95 <= 1.5s`")
    kept = tuple(b for b in bounds if b is not None)
    _each_once(kept, faults)
    duration, warmup = inner.value("for"), inner.value("warmup")
    return Budgets(
        bounds=kept,
        exclude=excludes(inner, faults),
        rate_per_s=rate,
        in_flight=in_flight,
        duration_ns=None if duration is None else _duration(duration, faults),
        warmup=None if warmup is None else whole_number(warmup, "`warmup`", faults, least=0),
    )


def _load(inner: Entries, measured: Measured, faults: Faults) -> tuple[float | None, int | None]:
    """Requests by the clock, or so many in flight. What belongs to a load does not stand without one."""
    value = inner.value("load")
    if value is None:
        for name in ("for", "warmup"):
            if name in inner.attributes and "load" not in inner.spoiled:
                at = inner.attributes[name].key.at
                faults.add(
                    "E0451", at, f"`{name}` needs a load", "write `load = 4/s`, or `load = 8` in flight"
                )
        return None, None
    if "for" not in inner.attributes and "for" not in inner.spoiled:
        faults.add("E0406", inner.block.header, "a load needs `for`", "write `for = 60s`: how long it lasts")
    if any(step.votes for step in measured.steps) and measured.chain:
        faults.not_run(inner.attributes["load"].at, "a latency pass of a chain with steps put to the vote")
    found = quantity_of(value, (Unit.RATE, Unit.NUMBER), "`load`", faults)
    if found is None:
        return None, None
    if found.unit is Unit.RATE:
        if found.value <= 0:
            faults.add("E0305", value.at, f"`load = {shown(value)}` would send nothing", "write `load = 4/s`")
            return None, None
        return float(found.value), None
    return None, whole_number(value, "a load in flight", faults)


def _duration(value: tree.Expr, faults: Faults) -> int | None:
    found = quantity_of(value, (Unit.DURATION,), "`for`", faults)
    if found is not None and found.value <= 0:
        faults.add("E0305", value.at, "`for` is more than nothing", "write `for = 60s`")
        return None
    return found.nanoseconds if found is not None else None


def _bound(bound: tree.Bound, measured: Measured, under_load: bool, faults: Faults) -> Bound | None:
    name = bound.metric.text
    percentile = figure_in(name, "percentile")
    if name not in OF_LATENCY and not percentile:
        help_line, fixes = did_you_mean(name, OF_LATENCY, at=bound.metric.at)
        said = f"there is no latency `{name}`"
        faults.found.append(problem("E0410", bound.metric.at, said, help_line, fixes=fixes))
        return None
    if bound.operator not in ("<=", "<"):
        faults.add("E0428", bound.at, f"a budget is not written with `{bound.operator}`", "write `<=`")
        return None
    label, step = _argument(bound, measured, under_load, faults)
    value = _figure(bound, faults)
    if value is None:
        return None
    return Bound(
        metric=name,
        subset=None,
        label=label,
        step=step,
        operator=bound.operator,
        value=value,
        clause=clause_of(bound, None),
        at=bound.at,
    )


def _argument(
    bound: tree.Bound, measured: Measured, under_load: bool, faults: Faults
) -> tuple[str | None, str | None]:
    """Of what: the first token, the time in the queue, or a step; neither for the whole."""
    node = bound.argument
    if node is None:
        return None, None
    steps = [s.name for s in measured.steps] if measured.chain else []
    if bound.metric.text != "errors" and isinstance(node, tree.Name | tree.Text):
        if node.text == "queue" and not under_load:
            way_out = "write `load = 4/s`: only requests by the clock wait for their turn"
            faults.add("E0451", node.at, "`queue` needs a load", way_out)
            return None, None
        if node.text in FROM_THE_FIRST:
            return node.text, None
        if node.text in steps:
            return None, node.text
    known = ", ".join(f"`{n}`" for n in (*FROM_THE_FIRST, *steps))
    faults.add(
        "E0204", node.at, f"`{shown(node)}` is nothing that has a latency of its own", f"known: {known}"
    )
    return None, None


def _figure(bound: tree.Bound, faults: Faults) -> float | None:
    name = bound.metric.text
    units = (Unit.RATIO,) if name == "errors" else (Unit.DURATION,)
    found = quantity_of(bound.value, units, f"a bound on `{name}`", faults)
    if found is None:
        return None
    if name == "errors" and not 0 <= found.value <= 1:
        said = f"`errors` is a share, and `{shown(bound.value)}` is none"
        faults.add("E0429", bound.value.at, said, "write a figure from 0 % to 100 %")
        return None
    if name != "errors" and found.value <= 0:
        said = f"`{name}` is never `{shown(bound.value)}`"
        faults.add("E0429", bound.value.at, said, "write a figure above 0")
        return None
    return float(found.value)


def _each_once(bounds: Sequence[Bound], faults: Faults) -> None:
    """Each figure is bounded once, and a tighter bound on a higher percentile makes a lower one idle."""
    firsts: dict[tuple[object, ...], Bound] = {}
    for bound in bounds:
        key = (bound.label, bound.step, bound.metric)
        if key in firsts:
            label = Label(at=firsts[key].at, message="the other stands here")
            faults.add("E0404", bound.at, f"`{bound.metric}` is bounded twice", "remove one", labels=[label])
            continue
        _say_idle(bound, [b for b in firsts.values() if (b.label, b.step) == key[:2]], faults)
        firsts[key] = bound


def _say_idle(bound: Bound, earlier: Sequence[Bound], faults: Faults) -> None:
    for before in earlier:
        if (idle := _idle(before, bound)) is not None:
            other = before if idle is bound else bound
            said = f"`{idle.clause}` never decides anything: `{other.clause}` asks for more"
            faults.add("W0711", idle.at, said, "are the two the wrong way round?",
                       labels=[Label(at=other.at, message="the other stands here")])  # fmt: skip
            return


def _idle(one: Bound, other: Bound) -> Bound | None:
    """The bound on a lower percentile that a bound on a higher one implies."""
    order = [(100.0 if b.metric == "max" else figure_in(b.metric, "percentile"), b) for b in (one, other)]
    known = sorted(((q, b) for q, b in order if q is not None), key=lambda pair: pair[0])
    if len(known) < 2 or known[0][1].value < known[1][1].value:
        return None
    return known[0][1]
