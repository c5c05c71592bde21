"""The flags by which `run`, `plan` and others choose a part of a spec."""

from __future__ import annotations

import argparse

from evalspec.cli.main import Usage
from evalspec.plan.plan import Selection


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Adds `--models --tasks --subset --limit --seed`."""
    parser.add_argument("--models", metavar="A,B", default="", help="only these candidates")
    parser.add_argument("--tasks", metavar="A,B", default="", help="only these tasks")
    parser.add_argument("--subset", metavar="S", help="only the examples of this subset")
    parser.add_argument("-n", "--limit", type=int, metavar="N", help="a sample of N examples, always the same ones")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the seed of samples and resampling")


def selection(options: argparse.Namespace) -> Selection:
    """What was selected. Raises Usage."""
    if options.limit is not None and options.limit < 1:
        raise Usage("`--limit` is at least 1")
    return Selection(
        models=_names(options.models), tasks=_names(options.tasks), subset=options.subset, limit=options.limit
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
