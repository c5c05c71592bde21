"""What is said of a race: who was asked how little, and what that saved, nothing included."""

from __future__ import annotations

from collections.abc import Iterator

from evalspec.score.lookups import candidate_of
from evalspec.score.wording import Document, document, names, number, percent


def race(task: Document) -> Iterator[str]:
    """The sentences about a race; none where there was none."""
    told = document(task.get("race"))
    if not told:
        return
    if told.get("why") is not None:
        yield f"This task was not raced: {told['why']}."
        return
    stopped = {name: document(candidate_of(task, name).get("race")) for name in names(task["order"])}
    stopped = {name: end for name, end in stopped.items() if end}
    for name, end in stopped.items():
        n, of = number(end["stopped_at"]) or 0, number(end["of"]) or 1
        yield f"The race asked {n:,.0f} of {of:,.0f} examples of {name}: {percent(1 - n / of, 0)} saved."
    if stopped:
        asked, of = number(told["asked"]) or 0, number(told["of"]) or 0
        saved = percent(number(told["saved"]) or 0.0, 0)
        yield f"In all it asked {asked:,.0f} of {of:,.0f} examples, over all candidates: {saved} saved."
    else:
        yield "The race stopped nobody, and saved nothing: no candidate was certainly beaten in time."
