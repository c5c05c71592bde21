"""The images of a step: columns that name them, and that each can be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, known_column
from evalspec.check.row_faults import tell_rows
from evalspec.check.values import several_of
from evalspec.data.faults import shown
from evalspec.language.expressions import Type
from evalspec.models.images import Album, NoImage, named_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalspec.check.entries import Entries, Faults
    from evalspec.data.rows import Row
    from evalspec.syntax import tree

TYPES = (Type.TEXT, Type.LIST, Type.UNKNOWN)
WAY_OUT = "a path starts from the folder of the data file; or write an http(s) or data: address"


def read_images(entries: Entries, data: Data, faults: Faults) -> tuple[str, ...]:
    """The columns of images; each image that cannot be sent is told at its row's line."""
    value = entries.value("images")
    words = several_of(value, "a column", faults) if value is not None else None
    columns = tuple(c for word in words or () if (c := _column(word, data, faults)) is not None)
    if data.loaded is not None and columns and value is not None:
        album = Album.of(data.dataset)
        found = [(row, fault) for row in data.loaded.rows for fault in _faults(row, columns, album, data)]
        together = f"images of {len(data.loaded.rows):,} rows cannot be sent"
        tell_rows("E0515", value.at, found, together, WAY_OUT, faults)
    return columns


def _column(word: tree.Word, data: Data, faults: Faults) -> str | None:
    column = known_column(word, data.scope, faults)
    if column is None:
        return None
    kind = (data.types or {}).get(column, Type.UNKNOWN)
    if kind not in TYPES:
        faults.add("E0515", word.at, f"`{column}` is a {kind}, and an image is named by a text", WAY_OUT)
        return None
    rows = data.loaded.rows if data.loaded is not None else ()
    if rows and not any(named_in(row.values.get(column)) for row in rows):
        faults.add("E0515", word.at, f"no row names an image in `{column}`", "is this the right column?")
        return None
    return column


def _faults(row: Row, columns: tuple[str, ...], album: Album, data: Data) -> Iterator[str]:
    """Why images of a row cannot be sent; what stands in a private column is not repeated."""
    for column in columns:
        for written in named_in(row.values.get(column)):
            try:
                album.look(written, row.file)
            except NoImage as fault:
                private = column in data.dataset.private
                named = f"the image in `{column}`" if private else f"the image {shown(written)}"
                yield f"{named} cannot be sent: {fault}"
