"""`evalspec schema`: the JSON Schema of a format."""

from __future__ import annotations

import argparse
import sys

from evalspec.cli.main import DONE
from evalspec.report.schemas import NAMES, schema_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `schema` takes."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))


def run(options: argparse.Namespace) -> int:
    """Prints the schema."""
    sys.stdout.write(schema_text(options.name))
    return DONE
