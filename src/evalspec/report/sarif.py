"""Diagnostics as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines.

Carries no excerpts, so no text of a spec or of data leaves with it but what the sentences quote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from evalspec import __version__
from evalspec.report.diagnostics_json import dumped
from evalspec.report.pages import page, page_path
from evalspec.text.catalogue import CATALOGUE

if TYPE_CHECKING:
    from evalspec.text.diagnostics import Diagnostic, Edit, Fix, Label
    from evalspec.text.source import Place

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def sarif_document(diagnostics: Sequence[Diagnostic]) -> str:
    """One run with a rule for each code and a result for each diagnostic, ending in a line break."""
    levels = {d.code: d.severity.value for d in sorted(diagnostics, key=lambda d: d.code)}
    rules = [_rule(code, level) for code, level in levels.items()]
    index = {code: position for position, code in enumerate(levels)}
    run = {
        "tool": {"driver": {"name": "evalspec", "semanticVersion": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, index[d.code]) for d in diagnostics],
    }
    return dumped({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, level: str) -> dict[str, object]:
    """What is known of a code, whoever says it: its meaning, and its page as the help.

    The page's path is a property, as a `helpUri` must be absolute, and uploads with another are refused.
    """
    rule: dict[str, object] = {"id": code, "defaultConfiguration": {"level": level}}
    meaning, text = CATALOGUE.get(code), page(code)
    if meaning is not None:
        rule["shortDescription"] = {"text": meaning}
    if text is not None:
        rule["help"] = {"text": _prose(text), "markdown": text}
        rule["properties"] = {"page": page_path(code)}
    return rule


def _prose(page_text: str) -> str:
    """A page without its title and examples."""
    return page_text.partition("\n")[2].partition("\n## ")[0].strip()


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, object]:
    helps = [f"help: {line}" for line in diagnostic.help]
    location = _location(diagnostic.at, diagnostic.here)
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": {"text": "\n".join([diagnostic.message, *helps])},
        "locations": [location],
    }
    if diagnostic.labels:
        result["relatedLocations"] = [
            _related(label, n) for n, label in enumerate(diagnostic.labels, start=1)
        ]
    if fixes := [_fix(fix) for fix in diagnostic.fixes if fix.edits]:
        result["fixes"] = fixes
    return result


def _location(place: Place, words: str) -> dict[str, object]:
    physical = {"artifactLocation": {"uri": uri(place.file)}, "region": _region(place)}
    location: dict[str, object] = {"physicalLocation": physical}
    return location | {"message": {"text": words}} if words else location


def _related(label: Label, number: int) -> dict[str, object]:
    return {"id": number} | _location(label.at, label.message)


def _region(place: Place) -> dict[str, int]:
    (line, column), (end_line, end_column) = place.begin, place.finish
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _fix(fix: Fix) -> dict[str, object]:
    by_file: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        by_file.setdefault(edit.at.file, []).append(edit)
    changes = [
        {"artifactLocation": {"uri": uri(file)}, "replacements": [_replacement(edit) for edit in edits]}
        for file, edits in by_file.items()
    ]
    return {"description": {"text": fix.message}, "artifactChanges": changes}


def _replacement(edit: Edit) -> dict[str, object]:
    return {"deletedRegion": _region(edit.at), "insertedContent": {"text": edit.text}}


def uri(file: str) -> str:
    """The URI reference of a file name: relative names stay relative, absolute paths become `file://`."""
    if SCHEME.match(file):
        return quote(file, safe="/:", errors="replace")
    if DRIVE.match(file):
        file = "/" + file[:2] + file[2:].replace("\\", "/")
        return "file://" + quote(file, safe="/:", errors="replace")
    path = quote(file, safe="/", errors="replace")
    return f"file://{path}" if file.startswith("/") else path
