"""How fast requests may go out: values that say how long to wait, given the time.

Times are seconds of any clock that only moves forward.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalspec.text.values import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A rate of requests or tokens: it fills evenly up to its size."""

    per_s: float
    level: float
    at: float
    size: float


def full_bucket(per_s: float, now: float) -> Bucket:
    """A bucket that has not been drawn from: it holds one second's worth, and 1 at least. The rate must be
    positive."""
    size = max(1.0, per_s)
    return Bucket(per_s=per_s, level=size, at=now, size=size)


def wait_for(bucket: Bucket, now: float, amount: float = 1.0) -> float:
    """The seconds until the bucket holds so much, or is full; 0 if it does."""
    return max(0.0, (min(amount, bucket.size) - _level(bucket, now)) / bucket.per_s)


def drawn(bucket: Bucket, now: float, amount: float = 1.0) -> Bucket:
    """The bucket with so much less; it may owe some."""
    return replace(bucket, level=_level(bucket, now) - amount, at=now)


def _level(bucket: Bucket, now: float) -> float:
    return min(bucket.size, bucket.level + (now - bucket.at) * bucket.per_s)


@dataclass(frozen=True, slots=True)
class Pause:
    """An endpoint that said "later": nothing is sent to it until then."""

    until: float = float("-inf")


def paused(pause: Pause, seconds: float, now: float) -> Pause:
    """The pause with another one laid over it: it ends when both have."""
    return Pause(max(pause.until, now + seconds))


def wait_to_send(pause: Pause, buckets: Iterable[Bucket], now: float) -> float:
    """The seconds until nothing stands against one more request; 0 if nothing does."""
    return max(0.0, pause.until - now, *(wait_for(bucket, now) for bucket in buckets))
