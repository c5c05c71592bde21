"""Diagnostics as JSON, for programs: `schemas/diagnostics.json` says what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.text.diagnostics import Diagnostic, Fix, Label, Severity

if TYPE_CHECKING:
    from evalspec.text.source import Place


def json_document(diagnostics: Sequence[Diagnostic]) -> str:
    """The diagnostics and their summary, ending in a line break.

    Lines and columns count from 1, columns in code points; an end is the place just behind. Edits name no
    file, so a fix that would change another file than the diagnostic's is left out.
    """
    severities = [diagnostic.severity for diagnostic in diagnostics]
    summary = {"errors": severities.count(Severity.ERROR), "warnings": severities.count(Severity.WARNING)}
    return dumped({"diagnostics": [_diagnostic(d) for d in diagnostics], "summary": summary})


def dumped(document: Mapping[str, object]) -> str:
    """The document as ASCII that any terminal and any encoding bears, ending in a line break."""
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n"


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": diagnostic.at.file,
        **_extent(diagnostic.at),
        "labels": [_label(label) for label in diagnostic.labels],
        "help": list(diagnostic.help),
        "fixes": [_fix(fix) for fix in diagnostic.fixes if _stays_in(diagnostic.at.file, fix)],
    }


def _extent(place: Place) -> dict[str, int]:
    (line, column), (end_line, end_column) = place.begin, place.finish
    return {"line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _label(label: Label) -> dict[str, object]:
    return {"file": label.at.file, **_extent(label.at), "message": label.message}


def _fix(fix: Fix) -> dict[str, object]:
    return {"message": fix.message, "edits": [{**_extent(e.at), "text": e.text} for e in fix.edits]}


def _stays_in(file: str, fix: Fix) -> bool:
    return all(edit.at.file == file for edit in fix.edits)
