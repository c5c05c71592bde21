"""How far a latency pass is, in words for people who wait. What shows them is `progress`."""

from __future__ import annotations

from evalspec.run.events import Measured
from evalspec.run.spending import dollars
from evalspec.run.tallies import Words, clock_time
from evalspec.text.values import dataclass


@dataclass(slots=True)
class Measuring:
    """A task's latency pass: what was last heard of it, and when it began by the clock that is given."""

    heard: Measured
    began: float

    @property
    def name(self) -> str:
        """No candidate's name: it has spaces."""
        return f"latency of {self.heard.task}"

    def words(self, now: float) -> Words:
        """At which load, what went wrong, what it cost, how long it takes at least."""
        heard = self.heard
        missing = [(heard.failed, "failed"), (heard.timed_out, "timed out")]
        left = heard.seconds - (now - self.began)
        return Words(
            rate=heard.load,
            troubles=", ".join(f"{n:,} {what}" for n, what in missing if n),
            spend="" if heard.spent is None else dollars(heard.spent),
            left=f"{clock_time(left)} left" if left > 0 and not heard.over else "",
        )

    def line(self, now: float) -> str:
        """All of it as one line."""
        of = "" if self.heard.requests is None else f"/{self.heard.requests:,}"
        return f"{self.name} {self.heard.attended:,}{of} ({self.words(now)})"


@dataclass(slots=True)
class Underway:
    """The pass that is being made, if one is: the last that was heard of."""

    last: Measuring | None = None

    @property
    def now(self) -> Measuring | None:
        """The pass, until it is over."""
        return None if self.last is None or self.last.heard.over else self.last

    def hear(self, event: Measured, at: float) -> None:
        """Takes what is said of a pass, at a time in seconds."""
        if self.last is None or self.last.heard.task != event.task:
            self.last = Measuring(event, at)
        self.last.heard = event
