"""Kept runs as a list: when, of what, how far, how much was asked, and who came first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.report.glyphs import visible
from evalspec.report.wrapping import shortened
from evalspec.score.wording import document, items, number

if TYPE_CHECKING:
    from evalspec.score.results import Document
    from evalspec.text.values import Json

LONGEST = 32
HEADERS = ("run", "started (UTC)", "spec", "asked", "kept before", "usd", "first")


def listed_runs(runs: Iterable[tuple[Path, Mapping[str, Json]]]) -> list[Json]:
    """What is told of runs, each with the store that it lies in."""
    found: list[Json] = []
    for folder, run in runs:
        told: Document = {
            name: run.get(name) for name in ("id", "spec", "started_at", "finished_at", "complete")
        }
        requests = document(run.get("requests"))
        told["store"] = str(folder)
        told["selection"] = run.get("selection")
        told["asked"], told["from_store"] = requests.get("sent"), requests.get("from_store")
        told["spent_usd"], told["spend_usd"] = requests.get("spent_usd"), run.get("spend_usd")
        told["first"] = run.get("first")
        found.append(told)
    return found


def render_runs(told: Sequence[Json]) -> str:
    """The runs as a table, ending in a line break."""
    from tabulate import tabulate

    rows = [_row(document(run)) for run in told]
    return tabulate(rows, headers=list(HEADERS), tablefmt="simple", disable_numparse=True,
                    colalign=("left", "left", "left", "right", "right", "right", "left")) + "\n"  # fmt: skip


def _row(run: Mapping[str, Json]) -> list[str]:
    spent = number(run.get("spent_usd"))
    return [
        str(run["id"]),
        str(run["started_at"])[:16].replace("T", " "),
        shortened([visible(_spec(run))], LONGEST)[0],
        _count(run.get("asked")),
        _count(run.get("from_store")),
        "-" if spent is None else f"{spent:.4g}",
        _first(run),
    ]


def _spec(run: Mapping[str, Json]) -> str:
    """The spec, and what of it was run."""
    chosen = document(run.get("selection"))
    parts = [",".join(map(str, items(chosen.get(name)))) for name in ("tasks", "models")]
    parts += [str(chosen[name]) for name in ("subset", "limit") if chosen.get(name) is not None]
    return " ".join([str(run["spec"]), *filter(None, parts)])


def _first(run: Mapping[str, Json]) -> str:
    if not run.get("complete"):
        return "PARTIAL"
    first = document(run.get("first"))
    alone = len(first) == 1
    told = [
        f"{'' if alone else f'{task}: '}{name if name is not None else '-'}" for task, name in first.items()
    ]
    return shortened([visible(", ".join(told))], LONGEST)[0]


def _count(value: Json) -> str:
    found = number(value)
    return "-" if found is None else f"{found:,.0f}"
