"""Which part of a response is the answer: reasoning dropped, then what `extract` points at.

The first step of reading. Regular expressions come from the spec and run over text that a model
wrote, so they run under a time limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from evalspec.language.judging import Fence, Pattern
from evalspec.text.values import dataclass

PATTERN_SECONDS = 2.0

THINK = re.compile(r"<(/?)think>", re.IGNORECASE)
FENCE_LINE = re.compile(r"^[ \t]{0,12}(`{3,}+|~{3,}+)([^\n]*+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a text: code points `start` up to, not including, `end`."""

    source: str
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source[self.start : self.end]

    @property
    def onward(self) -> str:
        """The source from the excerpt's first code point to its end."""
        return self.source[self.start :]

    @property
    def at_end(self) -> bool:
        """Whether nothing but blanks follows it."""
        return not self.source[self.end :].strip()


@dataclass(frozen=True, slots=True)
class Missed:
    """Nothing was extracted, and why."""

    why: str


def whole(text: str) -> Excerpt:
    """All of a text, as an excerpt of itself."""
    return Excerpt(text, 0, len(text))


def strip_reasoning(text: str) -> str:
    """The text without `<think>…</think>`, without all that precedes a `</think>` that nothing opened,
    and without all that follows a `<think>` that nothing closes."""
    kept: list[str] = []
    position, inside = 0, False
    for tag in THINK.finditer(text):
        closes = bool(tag[1])
        if not closes and not inside:
            kept.append(text[position : tag.start()])
        if closes and not inside:
            kept.clear()
        if closes:
            position = tag.end()
        inside = not closes
    if not inside:
        kept.append(text[position:])
    return "".join(kept)


def extract(rules: tuple[Pattern | Fence, ...], text: str) -> Excerpt | Missed:
    """What the first rule that finds something finds; blank finds do not count.

    A pattern that runs out of its time ends the search: what a later rule would find must not depend
    on the speed of the machine.
    """
    for rule in rules:
        try:
            excerpt = _find(rule, text)
        except TimeoutError:
            return Missed(f"`extract` took longer than {PATTERN_SECONDS:g} s")
        if excerpt is not None:
            return excerpt
    return Missed("`extract` found nothing")


def _find(rule: Pattern | Fence, text: str) -> Excerpt | None:
    match rule:
        case Pattern():
            found = matches(rule.regex, text)
        case Fence():
            found = fences(text)
        case _:
            assert_never(rule)
    chosen = None
    for excerpt in found:
        if excerpt.text.strip():
            chosen = excerpt
            if not rule.last:
                break
    return chosen


def matches(pattern: str, text: str) -> Iterator[Excerpt]:
    """What a pattern matches, in order: group 1 where it has one, matches without it left out.

    Raises TimeoutError when the whole search takes longer than PATTERN_SECONDS.
    """
    import regex  # not needed to check a spec

    for match in regex.finditer(pattern, text, timeout=PATTERN_SECONDS):
        start, end = match.span(1 if match.re.groups else 0)
        if start >= 0:
            yield Excerpt(text, start, end)


def occurs(pattern: str, text: str) -> bool:
    """Whether a pattern matches somewhere in a text; a search that runs out of time has not matched."""
    import regex  # not needed to check a spec

    try:
        return regex.search(pattern, text, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


def fences(text: str) -> Iterator[Excerpt]:
    """The contents of the fenced blocks, in order. A block that nothing closes reaches to the end: a
    stop sequence may have cut its closing line off. "```yes```" on a line of its own is a block too."""
    marks, start = "", 0
    for line in FENCE_LINE.finditer(text):
        run, rest = line[1], line[2].rstrip()
        if marks:
            if run.startswith(marks) and not rest:
                yield Excerpt(text, start, line.start())
                marks = ""
        elif rest.endswith(run) and len(rest) > len(run):
            yield Excerpt(text, line.start(2), line.start(2) + len(rest) - len(run))
        elif run[0] not in rest:
            marks, start = run, min(line.end() + 1, len(text))
    if marks:
        yield Excerpt(text, start, len(text))
