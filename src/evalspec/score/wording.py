"""Figures as people read them, and typed looks into a results document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from evalspec.language.metric_names import Direction, Measure, metric_named
from evalspec.text.units import short_duration
from evalspec.text.values import Json

Document = Mapping[str, Json]


def document(value: Json) -> Document:
    """A JSON object, empty where there is none."""
    return cast(Document, value) if isinstance(value, dict) else {}


def items(value: Json) -> Sequence[Json]:
    """A JSON list, empty where there is none."""
    return value if isinstance(value, list) else ()


def number(value: Json) -> float | None:
    """A JSON number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def names(value: Json) -> tuple[str, ...]:
    """A JSON list of names."""
    return tuple(str(item) for item in items(value))


def percent(value: float, digits: int = 1) -> str:
    """A share in percent: `71.4 %`."""
    return f"{100 * value:.{digits}f} %"


def points(value: float) -> str:
    """A difference of shares in percentage points: `8.2 points`."""
    return f"{100 * abs(value):.1f} points"


def plain(value: float) -> str:
    """A figure with about three digits: `0.0412`, `1.23`, `45.6`, `1,234`."""
    size = abs(value)
    if size >= 1e15:  # more digits than a float has
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.095 or size == 0 else f"{value:.3f}"


def figure(metric: str, value: float, unit: str | None = None) -> str:
    """A metric's value in its own unit."""
    match metric_named(metric).measure:
        case Measure.SHARE:
            return percent(value)
        case Measure.TIME:
            return short_duration(value)
        case Measure.COST:
            return f"{plain(value)} {unit}" if unit else plain(value)
        case Measure.SCORE:
            return f"{value:.3f}"
        case Measure.COUNT:
            return plain(value)


def interval(metric: str, low: float | None, high: float | None) -> str:
    """The 95 % interval of a figure, without its unit: `66.4 to 75.9`; empty where there is none."""
    if low is None or high is None:
        return ""
    measure = metric_named(metric).measure
    if measure is Measure.SHARE:
        return f"{100 * low:.1f} to {100 * high:.1f}"
    if measure is Measure.TIME:
        return f"{short_duration(low)} to {short_duration(high)}"
    if measure is Measure.SCORE:
        return f"{low:.3f} to {high:.3f}"
    return f"{plain(low)} to {plain(high)}"


def with_interval(metric: str, figures: Document, unit: str | None = None) -> str:
    """A figure with its interval in brackets, or why there is none."""
    value = number(figures.get("value"))
    if value is None:
        return f"undefined ({figures.get('why', 'no data')})"
    around = interval(metric, number(figures.get("low")), number(figures.get("high")))
    return figure(metric, value, unit) + (f" ({around})" if around else "")


def better_first(metric: str) -> str:
    """Which way a metric is better, in words."""
    return {
        Direction.MAX: "higher is better",
        Direction.MIN: "lower is better",
        Direction.ZERO: "nearer to 0 is better",
    }[metric_named(metric).direction]


def listed(parts: Sequence[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""


def called(metric: str) -> str:
    """A metric's name as it stands in a sentence."""
    return metric.replace("_", " ")
