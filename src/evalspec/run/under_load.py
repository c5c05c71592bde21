"""What a latency pass measured, attempt by attempt, and the form in which it is kept with its run.

Between the pass, the store and the scores. All times are whole nanoseconds since the pass began, by a clock
that only moves forward; `began_at` is when that was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from itertools import repeat
from typing import TYPE_CHECKING

from evalspec.run.arrivals import Load
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.values import Json


class Fate(StrEnum):
    """What became of an attempt."""

    ANSWERED = "answered"
    TIMED_OUT = "timed_out"  # no answer within the spec's timeout, or for as long as was waited at all
    FAILED = "failed"
    DROPPED = "dropped"  # in flight when the run was interrupted
    HELD_BACK = "held_back"  # due, but not sent: too many were in flight


@dataclass(frozen=True, slots=True)
class Leg:
    """A step of a chain that was asked: when it was sent, and when its first and its last token came."""

    step: str
    fate: Fate
    sent_ns: int
    first_ns: int | None
    last_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One attempt. `admitted_ns` is when our client took it up, `sent_ns` when it began to send.

    Of a chain an attempt is all its steps, one after the other: `sent_ns` is when the first was sent,
    `first_ns`, `last_ns` and `output_tokens` are those of the last, and `legs` are all of them.
    """

    example: str
    due_ns: int
    fate: Fate
    warmup: bool
    admitted_ns: int | None = None
    sent_ns: int | None = None
    first_ns: int | None = None
    last_ns: int | None = None
    output_tokens: int | None = None
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How our own side did: the event loop's delays (95th percentile, longest), and the most in flight."""

    lag_p95_ns: int
    lag_max_ns: int
    most_in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A candidate's part of a latency pass. `partial`: it was broken off; `lacking`: why there is none."""

    load: Load
    began_at: str
    samples: tuple[Sample, ...] = ()
    client: Client | None = None
    partial: bool = False
    lacking: str | None = None

    @property
    def counted(self) -> tuple[Sample, ...]:
        """The attempts that count: neither those that warmed up, nor those that nobody waited for."""
        return tuple(s for s in self.samples if not s.warmup and s.fate is not Fate.DROPPED)


Passes = Mapping[tuple[str, str], Passed]  # by task and candidate

FIGURES = tuple(f.name for f in fields(Sample) if f.name != "legs")


def passes_json(passes: Passes) -> Json:
    """The passes as they are kept: each attempt's figures column by column."""
    return [
        {"task": task, "candidate": candidate, **_passed_json(passed)}
        for (task, candidate), passed in passes.items()
    ]


def _passed_json(passed: Passed) -> dict[str, Json]:
    columns: dict[str, Json] = {name: [getattr(s, name) for s in passed.samples] for name in FIGURES}
    if any(s.legs for s in passed.samples):
        columns["legs"] = [[_leg_json(leg) for leg in s.legs] for s in passed.samples]
    client, load = passed.client, passed.load
    return {
        "load": {f.name: getattr(load, f.name) for f in fields(load)},
        "began_at": passed.began_at,
        "partial": passed.partial,
        "lacking": passed.lacking,
        "client": None if client is None else {f.name: getattr(client, f.name) for f in fields(client)},
        "samples": columns,
    }


def _leg_json(leg: Leg) -> Json:
    return [leg.step, leg.fate, leg.sent_ns, leg.first_ns, leg.last_ns]


def legs_in(told: object) -> tuple[Leg, ...]:
    """The steps that were told of an attempt; none of one that has none."""
    if not isinstance(told, list):
        return ()
    return tuple(Leg(step, Fate(fate), sent, first, last) for step, fate, sent, first, last in told)


def passes_in(kept: Json) -> Passes:
    """The passes that were kept. Raises KeyError, TypeError and ValueError where these are none."""
    if kept is None:
        return {}
    if not isinstance(kept, list):
        raise TypeError("kept passes are a list")
    return dict(_each(kept))


def _each(kept: Sequence[Json]) -> Iterator[tuple[tuple[str, str], Passed]]:
    for entry in kept:
        if not isinstance(entry, dict):
            raise TypeError("a kept pass is an object")
        yield (str(entry["task"]), str(entry["candidate"])), _passed(entry)


def _passed(entry: dict[str, Json]) -> Passed:
    load, client, columns = _object(entry["load"]), entry["client"], _object(entry["samples"])
    rows = zip(*(columns[name] for name in FIGURES), strict=True)
    samples = [dict(zip(FIGURES, row, strict=True)) for row in rows]
    told = columns.get("legs")
    legs = map(legs_in, told) if isinstance(told, list) else repeat(())
    lacking = entry["lacking"]
    return Passed(
        load=Load(**load),  # type: ignore[arg-type]
        began_at=str(entry["began_at"]),
        partial=bool(entry["partial"]),
        lacking=lacking if isinstance(lacking, str) else None,
        client=None if client is None else Client(**_object(client)),  # type: ignore[arg-type]
        samples=tuple(
            Sample(**{**s, "fate": Fate(s["fate"]), "legs": own})
            for s, own in zip(samples, legs, strict=False)
        ),
    )


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("an object is expected")
    return value
