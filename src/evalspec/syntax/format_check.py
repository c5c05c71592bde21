"""The formatter's check of itself: what it wrote says what it was given, comments too, and stays as it is.

A formatter that damages a spec is worse than none, so that this runs each time, and a fault refuses.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from evalspec.syntax.parse import parse
from evalspec.syntax.tree import File
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = "nothing was changed; please report this with the spec, it is a fault of evalspec"


def fault_of(file: File, text: str) -> Diagnostic | None:
    """Why `text` may not take the place of a spec: it does not parse, or says something else."""
    after, broken = parse(Source(name=file.source.name, text=text, path=file.source.path))
    whole = Span(file.source, 0, 0)
    if any(fault.code in ("E0110", "E0107") for fault in broken):
        return problem("E0121", whole, "formatted, this spec would be too large", "split it up")
    if broken:
        line, _ = broken[0].at.begin
        message = f"the formatter wrote something that does not parse (its line {line}: {broken[0].message})"
        return problem("E0120", whole, message, REPORT)
    place = _first_difference(file, after)
    if place is not None:
        return problem("E0120", place, "the formatter would change what this spec says", REPORT)
    return _comments_differ(file, after)


def unstable(file: File, once: str, twice: str) -> Diagnostic | None:
    """Why a formatted text is refused that comes out otherwise when it is formatted again."""
    if once == twice:
        return None
    pairs = zip_longest(once.split("\n"), twice.split("\n"))
    line = next(i for i, (a, b) in enumerate(pairs, 1) if a != b)
    message = f"the formatter would not leave its own text as it is (its line {line})"
    return problem("E0120", Span(file.source, 0, 0), message, REPORT)


def _comments_differ(before: File, after: File) -> Diagnostic | None:
    for old, new in zip_longest(before.comments, after.comments):
        if old is None or new is None or _comment(old) != _comment(new):
            at = old or Span(before.source, 0, 0)
            return problem("E0120", at, "the formatter would lose or move this comment", REPORT)
    return None


def _comment(span: Span) -> str:
    return span.source.text[span.start : span.end].rstrip()


def _first_difference(before: File, after: File) -> Span | None:
    """Where two trees part that should say the same, in the first; their places in the text aside."""
    nowhere = Span(before.source, 0, 0)
    for old, new in zip_longest(_said(before, nowhere), _said(after, nowhere)):
        if old is None or new is None or old[0] != new[0]:
            return old[1] if old is not None else nowhere
    return None


def _said(file: File, nowhere: Span) -> Iterator[tuple[object, Span]]:
    """All that a tree says, each with the nearest place. Goes by a stack: a tree may be deep."""
    stack: list[tuple[object, Span]] = [(file.entries, nowhere)]
    while stack:
        value, place = stack.pop()
        if isinstance(value, Span):
            continue
        if isinstance(value, tuple):
            yield len(value), place
            stack.extend((item, place) for item in reversed(value))
            continue
        at = getattr(value, "at", place)
        names = getattr(type(value), "__match_args__", None)
        yield (value if names is None else type(value).__name__), at
        stack.extend((getattr(value, name), at) for name in reversed(names or ()))
