"""What stands around diagnostics: how many there are and where, what was fixed, where to read more."""

from __future__ import annotations

from collections.abc import Sequence

from evalspec.report.glyphs import visible
from evalspec.report.secrets import masked_text
from evalspec.text.diagnostics import Diagnostic, Fix, Severity
from evalspec.text.edits import certain_fixes

MOST_CODES = 3  # codes whose pages the last line offers


def summary_line(diagnostics: Sequence[Diagnostic]) -> str:
    """How many errors and warnings there are: `2 errors, 1 warning`; notes are not counted."""
    counted = [
        f"{count} {severity.value}{'' if count == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING)
        if (count := sum(d.severity is severity for d in diagnostics))
    ]
    return ", ".join(counted) or "no errors"


def closing_lines(diagnostics: Sequence[Diagnostic], specs: Sequence[str], *, fixed: bool = False) -> str:
    """The summary with the specs it is about, and where to read more; apart from what stands before it.

    `fixed` says that fixes were applied already, so that none need be offered.
    """
    where = f"{len(specs)} specs" if len(specs) != 1 else visible(specs[0])
    counted = summary_line(diagnostics)
    serious = [d for d in diagnostics if d.severity is not Severity.NOTE]
    lines = [f"{counted} in {where}" if serious else f"{where}: {counted}"]
    fixable = 0 if fixed else len(certain_fixes(diagnostics))
    if fixable:
        lines.append(f"  {fixable} of them can be fixed with `--fix`" if len(serious) > 1 else
                     "  it can be fixed with `--fix`")  # fmt: skip
    codes = list(
        dict.fromkeys(d.code for d in sorted(serious, key=lambda d: d.severity is not Severity.ERROR))
    )
    if codes:
        lines.append(f"  for more: evalspec explain {' '.join(codes[:MOST_CODES])}")
    return "\n" * bool(diagnostics) + "".join(f"{line}\n" for line in lines)


def applied_line(diagnostic: Diagnostic, fix: Fix) -> str:
    """What was changed: where it stood, what was wrong, what was done."""
    return f"fixed {_place(diagnostic)}: {_said(diagnostic, fix)}"


def refused_line(diagnostic: Diagnostic, fix: Fix) -> str:
    """What was not changed, although there is a fix, because the file would have more errors than before."""
    return f"not fixed {_place(diagnostic)}: {_said(diagnostic, fix)} brings more errors than it mends"


def _place(diagnostic: Diagnostic) -> str:
    return f"{visible(diagnostic.at.file)}:{diagnostic.at.begin[0]}"


def _said(diagnostic: Diagnostic, fix: Fix) -> str:
    return visible(masked_text(f"{diagnostic.message} ({fix.message})"))
