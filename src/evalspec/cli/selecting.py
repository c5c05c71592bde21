"""The flags by which `run`, `plan` and others choose a part of a spec."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from decimal import Decimal

from evalspec.cli.main import Usage
from evalspec.plan.plan import Selection


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Adds `--models --tasks --subset --limit --set --seed`."""
    parser.add_argument("--models", metavar="A,B", help="only these candidates")
    parser.add_argument("--tasks", metavar="A,B", help="only these tasks")
    parser.add_argument("--subset", metavar="S", help="only the examples of this subset")
    parser.add_argument(
        "-n", "--limit", type=int, metavar="N", help="a sample of N examples, always the same ones"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="another value for a figure of `params` (repeatable)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the seed of samples and resampling")


def selection(options: argparse.Namespace) -> Selection:
    """What was selected. Raises Usage."""
    if options.limit is not None and options.limit < 1:
        raise Usage("`--limit` is at least 1")
    if options.seed < 0:
        raise Usage("`--seed` is at least 0")
    return Selection(
        models=_names("--models", options.models),
        tasks=_names("--tasks", options.tasks),
        subset=options.subset,
        limit=options.limit,
    )


def _names(flag: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise Usage(f"`{flag}` names nothing")
    return found


def settings(options: argparse.Namespace) -> Mapping[str, str]:
    """What `--set` says, by name; a later one wins. Raises Usage."""
    found: dict[str, str] = {}
    for given in options.set:
        name, equals, value = given.partition("=")
        if not equals or not name.strip():
            raise Usage(f"`--set {given}`: write `--set NAME=VALUE`")
        found[name.strip()] = value.strip()
    return found


def dollars_given(text: str) -> Decimal:
    """The amount of `--max-spend`. Raises Usage for what is none."""
    match = re.fullmatch(r"\$?([0-9]{1,9}(?:\.[0-9]{1,9})?)", text)
    if match is None or not Decimal(match[1]):
        raise Usage("`--max-spend` is an amount in dollars above 0, written 5 or 0.25")
    return Decimal(match[1])
