"""Sentences without secrets: what was found to be one, and what looks like a key, is masked.

Excerpts mask their lines themselves (`marks.hidden`); this is for the words of a diagnostic, which every
form prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evalspec.report.marks import KEY_LIKE, SECRET
from evalspec.text.diagnostics import Diagnostic, Fix, Label
from evalspec.text.source import Span
from evalspec.text.values import replace

MASK = "…"
SHORTEST = 6  # code points; the text of a shorter secret would also be found where it is none


def masked(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics, none of whose words shows a secret. A fix that would write one is left out."""
    known = _known(diagnostics)
    return tuple(_without(diagnostic, known) for diagnostic in diagnostics)


def masked_text(text: str, known: Iterable[str] = ()) -> str:
    """A text with the secrets that are known, and with what looks like a key, masked."""
    for secret in known:
        text = text.replace(secret, MASK)
    return KEY_LIKE.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    start, end = (offset - match.start() for offset in match.span(match.lastgroup or 0))
    return match[0][:start] + MASK + match[0][end:]


def _known(diagnostics: Sequence[Diagnostic]) -> tuple[str, ...]:
    """What the places of secrets say, the longest first; quotes are no part of a secret."""
    spans = [d.at for d in diagnostics if d.code == SECRET and isinstance(d.at, Span)]
    texts = {span.source.text[span.start : span.end].strip("\"'") for span in spans}
    return tuple(sorted((text for text in texts if len(text) >= SHORTEST), key=len, reverse=True))


def _without(diagnostic: Diagnostic, known: Sequence[str]) -> Diagnostic:
    def clean(text: str) -> str:
        return masked_text(text, known)

    found = replace(
        diagnostic,
        message=clean(diagnostic.message),
        help=tuple(clean(line) for line in diagnostic.help),
        here=clean(diagnostic.here),
        labels=tuple(Label(at=label.at, message=clean(label.message)) for label in diagnostic.labels),
        fixes=tuple(
            Fix(message=clean(fix.message), edits=fix.edits)
            for fix in diagnostic.fixes
            if all(clean(edit.text) == edit.text for edit in fix.edits)
        ),
    )
    return diagnostic if found == diagnostic else found
