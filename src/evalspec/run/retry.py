"""Whether a failed attempt is made again, and when: a decision with no clock and no chance of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.models.model import FailureKind
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.models.model import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one request is tried: so many attempts, in so much time; waits in seconds.

    Where its candidate answers others meanwhile, it is tried more often and waits less long: what fails by
    chance is answered in the end, and there is no overload to let pass.

    A candidate of which so many requests in a row were `given_up` is down, and is not asked any more.
    """

    attempts: int = 8
    total_s: float = 600.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    attempts_of_living: int = 12
    longest_wait_of_living_s: float = 8.0
    longest_server_wait_s: float = 120.0
    given_up: int = 5


def next_wait(
    failure: Failure,
    attempt: int,
    elapsed_s: float,
    chance: float,
    patience: Patience,
    *,
    few: int | None = None,
    living: bool = False,
) -> float | None:
    """The seconds before the next attempt, or None when there is to be none.

    `attempt` counts those made, from 1; `few` of them, where not all, failed in a way that is worth few;
    `elapsed_s` runs since the first; `chance` is drawn evenly from 0 to 1; `living` tells that the candidate
    has answered others since. A wait that the server asks for is kept and stretched by up to a tenth (1 s at
    most), so that not all come back at once. Else the wait is drawn below a bound that doubles each time.
    """
    # What ran out of time may have been worked on to the end, and be paid for.
    living = living and failure.kind is not FailureKind.TIMEOUT
    made, most = attempt, patience.attempts
    if living:
        most = max(most, patience.attempts_of_living)
    elif failure.attempts is not None:
        made, most = attempt if few is None else few, min(most, failure.attempts)
    if not failure.kind.worth_retrying or made >= most:
        return None
    if failure.wait_s is not None and failure.wait_s > 0:
        asked = min(failure.wait_s, patience.longest_server_wait_s)
        wait = asked + chance * min(1.0, asked / 10)
    else:
        longest = patience.longest_wait_s
        longest = min(longest, patience.longest_wait_of_living_s) if living else longest
        wait = chance * min(longest, patience.first_wait_s * 2 ** (attempt - 1))
    return wait if elapsed_s + wait <= patience.total_s else None
