"""What is said about a mistake: a code, a place, a sentence and a way out.

Diagnostics are values: every front stage returns them beside its result, and only the pipeline and
the command line decide to stop. `catalogue.py` lists every code.
"""

from __future__ import annotations

from collections.abc import Container, Sized
from enum import StrEnum
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalspec.text.source import Place, Span


LONGEST = 600
MOST_NAMES = 3_000  # of more, whoever misspells as many of them, none is guessed: it would take minutes


class Severity(StrEnum):
    """An error cannot run as written; a warning runs, but a careful reader would change it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A second place that explains the first, with a few words."""

    at: Place
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A replacement of one stretch of a spec."""

    at: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Edits that mend a mistake, with what they do."""

    message: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One mistake: its code (`E0312`), where it stands, a sentence, and what to do."""

    code: str
    message: str
    at: Place
    labels: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    here: str = ""

    @property
    def severity(self) -> Severity:
        return {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}[self.code[0]]


def problem(
    code: str,
    at: Place,
    message: str,
    *help_lines: str,
    labels: Iterable[Label] = (),
    fixes: Iterable[Fix] = (),
    here: str = "",
) -> Diagnostic:
    """A diagnostic, written shortly: code, place, sentence, ways out. What is too long to read is cut."""
    return Diagnostic(
        code=code,
        at=at,
        message=_readable(message),
        help=tuple(_readable(line) for line in help_lines if line),
        labels=tuple(labels),
        fixes=tuple(fixes),
        here=here,
    )


def _readable(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST else sentence[: LONGEST - 1] + "…"


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics by file and place, each once."""
    unique = dict.fromkeys(diagnostics)
    return tuple(sorted(unique, key=lambda d: (d.at.file, d.at.begin, d.severity, d.code)))


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Only those that forbid running."""
    return tuple(d for d in diagnostics if d.severity is Severity.ERROR)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, if one is near enough; itself where known."""
    if isinstance(known, Container) and name in known:
        return name
    if isinstance(known, Sized) and len(known) > MOST_NAMES:
        return None
    from evalspec.text.likeness import closest

    return closest(name, tuple(known))


def did_you_mean(name: str, known: Iterable[str], *, at: Span | None = None) -> tuple[str, tuple[Fix, ...]]:
    """A help line for a misspelt name, and the fix where there is a place; the legal names otherwise."""
    if isinstance(known, Sized) and len(known) > MOST_NAMES:
        return f"{len(known):,} names are known here", ()
    known = tuple(known)
    guess = nearest(name, known)
    if guess is None:
        names = sorted(known)
        listed = ", ".join(f"`{n}`" for n in names[:12])
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        return (f"known here: {listed}{more}" if names else ""), ()
    return f"did you mean `{guess}`?", _instead(guess, at) if at is not None else ()


def rewritten(at: Span, text: str) -> tuple[Fix, ...]:
    """The one fix that writes a text in a place."""
    return (Fix(message=f"write `{text}`", edits=(Edit(at=at, text=text),)),)


def _instead(name: str, at: Span) -> tuple[Fix, ...]:
    """A name in the place of another, in quotes where that one is; a name that needs quotes, only there."""
    if at.source.text[at.start : at.start + 1] == '"':
        return rewritten(at, f'"{name}"') if '"' not in name and "\\" not in name else ()
    plain = name.isascii() and all(char.isalnum() or char in "_@^.%" for char in name)
    return rewritten(at, name) if plain else ()
