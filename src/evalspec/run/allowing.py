"""What an account has left, by what its server tells with each answer: so that nothing need be refused.

Pure: times are seconds of a clock that only moves forward. A server tells what is left of a limit, and when
all of it is there again. Some let it grow back evenly, so that this moment moves on as more is used; others
count by the minute, and the moment stands still until it has come. Which of them it is shows as time goes by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.models.allowances import Allowance

SURE_S = 2.0  # moments are told in whole seconds by some; before it has moved by more, it tells nothing
LONGEST_S = 60.0  # after so long without a word it is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left at a moment: `level` of `limit`, which grows by `per_s`, and is whole at `full_s`.

    `by_window` tells that it does not grow, but is whole at once when the moment comes. `basis` is what was
    told at first of those answers that are compared: when, when it would be whole, and how much was used.
    """

    limit: float
    level: float
    at: float
    full_s: float
    per_s: float
    heard_s: float
    by_window: bool = False
    basis: tuple[float, float, float] = (0.0, 0.0, 0.0)


def heard(before: Left | None, told: Allowance, drawn_since: float, sent_s: float, now: float) -> Left:
    """What is left by an answer that told so, when so much has been drawn since its request was sent.

    It was told of the moment when the request came in; what grew back since then is there, too.
    """
    used = told.limit - told.left
    # What is left is told in whole ones, most often rounded down: it is half of one more on average.
    per_s = (used - 0.5 if used >= 2 else max(used, 1.0)) / told.full_in_s
    fresh = Left(
        limit=told.limit,
        level=told.left - drawn_since,
        at=now,
        full_s=now + told.full_in_s,
        per_s=per_s,
        heard_s=now,
        basis=(now, now + told.full_in_s, used),
    )
    fresh = fresh if before is None else _compared(before, fresh, used)
    return fresh if fresh.by_window else replace(fresh, level=fresh.level + (now - sent_s) * per_s)


def _compared(before: Left, fresh: Left, used: float) -> Left:
    since, full_s, used_then = before.basis
    # Where it grows back evenly, the moment moves by the time that went and by what was used meanwhile.
    expected = fresh.at - since + (used - used_then) / fresh.per_s
    if used < used_then or expected < SURE_S:
        kept = before.basis if used >= used_then else fresh.basis
        return replace(fresh, by_window=before.by_window, basis=kept)
    return replace(fresh, by_window=fresh.full_s - full_s < expected / 2)


def drawn(left: Left, now: float, amount: float) -> Left:
    """What is left after so much more was sent."""
    renewed = left.by_window and now >= left.full_s
    full_s = float("inf") if renewed else left.full_s  # the next moment is not known yet
    return replace(left, level=_level(left, now) - amount, at=now, full_s=full_s)


def wait_for(left: Left, now: float, amount: float) -> float:
    """The seconds until so much is left; 0 if it is."""
    level = _level(left, now)
    missing = min(amount, left.limit) - level
    if missing <= 0:
        return 0.0
    wait = left.full_s - now if left.by_window else missing / left.per_s
    return max(0.0, min(wait, left.heard_s + LONGEST_S - now))


def _level(left: Left, now: float) -> float:
    if now >= left.full_s and left.by_window:
        return left.limit + min(0.0, left.level)
    return left.level if left.by_window else min(left.limit, left.level + (now - left.at) * left.per_s)
