"""Diagnostics as workflow commands: GitHub shows each beside its line in a pull request.

GitHub shows ten of a kind for a step and keeps the rest in the log, so that errors come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evalspec.report.glyphs import visible
from evalspec.text.diagnostics import Diagnostic, Severity

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
SHOWN = 10  # annotations of a kind that GitHub shows for one step


def github_commands(diagnostics: Sequence[Diagnostic]) -> str:
    """A line for each diagnostic, errors first, each ending in a line break."""
    return "".join(f"{line}\n" for line in _lines(diagnostics))


def _lines(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for severity, command in COMMANDS.items():
        same = [d for d in diagnostics if d.severity is severity]
        if len(same) > SHOWN:
            said = f"GitHub shows {SHOWN} annotations of a kind; the log has all {len(same)} of this one"
            yield f"::{command} title=evalspec::{_data(said)}"
        yield from (_command(d, command) for d in same)


def _command(diagnostic: Diagnostic, command: str) -> str:
    (line, column), (end_line, end_column) = diagnostic.at.begin, diagnostic.at.finish
    properties: dict[str, object] = {"file": diagnostic.at.file, "line": line}
    if end_line == line:  # columns of several lines are refused
        properties |= {"col": column, "endLine": end_line, "endColumn": end_column}
    else:
        properties |= {"endLine": end_line}
    properties["title"] = diagnostic.code
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    said = "\n".join([diagnostic.message, *(f"help: {line}" for line in diagnostic.help)])
    return f"::{command} {listed}::{_data(said)}"


def _data(text: str) -> str:
    """GitHub's escaping of a command's text: line breaks survive, other control characters are spelt out."""
    percent = {"%": "%25", "\r": "%0D", "\n": "%0A"}
    return "".join(percent.get(part) or visible(part) for part in re.split("([%\r\n])", text))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
