"""What commands share in speaking to a person: colour, diagnostics, environment files, result files."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from evalspec.cli.main import Usage
from evalspec.models.faults import EvalspecFault
from evalspec.report.diagnostics import Form, render
from evalspec.text.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from evalspec.score.results import Results


def colour_for(stream: TextIO) -> bool:
    """Whether colour is wanted: on a terminal, unless turned off, or where it is asked for expressly."""
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0", "false") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """The cells of a line on the terminal that a stream leads to; None for files and pipes."""
    if not stream.isatty():
        return None
    told = os.environ.get("COLUMNS", "")
    try:
        columns = int(told) if told.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    return columns or None


def tell(diagnostics: Sequence[Diagnostic], *, notes: bool = False) -> None:
    """Prints diagnostics to standard error; notes only where asked for."""
    shown = [d for d in diagnostics if notes or d.severity is not Severity.NOTE]
    sys.stderr.write(render(shown, Form.TEXT, colour=colour_for(sys.stderr), width=width_of(sys.stderr)))


def environment(files: Sequence[Path]) -> Mapping[str, str]:
    """The environment, with what `.env` files add to it; what is set already wins. Raises Usage."""
    found: dict[str, str] = {}
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise Usage(f"the environment file {file} cannot be read: {fault}") from fault
        for number, line in enumerate(lines, 1):
            pair = _pair(line.strip())
            if pair is None and line.strip() and not line.strip().startswith("#"):
                raise Usage(f"{file}:{number} is not NAME=VALUE")
            if pair is not None:
                found[pair[0]] = pair[1]
    return {**found, **os.environ}


def _pair(line: str) -> tuple[str, str] | None:
    name, equals, value = line.removeprefix("export ").partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name.replace("_", "").isalnum():
        return None
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return name, value


class OutputFault(EvalspecFault):
    """A file that was asked for could not be written."""


JUNIT = ".junit.xml"
ENDINGS = {".json": "json", ".md": "md", ".csv": "csv", JUNIT: "junit"}


def form_of(path: Path) -> str:
    """The form that a file's ending asks for. Raises Usage for those that are not built."""
    found = ENDINGS.get(JUNIT if path.name.endswith(JUNIT) else path.suffix)
    if found is None:
        built = ", ".join(ENDINGS)
        raise Usage(
            f"`-o {path}`: the ending tells the form, and `{path.suffix}` is not built yet ({built} are)"
        )
    return found


def is_folder(path: Path) -> bool:
    """Whether this is a folder; a name that no system could hold is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def demand_writable(paths: Sequence[Path]) -> None:
    """Raises Usage, before anything is asked, for files that could not be written in the end."""
    for path in paths:
        form_of(path)
        demand_place(path)


def demand_place(path: Path) -> None:
    """Raises Usage for a file that could not be written where it is to lie."""
    folder = path.parent
    if is_folder(path):
        raise Usage(f"`-o {path}`: this is a folder")
    if not is_folder(folder):
        raise Usage(f"`-o {path}`: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise Usage(f"`-o {path}`: the folder {folder} cannot be written")


def write_files(results: Results, paths: Sequence[Path]) -> list[str]:
    """Writes results, each file whole or not at all; a sentence for each one that could not be written."""
    found = (write_whole(path, _rendered(results, form_of(path))) for path in paths)
    return [fault for fault in found if fault is not None]


def _rendered(results: Results, form: str) -> str:
    from evalspec.report.junit import render_junit
    from evalspec.report.table import TableForm, render_results

    return render_junit(results) if form == ENDINGS[JUNIT] else render_results(results, TableForm(form))


def write_whole(path: Path, text: str | bytes) -> str | None:
    """Writes a file whole or not at all; why it could not."""
    whole = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(whole)
        beside.replace(path)
    except OSError as fault:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        return f"{path} cannot be written: {fault.strerror}"
    return None
