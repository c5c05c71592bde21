"""Diagnostics without the lines of data that hold private columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.source import DataLine, Place
from evalspec.text.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.language.program import Dataset
    from evalspec.text.diagnostics import Diagnostic


def without_private_lines(
    told: Iterable[Diagnostic], datasets: Mapping[str, Dataset]
) -> tuple[Diagnostic, ...]:
    """The diagnostics; of a dataset with private columns they name the line and do not show it."""
    private = {file.written for d in datasets.values() if d.private for file in d.files}
    return tuple(_masked(d, private) for d in told) if private else tuple(told)


def _masked(said: Diagnostic, private: set[str]) -> Diagnostic:
    labels = tuple(replace(label, at=_place(label.at, private)) for label in said.labels)
    return replace(said, at=_place(said.at, private), labels=labels)


def _place(place: Place, private: set[str]) -> Place:
    if isinstance(place, DataLine) and place.file in private and place.excerpt is not None:
        return replace(place, excerpt=None)
    return place
