"""`evalspec`: picks the command and turns what happened into an exit code.

Each command's module is imported when it is called, so that `check` does not pay for `run`.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from evalspec import __version__
from evalspec.cli.quickly import end_quickly, start_quickly
from evalspec.cli.streams import secure_streams, undelivered
from evalspec.models.faults import EvalspecFault

DONE, SPEC_WRONG, USAGE, NOT_VIABLE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 130

COMMANDS = {
    "init": "write a first spec: a small one that runs, or one over your own data",
    "import": "turn a promptfoo configuration into a spec, and list what has no counterpart",
    "check": "say what is wrong with specs and their data, before anything is asked",
    "fmt": "bring specs into the one style, or say which are not in it",
    "plan": "say what a run would ask, and show the exact messages",
    "power": "say how small a difference the examples can tell apart, before a run or after it",
    "run": "ask what is missing, score, print the ranked table",
    "score": "score a stored run again with the spec as it stands now",
    "show": "show single examples of a run: what was asked, said, read, and what it cost",
    "diff": "hold two runs against each other: who became better or worse, beyond chance",
    "runs": "list the runs that are kept here",
    "export": "write every answer of a run to a file, or the decision rule of a candidate to ship",
    "lsp": "serve editors: diagnostics, completion, renaming and more while one types",
    "explain": "say at length what the code of a diagnostic means, with an example",
    "doctor": "say what this machine can do: libraries, store, keys, proxies, certificates",
    "schema": "print the JSON Schema of a format",
}
LATER = (
    "view", "sample", "label", "audit",
    "merge",
)  # fmt: skip


class Usage(Exception):
    """A command was called wrongly; the message says how."""


class _Parser(argparse.ArgumentParser):
    """Says usage errors in one line with a way out, and leaves by exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message}\n  = help: {self.prog} --help")

    def _get_formatter(self) -> argparse.HelpFormatter:
        # Told its width, argparse does not import `shutil` (4 ms) for each argument that it is given.
        return argparse.HelpFormatter(self.prog, width=_columns() - 2)


def _columns() -> int:
    """How wide help may be."""
    told = os.environ.get("COLUMNS", "")
    try:
        return int(told) if told.isdecimal() and int(told) else os.get_terminal_size().columns or 80
    except OSError:  # standard output is no terminal
        return 80


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    quick = arguments is None and given[:1] == ["check"]  # a process of its own, in which nothing else runs
    if arguments is None:
        secure_streams()
    if quick:
        start_quickly()
    code = _code(given)
    why = undelivered()
    if quick:
        end_quickly()
    if why is not None:
        print(f"error: standard output cannot be written: {why}", file=sys.stderr)
        return INCOMPLETE
    return code


def _code(given: list[str]) -> int:
    try:
        return _dispatch(given)
    except Usage as fault:
        print(f"error: {fault}", file=sys.stderr)
        return USAGE
    except EvalspecFault as fault:
        print(f"error: {fault}", file=sys.stderr)
        return INCOMPLETE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _dispatch(given: list[str]) -> int:
    about = "Which language model works on your task, at your costs of error?"
    parser = _Parser(prog="evalspec", description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"evalspec {__version__}")
    commands = parser.add_subparsers(
        # `prog` given, argparse formats no usage to find it out, and does not import `shutil` for that.
        dest="command", metavar="COMMAND", parser_class=_Parser, prog="evalspec",
    )  # fmt: skip
    # Where the command is known, the others need no parsers: each takes some 0.2 ms to make.
    asked = {given[0]: COMMANDS[given[0]]} if given and given[0] in COMMANDS else COMMANDS
    for name, said in asked.items():
        description = said[0].upper() + said[1:] + "."
        own = commands.add_parser(name, help=said, description=description, allow_abbrev=False)
        if asked is not COMMANDS:
            _module(name).arguments(own)
    if given[:1] and given[0] in LATER:
        raise Usage(f"`evalspec {given[0]}` is not built yet")
    options = parser.parse_args(given)
    options.given = tuple(given)
    if options.command is None:
        parser.print_help()
        return USAGE
    return int(_module(options.command).run(options))


def _module(name: str):  # type: ignore[no-untyped-def]
    """A command's module: `arguments(parser)` and `run(options) -> exit code`."""
    return importlib.import_module(f"evalspec.cli.{name}{'_' if keyword.iskeyword(name) else ''}")


if __name__ == "__main__":
    sys.exit(main())
