"""Whether refusals have to do with how fast an endpoint is asked: what it took when asked fast, and slowly.

Pure, and a part of what `adapting` decides. A server with a rate takes as much when it is asked half as fast
and still refuses; one that refuses by chance, or for reasons of its own, takes half as much.
"""

from __future__ import annotations

from evalspec.text.values import dataclass, replace

OF_EACH = 3  # refused and taken, so many a trial has at least
SHARE = 0.15  # of what is sent; what is refused less often has not to be explained
SLOWLY = 0.5
LESS = 0.7
ENOUGH = 3  # such trials in a row


@dataclass(frozen=True, slots=True)
class Trials:
    """The trial that is on: when it began, in seconds, and how many were accepted and refused in all by then.
    The fastest that was made: what was sent and what was taken a second; and how many since took less for
    being slower."""

    since_s: float
    accepted: int = 0
    refused: int = 0
    fastest: tuple[float, float] = (0.0, 0.0)
    against: int = 0

    @property
    def by_chance(self) -> bool:
        """Whether going slower has shown to be of no use."""
        return self.against >= ENOUGH


def after_refused(trials: Trials, accepted: int, refused: int, sent_s: float) -> Trials:
    """The trials after one more refusal, of a request that was sent then; so many were accepted and refused
    in all, itself included."""
    if trials.by_chance:
        return trials
    took, not_took, elapsed = accepted - trials.accepted, refused - trials.refused, sent_s - trials.since_s
    if min(took, not_took) < OF_EACH or elapsed <= 0:
        return trials
    ended = replace(trials, accepted=accepted, refused=refused, since_s=sent_s)
    if not_took < SHARE * (took + not_took):
        return replace(ended, against=0)
    sent, taken = (took + not_took) / elapsed, took / elapsed
    if sent >= trials.fastest[0]:
        return replace(ended, fastest=(sent, taken), against=0)
    slower = sent <= SLOWLY * trials.fastest[0]
    if slower and taken <= LESS * trials.fastest[1]:
        return replace(ended, against=trials.against + 1)
    return replace(ended, against=0) if slower else ended
