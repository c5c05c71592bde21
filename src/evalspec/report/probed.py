"""What `doctor` found, as text and for a program."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from evalspec.models.surroundings import Finding, State
from evalspec.report.glyphs import visible

if TYPE_CHECKING:
    from evalspec.score.results import Document

FORMAT = "evalspec.doctor/1"
ASKED = "asked"
WORDS = {State.GOOD: "ok   ", State.NOTE: "note ", State.FAULT: "FAULT"}


def render_findings(found: Sequence[Finding], *, brief: bool = False) -> str:
    """The findings by area, faults with a way out; where `brief`, all of what was asked, else only faults."""
    lines = []
    told = [one for one in found if not brief or one.area == ASKED or one.state is State.FAULT]
    widest = max((len(one.name) for one in told), default=0)
    for area, each in groupby(found, key=lambda one: one.area):
        tried = list(each)
        own = [one for one in tried if one in told]
        lines.append(f"{area}: {_shortly(tried)}" if brief and area != ASKED else area)
        for one in own:
            lines.append(f"  {WORDS[one.state]} {visible(one.name):<{widest}}  {visible(one.found)}")
            if one.way_out:
                lines.append(f"        {'':<{widest}}  = help: {visible(one.way_out)}")
    faults = sum(one.state is State.FAULT for one in found)
    lines += ["", _summary(faults)]
    return "\n".join(lines) + "\n"


def _shortly(tried: Sequence[Finding]) -> str:
    """How many things of an area stand how."""
    counts = {State.GOOD: "ok", State.NOTE: "to note", State.FAULT: "in the way"}
    each = ((sum(one.state is state for one in tried), said) for state, said in counts.items())
    return ", ".join(f"{count} {said}" for count, said in each if count)


def _summary(faults: int) -> str:
    if not faults:
        return "nothing is in the way"
    return "1 thing is in the way" if faults == 1 else f"{faults} things are in the way"


def findings_document(found: Sequence[Finding]) -> Document:
    """The same as JSON: `evalspec.doctor/1`."""
    return {
        "format": FORMAT,
        "findings": [
            {
                "area": f.area,
                "name": f.name,
                "state": f.state.value,
                "found": f.found,
                "help": f.way_out or None,
            }
            for f in found
        ],
    }
