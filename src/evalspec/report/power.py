"""What a set can tell apart, as text on one screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.language.metric_names import Measure, metric_named
from evalspec.report.glyphs import visible
from evalspec.report.wrapping import shortened, wrapped
from evalspec.score.wording import called, figure, interval, percent, plain

if TYPE_CHECKING:
    from evalspec.score.power import Forecast, Scope, Seen, Told, Wanted
    from evalspec.text.values import Json

FORMAT = "evalspec.power/1"
WIDTH = 100
LONGEST_NAME = 24
MOST_SUBSETS = 12
ALWAYS = "told apart four times in five (80 % power) at 95 %"


# ── before a run ──────────────────────────────────────────────────────────────────────────────────


def forecast_text(forecasts: Sequence[Forecast]) -> str:
    """What each task's set can tell apart."""
    return "\n".join("\n".join((*_forecast(f), "")) for f in forecasts)


def _forecast(found: Forecast) -> Iterator[str]:
    yield visible(f"{found.task}: {_several(len(found.candidates), 'candidate')}, {_comparisons(found)}")
    yield ""
    if found.why is not None:
        yield from wrapped(f"Nothing can be foretold: {visible(found.why)} (`evalspec power RUN`).", WIDTH)
        return
    shown = [s for s in found.scopes if s.subset is None]
    subsets = sorted((s for s in found.scopes if s.subset is not None), key=lambda s: -s.n)
    yield from _table(found, [*shown, *subsets[:MOST_SUBSETS]])
    if len(subsets) > MOST_SUBSETS:
        yield f"and {len(subsets) - MOST_SUBSETS:,} smaller subsets (`--format json` tells all)"
    yield ""
    yield from wrapped(_legend(found), WIDTH)
    for line in (*_costs_explained(found), *_worth(found), *map(_wanted, found.wanted)):
        yield from wrapped(line, WIDTH)


def _comparisons(found: Forecast) -> str:
    if len(found.candidates) < 2:
        return "nothing to compare; told for one comparison"
    return _several(found.contrasts, "comparison") + (" at once" if found.contrasts > 1 else "")


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _table(found: Forecast, scopes: Sequence[Scope]) -> list[str]:
    from tabulate import tabulate

    guesses = [told.discordant for told in scopes[0].told]
    headers = ["", "examples", *(f"accuracy, if {percent(g, 0)}" for g in guesses)]
    headers += [f"cost, if {percent(g, 0)}" for g in guesses] if found.spread is not None else []
    names = shortened([visible(s.subset or "all") for s in scopes], LONGEST_NAME)
    rows = [[name, f"{s.n:,}", *_cells(s, found)] for name, s in zip(names, scopes, strict=True)]
    align = ("left", *("right" for _ in headers[1:]))
    return str(
        tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=align)
    ).split("\n")


def _cells(scope: Scope, found: Forecast) -> Iterator[str]:
    for told in scope.told:
        yield "-" if told.accuracy is None else percent(told.accuracy)
    if found.spread is not None:
        yield from (_cost(told, found.unit) for told in scope.told)


def _cost(told: Told, unit: str | None) -> str:
    return "-" if told.cost is None else figure("expected_cost", told.cost, unit)


def _legend(found: Forecast) -> str:
    return (
        f"The smallest difference that is {ALWAYS}, if two candidates disagree on 10 % of the examples "
        "(as those of one family do) or on 20 % (as others do). A dash: no difference would be."
    )


def _costs_explained(found: Forecast) -> Iterator[str]:
    if found.spread is not None:
        gap = figure("expected_cost", found.spread, found.unit)
        yield visible(
            f"Of costs: as if a wrong answer cost {gap} more than a right one, and all were answered."
        )


def _worth(found: Forecast) -> Iterator[str]:
    """What weights and clusters leave of the number of examples."""
    (whole,) = [s for s in found.scopes if s.subset is None]
    if whole.effective < whole.n:
        yield (
            f"With their weights and clusters the {whole.n:,} examples are worth {whole.effective:,} "
            "that count alike and stand alone."
        )


def _wanted(wanted: Wanted) -> str:
    size = percent(wanted.difference) if wanted.metric == "accuracy" else plain(wanted.difference)
    guess = f"if {percent(wanted.discordant, 0)} differ"
    if wanted.n is None:
        return f"A difference of {size} in {called(wanted.metric)}, {guess}: {wanted.why}."
    return f"A difference of {size} in {called(wanted.metric)}, {guess}, takes {wanted.n:,} examples."


# ── after a run ───────────────────────────────────────────────────────────────────────────────────


def seen_text(tasks: Mapping[str, Sequence[Seen]], units: Mapping[str, str | None]) -> str:
    """What a run's pairs say, task by task."""
    return "\n".join("\n".join((*_task_seen(name, own, units.get(name)), "")) for name, own in tasks.items())


def _task_seen(task: str, pairs: Sequence[Seen], unit: str | None) -> Iterator[str]:
    from tabulate import tabulate

    yield visible(f"{task}: {_several(len({(s.pair.a, s.pair.b) for s in pairs}), 'pair')} of candidates")
    yield ""
    if not pairs:
        yield "There is nothing to compare: one candidate, or a metric that is no mean."
        return
    headers = ["pair", "metric", "difference (95 %)", "differ", "smallest told apart", "examples needed"]
    rows = [_row(s, unit) for s in pairs]
    yield from str(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)).split("\n")
    yield ""
    examples = max(s.n for s in pairs)
    legend = (
        f"`differ`: on how many of the {examples:,} examples exactly one of the two is right. `smallest told "
        f"apart`: by as many examples with as much noise, {ALWAYS}, all pairs counted together. "
        "`examples needed`: to tell the difference that was seen apart."
    )
    yield from wrapped(legend, WIDTH)


def _row(found: Seen, unit: str | None) -> list[str]:
    pair = found.pair
    name = " - ".join(shortened([visible(pair.a), visible(pair.b)], LONGEST_NAME))
    needed = "told apart" if pair.distinguished else "-" if pair.n_needed is None else f"{pair.n_needed:,}"
    differ = "-" if found.discordant is None else percent(found.discordant)
    own = unit if metric_named(pair.metric).measure is Measure.COST else None
    least = "-" if found.smallest is None else _size(pair.metric, found.smallest, own)
    return [name, called(pair.metric), _difference(found, own), differ, least, needed]


def _difference(found: Seen, unit: str | None) -> str:
    metric, estimate = found.pair.metric, found.pair.difference
    value = estimate.value or 0.0
    around = interval(metric, estimate.low, estimate.high)
    return ("-" if value < 0 else "+") + _size(metric, abs(value), unit) + (f" ({around})" if around else "")


def _size(metric: str, value: float, unit: str | None) -> str:
    if metric_named(metric).measure is Measure.SHARE:
        return percent(value)
    return figure(metric, value, unit)


# ── as JSON ───────────────────────────────────────────────────────────────────────────────────────


def forecast_json(forecasts: Sequence[Forecast]) -> Json:
    """What each task's set can tell apart, as a document."""
    return {"format": FORMAT, "of": "spec", "power": 0.8, "alpha": 0.05,
            "tasks": {f.task: _forecast_json(f) for f in forecasts}}  # fmt: skip


def _forecast_json(found: Forecast) -> Json:
    document: dict[str, Json] = {
        "ranked_by": found.ranked_by,
        "unit": found.unit,
        "candidates": list(found.candidates),
        "comparisons": found.contrasts,
        "cost_spread": found.spread,
        "scopes": [_scope_json(s) for s in found.scopes],
        "needed": [_wanted_json(w) for w in found.wanted],
    }
    return document if found.why is None else {**document, "why": found.why}


def _scope_json(scope: Scope) -> Json:
    return {
        "subset": scope.subset,
        "n": scope.n,
        "effective_n": scope.effective,
        "smallest": [_told_json(t) for t in scope.told],
    }


def _told_json(told: Told) -> Json:
    document: dict[str, Json] = {"discordant": told.discordant, "accuracy": told.accuracy, "cost": told.cost}
    return document if told.why is None else {**document, "why": told.why}


def _wanted_json(wanted: Wanted) -> Json:
    document: dict[str, Json] = {
        "metric": wanted.metric,
        "difference": wanted.difference,
        "discordant": wanted.discordant,
        "n": wanted.n,
    }
    return document if wanted.why is None else {**document, "why": wanted.why}


def seen_json(run: str, tasks: Mapping[str, Sequence[Seen]]) -> Json:
    """What a run's pairs say, as a document."""
    pairs: dict[str, Json] = {name: {"pairs": [_seen_json(s) for s in own]} for name, own in tasks.items()}
    return {"format": FORMAT, "of": "run", "run": run, "power": 0.8, "alpha": 0.05, "tasks": pairs}


def _seen_json(found: Seen) -> Json:
    pair = found.pair
    return {
        "a": pair.a,
        "b": pair.b,
        "metric": pair.metric,
        "n": found.n,
        "difference": pair.difference.value,
        "low": pair.difference.low,
        "high": pair.difference.high,
        "discordant": found.discordant,
        "sd": found.sd,
        "smallest": found.smallest,
        "distinguished": pair.distinguished,
        "n_needed": pair.n_needed,
    }
