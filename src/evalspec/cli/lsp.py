"""`evalspec lsp`: the editor server, on standard input and output."""

from __future__ import annotations

import argparse
import importlib.util
import sys

from evalspec.cli.main import Usage


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `lsp` takes: nothing of its own; editors add `--stdio` by habit."""
    parser.add_argument("--stdio", action="store_true", help="the only way there is, and the default")


def run(options: argparse.Namespace) -> int:
    """Serves until the editor leaves."""
    if importlib.util.find_spec("pygls") is None or importlib.util.find_spec("lsprotocol") is None:
        raise Usage("the editor server needs the package `pygls`\n  = help: pip install 'evalspec[lsp]'")
    if sys.stdin.isatty():
        print("waiting for an editor, which starts this command by itself (Ctrl-C ends)", file=sys.stderr)
    from evalspec.lsp.server import serve

    return serve()
