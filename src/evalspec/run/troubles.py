"""What went wrong while asking, candidate by candidate: for the sentences at the end of a run.

Fed with events like the counts. Keeps messages, which hold no secrets, and forgets which example it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from evalspec.run.events import Answered, CandidateStopped, Event, FromStore, GivenUp
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.models.model import Failure


@dataclass(slots=True)
class Trouble:
    """One candidate: what stopped it, what its failed requests said and how often, how many have answers.

    `passing` counts the failures that may be gone the next time: those are asked again by another run.
    """

    stopped: Failure | None = None
    said: Counter[str] = field(default_factory=Counter)
    passing: int = 0
    answered: int = 0

    @property
    def failed(self) -> int:
        """How many requests were given up."""
        return self.said.total()

    @property
    def refused(self) -> bool:
        """Whether it was its key, or the money behind it, that stopped it."""
        return self.stopped is not None and self.stopped.kind.stops_candidate

    @property
    def down(self) -> bool:
        """Whether nothing was heard of the candidate but failures that may pass, or it was stopped."""
        return self.stopped is not None or (not self.answered and 0 < self.failed == self.passing)


@dataclass(slots=True)
class Troubles:
    """Collects troubles; call it with each event."""

    HEARS: ClassVar = (Answered, FromStore, GivenUp, CandidateStopped)
    _found: dict[str, Trouble] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case Answered() | FromStore():
                self._of(event).answered += 1
            case GivenUp(failure=failure):
                own = self._of(event)
                own.said[failure.message] += 1
                own.passing += failure.kind.worth_retrying
            case CandidateStopped(failure=failure):
                self._of(event).stopped = failure
            case _:
                pass

    def _of(self, event: Event) -> Trouble:
        own = self._found.get(event.candidate)
        if own is None:
            own = self._found[event.candidate] = Trouble()
        return own

    @property
    def found(self) -> Mapping[str, Trouble]:
        """The candidates that anything went wrong with."""
        return {name: trouble for name, trouble in self._found.items() if trouble.failed or trouble.stopped}
