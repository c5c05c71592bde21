"""`evalspec explain`: what a code means, at length, with an example that fails and one that is mended."""

from __future__ import annotations

import argparse
import sys

from evalspec.cli.main import DONE, Usage
from evalspec.cli.output import colour_for, width_of
from evalspec.report.leaflet import leaflet
from evalspec.report.pages import page
from evalspec.text.catalogue import CATALOGUE
from evalspec.text.diagnostics import nearest

WIDEST = 100  # cells; longer lines of prose are hard to read


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `explain` takes."""
    parser.add_argument("codes", nargs="*", metavar="CODE", help="such as E0312; without one, lists them all")


def run(options: argparse.Namespace) -> int:
    """Prints the pages, or the list of the codes."""
    if not options.codes:
        sys.stdout.write("".join(f"{code}  {CATALOGUE[code]}\n" for code in sorted(CATALOGUE)))
        return DONE
    pages = [_page(_known(written)) for written in options.codes]
    width = min(width_of(sys.stdout) or WIDEST, WIDEST)
    shown = [leaflet(text, width=width, colour=colour_for(sys.stdout)) for text in pages]
    sys.stdout.write("\n".join(shown))
    return DONE


def _known(written: str) -> str:
    """The code that was meant. Raises Usage where there is none."""
    code = written.strip().strip("[]").upper()
    if code in CATALOGUE:
        return code
    guess = nearest(code, CATALOGUE)
    way_out = f"did you mean `{guess}`?" if guess else "`evalspec explain` lists the codes"
    raise Usage(f"there is no code {written!r}\n  = help: {way_out}")


def _page(code: str) -> str:
    """A code's page; of a code that has none, the line that the catalogue has for it."""
    return page(code) or f"# {code}: {CATALOGUE[code]}\n"
