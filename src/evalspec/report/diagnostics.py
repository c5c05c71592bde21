"""Diagnostics in the forms that people, editors and CI jobs read.

The end of the way for what every front stage says. Gives text and prints nothing; the order is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from evalspec.report.annotated import annotated
from evalspec.report.glyphs import visible
from evalspec.report.marks import secrets_of
from evalspec.text.diagnostics import Diagnostic, Severity


class Form(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(diagnostics: Sequence[Diagnostic], form: Form, *, colour: bool = False, width: int = 100) -> str:
    """The diagnostics in one form, ending in a line break; of none, nothing or a document without any.

    `colour` (ANSI) and `width` (in terminal cells) matter to `text` alone. Control characters are escaped in
    every form, and secrets (code E0440, or what looks like a key) are masked wherever an excerpt shows them.
    """
    match form:
        case Form.TEXT:
            secrets = secrets_of(diagnostics)
            shown = [annotated(d, secrets=secrets, width=width, colour=colour) for d in diagnostics]
            return "\n\n".join(shown) + "\n" if shown else ""
        case Form.CONCISE:
            return "".join(f"{_concise(d)}\n" for d in diagnostics)
        case Form.GITHUB:
            return "".join(f"{_github(d)}\n" for d in diagnostics)
        case Form.JSON:
            from evalspec.report.diagnostics_json import json_document

            return json_document(diagnostics)
        case Form.SARIF:
            from evalspec.report.sarif import sarif_document

            return sarif_document(diagnostics)
        case _:
            assert_never(form)


def summary_line(diagnostics: Sequence[Diagnostic]) -> str:
    """How many errors and warnings there are: `2 errors, 1 warning`; notes are not counted."""
    counted = [
        f"{count} {severity.value}{'' if count == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING)
        if (count := sum(d.severity is severity for d in diagnostics))
    ]
    return ", ".join(counted) or "no errors"


def _concise(diagnostic: Diagnostic) -> str:
    line, column = diagnostic.at.begin
    place = f"{visible(diagnostic.at.file)}:{line}:{column}"
    return f"{place}: {diagnostic.severity.value}[{diagnostic.code}]: {visible(diagnostic.message)}"


def _github(diagnostic: Diagnostic) -> str:
    """A workflow command: GitHub shows it beside the line in a pull request."""
    (line, column), (end_line, end_column) = diagnostic.at.begin, diagnostic.at.finish
    properties = {
        "file": diagnostic.at.file,
        "line": line,
        "col": column,
        "endLine": end_line,
        "endColumn": end_column,
        "title": diagnostic.code,
    }
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{COMMANDS[diagnostic.severity]} {listed}::{_data(diagnostic.message)}"


def _data(text: str) -> str:
    """GitHub's escaping of a command's text: line breaks survive, other control characters are spelt out."""
    percent = {"%": "%25", "\r": "%0D", "\n": "%0A"}
    return "".join(percent.get(part) or visible(part) for part in re.split("([%\r\n])", text))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
